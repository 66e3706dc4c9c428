"""Randomness: from the operating system, or from a seed for runs that are repeated.

The port is `protocol.ports.Entropy`. Keys, nonces and marks of a real machine or server
come from `SystemEntropy` and from nothing else.
"""

import hashlib
import os

from protocol.errors import LocalProtocolError

_BLOCK_OCTETS = hashlib.sha256().digest_size


class SystemEntropy:
    """The operating system's generator, fit for keys."""

    def octets(self, count: int) -> bytes:
        """Draw `count` octets."""
        return os.urandom(_checked(count))


class SeededEntropy:
    """Octets that follow from a seed: for simulations and the lab, never for keys.

    Whoever knows the seed knows every octet. The stream is SHA-256 over a label, the
    seed and a block counter; how it is cut into draws does not change it, so two draws
    of 16 octets give what one draw of 32 gives.
    """

    def __init__(self, seed: bytes) -> None:
        """Start the stream that belongs to `seed`."""
        self._prefix = b"rmfs seeded entropy, not for keys\x00" + seed
        self._blocks = 0
        self._left = b""

    def octets(self, count: int) -> bytes:
        """Draw the next `count` octets of the stream."""
        parts = [self._left]
        missing = _checked(count) - len(self._left)
        while missing > 0:
            block = self._prefix + self._blocks.to_bytes(8, "big")
            parts.append(hashlib.sha256(block).digest())
            self._blocks += 1
            missing -= _BLOCK_OCTETS
        stream = b"".join(parts)
        self._left = stream[count:]
        return stream[:count]


def _checked(count: int) -> int:
    if count < 0:
        message = f"{count} octets of entropy cannot be drawn"
        raise LocalProtocolError(message)
    return count

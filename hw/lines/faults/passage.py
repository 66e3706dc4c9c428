"""Octets on their way through the faults of one direction, and the fault's own port."""

from typing import Final, Protocol

PARITY_BIT: Final = 0x100
"""The parity bit among the struck bits of a character, whose data bits are 0x01 (sent
first, as a UART does) to 0x80."""

STOP_BIT: Final = 0x200
"""The first stop bit among the struck bits of a character."""


class Passage:
    """Some octets that follow each other, and what has befallen them so far.

    Attributes:
        first: The number of the first of them in the stream.
        end: The number of the octet behind the last.
        octets: Their data.
        struck: The bits of a character that were inverted on the line, by the number
            of the octet.
    """

    def __init__(self, first: int, octets: bytes) -> None:
        """Begin with octets as they were sent."""
        self.first = first
        self.end = first + len(octets)
        self.octets = bytearray(octets)
        self.struck: dict[int, int] = {}
        self._instead: dict[int, bytes] = {}

    def strike(self, octet: int, bits: int) -> None:
        """Invert bits of a character; twice is not at all."""
        self.struck[octet] = self.struck.get(octet, 0) ^ bits

    def replace(self, octet: int, heard: bytes) -> None:
        """Let other octets, or none, be heard in the place of one."""
        self._instead[octet] = heard

    def is_replaced(self, octet: int) -> bool:
        """Whether something else is heard in the place of an octet."""
        return octet in self._instead

    def heard_at(self, octet: int) -> bytes:
        """Tell what is heard in the place of an octet."""
        instead = self._instead.get(octet)
        if instead is not None:
            return instead
        place = octet - self.first
        return bytes(self.octets[place : place + 1])

    def heard(self) -> bytes:
        """Tell what is heard of all."""
        if not self._instead:
            return bytes(self.octets)
        parts = []
        done = 0
        for octet in sorted(self._instead):
            place = octet - self.first
            parts += [bytes(self.octets[done:place]), self._instead[octet]]
            done = place + 1
        parts.append(bytes(self.octets[done:]))
        return b"".join(parts)


class Fault(Protocol):
    """What can befall a stream."""

    @property
    def times(self) -> int:
        """How often it has befallen."""
        ...

    @property
    def next_octet(self) -> float:
        """The next octet that it may befall; a part of an octet is that octet."""
        ...

    def befall(self, passage: Passage) -> None:
        """Do what is to be done to the next octets of the stream."""
        ...

"""Bit errors of a virtual line, drawn per bit and repeatable from a seed.

Errors are independent with a given rate. Instead of a draw for every bit, the distance
to the next bad bit is drawn: with rate p, ``floor(ln U / ln(1 - p))`` good bits come
before it. Which bits are bad therefore depends on the seed and on their position in the
stream, and not on how the stream is cut into calls. Only the eight data bits of an
octet are struck; bit 0 goes first, as a UART sends it.
"""

import math
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.ports import Entropy

BIT_ERROR_RATE_MAX: Final = 0.5
"""At one half the output says nothing about the input; above it, it is an inverter."""

_DATA_BITS: Final = 8


class BitErrors:
    """The noise of one direction."""

    def __init__(self, bit_error_rate: float, entropy: Entropy) -> None:
        """Strike each bit with probability `bit_error_rate`.

        Raises:
            LocalProtocolError: The rate is not between 0 and `BIT_ERROR_RATE_MAX`.
        """
        if not 0.0 <= bit_error_rate <= BIT_ERROR_RATE_MAX:
            message = (
                f"a bit error rate of {bit_error_rate} is impossible: "
                f"0 to {BIT_ERROR_RATE_MAX} is"
            )
            raise LocalProtocolError(message)
        self._rate = bit_error_rate
        self._entropy = entropy
        self._bits_passed = 0
        self._next_bad_bit = self._good_bits()
        self._struck = 0

    @property
    def bit_errors(self) -> int:
        """How many bits were struck so far."""
        return self._struck

    def spoil(self, octets: bytes) -> bytes:
        """Pass the next octets of the stream, some of them damaged."""
        end = self._bits_passed + _DATA_BITS * len(octets)
        if self._next_bad_bit < end:
            spoilt = bytearray(octets)
            while self._next_bad_bit < end:
                place = int(self._next_bad_bit) - self._bits_passed
                index, bit = divmod(place, _DATA_BITS)
                spoilt[index] ^= 1 << bit
                self._struck += 1
                self._next_bad_bit += 1 + self._good_bits()
            octets = bytes(spoilt)
        self._bits_passed = end
        return octets

    def _good_bits(self) -> float:
        if self._rate == 0.0:
            return math.inf
        # 53 bits: 1 - U is then exact and never 0.
        uniform = (int.from_bytes(self._entropy.octets(7), "big") >> 3) / 2**53
        return math.floor(math.log(1.0 - uniform) / math.log1p(-self._rate))

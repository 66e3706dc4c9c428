"""Noise: single bits, and bursts of bits, inverted on the line.

Noise strikes the bits that carry something: the data bits of a character, the first of
them first, and its parity bit where there is one. Start and stop bits are framing
errors' business (`signal.py`).

A burst is given by the rate at which bursts begin and by its length in bits: the first
bit is inverted, each further one with probability one half, as on a line that for this
time says nothing. The model of Gilbert and Elliott would take four probabilities that
nobody has at hand; these two figures are what a person can read off a recording, and
one draw places a whole burst.
"""

from typing import Final

from hw.lines.faults.character import CharacterForm
from hw.lines.faults.passage import Passage
from hw.lines.faults.trigger import Places, Trigger
from protocol.ports import Entropy

BIT_ERROR_RATE_MAX: Final = 0.5
"""At one half the output says nothing about the input; above it, it is an inverter."""


class BitErrors:
    """Single bits, independent of each other; rate and count are of bits."""

    def __init__(self, trigger: Trigger, entropy: Entropy, form: CharacterForm) -> None:
        """Strike bits of characters of a form."""
        self._bits = form.bits_struck
        self._places = Places(trigger, entropy, len(self._bits))

    @property
    def times(self) -> int:
        """How many bits were struck."""
        return self._places.times

    @property
    def next_octet(self) -> float:
        """Where the next bit is struck."""
        return self._places.next_octet

    def befall(self, passage: Passage) -> None:
        """Strike bits of the next octets."""
        bits = self._bits
        for place in self._places.before(passage.end):
            octet, bit = divmod(place, len(bits))
            passage.strike(octet, bits[bit])


class Bursts:
    """Bits in a row; the rate is that of a burst beginning at a bit."""

    def __init__(
        self, trigger: Trigger, entropy: Entropy, form: CharacterForm, burst_bits: int
    ) -> None:
        """Strike bursts of `burst_bits` over characters of a form."""
        self._bits = form.bits_struck
        self._places = Places(trigger, entropy, len(self._bits), burst_bits)
        self._entropy = entropy
        self._burst_bits = burst_bits
        self._begin = 0
        self._done = burst_bits
        self._drawn = b""

    @property
    def times(self) -> int:
        """How many bursts began."""
        return self._places.times

    @property
    def next_octet(self) -> float:
        """Where the burst goes on, or else the next one begins."""
        if self._done < self._burst_bits:
            return (self._begin + self._done) / len(self._bits)
        return self._places.next_octet

    def befall(self, passage: Passage) -> None:
        """Strike bits of the next octets."""
        self._go_on(passage)
        for place in self._places.before(passage.end):
            self._begin = place
            self._done = 0
            self._drawn = self._entropy.octets(self._burst_bits // 8 + 1)
            self._go_on(passage)

    def _go_on(self, passage: Passage) -> None:
        passed = passage.end * len(self._bits) - self._begin
        until = max(self._done, min(self._burst_bits, passed))
        for number in range(self._done, until):
            if number == 0 or self._drawn[number // 8] >> number % 8 & 1:
                octet, bit = divmod(self._begin + number, len(self._bits))
                passage.strike(octet, self._bits[bit])
        self._done = until

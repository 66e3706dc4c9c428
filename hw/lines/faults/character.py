"""The form of a character, and what the receiving end makes of one that was struck.

A UART sends a start bit, the data bits, a parity bit if there is one, and stop bits. At
the far end it checks the parity and the first stop bit: a character with either wrong
is known to be bad. A bit struck where nothing checks it is data like any other.

- **Parity error**: an odd number of the data bits and the parity bit are struck, with
  even or odd parity; with mark or space the parity bit alone is checked.
- **Framing error**: the stop bit is struck. The UART takes the character and looks for
  the next start bit at once, so that what follows is read as it was sent. (A real one
  may lose step until the line rests; insert and drop octets for that.)
- **BREAK**: the line is held where no stop bit can be. The UART gives one character of
  zeros, however long it lasts, and waits for the line to rise.

What a program reads in the place of a bad character is a choice of the terminal driver,
and here of `BadOctets`. A BREAK is read as one octet 0.

Source: PC16550D data sheet, line status register, bits 2 to 4; POSIX.1-2017 (IEEE Std
1003.1) chapter 11.2.2, input modes INPCK, IGNPAR, PARMRK and BRKINT.
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hw.lines.faults.passage import PARITY_BIT, STOP_BIT, Passage
from hw.ports.settings import Parity

OCTET_BITS: Final = 8

_DATA_BITS_ALL: Final = 0xFF


class BadOctets(Enum):
    """What is read in the place of a character that is known to be bad."""

    NULL = "null"
    """An octet 0: INPCK without IGNPAR and PARMRK."""
    IGNORE = "ignore"
    """Nothing: INPCK and IGNPAR."""
    KEEP = "keep"
    """Its data bits as they came: no INPCK, which is how pyserial sets a port."""


@dataclass(frozen=True, slots=True)
class CharacterForm:
    """The bits of a character.

    Attributes:
        data_bits: 7 or 8; with 7 the highest bit of an octet does not travel.
        parity: What the parity bit says, if there is one.
        stop_bits: 1 or 2.
    """

    data_bits: int = OCTET_BITS
    parity: Parity = Parity.NONE
    stop_bits: int = 1

    @property
    def bits(self) -> int:
        """All bits, start to stop."""
        parity_bits = 0 if self.parity is Parity.NONE else 1
        return 1 + self.data_bits + parity_bits + self.stop_bits

    @property
    def bits_struck(self) -> tuple[int, ...]:
        """The bits that noise strikes, in their order: data, and parity if any."""
        data = tuple(1 << bit for bit in range(self.data_bits))
        return data if self.parity is Parity.NONE else (*data, PARITY_BIT)

    def is_bad(self, struck: int) -> bool:
        """Whether the receiving end knows that these bits were struck."""
        if struck & STOP_BIT:
            return True
        if self.parity is Parity.NONE:
            return False
        if self.parity in {Parity.MARK, Parity.SPACE}:
            return bool(struck & PARITY_BIT)
        return struck.bit_count() % 2 == 1


class Receiver:
    """The UART and the terminal driver of the end that hears.

    It stands among the faults of a direction, behind those of the line; of itself it
    befalls nothing.
    """

    next_octet = math.inf

    def __init__(self, form: CharacterForm, bad_octets: BadOctets) -> None:
        """Read characters of a form."""
        self._form = form
        self._bad_octets = bad_octets
        self._bad = 0

    @property
    def times(self) -> int:
        """How many characters were known to be bad; a BREAK is none."""
        return self._bad

    def befall(self, passage: Passage) -> None:
        """Make octets of struck characters."""
        for octet, struck in passage.struck.items():
            if passage.is_replaced(octet):
                # A BREAK was over it: no single bit was to be seen.
                continue
            passage.octets[octet - passage.first] ^= struck & _DATA_BITS_ALL
            if self._form.is_bad(struck):
                self._bad += 1
                if self._bad_octets is BadOctets.NULL:
                    passage.replace(octet, b"\x00")
                elif self._bad_octets is BadOctets.IGNORE:
                    passage.replace(octet, b"")

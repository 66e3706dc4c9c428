r"""Faults between the octets, as a terminal marks them (``PARMRK`` and ``INPCK``).

With these two flags set, and ``IGNPAR``, ``IGNBRK``, ``BRKINT`` and ``ISTRIP`` not, a
terminal of Linux gives to its reader

    FF 00 00    for a BREAK
    FF 00 x     for an octet x whose parity or stop bit was wrong
    FF FF       for an octet FF that was good
    x           for any other good octet

A stop bit and a parity bit that are wrong look alike: where there is a parity it is
blamed, since a wrong parity is the likelier; where there is none, it was the stop bit.
An octet 00 whose stop bit was wrong looks like a BREAK, and mostly is one. The octet of
a fault is thrown away: it is known to be damaged, and what stands in its place is told.

Source: termios(3), IEEE 1003.1 "General Terminal Interface", 11.2.2.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Final

from hw.ports.port import PortFault
from hw.ports.settings import Parity

_MARK: Final = 0xFF


class _Inside(Enum):
    """What the last octets were."""

    NOTHING = "no mark"
    MARK = "FF"
    FAULT = "FF 00"


class Marks:
    """Reads what a terminal marked; a mark may be cut anywhere."""

    def __init__(self, parity: Parity) -> None:
        """Begin between two octets."""
        self._inside = _Inside.NOTHING
        self._bad_octet = (
            PortFault.FRAMING if parity is Parity.NONE else PortFault.PARITY
        )

    def read(self, marked: bytes) -> Iterator[bytes | PortFault]:
        """Tell octets and faults apart, in order.

        Args:
            marked: What the terminal gave, cut anywhere.

        Yields:
            Good octets, at least one, and faults.
        """
        if self._inside is _Inside.NOTHING and _MARK not in marked:
            if marked:
                yield marked
            return
        good = bytearray()
        for octet in marked:
            if self._inside is _Inside.FAULT:
                self._inside = _Inside.NOTHING
                if good:
                    yield bytes(good)
                    good.clear()
                yield self._bad_octet if octet else PortFault.BREAK
            elif self._inside is _Inside.MARK and octet == 0:
                self._inside = _Inside.FAULT
            elif self._inside is _Inside.NOTHING and octet == _MARK:
                self._inside = _Inside.MARK
            else:
                # After a mark comes 00 or FF; anything else cannot be, and is good.
                self._inside = _Inside.NOTHING
                good.append(octet)
        if good:
            yield bytes(good)

"""How a terminal gets from data to commands: ``+++``, in one of two ways.

With a *guard time*, three escape characters (S2) count when nothing was sent for S12
before them, no pause of S12 lies between them, and nothing is sent for S12 after them.
Within data they are data. S12 is in 1/50 s; 0 asks for no pauses.

*TIES* needs no time: ``+++AT``, a command and the end of a line (S3), without anything
in between, wherever they stand. Data that contain such a line are taken for it: that is
why it is not the usual way.

The characters are sent to the other end all the same. Octets and times in; no clock.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from hw.modem.registers import Registers

ESCAPES: Final = 3
_GUARD_UNITS_PER_S: Final = 50
_CHARACTER_MAX: Final = 127
_TIES_BODY_MAX: Final = 40
_SPACE: Final = 0x20


class EscapeMethod(Enum):
    """How the escape is recognised."""

    GUARD_TIME = "guard time"
    TIES = "TIES"


@dataclass(frozen=True, slots=True)
class Escaped:
    """A TIES escape was found.

    Attributes:
        body: Its command.
        data_octets: How many of the octets were data, the escape among them.
    """

    body: str
    data_octets: int


class EscapeWatch:
    """Watches the data that a terminal sends."""

    def __init__(self, method: EscapeMethod) -> None:
        """Watch for an escape of one kind."""
        self._method = method
        self._count = 0
        self._last_at_s = 0.0
        self._due_s: float | None = None
        self._ties = bytearray()

    @property
    def deadline(self) -> float | None:
        """When the escape is complete if nothing is sent until then."""
        return self._due_s

    def begin(self, now_s: float) -> None:
        """Data begin now."""
        self._count = 0
        self._last_at_s = now_s
        self._due_s = None
        self._ties.clear()

    def take(self, octets: bytes, now_s: float, registers: Registers) -> Escaped | None:
        """Look at data that were sent at once."""
        character = registers.get(2)
        if character > _CHARACTER_MAX:
            return None
        if self._method is EscapeMethod.TIES:
            return self._take_ties(octets, character, registers.get(3))
        guard_s = registers.get(12) / _GUARD_UNITS_PER_S
        gap_s, self._last_at_s = now_s - self._last_at_s, now_s
        paused = gap_s >= guard_s
        # A pause begins anew; octets without one go on where something has begun.
        goes_on = gap_s <= guard_s or guard_s == 0
        before = self._count if self._count > 0 and goes_on else 0
        may_begin = paused or before > 0
        only = octets == bytes((character,)) * len(octets)
        total = before + len(octets)
        self._count = total if may_begin and only and total <= ESCAPES else 0
        self._due_s = now_s + guard_s if self._count == ESCAPES else None
        return None

    def _take_ties(self, octets: bytes, character: int, end: int) -> Escaped | None:
        for index, octet in enumerate(octets, start=1):
            body = self._take_one(octet & 0x7F, character, end)
            if body is not None:
                self._ties.clear()
                return Escaped(body, index)
        return None

    def _take_one(self, octet: int, character: int, end: int) -> str | None:
        """Go on in an escape, or begin another."""
        prefix = bytes((character,)) * ESCAPES
        have = len(self._ties)
        if have < ESCAPES:
            fits = octet == character
        elif have < len(prefix) + 2:
            # AT or at, as on any command line.
            pair = bytes(self._ties[ESCAPES:]) + bytes((octet,))
            fits = pair in (b"A", b"a", b"AT", b"at")
        elif octet == end:
            return self._ties[len(prefix) + 2 :].decode("ascii")
        else:
            full = have - len(prefix) - 2 >= _TIES_BODY_MAX
            fits = octet >= _SPACE and not full
        if fits:
            self._ties.append(octet)
        elif have == ESCAPES and octet == character:
            # Four in a row: the last three may still begin an escape.
            pass
        else:
            self._ties.clear()
            if octet == character:
                self._ties.append(octet)
        return None

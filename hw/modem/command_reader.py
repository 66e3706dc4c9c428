"""From what is typed to command lines: the prefix, corrections, the end, and A/.

Octets in, lines out; no time in here. The eighth bit is ignored, as V.250 clause 5.1
has it. ``AT`` and ``at`` begin a line, ``At`` and ``aT`` do not (clause 5.2.1). ``A/``
repeats the line before at once, without an end (5.2.4). S5 deletes the character
before it, but never the prefix (5.2.2).
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from hw.modem.registers import Registers

BODY_CHARACTERS_MAX: Final = 255
"""Longer lines are an ERROR."""

_SPACE: Final = 0x20
_DELETE: Final = 0x7F
_PREFIXES: Final = (b"AT", b"at")
_REPEATS: Final = (b"A/", b"a/")


class _At(Enum):
    NOTHING = auto()
    FIRST = auto()
    BODY = auto()


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A command line.

    Attributes:
        body: What follows the prefix; None for a line that is too long.
    """

    body: str | None


class CommandReader:
    """Reads what a terminal types while the modem takes commands."""

    def __init__(self, registers: Registers) -> None:
        """Begin outside a line.

        Args:
            registers: S3 ends a line, S5 corrects it.
        """
        self.registers = registers
        self._at = _At.NOTHING
        self._first = 0
        self._body = bytearray()
        self._too_long = False
        self._last = ""

    @property
    def in_line(self) -> bool:
        """Whether a command line has begun."""
        return self._at is _At.BODY

    def clear(self) -> None:
        """Forget the line that has begun."""
        self._at = _At.NOTHING
        self._body.clear()
        self._too_long = False

    def remember(self, body: str) -> None:
        """Let a line that came otherwise be the one that A/ repeats."""
        self._last = body

    def echo(self, octet: int) -> bytes:
        """Say how an octet is echoed, before it is typed."""
        corrects = octet & 0x7F == self.registers.get(5) and self.in_line
        if not corrects:
            return bytes((octet,))
        return bytes((octet, _SPACE, octet)) if self._body else b""

    def type(self, octet: int) -> TypedLine | None:
        """Take an octet; give the line that it ends."""
        octet &= 0x7F
        if self._at is _At.BODY:
            return self._type_body(octet)
        pair = bytes((self._first, octet))
        if self._at is _At.FIRST and pair in _REPEATS:
            self._at = _At.NOTHING
            return TypedLine(self._last)
        if self._at is _At.FIRST and pair in _PREFIXES:
            self._at = _At.BODY
        elif octet in b"Aa":
            self._at = _At.FIRST
            self._first = octet
        else:
            self._at = _At.NOTHING
        return None

    def _type_body(self, octet: int) -> TypedLine | None:
        if octet == self.registers.get(3):
            body = None if self._too_long else self._body.decode("ascii")
            self.clear()
            if body is not None:
                self._last = body
            return TypedLine(body)
        if octet == self.registers.get(5):
            del self._body[-1:]
        elif _SPACE <= octet < _DELETE:
            self._too_long = self._too_long or len(self._body) >= BODY_CHARACTERS_MAX
            if not self._too_long:
                self._body.append(octet)
        return None

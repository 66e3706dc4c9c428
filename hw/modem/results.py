"""Result codes: what a modem tells of a command or a call, in words and in digits.

V.250 fixes the digits 0 to 8; those of the higher speeds are the maker's, and makers
differ. Ours are the ones of the Rockwell chips that most modems were built on, one
table for both directions. Whoever reads digits takes a number that is not in it for a
connection at a speed that is not known.

Source: ITU-T V.250 clauses 5.7.1 and 6.2.7. The digits from 9 on are ours by choice.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final


class ResultCode(Enum):
    """What a result says, with its digit and its words."""

    OK = (0, "OK")
    CONNECT = (1, "CONNECT")
    RING = (2, "RING")
    NO_CARRIER = (3, "NO CARRIER")
    ERROR = (4, "ERROR")
    NO_DIALTONE = (6, "NO DIALTONE")
    BUSY = (7, "BUSY")
    NO_ANSWER = (8, "NO ANSWER")
    DELAYED = (24, "DELAYED")
    """The modem does not dial this number again so soon."""
    BLACKLISTED = (32, "BLACKLISTED")
    """The modem has given this number up."""

    @property
    def digits(self) -> int:
        """The form of V0."""
        return self.value[0]

    @property
    def words(self) -> str:
        """The form of V1."""
        return self.value[1]


CONNECT_DIGITS: Final = {
    300: 1,
    1200: 5,
    2400: 10,
    4800: 11,
    9600: 12,
    7200: 13,
    12_000: 14,
    14_400: 15,
    16_800: 59,
    19_200: 16,
    21_600: 61,
    24_000: 62,
    26_400: 63,
    28_800: 64,
    31_200: 91,
    33_600: 84,
    38_400: 17,
    57_600: 18,
    115_200: 19,
}
"""The digit of CONNECT at each speed in bit/s."""

BIT_S_MAX: Final = 33_600
"""What V.34 can do; the higher speeds of the table are those of ports."""

MODEM_SPEEDS: Final = tuple(
    sorted(speed for speed in CONNECT_DIGITS if speed <= BIT_S_MAX)
)
"""Speeds at which two modems may agree: V.21 to V.34."""

_LINE_MAX: Final = 128
_DIGITS_MAX: Final = 3
_SPEED_BY_DIGITS: Final = {
    digits: speed for speed, digits in CONNECT_DIGITS.items() if digits != 1
}
_BY_DIGITS: Final = {code.digits: code for code in ResultCode}
_BY_WORDS: Final = {code.words: code for code in ResultCode}
_SAME_WORDS: Final = {"NO DIAL TONE": ResultCode.NO_DIALTONE}
_CONNECT: Final = re.compile(r"CONNECT(?:[ /]+(?P<speed>[0-9]{1,9})?(?P<more>.*))?")
_RING: Final = re.compile(r"RING(?: [0-9])?")
_CALLER: Final = re.compile(r"NMBR ?= ?(?P<number>[0-9A-Za-z+*#]{1,32})")


@dataclass(frozen=True, slots=True)
class Result:
    """One result code.

    Attributes:
        code: What it says.
        bit_s: The speed of a CONNECT, where it is told.
        more: What else a CONNECT tells, such as ``V42BIS``.
        in_words: Whether it came in words (V1).
    """

    code: ResultCode
    bit_s: int | None = None
    more: str = ""
    in_words: bool = True


def parse_result(line: str) -> Result | None:
    """Read a line of a modem; None for what is no result code.

    Args:
        line: Without its line ends.
    """
    text = line.strip()
    if text.isascii() and text.isdecimal():
        return _parse_digits(text)
    code = _BY_WORDS.get(text) or _SAME_WORDS.get(text)
    if code is not None:
        return Result(code)
    if _RING.fullmatch(text):
        return Result(ResultCode.RING)
    found = _CONNECT.fullmatch(text)
    if found is None:
        return None
    speed = found["speed"]
    more = (found["more"] or "").strip(" /")
    return Result(ResultCode.CONNECT, int(speed) if speed else None, more)


def parse_caller(line: str) -> str | None:
    """Read the caller's number from a line of caller identification, if it is one."""
    found = _CALLER.fullmatch(line.strip())
    return None if found is None else found["number"]


def show_words(code: ResultCode, bit_s: int | None = None) -> str:
    """Write a result in words."""
    told = code is ResultCode.CONNECT and bit_s is not None
    # V.250 has no words for 300 bit/s.
    return f"{code.words} {bit_s}" if told and bit_s != MODEM_SPEEDS[0] else code.words


def show_digits(code: ResultCode, bit_s: int | None = None) -> str:
    """Write a result in digits."""
    if code is ResultCode.CONNECT and bit_s is not None:
        return str(CONNECT_DIGITS[bit_s])
    return str(code.digits)


def _parse_digits(text: str) -> Result | None:
    if len(text) > _DIGITS_MAX:
        return None
    digits = int(text)
    code = _BY_DIGITS.get(digits, ResultCode.CONNECT)
    speed = _SPEED_BY_DIGITS.get(digits) if code is ResultCode.CONNECT else None
    return Result(code, speed, in_words=False)


class ResultLines:
    """Cuts what a modem says while it takes commands into lines, octet by octet.

    A line ends with CR or LF, so that both forms are read whatever S3 and S4 were left
    at by others. What is too long is no result: its beginning is forgotten.
    """

    def __init__(self) -> None:
        """Begin with an empty line."""
        self._line = bytearray()

    def add(self, octet: int) -> str | None:
        """Take an octet; give the line that it ends, unless that is empty."""
        if octet not in b"\r\n":
            if len(self._line) >= _LINE_MAX:
                self._line.clear()
            self._line.append(octet & 0x7F)
            return None
        line = self._line.decode("ascii")
        self._line.clear()
        return line or None

    def clear(self) -> None:
        """Forget what has come of a line."""
        self._line.clear()

"""The phone book of an emulated modem: what happens when a number is dialled.

A file of TOML. Numbers are compared without spaces, brackets, hyphens and dots:

    own = "080 2555 0100"
    dial_tone = true
    speed = 33600

    [[number]]
    dial = "080 2555 0199"
    to = "tcp:127.0.0.1:7001"
    speed = 14400
    delay = 0.02
    ber = 1e-5

    [[number]]
    dial = "1930"
    outcome = "busy"

The form is ours; docs/modem.md tells how to write one.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from hw.lines.port import LineError
from hw.lines.virtual import VirtualLineParameters
from hw.modem.results import BIT_S_MAX, MODEM_SPEEDS
from protocol.errors import RmfsError

FILE_OCTETS_MAX: Final = 65_536
NUMBERS_MAX: Final = 1000
DIGITS_MAX: Final = 32

_LEFT_OUT: Final = str.maketrans("", "", " ()-./")
_DIGITS: Final = frozenset("0123456789*#+ABCD")
_LINE_KEYS: Final[dict[str, str]] = {
    "delay": "delay_s",
    "ber": "bit_error_rate",
    "seed": "seed",
    "cut_at": "cut_at_s",
    "cut_up": "cut_after_octets_up",
    "cut_down": "cut_after_octets_down",
}
_WHOLE: Final = frozenset({"seed", "cut_up", "cut_down"})
_BOOK_KEYS: Final = frozenset({"own", "dial_tone", "speed", "number"})
_NUMBER_KEYS: Final = frozenset({"dial", "to", "outcome", "speed", *_LINE_KEYS})


class PhoneBookError(RmfsError):
    """A phone book that cannot be read; the message says where and what can be."""


class Outcome(Enum):
    """What comes of a number that leads nowhere."""

    BUSY = "busy"
    NO_ANSWER = "no answer"
    NO_CARRIER = "no carrier"
    """Somebody answers, and is no modem."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What happens when one number is dialled.

    Attributes:
        number: Digits only.
        to: The line string that it leads to; empty for another modem of the network.
        outcome: What comes of it instead, or None.
        line: What the line is like; its speed is the fastest that it carries.
    """

    number: str
    to: str = ""
    outcome: Outcome | None = None
    line: VirtualLineParameters = field(
        default_factory=lambda: VirtualLineParameters(bit_s=BIT_S_MAX)
    )


@dataclass(frozen=True, slots=True)
class PhoneBook:
    """What an emulated modem finds at the end of its telephone line.

    Attributes:
        own: Its own number, as others see it.
        dial_tone: False for a line that is dead.
        bit_s_max: The fastest speed of the modem.
        entries: The numbers.
    """

    own: str = ""
    dial_tone: bool = True
    bit_s_max: int = BIT_S_MAX
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def find(self, number: str) -> Entry | None:
        """Find what happens when `number` is dialled, however it is written."""
        return self.entries.get(plain_number(number))


def plain_number(text: str) -> str:
    """Leave out of a telephone number what only makes it easier to read."""
    return text.upper().translate(_LEFT_OUT)


def read_phone_book(path: Path) -> PhoneBook:
    """Read a phone book from a file.

    Raises:
        PhoneBookError: The file cannot be read, or is not possible.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(FILE_OCTETS_MAX + 1)
    except OSError as error:
        message = f"the phone book {path} cannot be read: {error.strerror}"
        raise PhoneBookError(message) from error
    try:
        return parse_phone_book(octets.decode())
    except UnicodeDecodeError as error:
        message = f"the phone book {path} is not text in UTF-8"
        raise PhoneBookError(message) from error
    except PhoneBookError as error:
        message = f"the phone book {path}: {error}"
        raise PhoneBookError(message) from error


def parse_phone_book(text: str) -> PhoneBook:
    """Read a phone book from its text.

    Raises:
        PhoneBookError: It is not possible; the message says where and what would be.
    """
    if len(text) > FILE_OCTETS_MAX:
        message = f"has more than {FILE_OCTETS_MAX} octets"
        raise PhoneBookError(message)
    try:
        table = tomllib.loads(text)
    # A number of thousands of digits is a ValueError that is no TOMLDecodeError.
    except (ValueError, RecursionError) as error:
        message = f"is not TOML: {error}"
        raise PhoneBookError(message) from error
    _check_keys(table, _BOOK_KEYS, "the book")
    rows = table.get("number", [])
    if not isinstance(rows, list) or len(rows) > NUMBERS_MAX:
        message = f"number: write [[number]] for each, at most {NUMBERS_MAX}"
        raise PhoneBookError(message)
    entries: dict[str, Entry] = {}
    speed = _speed(table, "the book", BIT_S_MAX)
    for index, row in enumerate(rows, start=1):
        entry = _entry(row, f"number {index}", speed)
        if entry.number in entries:
            message = f"number {index}: {entry.number} is there already"
            raise PhoneBookError(message)
        entries[entry.number] = entry
    own = table.get("own", "")
    tone = table.get("dial_tone", True)
    if not isinstance(tone, bool):
        message = f"dial_tone: {tone!r} is not true or false"
        raise PhoneBookError(message)
    return PhoneBook(_number(own, "own") if own else "", tone, speed, entries)


def _entry(row: Any, place: str, speed: int) -> Entry:
    if not isinstance(row, dict):
        message = f'{place}: write [[number]] and below it dial = "..."'
        raise PhoneBookError(message)
    if "dial" not in row:
        message = f'{place}: it does not say which number it is; add dial = "..."'
        raise PhoneBookError(message)
    number = _number(row["dial"], f"{place}, dial")
    place = f"{place} ({number})"
    _check_keys(row, _NUMBER_KEYS, place)
    to = row.get("to", "")
    if not isinstance(to, str):
        message = f'{place}, to: {to!r} is no line string such as "tcp:127.0.0.1:7001"'
        raise PhoneBookError(message)
    outcome = _outcome(row, place)
    if outcome is not None and to:
        message = f"{place}: it leads to {to} or has an outcome, not both"
        raise PhoneBookError(message)
    return Entry(number, to, outcome, _line(row, place, speed))


def _line(row: dict[str, Any], place: str, speed: int) -> VirtualLineParameters:
    values: dict[str, Any] = {"bit_s": _speed(row, place, speed)}
    for key, name in _LINE_KEYS.items():
        if key not in row:
            continue
        value = row[key]
        wanted: tuple[type, ...] = (int,) if key in _WHOLE else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            kind = "a whole number" if key in _WHOLE else "a number"
            message = f"{place}, {key}: {value!r} is not {kind}"
            raise PhoneBookError(message)
        values[name] = value
    try:
        return VirtualLineParameters(**values)
    except LineError as error:
        message = f"{place}: {error}"
        raise PhoneBookError(message) from error


def _outcome(row: dict[str, Any], place: str) -> Outcome | None:
    if "outcome" not in row:
        return None
    known = {outcome.value: outcome for outcome in Outcome}
    value = row["outcome"]
    if not isinstance(value, str) or value not in known:
        choices = ", ".join(f'"{name}"' for name in known)
        message = f"{place}, outcome: {value!r} is not one of {choices}"
        raise PhoneBookError(message)
    return known[value]


def _speed(row: dict[str, Any], place: str, usual: int) -> int:
    speed = row.get("speed", usual)
    if isinstance(speed, bool) or speed not in MODEM_SPEEDS:
        choices = ", ".join(map(str, MODEM_SPEEDS))
        message = f"{place}, speed: {speed!r} is not one of {choices}"
        raise PhoneBookError(message)
    return int(speed)


def _number(value: Any, place: str) -> str:
    plain = plain_number(value) if isinstance(value, str) else ""
    if not plain or len(plain) > DIGITS_MAX or not set(plain) <= _DIGITS:
        message = (
            f'{place}: {value!r} is no telephone number; write digits in quotes, "1930"'
        )
        raise PhoneBookError(message)
    return plain


def _check_keys(row: dict[str, Any], known: frozenset[str], place: str) -> None:
    unknown = sorted(set(row) - known)
    if unknown:
        message = f"{place} has no {unknown[0]!r}, only {', '.join(sorted(known))}"
        raise PhoneBookError(message)

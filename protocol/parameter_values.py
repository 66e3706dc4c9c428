"""What a dated parameter may be: amounts, spans, shares, times, windows, switches.

A value is written in TOML, and in JSON where a deployment sets its own, and has one
type here. What has another form is refused where it is read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from enum import Enum
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.values import AMOUNT_PAISE_MAX

_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_LETTER: Final = re.compile(r"[A-Z]", re.ASCII)
_COUNT_MAX: Final = 1_000_000
_WHOLE_BASIS_POINTS: Final = 10_000


class ParameterType(Enum):
    """How a parameter is written, and what it means."""

    PAISE = "money, in paise"
    DAYS = "calendar days"
    WORKING_DAYS = "working days of a calendar"
    MONTHS = "calendar months"
    YEARS = "years"
    COUNT = "a number of things"
    BASIS_POINTS = "a share: 300 is 3 %"
    TIME_OF_DAY = "a time in India, as 22:00"
    WINDOWS = "spans of a day in India, as 09:30-10:00"
    SWITCH = "true or false"
    LETTERS = "capital letters"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A span of a day in India; its end does not belong to it."""

    start: time
    end: time

    def holds(self, at: time) -> bool:
        """Say whether a time of the day is in it."""
        return self.start <= at < self.end

    def __str__(self) -> str:
        """Write it as ``09:30-10:00``."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


Value = int | time | tuple[Window, ...] | tuple[str, ...]
"""What a parameter is, once read; a switch is a bool, which is an int."""

_WHOLE_NUMBERS: Final = {
    ParameterType.PAISE: AMOUNT_PAISE_MAX,
    ParameterType.DAYS: _COUNT_MAX,
    ParameterType.WORKING_DAYS: _COUNT_MAX,
    ParameterType.MONTHS: _COUNT_MAX,
    ParameterType.YEARS: _COUNT_MAX,
    ParameterType.COUNT: _COUNT_MAX,
    ParameterType.BASIS_POINTS: _WHOLE_BASIS_POINTS,
}
"""The largest of each type that is a whole number; none is negative."""


def read_value(of_type: ParameterType, written: object) -> Value:
    """Read a value as TOML or JSON gives it.

    Raises:
        LocalProtocolError: It is not of that type.
    """
    most = _WHOLE_NUMBERS.get(of_type)
    if most is not None:
        if type(written) is not int or not 0 <= written <= most:
            raise _wrong(of_type, written, f"a whole number from 0 to {most:,}")
        return written
    if of_type is ParameterType.SWITCH:
        if not isinstance(written, bool):
            raise _wrong(of_type, written, "true or false")
        return written
    if of_type is ParameterType.TIME_OF_DAY:
        return _time(of_type, written)
    if not isinstance(written, list | tuple):
        raise _wrong(of_type, written, "a list")
    if of_type is ParameterType.WINDOWS:
        return _windows(written)
    return _letters(written)


def write_value(value: Value) -> object:
    """Give a value as TOML and JSON write it: `read_value` gives it back."""
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return value


def _time(of_type: ParameterType, written: object) -> time:
    if not isinstance(written, str) or _TIME.fullmatch(written) is None:
        raise _wrong(of_type, written, "hours and minutes, as in 22:00")
    return time.fromisoformat(written)


def _windows(written: Sequence[object]) -> tuple[Window, ...]:
    windows: list[Window] = []
    for one in written:
        parts = one.split("-") if isinstance(one, str) else []
        if len(parts) != 2:  # noqa: PLR2004 - a start and an end
            raise _wrong(ParameterType.WINDOWS, one, "a start and an end")
        start, end = (_time(ParameterType.WINDOWS, part) for part in parts)
        if start >= end or (windows and start < windows[-1].end):
            raise _wrong(ParameterType.WINDOWS, one, "after the one before it")
        windows.append(Window(start, end))
    return tuple(windows)


def _letters(written: Sequence[object]) -> tuple[str, ...]:
    letters = [one for one in written if isinstance(one, str)]
    if (
        len(letters) < len(written)
        or len(set(letters)) < len(letters)
        or any(_LETTER.fullmatch(one) is None for one in letters)
    ):
        raise _wrong(ParameterType.LETTERS, written, "capital letters, each once")
    return tuple(letters)


def _wrong(of_type: ParameterType, written: object, wanted: str) -> LocalProtocolError:
    return LocalProtocolError(f"{of_type.name}: {written!r} is not {wanted}")

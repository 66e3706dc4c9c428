"""Working days of the Department of Posts: Sundays and its holidays are none.

Holidays are dated data beside this module. A year whose list is not known has its
Sundays and the three national holidays only; `is_known` says which years are whole.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

_SUNDAY: Final = 6
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Calendar:
    holidays: dict[int, frozenset[date]]
    """By year, where the year's list is known."""
    every_year: frozenset[str]
    """Month and day, as ``08-15``."""


def is_known(year: int) -> bool:
    """Say whether the list of holidays of a year is known."""
    return year in _calendar().holidays


def is_working_day(day: date) -> bool:
    """Say whether the Department works on a day, as far as its calendar is known."""
    if day.weekday() == _SUNDAY:
        return False
    listed = _calendar().holidays.get(day.year)
    if listed is None:
        return day.strftime("%m-%d") not in _calendar().every_year
    return day not in listed


def next_working_day(day: date) -> date:
    """Find the first working day after a day, which need not be one itself."""
    after = day + _ONE_DAY
    while not is_working_day(after):
        after += _ONE_DAY
    return after


@cache
def _calendar() -> _Calendar:
    """Read the shipped calendar; it is part of the package and never written."""
    text = files("protocol").joinpath("calendar.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    return _Calendar(
        {one["year"]: frozenset(one["holidays"]) for one in table["year"]},
        frozenset(table["every_year"]["holidays"]),
    )

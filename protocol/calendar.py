"""Working days of the Department of Posts: its weekly off and its holidays are none.

Holidays are dated data beside this module. A year whose list is not known has its
weekly off and the three national holidays only; `is_known` says which years are whole.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from protocol.errors import LocalProtocolError

WEEKDAYS: Final = (
    "MONDAY",
    "TUESDAY",
    "WEDNESDAY",
    "THURSDAY",
    "FRIDAY",
    "SATURDAY",
    "SUNDAY",
)
"""In the order in which Python numbers them, from 0."""

_ONE_DAY: Final = timedelta(days=1)
_SEARCHED_DAYS_MAX: Final = 366


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked.

    Attributes:
        weekly_off: Numbers of the weekdays that are off.
        years: Holidays by year, where the year's list is known.
        every_year: Month and day, as ``08-15``, of the holidays of all other years.
        days: Days of which something else is known: whether they are worked.
    """

    weekly_off: frozenset[int]
    years: Mapping[int, frozenset[date]]
    every_year: frozenset[str]
    days: Mapping[date, bool] = field(default_factory=dict)

    def is_known(self, year: int) -> bool:
        """Say whether the list of holidays of a year is known."""
        return year in self.years

    def is_working_day(self, day: date) -> bool:
        """Say whether a day is worked, as far as the calendar is known."""
        said = self.days.get(day)
        if said is not None:
            return said
        if day.weekday() in self.weekly_off:
            return False
        listed = self.years.get(day.year)
        if listed is None:
            return day.strftime("%m-%d") not in self.every_year
        return day not in listed

    def add_working_days(self, day: date, count: int) -> date:
        """Find the working day that is so many after a day.

        Args:
            day: Need not be a working day itself; it is never counted.
            count: 1 is the first working day after `day`; 0 is `day` itself if it is
                worked, else the first one after it.

        Raises:
            LocalProtocolError: The count is negative, or a whole year is not worked.
        """
        if count < 0:
            raise LocalProtocolError(f"{count} working days are no number to add")
        if count == 0:
            return day if self.is_working_day(day) else self._next(day)
        for _ in range(count):
            day = self._next(day)
        return day

    def _next(self, day: date) -> date:
        after = day
        for _ in range(_SEARCHED_DAYS_MAX):
            after += _ONE_DAY
            if self.is_working_day(after):
                return after
        raise LocalProtocolError(f"no day of the year after {day} is worked")


def is_known(year: int) -> bool:
    """Say whether the shipped list of holidays of a year is known."""
    return shipped_calendar().is_known(year)


def is_working_day(day: date) -> bool:
    """Say whether the Department works on a day, as far as its calendar is known."""
    return shipped_calendar().is_working_day(day)


def next_working_day(day: date) -> date:
    """Find the first working day after a day, which need not be one itself."""
    return shipped_calendar().add_working_days(day, 1)


@cache
def shipped_calendar() -> Calendar:
    """Read the shipped calendar; it is part of the package and never written."""
    text = files("protocol").joinpath("calendar.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    return Calendar(
        frozenset(WEEKDAYS.index(name) for name in table["weekly_off"]["days"]),
        {one["year"]: frozenset(one["holidays"]) for one in table["year"]},
        frozenset(table["every_year"]["holidays"]),
    )

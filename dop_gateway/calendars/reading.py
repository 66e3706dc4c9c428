"""Read the holidays of years from TOML, as people keep them.

A year names its source and lists days, with names where they are known::

    [[year]]
    year = 2027
    source = "the Circle's circular of 1 December 2026"
    holidays = [
        { day = 2027-01-26, name = "Republic Day" },
        2027-11-01,
    ]
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from protocol.errors import LocalProtocolError

NAME_CHARACTERS_MAX: Final = 120
UNNAMED: Final = "Holiday"

_FIELDS: Final = frozenset({"year", "source", "holidays", "tag"})


@dataclass(frozen=True, slots=True)
class YearList:
    """The holidays of one year.

    Attributes:
        holidays: Names by day.
    """

    year: int
    source: str
    holidays: Mapping[date, str]


def parse_years(text: str) -> list[YearList]:
    """Read the years of a file.

    Raises:
        LocalProtocolError: It is not TOML, or a year is not as it should be; the
            message says which and why.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LocalProtocolError(f"the calendar cannot be read: {error}") from error
    unknown = sorted(table.keys() - {"year"})
    if unknown or not table.get("year"):
        found = unknown[0] if unknown else "nothing"
        raise LocalProtocolError(f"a calendar holds [[year]] only: {found} was found")
    years = [_year(row) for row in table["year"]]
    if len({one.year for one in years}) < len(years):
        raise LocalProtocolError("a year stands twice")
    return years


def _year(row: Mapping[str, Any]) -> YearList:
    year, source = row.get("year"), row.get("source")
    unknown = sorted(row.keys() - _FIELDS)
    if unknown:
        raise LocalProtocolError(f"year {year}: {unknown[0]} is not known")
    if type(year) is not int or not isinstance(source, str) or not source.strip():
        raise LocalProtocolError(f"year {year}: its number and its source are needed")
    holidays: dict[date, str] = {}
    for one in row.get("holidays", []):
        day, name = (
            (one.get("day"), one.get("name", UNNAMED))
            if isinstance(one, dict)
            else (one, UNNAMED)
        )
        if not isinstance(day, date) or isinstance(day, datetime) or day.year != year:
            raise LocalProtocolError(f"year {year}: {day} is not one of its days")
        if day in holidays:
            raise LocalProtocolError(f"year {year}: {day} stands twice")
        if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARACTERS_MAX:
            raise LocalProtocolError(
                f"year {year}: {day} needs a name of 1 to {NAME_CHARACTERS_MAX} "
                "characters"
            )
        holidays[day] = name
    return YearList(year, source, holidays)

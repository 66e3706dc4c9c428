"""Dated parameters: numbers that authorities set, kept as data beside this module.

A parameter is chosen by the business date of the event, so that an old day is always
judged by the numbers of that day.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

INDIA: Final = timezone(timedelta(hours=5, minutes=30), "IST")
"""Asia/Kolkata has had no daylight saving in the system's time: a fixed offset."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value with the time in which it holds, and where it comes from."""

    key: str
    value: int
    valid_from: date
    valid_to: date
    tag: str
    source: str


def business_date(moment: EpochSeconds) -> date:
    """Say on which Indian calendar day a moment falls."""
    return datetime.fromtimestamp(moment, INDIA).date()


def parameter(key: str, on: date) -> int:
    """Look a value up.

    Args:
        key: Name with its unit, as in ``download.step_paise``.
        on: Business date of the event.

    Raises:
        LocalProtocolError: No such parameter holds on that date.
    """
    for candidate in all_parameters():
        if candidate.key == key and candidate.valid_from <= on <= candidate.valid_to:
            return candidate.value
    raise LocalProtocolError(f"no parameter {key} holds on {on.isoformat()}")


@cache
def all_parameters() -> tuple[Parameter, ...]:
    """Read the shipped table; it is part of the package and never written."""
    text = files("protocol").joinpath("parameters.toml").read_text("utf-8")
    return tuple(
        Parameter(
            key=row["key"],
            value=row["value"],
            valid_from=row["valid_from"],
            valid_to=row.get("valid_to", date.max),
            tag=row["tag"],
            source=row["source"],
        )
        for row in tomllib.loads(text)["parameter"]
    )

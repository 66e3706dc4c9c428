"""Dated parameters: numbers that authorities set, kept as data beside the programs.

A parameter is chosen by the business date of the event, so that an old day is always
judged by the numbers of that day. Here is the one reader of such tables, and the table
of the numbers that both sides need; a program may add rows of its own before it.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final, TypeVar

from protocol.errors import LocalProtocolError
from protocol.parameter_values import ParameterType, Value, Window, read_value
from protocol.values import EpochSeconds, Paise

INDIA: Final = timezone(timedelta(hours=5, minutes=30), "IST")
"""Asia/Kolkata has had no daylight saving in the system's time: a fixed offset."""

_FIELDS: Final = frozenset(
    {"key", "type", "value", "valid_from", "valid_to", "tag", "source"}
)
_TAGS: Final = frozenset({"procedure", "official", "secondary", "own"})

_V = TypeVar("_V", bound=Value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value with the time in which it holds, and where it comes from."""

    key: str
    type: ParameterType
    value: Value
    valid_from: date
    valid_to: date
    tag: str
    source: str

    def holds(self, on: date) -> bool:
        """Say whether it holds on a day."""
        return self.valid_from <= on <= self.valid_to


class ParameterTable:
    """Parameters by key and date: whoever asks says of which type the value is."""

    def __init__(self, rows: Iterable[Parameter]) -> None:
        """Take rows; the first of a key that holds on a day wins."""
        self._rows: dict[str, list[Parameter]] = {}
        for row in rows:
            self._rows.setdefault(row.key, []).append(row)

    @property
    def rows(self) -> tuple[Parameter, ...]:
        """All rows, those of one key together, in the order in which they win."""
        return tuple(row for rows in self._rows.values() for row in rows)

    def type_of(self, key: str) -> ParameterType:
        """Say of which type a parameter is.

        Raises:
            LocalProtocolError: There is no such parameter.
        """
        rows = self._rows.get(key)
        if rows is None:
            raise LocalProtocolError(f"there is no parameter {key}")
        return rows[0].type

    def row(self, key: str, on: date) -> Parameter:
        """Find the row that holds on a day.

        Raises:
            LocalProtocolError: No such parameter holds on that date.
        """
        for row in self._rows.get(key, ()):
            if row.holds(on):
                return row
        raise LocalProtocolError(f"no parameter {key} holds on {on.isoformat()}")

    def integer(self, key: str, on: date) -> int:
        """Give a whole number, whatever it counts."""
        value = self.row(key, on).value
        if type(value) is not int:
            raise LocalProtocolError(f"{key} is {value!r}, which is no whole number")
        return value

    def paise(self, key: str, on: date) -> Paise:
        """Give an amount of money."""
        return Paise(self._value(key, on, ParameterType.PAISE, int))

    def days(self, key: str, on: date) -> int:
        """Give a number of calendar days."""
        return self._value(key, on, ParameterType.DAYS, int)

    def working_days(self, key: str, on: date) -> int:
        """Give a number of working days."""
        return self._value(key, on, ParameterType.WORKING_DAYS, int)

    def months(self, key: str, on: date) -> int:
        """Give a number of calendar months."""
        return self._value(key, on, ParameterType.MONTHS, int)

    def years(self, key: str, on: date) -> int:
        """Give a number of years."""
        return self._value(key, on, ParameterType.YEARS, int)

    def count(self, key: str, on: date) -> int:
        """Give a number of things."""
        return self._value(key, on, ParameterType.COUNT, int)

    def basis_points(self, key: str, on: date) -> int:
        """Give a share: 10,000 basis points are the whole."""
        return self._value(key, on, ParameterType.BASIS_POINTS, int)

    def switch(self, key: str, on: date) -> bool:
        """Say whether something is switched on."""
        return self._value(key, on, ParameterType.SWITCH, bool)

    def time_of_day(self, key: str, on: date) -> time:
        """Give a time of the day in India."""
        return self._value(key, on, ParameterType.TIME_OF_DAY, time)

    def windows(self, key: str, on: date) -> tuple[Window, ...]:
        """Give spans of the day in India, in their order."""
        return self._value(key, on, ParameterType.WINDOWS, tuple)

    def letters(self, key: str, on: date) -> tuple[str, ...]:
        """Give capital letters."""
        return self._value(key, on, ParameterType.LETTERS, tuple)

    def _value(self, key: str, on: date, wanted: ParameterType, kind: type[_V]) -> _V:
        row = self.row(key, on)
        if row.type is not wanted or not isinstance(row.value, kind):
            message = f"{key} is {row.type.value}, not {wanted.value}"
            raise LocalProtocolError(message)
        return row.value


def business_date(moment: EpochSeconds) -> date:
    """Say on which Indian calendar day a moment falls."""
    return datetime.fromtimestamp(moment, INDIA).date()


def parameter(key: str, on: date) -> int:
    """Look a whole number up in the table that both sides need.

    Args:
        key: Name with its unit, as in ``download.step_paise``.
        on: Business date of the event.

    Raises:
        LocalProtocolError: No such parameter holds on that date.
    """
    return shared_parameters().integer(key, on)


def all_parameters() -> tuple[Parameter, ...]:
    """Give the rows of the table that both sides need."""
    return shared_parameters().rows


@cache
def shared_parameters() -> ParameterTable:
    """Read the shipped table; it is part of the package and never written."""
    text = files("protocol").joinpath("parameters.toml").read_text("utf-8")
    return ParameterTable(parse_parameters(text))


def parse_parameters(text: str) -> tuple[Parameter, ...]:
    """Read a table of parameters from TOML.

    Raises:
        LocalProtocolError: It is not TOML, a row is not as it should be, or two rows
            of one key hold on one day or are of two types.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LocalProtocolError(f"the parameters cannot be read: {error}") from error
    unknown = sorted(table.keys() - {"parameter"})
    if unknown:
        raise LocalProtocolError(f"{unknown[0]} is no [[parameter]]")
    rows = tuple(_parameter(row) for row in table.get("parameter", []))
    ordered = sorted(rows, key=lambda row: (row.key, row.valid_from))
    for before, after in pairwise(ordered):
        if before.key != after.key:
            continue
        if after.valid_from <= before.valid_to or after.type is not before.type:
            message = f"{after.key}: two rows hold on {after.valid_from}, or two types"
            raise LocalProtocolError(message)
    return rows


def _parameter(row: Mapping[str, Any]) -> Parameter:
    key = row.get("key")
    wrong = sorted(_FIELDS - {"valid_to"} - row.keys()) or sorted(row.keys() - _FIELDS)
    if wrong:
        raise LocalProtocolError(f"parameter {key}: look at {wrong[0]}")
    name = str(row["type"]).upper()
    known = ParameterType.__members__.get(name)
    valid_from, valid_to = row["valid_from"], row.get("valid_to", date.max)
    if known is None or row["tag"] not in _TAGS:
        raise LocalProtocolError(f"parameter {key}: its type or tag is not known")
    if not (type(valid_from) is type(valid_to) is date and valid_from <= valid_to):
        raise LocalProtocolError(f"parameter {key}: it holds on no day")
    value = read_value(known, row["value"])
    return Parameter(
        key=str(key),
        type=known,
        value=value,
        valid_from=valid_from,
        valid_to=valid_to,
        tag=row["tag"],
        source=row["source"],
    )

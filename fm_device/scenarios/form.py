"""Reading a table strictly: known keys only, each value read by a function.

A `Table` hands out its values one by one and is closed at the end: a key that nobody
asked for is refused, with the nearest one that somebody did ask for. Places are written
like ``steps[3].frank.count``, from 1, as people count steps.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from protocol.amounts import parse_rupees
from protocol.errors import ProtocolError, RmfsError
from protocol.values import Paise

T = TypeVar("T")
Read = Callable[[Any], T]
_NAMES_SHOWN_MAX: Final = 24


class ScenarioError(RmfsError):
    """A scenario file is wrong.

    Attributes:
        place: The key, like ``steps[3].frank.count``; empty for the file itself.
        reason: What is wrong, and what is possible.
        line: The line of the file, from 1, as far as it can be told.
        file: The name of the file, as far as it has one.
    """

    def __init__(
        self, place: str, reason: str, line: int | None = None, file: str = ""
    ) -> None:
        """Say where, and what is wrong."""
        self.place = place
        self.reason = reason
        self.line = line
        self.file = file
        at = "" if line is None else f"line {line}"
        where = ", ".join(part for part in (file, at, place) if part)
        super().__init__(f"{where}: {reason}" if where else reason)


class WrongValueError(RmfsError):
    """A value is not possible; it says why. `Table` adds the place."""


class _Required:
    """Stands for no default: the key must be there."""


REQUIRED: Final[Any] = _Required()


class Table:
    """One table of a file, read key by key."""

    def __init__(self, fields: Any, place: str) -> None:
        """Begin to read.

        Raises:
            ScenarioError: It is no table.
        """
        if not isinstance(fields, Mapping):
            raise ScenarioError(place, f"a table is needed, not {shown(fields)}")
        self.place = place
        self._fields: Mapping[str, Any] = fields
        self._asked: list[str] = []

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are there."""
        return tuple(self._fields)

    def has(self, key: str) -> bool:
        """Whether a key is there; it counts as one that is possible."""
        self._asked.append(key)
        return key in self._fields

    def place_of(self, key: str) -> str:
        """Name the place of a key."""
        return f"{self.place}.{key}" if self.place else key

    def take(self, key: str, read: Read[T], default: Any = REQUIRED) -> T:
        """Read one value.

        Raises:
            ScenarioError: It is missing, or not possible.
        """
        self._asked.append(key)
        if key not in self._fields:
            if default is REQUIRED:
                raise ScenarioError(self.place, f"{key} is missing")
            given: T = default
            return given
        try:
            return read(self._fields[key])
        except (WrongValueError, ProtocolError) as error:
            raise ScenarioError(self.place_of(key), str(error)) from error

    def table(self, key: str) -> "Table":
        """Read a table that stands in this one; it may be left out."""
        self._asked.append(key)
        return Table(self._fields.get(key, {}), self.place_of(key))

    def tables(self, key: str) -> tuple["Table", ...]:
        """Read a list of tables; it may be left out.

        Raises:
            ScenarioError: It is no list.
        """
        self._asked.append(key)
        found = self._fields.get(key, [])
        if not isinstance(found, list):
            raise ScenarioError(self.place_of(key), "a list of tables is needed")
        return tuple(
            Table(one, f"{self.place_of(key)}[{number}]")
            for number, one in enumerate(found, start=1)
        )

    def end(self) -> None:
        """Close the table.

        Raises:
            ScenarioError: It has a key that is not known.
        """
        for key in self._fields:
            if key not in self._asked:
                raise ScenarioError(
                    self.place_of(key),
                    f"no such key here{suggestion(key, self._asked)}",
                )


def suggestion(name: str, possible: Iterable[str]) -> str:
    """Say which of the possible names was perhaps meant, or all where there are few."""
    names = sorted(set(possible))
    close = get_close_matches(name, names, 1)
    nearest = f"; is {close[0]} meant?" if close else ""
    every = (
        f"; possible: {', '.join(names)}"
        if len(names) <= _NAMES_SHOWN_MAX or not close
        else ""
    )
    return nearest + every


def shown(value: Any) -> str:
    """Show a value of a file to people, cut short."""
    found = repr(value)
    return found if len(found) <= 40 else found[:37] + "..."  # noqa: PLR2004


def text(value: Any) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise WrongValueError(f"a text in quotes is needed, not {shown(value)}")
    return value


def flag(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise WrongValueError(f"true or false is needed, not {shown(value)}")
    return value


def whole(least: int, most: int) -> Read[int]:
    """Read a whole number in a range."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise WrongValueError(f"a whole number is needed, not {shown(value)}")
        if not least <= value <= most:
            raise WrongValueError(f"{value} is not in {least} to {most}")
        return value

    return read


def number(least: float, most: float) -> Read[float]:
    """Read a number in a range."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WrongValueError(f"a number is needed, not {shown(value)}")
        if not least <= value <= most:
            raise WrongValueError(f"{value} is not in {least} to {most}")
        return float(value)

    return read


def rupees(value: Any) -> Paise:
    """Read an amount: whole rupees as a number, or rupees and paise in quotes."""
    if isinstance(value, float):
        raise WrongValueError(f'paise are written in quotes: "{value:.2f}"')
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return parse_rupees(str(value))
    if isinstance(value, str):
        return parse_rupees(value)
    raise WrongValueError(f'{shown(value)} is no amount: write 2000 or "2000.50"')


def day(value: Any) -> date:
    """Read a day: 2026-12-01."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise WrongValueError(f"a day is needed, as 2026-12-01, not {shown(value)}")


def one_of(names: Iterable[str]) -> Read[str]:
    """Read one of some names."""
    possible = tuple(names)

    def read(value: Any) -> str:
        name = text(value)
        if name not in possible:
            raise WrongValueError(f"{name!r} is none{suggestion(name, possible)}")
        return name

    return read


def listed(read_one: Read[T]) -> Read[tuple[T, ...]]:
    """Read a list, each value alike."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise WrongValueError(f"a list is needed, not {shown(value)}")
        return tuple(read_one(one) for one in value)

    return read


def one_or_more(read_one: Read[T]) -> Read[tuple[T, ...]]:
    """Read a list, or one value in its place."""
    several = listed(read_one)
    return lambda value: several(value if isinstance(value, list) else [value])

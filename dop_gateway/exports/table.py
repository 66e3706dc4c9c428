"""The table that every format is written from, and the list that it is made from.

A `Listing` belongs to a feature: it knows its columns, and how the database answers a
filter. The same filter object makes the query of the screen and that of the file, and
says in words what it lets through, so that who reads the file knows what is not in it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

Cell = str | int | date | None
Row = Sequence[Cell]


class Kind(Enum):
    """What the cells of a column are; None is an empty cell of any column."""

    TEXT = "text"
    COUNT = "count"
    """A whole number of things."""
    MONEY = "money"
    """Paise; shown in rupees."""
    DAY = "day"
    """A calendar day of India."""
    MOMENT = "moment"
    """`EpochSeconds`; shown in India's time."""
    SHARE = "share"
    """Basis points: 10,000 are the whole; shown in per cent."""

    def takes(self, cell: Cell) -> bool:
        """Say whether a cell is of this kind."""
        return cell is None or type(cell) is _TYPES.get(self, int)


_TYPES: Final = {Kind.TEXT: str, Kind.DAY: date}

SUMMED: Final = frozenset({Kind.COUNT, Kind.MONEY})
"""Kinds of which a sum says something."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        name: For programs, as in ``amount``.
        title: For people.
        kind: Of all its cells.
        summed: Whether its sum stands below it.

    Raises:
        LocalProtocolError: A sum of such cells says nothing.
    """

    name: str
    title: str
    kind: Kind = Kind.TEXT
    summed: bool = False

    def __post_init__(self) -> None:
        """Check the sum."""
        if self.summed and self.kind not in SUMMED:
            raise LocalProtocolError(f"a sum of {self.name} would say nothing")


@dataclass(frozen=True, slots=True)
class Labels:
    """Words around a table."""

    filter: str
    everything: str
    generated_at: str
    person: str
    total: str
    nothing: str


ENGLISH: Final = Labels(
    *("Filter", "none", "Generated at", "User", "Total", "There are no rows.")
)
HINDI: Final = Labels(
    *("फ़िल्टर", "कोई नहीं", "तैयार करने का समय", "उपयोगकर्ता", "कुल", "कोई पंक्ति नहीं है।")
)


@dataclass(frozen=True, slots=True)
class Table:
    """A list that is written to a file, once.

    Attributes:
        title: What it lists.
        filter: Names and values of what it is narrowed to; empty: everything is in it.
        generated_at: When the database was asked.
        person: Login of who asked.
        columns: From the left; at least one.
        rows: Gone through once; one cell for each column.
        labels: Words around it.
    """

    title: str
    filter: Sequence[tuple[str, str]]
    generated_at: EpochSeconds
    person: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    labels: Labels = ENGLISH

    @property
    def filter_words(self) -> str:
        """What it is narrowed to, in a line."""
        named = "; ".join(f"{name}: {value}" for name, value in self.filter)
        return named or self.labels.everything


class Filter(Protocol):
    """What a list is narrowed to; a frozen data class of the feature."""

    def words(self) -> Sequence[tuple[str, str]]:
        """Say it: names and values, only of what narrows."""
        ...


_F = TypeVar("_F", bound=Filter)


@dataclass(frozen=True, slots=True)
class Listing(Generic[_F]):
    """A list of a feature.

    Attributes:
        title: What it lists.
        columns: From the left.
        rows: Ask the database, in the order of the screen; it need not hold them all.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Connection, _F], Iterable[Row]]

    def table(
        self,
        connection: Connection,
        narrowed: _F,
        *,
        person: str,
        now: EpochSeconds,
        labels: Labels = ENGLISH,
    ) -> Table:
        """Make the table of a filter; its rows are read while `connection` is open."""
        rows = self.rows(connection, narrowed)
        words = tuple(narrowed.words())
        return Table(self.title, words, now, person, self.columns, rows, labels)


class Sums:
    """Adds up rows as they go by, so that a total is always that of what was written.

    Attributes:
        rows: How many went by.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Begin with nothing."""
        self.rows = 0
        self._columns = columns
        self._sums = [0] * len(columns)

    def watch(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Let rows go by.

        Raises:
            LocalProtocolError: A row has other cells than the columns say.
        """
        for row in rows:
            self.rows += 1
            if len(row) != len(self._columns):
                message = f"row {self.rows} has {len(row)} cells"
                raise LocalProtocolError(f"{message}, {len(self._columns)} are needed")
            for number, column in enumerate(self._columns):
                cell = row[number]
                if not column.kind.takes(cell):
                    message = f"row {self.rows}: {column.name} is {type(cell).__name__}"
                    raise LocalProtocolError(f"{message}, not {column.kind.name}")
                if column.summed and isinstance(cell, int):
                    self._sums[number] += cell
            yield row

    @property
    def total(self) -> Row | None:
        """The sums below their columns; None if no column has one."""
        if not any(column.summed for column in self._columns):
            return None
        pairs = zip(self._columns, self._sums, strict=True)
        return [one if column.summed else None for column, one in pairs]

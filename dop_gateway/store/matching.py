"""Rows that a filter lets through: counted, a page of them, or all, one by one.

A feature's store gives a `Matching` for each of its lists; what shows a page of it and
what writes it to a file ask the same one, and so never show other rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_ROWS_AT_A_TIME: Final = 1_000


class Selection(Protocol[T_co]):
    """What a list asks of the rows that its filter lets through."""

    def count(self, connection: Connection) -> int:
        """Say how many there are."""
        ...

    def page(
        self, connection: Connection, sort: str, first: int, rows_max: int
    ) -> Sequence[T_co]:
        """Give so many, from behind the first ones on."""
        ...

    def all(self, connection: Connection, sort: str) -> Iterator[T_co]:
        """Give all, some at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """What a filter lets through of things that were computed, not stored.

    Attributes:
        things: All of them; few enough to hold.
        orders: What they are compared by, by the name of each order.
    """

    things: Sequence[T]
    orders: Mapping[str, Callable[[T], Any]]

    def count(self, _connection: Connection) -> int:
        """Say how many there are."""
        return len(self.things)

    def page(
        self, connection: Connection, sort: str, first: int, rows_max: int
    ) -> Sequence[T]:
        """Give so many, from behind the first ones on."""
        return list(self.all(connection, sort))[first : first + rows_max]

    def all(self, _connection: Connection, sort: str) -> Iterator[T]:
        """Give all."""
        key = self.orders[sort.removeprefix("-")]
        return iter(sorted(self.things, key=key, reverse=sort.startswith("-")))


@dataclass(frozen=True, slots=True)
class Matching(Generic[T]):
    """What a filter lets through.

    Attributes:
        rows: All columns that `read` needs, without an order.
        orders: Columns by the name of each order; ``-name`` is the other way round. The
            last of each tells rows apart, so that no page has a row of another one.
        read: Makes a thing of a row.
    """

    rows: Select[Any]
    orders: Mapping[str, Sequence[ColumnElement[Any]]]
    read: Callable[[Row[Any]], T]

    def count(self, connection: Connection) -> int:
        """Say how many there are."""
        counted = select(func.count()).select_from(self.rows.order_by(None).subquery())
        return connection.execute(counted).scalar_one()

    def page(
        self, connection: Connection, sort: str, first: int, rows_max: int
    ) -> list[T]:
        """Give so many, from behind the first ones on."""
        rows = self._ordered(sort).offset(first).limit(rows_max)
        return [self.read(row) for row in connection.execute(rows)]

    def all(self, connection: Connection, sort: str) -> Iterator[T]:
        """Give all, some at a time."""
        found = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(
            self._ordered(sort)
        )
        return (self.read(row) for row in found)

    def _ordered(self, sort: str) -> Select[Any]:
        columns = self.orders[sort.removeprefix("-")]
        if sort.startswith("-"):
            return self.rows.order_by(*(column.desc() for column in columns))
        return self.rows.order_by(*columns)

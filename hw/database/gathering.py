"""What one transaction writes, gathered first and then executed statement by statement.

To write the same thing for many machines as one statement costs a fraction of writing
it for each. Whoever writes by a `Gathering` instead of a connection lets a row wait
until all of the transaction is gathered. Whoever needs the database before that, to
read or to write something that is not gathered, takes `connection`: all that waits is
written first, so nothing is ever read that is older than what was written.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Connection

from protocol.errors import InvariantError


class Writes(Protocol):
    """A statement that writes many rows at once."""

    def run_many(self, connection: Connection, rows: Sequence[Any]) -> None:
        """Write them, at least one."""
        ...


class Gathering:
    """Rows that wait to be written by a transaction; `write` is its last deed."""

    def __init__(self, connection: Connection, order: Sequence[Writes]) -> None:
        """Gather nothing yet.

        Args:
            connection: Of a transaction that writes.
            order: All that may be gathered, in the order in which it is written.
        """
        self._connection = connection
        self._order = tuple(order)
        self._rows: dict[Writes, list[Any]] = {}

    @property
    def connection(self) -> Connection:
        """The connection, after all that waits was written."""
        self.write()
        return self._connection

    def add(self, writes: Writes, row: Any) -> None:
        """Let a row wait."""
        self._rows.setdefault(writes, []).append(row)

    def write(self) -> None:
        """Write all that waits.

        Raises:
            InvariantError: Something was gathered that has no place in the order.
        """
        if not self._rows:
            return
        rows, self._rows = self._rows, {}
        for writes in self._order:
            some = rows.pop(writes, None)
            if some is not None:
                writes.run_many(self._connection, some)
        if rows:
            raise InvariantError("what was gathered has no place in the order")


Pen = Connection | Gathering
"""By what something is written: at once, or with the rest of a transaction."""


def write_row(pen: Pen, writes: Writes, row: Any) -> None:
    """Write a row at once, or let it wait."""
    if isinstance(pen, Gathering):
        pen.add(writes, row)
    else:
        writes.run_many(pen, [row])

"""Statements that are compiled once for each database, and then only executed.

To execute a statement that it knows, SQLAlchemy makes about 60 calls: it looks for the
compiled text, makes a context, and describes the rows anew. On the path of a recharge
that took longer than the database did. Here the text, the order of the parameters and
the conversions are kept, and a cursor of the same connection gets them: about 20 calls.
`Connection.exec_driver_sql` is no way around: it describes the rows each time.

What does not change: the transaction is the connection's, the column types convert
what goes in and what comes out, the dialect calls the driver, and an error is the one
that SQLAlchemy would have raised. What does: listeners for statements hear nothing of
these; the product has none.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import zip_longest
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Insert,
    LargeBinary,
    Row,
    Select,
    Update,
    bindparam,
)
from sqlalchemy.engine import result_tuple
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from protocol.errors import InvariantError, LocalProtocolError

KEYS_MAX: Final = 256
"""In one text; far below the most parameters of a statement, 32,766 in SQLite."""

Parameters = Mapping[str, Any]
_Convert = Callable[[Any], Any]
_Statement = Select[Any] | Insert | Update | Delete


class Prepared:
    """A statement of Core that is executed often, with parameters by name."""

    def __init__(self, statement: _Statement) -> None:
        """Take a statement; it is compiled when a database first executes it."""
        # Else an INSERT asks for the key that the database chose.
        self._statement = (
            statement.inline() if isinstance(statement, Insert) else statement
        )
        self._compiled: dict[tuple[object, ...], _Compiled] = {}

    def run(self, connection: Connection, parameters: Parameters) -> None:
        """Execute it for what it does."""
        self._for(connection, parameters).execute(connection, parameters)

    def run_many(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Execute it once for each row; all have the same names."""
        self._for(connection, rows[0]).execute_many(connection, rows)

    def all(self, connection: Connection, parameters: Parameters) -> list[Row[Any]]:
        """Execute it and give all rows."""
        return self._for(connection, parameters).execute(connection, parameters)

    def one(self, connection: Connection, parameters: Parameters) -> Row[Any]:
        """Execute it and give its only row.

        Raises:
            NoResultFound: There is none.
            MultipleResultsFound: There are more.
        """
        row = self.one_or_none(connection, parameters)
        if row is None:
            raise NoResultFound("one row was expected")
        return row

    def one_or_none(
        self, connection: Connection, parameters: Parameters
    ) -> Row[Any] | None:
        """Execute it and give its only row, or None where there is none.

        Raises:
            MultipleResultsFound: There are more.
        """
        rows = self._for(connection, parameters).execute(connection, parameters)
        if len(rows) > 1:
            raise MultipleResultsFound("one row or none was expected")
        return rows[0] if rows else None

    def _for(self, connection: Connection, parameters: Parameters) -> "_Compiled":
        # The names belong to the key: those of an INSERT or UPDATE choose its columns.
        dialect = connection.dialect
        key = (type(dialect), *parameters)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = _Compiled(self._statement, dialect, parameters)
            self._compiled[key] = compiled
        return compiled


class PreparedIn:
    """A SELECT for rows of many keys at once.

    How many keys a statement names belongs to its text. Here it is a power of two, the
    last key named again where there are fewer: so few texts are compiled, and few are
    parsed by a database.
    """

    def __init__(self, statement: Select[Any], column: ColumnElement[Any]) -> None:
        """Ask for the rows in which a column has one of the keys.

        Args:
            statement: Without that condition; its other parameters have names.
            column: Of the keys.
        """
        self._statement = statement
        self._column = column
        self._sized: dict[int, tuple[Prepared, list[str]]] = {}

    def all(
        self,
        connection: Connection,
        keys: Sequence[Any],
        parameters: Parameters | None = None,
    ) -> list[Row[Any]]:
        """Execute it and give all rows; of more keys than fit in one text, in turns.

        In each turn they have the order of the statement.
        """
        found: list[Row[Any]] = []
        for start in range(0, len(keys), KEYS_MAX):
            some = keys[start : start + KEYS_MAX]
            prepared, names = self._for(len(some))
            values = dict(zip_longest(names, some, fillvalue=some[-1]))
            found += prepared.all(connection, {**values, **(parameters or {})})
        return found

    def _for(self, count: int) -> tuple[Prepared, list[str]]:
        size = 1 << (count - 1).bit_length()
        sized = self._sized.get(size)
        if sized is None:
            names = [f"key_{number}" for number in range(size)]
            wanted = [bindparam(name, type_=self._column.type) for name in names]
            statement = self._statement.where(self._column.in_(wanted))
            sized = Prepared(statement), names
            self._sized[size] = sized
        return sized


class _Compiled:
    """The text of a statement for one database, and what is converted how."""

    def __init__(
        self, statement: _Statement, dialect: Dialect, parameters: Parameters
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(parameters))
        if not isinstance(compiled, SQLCompiler):
            raise InvariantError("what is prepared must be a statement")
        unknown = sorted(set(parameters) - set(compiled.binds))
        if unknown:
            raise LocalProtocolError(f"no column or parameter is called {unknown[0]}")
        columns = list(statement.exported_columns)
        self._text: Final = str(compiled)
        self._fixed = {
            name: value
            for name, value in compiled.construct_params(parameters).items()
            if name not in parameters
        }
        to_driver = {
            name: convert
            for name, bound in compiled.binds.items()
            if (convert := _to_driver(bound.type, dialect)) is not None
        }
        self._by_name = list(to_driver.items())
        # SQLite takes parameters by place.
        self._places: list[tuple[int, _Convert]] = []
        self._get: Callable[[Parameters], Sequence[Any]] | None = None
        order = compiled.positiontup
        if order is not None:
            self._get = _getter(order)
            self._places = [
                (place, to_driver[name])
                for place, name in enumerate(order)
                if name in to_driver
            ]
        self._from_driver = [
            (place, convert)
            for place, column in enumerate(columns)
            if (convert := _from_driver(column.type, dialect)) is not None
        ]
        self._row: Callable[[Sequence[Any]], Row[Any]] | None = (
            result_tuple([str(column.name) for column in columns]) if columns else None
        )

    def execute(self, connection: Connection, parameters: Parameters) -> list[Row[Any]]:
        """Execute it and give the rows, if it gives any."""
        row, bound = self._row, self._bound(parameters)
        found = _execute(connection, self._text, bound, fetch=row is not None)
        return [] if row is None else [row(self._read(values)) for values in found]

    def execute_many(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Execute it once for each row of parameters."""
        dialect, bound = connection.dialect, [self._bound(row) for row in rows]
        try:
            with closing(connection.connection.cursor()) as cursor:
                dialect.do_executemany(cursor, self._text, bound)
        except dialect.loaded_dbapi.Error as error:
            raise _translated(dialect, self._text, error) from error

    def _bound(self, parameters: Parameters) -> Any:
        """Give the parameters as the driver takes them."""
        if self._fixed:
            parameters = {**self._fixed, **parameters}
        if self._get is None:
            if not self._by_name:
                return parameters
            named = dict(parameters)
            for name, convert in self._by_name:
                named[name] = convert(named[name])
            return named
        placed = self._get(parameters)
        if self._places:
            placed = list(placed)
            for place, convert in self._places:
                placed[place] = convert(placed[place])
        return placed

    def _read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Give the values of a row their types."""
        if not self._from_driver:
            return row
        values = list(row)
        for place, convert in self._from_driver:
            values[place] = convert(values[place])
        return values


def run_text(connection: Connection, text: str) -> None:
    """Execute words that have no parameters, such as a BEGIN, for what they do."""
    _execute(connection, text, (), fetch=False)


def _execute(
    connection: Connection, text: str, bound: Any, *, fetch: bool
) -> Sequence[Sequence[Any]]:
    dialect = connection.dialect
    try:
        cursor = connection.connection.cursor()
        try:
            dialect.do_execute(cursor, text, bound)
            return cursor.fetchall() if fetch else ()
        finally:
            cursor.close()
    except dialect.loaded_dbapi.Error as error:
        raise _translated(dialect, text, error) from error


def _translated(dialect: Dialect, text: str, error: Exception) -> Exception:
    """Give the error of SQLAlchemy for one of the driver.

    Where the connection is lost, SQLAlchemy finds that out when it rolls back.
    """
    base = dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        text, None, error, base, hide_parameters=True, dialect=dialect
    )


def _getter(names: Sequence[str]) -> Callable[[Parameters], Sequence[Any]]:
    """Make what gives the values of names, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda parameters: [parameters[name] for name in names]


def _to_driver(of_type: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    # Octets are taken as they are by both drivers.
    if isinstance(of_type, LargeBinary):
        return None
    return of_type.dialect_impl(dialect).bind_processor(dialect)


def _from_driver(of_type: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return of_type.dialect_impl(dialect).result_processor(dialect, None)

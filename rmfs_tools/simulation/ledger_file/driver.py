"""The product's database driver, over a recorded file instead of a plain one.

`rmfs_server.store.open_store` makes its engine from a URL. This module is a DBAPI over
APSW and a SQLAlchemy dialect that uses it, so that ``sqlite+recorded:///path?vfs=NAME``
opens the same store with the product's own code: its pragmas, its BEGIN IMMEDIATE, its
statements, none of them copied. What differs from the standard library's `sqlite3` is
who steps the statements, and that APSW brings an SQLite of its own version.

Only what SQLAlchemy and the product's engine call is here. Transactions are begun and
ended by statements, as in `sqlite3` with ``isolation_level = None``, and rows are read
to the end at once.

Source: PEP 249; SQLAlchemy's pysqlite dialect; docs/ledger-file.md.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

import apsw
from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import DBAPIModule

from protocol.errors import StoreError

apilevel: Final = "2.0"
threadsafety: Final = 1
paramstyle: Final = "qmark"
Binary: Final = bytes
sqlite_version_info: Final = tuple(
    int(part) for part in apsw.sqlite_lib_version().split(".")
)
_CHANGES: Final = ("INSERT", "UPDATE", "DELETE")


class Error(Exception):
    """What every error of this driver is."""


class InterfaceError(Error):
    """The driver was used wrongly."""


class DatabaseError(Error):
    """The database says no."""


class OperationalError(DatabaseError):
    """The database cannot go on: a lock, a disk, a statement."""


class IntegrityError(DatabaseError):
    """A constraint refuses it."""


class DataError(DatabaseError):
    """A value does not fit."""


class InternalError(DatabaseError):
    """The database has lost its way."""


class ProgrammingError(DatabaseError):
    """A statement is wrong."""


class NotSupportedError(DatabaseError):
    """There is no such thing here."""


class RecordedCursor:
    """A cursor whose rows are read at once.

    Attributes:
        description: Names of the columns, in the seven places of PEP 249, or None.
        rowcount: Rows changed by a statement that changes rows, else -1.
    """

    arraysize = 1

    def __init__(self, connection: apsw.Connection) -> None:
        """Make a cursor on a connection."""
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1
        self._connection = connection
        self._cursor = connection.cursor()
        self._cursor.exec_trace = self._describe
        self._rows: list[tuple[Any, ...]] = []

    @property
    def lastrowid(self) -> int:
        """The row id of the last row inserted."""
        return self._connection.last_insert_rowid()

    def execute(
        self, statement: str, parameters: Sequence[Any] = ()
    ) -> "RecordedCursor":
        """Run one statement to its end.

        Raises:
            IntegrityError: A constraint refuses it.
            OperationalError: Anything else.
        """
        self.description = None
        try:
            self._rows = list(self._cursor.execute(statement, tuple(parameters)))
        except apsw.ConstraintError as error:
            raise IntegrityError(str(error)) from error
        except apsw.Error as error:
            raise OperationalError(str(error)) from error
        changes = statement.lstrip()[:6].upper() in _CHANGES
        self.rowcount = self._connection.changes() if changes else -1
        return self

    def executemany(
        self, statement: str, rows: Iterable[Sequence[Any]]
    ) -> "RecordedCursor":
        """Run one statement for each row of parameters."""
        changed = 0
        for row in rows:
            self.execute(statement, row)
            changed += max(self.rowcount, 0)
        self.rowcount = changed
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Give the next row."""
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """Give the next rows."""
        given, self._rows = self._rows[:size], self._rows[size:]
        return given

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give all rows that are left."""
        given, self._rows = self._rows, []
        return given

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Do nothing: PEP 249 allows it."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Do nothing: PEP 249 allows it."""

    def close(self) -> None:
        """Let the cursor go."""
        self._rows = []
        self._cursor.close()

    def _describe(self, cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
        # APSW tells the columns only while the statement has not come to its end.
        columns = cursor.get_description()
        if columns:
            self.description = tuple((name, *[None] * 6) for name, _ in columns)
        return True


class RecordedConnection:
    """A connection to a recorded file.

    Attributes:
        isolation_level: As in `sqlite3`; the product sets None, and only that is here.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        """Wrap a connection of APSW."""
        self.isolation_level: str | None = None
        self._connection = connection

    def cursor(self) -> RecordedCursor:
        """Make a cursor."""
        return RecordedCursor(self._connection)

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> RecordedCursor:
        """Run a statement on a cursor of its own."""
        return self.cursor().execute(statement, parameters)

    def commit(self) -> None:
        """Commit what is begun, if anything is."""
        if self._connection.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Take back what is begun, if anything is."""
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Close the files."""
        self._connection.close()

    def create_function(
        self,
        name: str,
        arguments: int,
        function: Callable[..., Any],
        *,
        deterministic: bool = False,
    ) -> None:
        """Give statements a function, as SQLAlchemy does on connecting."""
        self._connection.create_scalar_function(
            name, function, arguments, deterministic=deterministic
        )


def connect(path: str, *, vfs: str, timeout: float = 0.0) -> RecordedConnection:
    """Open a database through a VFS that is registered.

    Raises:
        OperationalError: It cannot be opened.
    """
    try:
        connection = apsw.Connection(path, vfs=vfs)
    except apsw.Error as error:
        raise OperationalError(str(error)) from error
    connection.set_busy_timeout(round(timeout * 1000))
    return RecordedConnection(connection)


class RecordedDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's SQLite, with this module below it."""

    driver = "recorded"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> DBAPIModule:
        """Give this module."""
        from rmfs_tools.simulation.ledger_file import driver  # noqa: PLC0415, PLW0406

        return cast("DBAPIModule", driver)

    def create_connect_args(self, url: URL) -> tuple[list[str], dict[str, Any]]:
        """Take path and VFS from the URL."""
        vfs = url.query.get("vfs")
        if url.database is None or not isinstance(vfs, str):
            raise StoreError("a recorded database has a path and one vfs")
        return [url.database], {"vfs": vfs}


def recorded_url(path: str, vfs: str) -> str:
    """Name a database as `open_store` takes it, to be opened through a VFS."""
    registry.register("sqlite.recorded", __name__, RecordedDialect.__name__)
    return URL.create(
        "sqlite+recorded", database=path, query={"vfs": vfs}
    ).render_as_string()

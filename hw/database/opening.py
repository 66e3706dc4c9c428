"""Open the books by URL: SQLite by default, PostgreSQL where several processes share.

Rules that are not tunable, because each was seen to lose money when it is bent:

- SQLite runs with WAL, synchronous=FULL, foreign keys and recursive triggers, set on
  every connection and read back: a connection that answers otherwise is refused.
  A writer begins IMMEDIATE, so that what it reads cannot change before it writes.
- PostgreSQL runs READ COMMITTED; whoever changes a machine locks its row first.
- A transaction that fails before COMMIT is rolled back. When COMMIT itself fails, or
  PostgreSQL warns during it, the outcome is unknown: `StoreError` says so, and the same
  request is made again, which finds its own key. A COMMIT is never timed out.

Source: reliability notes, sections 1, 3 and 4.4.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from psycopg import Connection as PsycopgConnection
from psycopg import Error as PsycopgError
from psycopg.errors import Diagnostic
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from hw.database.prepared import run_text
from protocol.errors import InvariantError, RmfsError, StoreError

BUSY_TIMEOUT_MS: Final = 5_000
"""Longest wait for another writer: far below the dialogue's time for the books."""

_SQLITE_PRAGMAS: Final = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "busy_timeout": BUSY_TIMEOUT_MS,
}
_NOTICES: Final = "rmfs_notices"
_UNIQUE_VIOLATION: Final = "23505"
_ON_POSTGRESQL: Final = re.compile(r"Key \((?P<columns>[^()]+)\)=")
_ON_SQLITE: Final = re.compile(r"UNIQUE constraint failed: (?P<columns>[a-z0-9_., ]+)")


class TakenError(InvariantError):
    """There is a row already with what may stand in one row only.

    Whoever writes has looked before, and somebody else was faster; a writer that did
    not look has a fault.

    Attributes:
        thing: What there is, by the name of its table, as in ``licence application``.
        by: What makes it one, as in ``identifier and kind``.
    """

    def __init__(self, message: str, thing: str, by: str) -> None:
        """Say what was being written, and what there is."""
        super().__init__(message)
        self.thing = thing
        self.by = by


class CommitHook(Protocol):
    """What a test or a simulation wants to do around each commit."""

    def before_commit(self, name: str) -> None:
        """Everything is written, nothing is committed."""

    def after_commit(self, name: str) -> None:
        """The commit is durable, nobody has been told."""


class NoHook:
    """Does nothing: the hook of a server in service."""

    def before_commit(self, name: str) -> None:
        """Do nothing."""

    def after_commit(self, name: str) -> None:
        """Do nothing."""


class Store:
    """A database in which the books are kept."""

    def __init__(self, engine: Engine, hook: CommitHook) -> None:
        """Use an engine that `open_store` has prepared."""
        self._engine = engine
        self._hook = hook

    @property
    def engine(self) -> Engine:
        """The engine; what is begun on it directly begins no transaction of SQLite."""
        return self._engine

    @contextmanager
    def writing(self, name: str) -> Iterator[Connection]:
        """Do one transaction that writes; it commits when the block ends.

        Args:
            name: What it does, for hooks.

        Raises:
            StoreError: The database failed; the outcome may be unknown.
            TakenError: What may be there once is there already.
            InvariantError: A rule of the schema refused what was to be written.
        """
        try:
            with (
                self._engine.connect() as connection,
                connection.begin() as transaction,
            ):
                self._begin(connection, "BEGIN IMMEDIATE")
                yield connection
                self._hook.before_commit(name)
                notices = connection.info.get(_NOTICES, [])
                notices.clear()
                try:
                    transaction.commit()
                except DBAPIError:
                    # A COMMIT that was refused leaves its transaction open, and with
                    # it the lock, in the connection that goes back to the pool.
                    connection.invalidate()
                    raise
                if notices:
                    detail = f"{name}: the database warned at COMMIT: {notices[0]}"
                    raise StoreError(f"{detail}; the outcome is unknown")
        except SQLAlchemyError as error:
            raise _translated(name, error) from error
        self._hook.after_commit(name)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read from one snapshot; nothing is written.

        Raises:
            StoreError: The database failed.
        """
        try:
            with self._engine.connect() as fresh:
                connection = fresh
                if self._engine.dialect.name == "postgresql":
                    connection = fresh.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                with connection.begin() as transaction:
                    self._begin(connection, "BEGIN DEFERRED")
                    yield connection
                    transaction.rollback()
        except SQLAlchemyError as error:
            raise _translated("reading", error) from error

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """Execute one prepared statement that reads: it is a snapshot by itself.

        Raises:
            StoreError: The database failed.
        """
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _translated("reading", error) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _begin(self, connection: Connection, how: str) -> None:
        """Begin on SQLite, whose driver was told not to begin by itself.

        It is no listener of the engine: with one for anything SQLAlchemy looks for
        listeners around each statement, a third of what a statement costs it.
        """
        if self._engine.dialect.name == "sqlite":
            run_text(connection, how)


def open_store(url: str, hook: CommitHook | None = None) -> Store:
    """Open the books.

    Args:
        url: ``sqlite:///path`` or ``postgresql+psycopg://...``.
        hook: Called around each commit.

    Raises:
        StoreError: The URL names no such database, or it does not run as it must.
    """
    try:
        backend = make_url(url).get_backend_name()
        if backend == "sqlite":
            engine = _open_sqlite(url)
        elif backend == "postgresql":
            engine = _open_postgresql(url)
        else:
            raise StoreError(f"{backend} is not a database that this server can use")
    except ArgumentError as error:
        raise StoreError("the database URL cannot be read") from error
    return Store(engine, NoHook() if hook is None else hook)


def _open_sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin by itself: it would begin DEFERRED.
    connection.isolation_level = None
    for name, wanted in _SQLITE_PRAGMAS.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != wanted:
            connection.close()
            message = f"SQLite says {name} = {found}, {wanted} is needed"
            raise StoreError(message)


def _open_postgresql(url: str) -> Engine:
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            # Whatever the role or the database has: a time-out would cancel a COMMIT
            # that waits for a standby, and PostgreSQL would answer success.
            "options": f"-c lock_timeout={BUSY_TIMEOUT_MS} -c statement_timeout=0"
            " -c timezone=UTC",
        },
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: PsycopgConnection[Any], record: Any) -> None:
    notices: list[str] = []
    record.info[_NOTICES] = notices

    def keep(diagnostic: Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            notices.append(diagnostic.message_primary or "a warning")

    connection.add_notice_handler(keep)


def _translated(name: str, error: SQLAlchemyError) -> RmfsError:
    """Say in words of the product what SQLAlchemy raised."""
    if isinstance(error, IntegrityError):
        message = f"{name}: the books refuse it: {error.orig}"
        return _taken(message, error.orig) or InvariantError(message)
    if isinstance(error, DBAPIError):
        return StoreError(f"{name}: the database failed: {error.orig}")
    return StoreError(f"{name}: {error}")


def _taken(message: str, found: BaseException | None) -> TakenError | None:
    """Say what there is already; None if that was not the reason."""
    if isinstance(found, PsycopgError) and found.sqlstate == _UNIQUE_VIOLATION:
        named = _ON_POSTGRESQL.search(found.diag.message_detail or "")
        columns = "" if named is None else named["columns"]
        return _named(message, found.diag.table_name or "", columns.split(", "))
    if isinstance(found, sqlite3.IntegrityError):
        named = _ON_SQLITE.search(str(found))
        if named is not None:
            columns = named["columns"].split(", ")
            table = columns[0].partition(".")[0]
            return _named(message, table, [one.rpartition(".")[2] for one in columns])
    return None


def _named(message: str, table: str, columns: list[str]) -> TakenError:
    words = [one.replace("_", " ") for one in columns]
    return TakenError(message, table.replace("_", " "), " and ".join(words))

"""Trouble of the database, made where the driver is called.

A full disk and a busy database are the real ones: SQLite is given no page more, or
another connection holds the write lock. A disk that returns errors, a database that is
gone, a COMMIT that fails, and one whose outcome nobody learns are raised as the driver
raises them.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

from hw.database.opening import BUSY_TIMEOUT_MS
from rmfs_tools.simulation.deeds import DatabaseTrouble

_AT_COMMIT: Final = ("unknown", "refused")
_NO_LIMIT: Final = 1_073_741_823


class Troubles:
    """Stands before the driver of one engine, and gives trouble when told to.

    Attributes:
        struck: How often each kind of trouble was met by a statement or commit.
        on_unknown: Told of a COMMIT that is carried out and reported as failed.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        """Stand there; without trouble every call is passed on.

        Args:
            engine: Whose driver.
            path: The SQLite file.
        """
        self.struck: dict[str, int] = {}
        self.on_unknown: Callable[[], None] = _nobody_looks
        self._path = path
        self._trouble: DatabaseTrouble | None = None
        self._left = 0
        self._lock: sqlite3.Connection | None = None
        self._spoiled = False
        dialect = engine.dialect
        self._execute = dialect.do_execute
        self._commit = dialect.do_commit
        dialect.do_execute = self._do_execute  # type: ignore[method-assign]
        dialect.do_commit = self._do_commit  # type: ignore[method-assign,assignment]

    def begin(self, trouble: DatabaseTrouble) -> None:
        """Give this trouble from now on."""
        self.end()
        self._trouble = trouble
        self._left = trouble.statement
        if trouble.kind == "busy":
            self._lock = sqlite3.connect(self._path, isolation_level=None)
            self._lock.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        """Give no trouble any more."""
        self._trouble = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _do_execute(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        trouble = self._trouble
        if trouble is not None:
            self._spoil(cursor.connection, trouble)
        elif self._spoiled:
            self._mend(cursor.connection)
        self._execute(cursor, statement, parameters, context)

    def _do_commit(self, connection: Any) -> None:
        kind = None if self._trouble is None else self._trouble.kind
        fails = False
        if kind in _AT_COMMIT:
            self._left -= 1
            fails = self._left == 0
        if fails and kind == "refused":
            self._count(kind)
            raise sqlite3.OperationalError("disk I/O error")
        self._commit(connection)
        if fails and kind == "unknown":
            self._count(kind)
            self.on_unknown()
            raise sqlite3.OperationalError("disk I/O error")

    def _spoil(self, connection: sqlite3.Connection, trouble: DatabaseTrouble) -> None:
        if trouble.kind == "gone":
            self._count("gone")
            raise sqlite3.OperationalError("unable to open database file")
        if trouble.kind == "error":
            self._left -= 1
            if self._left <= 0:
                self._count("error")
                raise sqlite3.OperationalError("disk I/O error")
        elif trouble.kind == "busy" and not self._spoiled:
            self._spoiled = True
            self._count("busy")
            connection.execute("PRAGMA busy_timeout = 0")
        elif trouble.kind == "full" and not self._spoiled:
            self._spoiled = True
            self._count("full")
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

    def _mend(self, connection: sqlite3.Connection) -> None:
        self._spoiled = False
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA max_page_count = {_NO_LIMIT}")

    def _count(self, kind: str) -> None:
        self.struck[kind] = self.struck.get(kind, 0) + 1


def _nobody_looks() -> None:
    """No world is there."""

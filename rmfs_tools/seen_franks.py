"""A register of seen franks in one SQLite file, which several verifiers may share.

Looking and recording are one transaction that takes the write lock first: of two
verifiers with two copies the second waits, and finds what the first has stored. Every
question is answered from the index with one row, however long the file has grown.

Source: SPEC.md INDICIUM-6.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Final

from protocol.errors import StoreError
from protocol.indicium import SeenFrank, Sightings, decode_unsigned

WAIT_S: Final = 30.0
"""How long a verifier waits for another one; a transaction takes milliseconds."""

_APPLICATION: Final = 0x464D5346
"""Marks the file as ours: ``FMSF``."""
_VERSION: Final = 1

# A frank is never changed or taken out; its number tells which was seen first.
_SCHEMA: Final = (
    """
    CREATE TABLE seen (
        number INTEGER PRIMARY KEY,
        realm INTEGER NOT NULL,
        licence TEXT NOT NULL,
        item INTEGER NOT NULL,
        unsigned BLOB NOT NULL,
        seen_on TEXT NOT NULL,
        UNIQUE (realm, licence, item, unsigned)
    ) STRICT
    """,
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)

_OF_MACHINE: Final = (
    "SELECT unsigned, seen_on FROM seen WHERE realm = :realm AND licence = :licence AND"
)
QUESTIONS: Final = (
    f"{_OF_MACHINE} item = :item AND unsigned = :unsigned",
    f"{_OF_MACHINE} item = :item AND unsigned <> :unsigned ORDER BY number LIMIT 1",
    f"{_OF_MACHINE} item < :item ORDER BY item DESC, number LIMIT 1",
    f"{_OF_MACHINE} item > :item ORDER BY item, number LIMIT 1",
)
"""What gives the four parts of `Sightings`, in their order."""
_RECORD: Final = (
    "INSERT INTO seen (realm, licence, item, unsigned, seen_on) "
    "VALUES (:realm, :licence, :item, :unsigned, :seen_on)"
)


class FileSeenFranks:
    """A register of seen franks in a file; `open_seen_franks` opens one."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use an open connection to a file that has the schema."""
        self._path = path
        self._connection = connection

    def see(self, unsigned: bytes, seen_on: date) -> Sightings:
        """Say what is known, and know this frank from now on.

        Raises:
            IndiciumError: The octets are none of a frank.
            StoreError: The file cannot be read or written; nothing is recorded.
        """
        indicium = decode_unsigned(unsigned)
        values = {
            "realm": int(indicium.realm),
            "licence": indicium.licence,
            "item": indicium.item,
            "unsigned": unsigned,
            "seen_on": seen_on.isoformat(),
        }
        with _transaction(self._path, self._connection) as connection:
            sightings = Sightings(
                *(
                    _read(connection.execute(query, values).fetchone())
                    for query in QUESTIONS
                )
            )
            if sightings.same is None:
                connection.execute(_RECORD, values)
        return sightings


@contextmanager
def open_seen_franks(path: Path) -> Iterator[FileSeenFranks]:
    """Open a register, or begin one, for the length of a `with` block.

    Raises:
        StoreError: The file cannot be opened, or is something else.
    """
    try:
        connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be opened: {error}") from error
    try:
        with _transaction(path, connection):
            _prepare(path, connection)
        yield FileSeenFranks(path, connection)
    finally:
        connection.close()


@contextmanager
def _transaction(
    path: Path, connection: sqlite3.Connection
) -> Iterator[sqlite3.Connection]:
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        message = f"{path} cannot be used as a register of seen franks: {error}"
        raise StoreError(message) from error
    finally:
        if connection.in_transaction:
            # What cannot be rolled back here is rolled back by whoever opens next.
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    found = tuple(
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "schema_version")
    )
    if found == (0, 0, 0):
        for statement in _SCHEMA:
            connection.execute(statement)
    elif found[:2] != (_APPLICATION, _VERSION):
        message = f"{path} is another database: name a new file, or one made by "
        raise StoreError(f"{message}rmfs frank verify --seen")


def _read(row: tuple[bytes, str] | None) -> SeenFrank | None:
    return None if row is None else SeenFrank(row[0], date.fromisoformat(row[1]))

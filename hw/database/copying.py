"""Copy a whole database into a file while others write to it, and put it back.

SQLite is copied by its online backup, in one step: it reads one snapshot of the
write-ahead log and holds up no writer. In several steps it would begin anew whenever
somebody has committed meanwhile. PostgreSQL is copied by its own pg_dump, in its custom
format, from the snapshot in which the rows are counted.

Passwords go to PostgreSQL's programs in a file that its owner alone can read: a command
line can be read by everybody on the machine.

Source: sqlite.org/backup.html; PostgreSQL's documentation, pg_dump and 34.1.2.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import Connection, func, inspect, make_url, select, table

from hw.database.opening import Store, open_store
from protocol.errors import NeedsAttentionError, StoreError

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"

_OWNER_ONLY: Final = 0o600


class CopyError(NeedsAttentionError):
    """A copy was not made, or not put back; it says why."""


def backend_of(url: str) -> str:
    """Say which database a URL names: `SQLITE` or `POSTGRESQL`."""
    return make_url(url).get_backend_name()


def count_rows(connection: Connection) -> dict[str, int]:
    """Count the rows of every table, by its name."""
    names = sorted(inspect(connection).get_table_names())
    count = select(func.count())
    return {
        name: connection.execute(count.select_from(table(name))).scalar_one()
        for name in names
    }


def copy_out(store: Store, url: str, file: Path) -> dict[str, int]:
    """Copy a database into a file that is not there yet.

    Args:
        store: The database, open.
        url: The same.
        file: Where its copy goes; its owner alone can read it.

    Returns:
        How many rows each table has in the copy.

    Raises:
        CopyError: The file is there, pg_dump failed or is missing, or the copy is not
            sound.
        StoreError: The database failed.
    """
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
    except OSError as error:
        raise CopyError(f"{file} cannot be made: {error.strerror}") from error
    if backend_of(url) == SQLITE:
        _copy_sqlite(str(make_url(url).database), file)
        copy = open_store(f"sqlite:///{file}")
        try:
            with copy.reading() as connection:
                return count_rows(connection)
        finally:
            copy.close()
    with store.reading() as connection:
        snapshot = connection.execute(select(func.pg_export_snapshot())).scalar_one()
        rows = count_rows(connection)
        options = ("--format=custom", f"--snapshot={snapshot}", f"--file={file}")
        _run_postgresql("pg_dump", url, options)
    return rows


def copy_in(url: str, file: Path) -> None:
    """Put a copy back into a database that is empty.

    Args:
        url: The database: a PostgreSQL without tables, or a file that is not there.
        file: What `copy_out` made of one of the same kind.

    Raises:
        CopyError: The database is not empty, or cannot be written.
        StoreError: The database failed.
    """
    if backend_of(url) == SQLITE:
        _place_sqlite(Path(str(make_url(url).database)), file)
        return
    store = open_store(url)
    try:
        with store.reading() as connection:
            found = inspect(connection).get_table_names()
    finally:
        store.close()
    if found:
        message = f"the database has a table {min(found)}"
        raise CopyError(f"{message}: a copy is put back into an empty one only")
    options = ("--no-owner", "--no-privileges", "--single-transaction")
    _run_postgresql("pg_restore", url, (*options, "--exit-on-error", str(file)))


def check_sqlite(path: Path) -> list[str]:
    """Let SQLite look at every page, index and reference of a file.

    Returns:
        What it found, at most 100 lines; nothing where all is well.

    Raises:
        StoreError: The file is no database.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchall()
            words = [str(row[0]) for row in found if row[0] != "ok"]
            orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(100)
            words += [f"{row[0]} {row[1]} refers to no {row[2]}" for row in orphans]
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    return words[:100]


def _copy_sqlite(source: str, file: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(source)) as there,
            closing(sqlite3.connect(file)) as here,
        ):
            there.backup(here, pages=-1)
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied: {error}") from error
    found = check_sqlite(file)
    if found:
        raise CopyError(f"the copy of {source} is not sound: {found[0]}")


def _place_sqlite(path: Path, file: Path) -> None:
    leftovers = [Path(f"{path}{end}") for end in ("", "-wal", "-shm")]
    there = next((one for one in leftovers if one.exists()), None)
    if there is not None:
        raise CopyError(f"{there} is there: a copy is never put over anything")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as placed, file.open("rb") as copy:
            shutil.copyfileobj(copy, placed)
            placed.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise CopyError(f"{path} cannot be written: {error.strerror}") from error
    found = check_sqlite(path)
    if found:
        raise CopyError(f"{path} is not sound: {found[0]}")


def _run_postgresql(program: str, url: str, options: Sequence[str]) -> None:
    path = shutil.which(program)
    if path is None:
        message = f"{program} is not on this machine"
        raise CopyError(f"{message}: install PostgreSQL's client programs")
    place = make_url(url)
    with TemporaryDirectory(prefix="rmfs-") as folder:
        named = place.set(drivername="postgresql")
        if place.password:
            secret = Path(folder) / "password"
            word = str(place.password).replace("\\", "\\\\").replace(":", "\\:")
            secret.touch(_OWNER_ONLY)
            secret.write_text(f"*:*:*:*:{word}\n", "utf-8")
            # `set` takes None for "as it was".
            named = named._replace(password=None).update_query_dict(
                {"passfile": str(secret)}
            )
        text = named.render_as_string(hide_password=False)
        said = subprocess.run(  # noqa: S603 (a program of PostgreSQL, no shell)
            [path, f"--dbname={text}", "--no-password", *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    if said.returncode != 0:
        words = said.stderr.decode("utf-8", "replace").strip()
        raise CopyError(f"{program} failed: {words}")

"""New databases of the newest version: the first is migrated, the others are copies.

A chain of migrations costs most of a second on PostgreSQL; a copy of what it has built
costs a tenth of that. What the chain builds is the same for every test, and tests of
the chain itself go another way.
"""

import atexit
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text

from hw.database import CommitHook, Store, open_store

Migrate = Callable[[Store], None]

NOT_OURS: Final[dict[str, Any]] = {
    "include_name": lambda name, kind, _: (kind, name) != ("table", "schema_served")
}
"""Leaves out of a comparison what whoever migrates keeps beside Alembic's table."""

_COPIED: Final = "STRATEGY FILE_COPY"
"""Where nothing waits for the disk, files are copied faster than they are logged."""


def open_migrated(url: str, migrate: Migrate, hook: CommitHook | None = None) -> Store:
    """Open a database of the newest version.

    Args:
        url: Where no database is, which is made; or one that is there, empty or not.
        migrate: Of the gateway, or of the recharge server.
        hook: Called around each commit of the store that is given.
    """
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        path = Path(str(place.database))
        if not path.exists() or path.stat().st_size == 0:
            path.write_bytes(_file(migrate))
            return open_store(url, hook)
    elif not _exists(place):
        make_database(place, _template(place.set(database="postgres"), migrate))
        return open_store(url, hook)
    store = open_store(url, hook)
    migrate(store)
    return store


def make_database(place: URL, template: str) -> None:
    """Make a PostgreSQL database of that name as a copy of another."""
    _do(place, f"CREATE DATABASE {place.database} TEMPLATE {template} {_COPIED}")


def drop_database(place: URL) -> None:
    """Drop a PostgreSQL database, if there is one of that name."""
    _do(place, f"DROP DATABASE IF EXISTS {place.database} WITH (FORCE)")


def _exists(place: URL) -> bool:
    named = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    with _beside(place) as connection:
        return bool(connection.scalar(named, {"name": place.database}))


@cache
def _file(migrate: Migrate) -> bytes:
    """Build a file, once in a process."""
    with TemporaryDirectory(prefix="migrated-") as folder:
        path = Path(folder) / "store.sqlite"
        store = open_store(f"sqlite:///{path}")
        migrate(store)
        store.close()
        return path.read_bytes()


@cache
def _template(server: URL, migrate: Migrate) -> str:
    """Build a database that others are copied from, once in a process."""
    module = migrate.__module__.replace(".", "_")
    name = f"rmfs_template_{os.getpid()}_{module}"
    place = server.set(database=name)
    drop_database(place)
    make_database(place, "template0")
    atexit.register(drop_database, place)
    store = open_store(place.render_as_string(hide_password=False))
    migrate(store)
    store.close()
    return name


def _do(place: URL, statement: str) -> None:
    with _beside(place) as connection:
        connection.execute(text(statement))


def _beside(place: URL) -> Connection:
    """Ask the server beside a database, over a connection that is kept."""
    return _server(place.set(database="postgres")).connect()


@cache
def _server(server: URL) -> Engine:
    return create_engine(server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)

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

from sqlalchemy import URL, NullPool, create_engine, inspect, make_url, text

from hw.database import CommitHook, Store, open_store

Migrate = Callable[[Store], None]

NOT_OURS: Final[dict[str, Any]] = {
    "include_name": lambda name, kind, _: (kind, name) != ("table", "schema_served")
}
"""Leaves out of a comparison what whoever migrates keeps beside Alembic's table."""

COPIED: Final = "STRATEGY FILE_COPY"
"""Where nothing waits for the disk, files are copied faster than they are logged."""


def open_migrated(url: str, migrate: Migrate, hook: CommitHook | None = None) -> Store:
    """Open a database of the newest version.

    Args:
        url: An empty database, or one that is not new: that one is only migrated.
        migrate: Of the gateway, or of the recharge server.
        hook: Called around each commit of the store that is given.
    """
    place = make_url(url)
    if _is_new(place):
        if place.get_backend_name() == "sqlite":
            Path(str(place.database)).write_bytes(_file(migrate))
        else:
            _copy(_template(place.set(database="postgres"), migrate), place)
        return open_store(url, hook)
    store = open_store(url, hook)
    migrate(store)
    return store


def _is_new(place: URL) -> bool:
    if place.get_backend_name() == "sqlite":
        path = Path(str(place.database))
        return not path.exists() or path.stat().st_size == 0
    engine = create_engine(place, poolclass=NullPool)
    return inspect(engine).get_table_names() == []


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
    _do(server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    atexit.register(_do, server, f"DROP DATABASE IF EXISTS {name}")
    store = open_store(server.set(database=name).render_as_string(hide_password=False))
    migrate(store)
    store.close()
    return name


def _copy(template: str, place: URL) -> None:
    _do(
        place.set(database="postgres"),
        f"DROP DATABASE {place.database} WITH (FORCE)",
        f"CREATE DATABASE {place.database} TEMPLATE {template} {COPIED}",
    )


def _do(server: URL, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for one in statements:
            connection.execute(text(one))

"""Which pragmas a database runs with: the product's own, read back, or others."""

from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection, event

from hw.database import Store, open_store

SYNCHRONOUS: Final = ("off", "normal", "full", "extra")
"""By SQLite's number."""


class _Driver(Protocol):
    def execute(self, statement: str) -> object: ...


class Pragmas:
    """Pragmas that take the place of the product's own on every connection."""

    def __init__(self, pragmas: tuple[str, ...]) -> None:
        """Keep them, as in ``("synchronous = normal",)``."""
        self._pragmas = pragmas

    def put(self, store: Store) -> None:
        """Have them run after the product has set and read back its own."""
        event.listen(store.engine, "connect", self._run)

    def _run(self, connection: _Driver, _entry: object) -> None:
        for pragma in self._pragmas:
            connection.execute(f"PRAGMA {pragma}")


def product_settings(folder: Path) -> tuple[str, str]:
    """Read back what the product's own connection to a file runs with.

    Args:
        folder: Where a database may be made.

    Returns:
        Journal and synchronous, as in ``("wal", "full")``.
    """
    store = open_store(f"sqlite:///{folder / 'settings.sqlite'}")
    try:
        return settings_of(store)
    finally:
        store.close()


def settings_of(store: Store) -> tuple[str, str]:
    """Read journal and synchronous of an open store."""
    with store.reading() as connection:
        journal, synchronous = (
            _read(connection, name) for name in ("journal_mode", "synchronous")
        )
    return str(journal), SYNCHRONOUS[int(synchronous)]


def _read(connection: Connection, name: str) -> str | int:
    found: str | int = connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
    return found

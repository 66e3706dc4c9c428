"""Versions of the schema, and how a database gets to the newest."""

from typing import Final

from hw.database import Store
from hw.database.migrating import Versions

_VERSIONS: Final = Versions("dop_gateway.store:migrations", "rmfs dop migrate")


def migrate(store: Store) -> None:
    """Bring the schema to the newest version, in one transaction.

    Raises:
        StoreError: The database failed.
    """
    with store.writing("migrate") as connection:
        _VERSIONS.upgrade(connection)


def check_version(store: Store) -> None:
    """Refuse to work on a schema of another version.

    Raises:
        StoreError: The database is empty, older or newer than this program.
    """
    _VERSIONS.check(store)

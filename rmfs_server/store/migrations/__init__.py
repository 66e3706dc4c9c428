"""Versions of the schema, and how a database gets to the newest."""

from typing import Final

from sqlalchemy import select

from hw.database import Store
from hw.database.migrating import Versions
from rmfs_server.store import ledger, schema

_VERSIONS: Final = Versions("rmfs_server.store:migrations", "rmfs server migrate")


def migrate(store: Store) -> None:
    """Bring the schema to the newest version, in one transaction.

    Raises:
        StoreError: The database failed.
    """
    with store.writing("migrate") as connection:
        _VERSIONS.upgrade(connection)
        accounts = select(schema.account.c.id).limit(1)
        if connection.execute(accounts).first() is None:
            ledger.open_pooled_accounts(connection)


def check_version(store: Store) -> None:
    """Refuse to work on a schema of another version.

    Raises:
        StoreError: The database is empty, older or newer than this program.
    """
    _VERSIONS.check(store)


def find_version(store: Store) -> str | None:
    """Say which version the schema has; None where there is none.

    Raises:
        StoreError: The database failed.
    """
    return _VERSIONS.find(store)

"""Versions of the schema, and how a database gets to the newest."""

from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select

from protocol.errors import StoreError
from rmfs_server.store import schema
from rmfs_server.store.engine import Store
from rmfs_server.store.ledger import DEPARTMENT, SUSPENSE
from rmfs_server.store.schema import AccountKind

_LOCATION: Final = "rmfs_server.store:migrations"


def migrate(store: Store) -> None:
    """Bring the schema to the newest version, in one transaction.

    Raises:
        StoreError: The database failed.
    """
    config = _config()
    with store.writing("migrate") as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        accounts = schema.account
        if connection.execute(select(accounts.c.id).limit(1)).first() is None:
            for name, kind in (
                (DEPARTMENT, AccountKind.DEPARTMENT),
                (SUSPENSE, AccountKind.SUSPENSE),
            ):
                connection.execute(insert(accounts).values(name=name, kind=kind.name))


def check_version(store: Store) -> None:
    """Refuse to work on a schema of another version.

    Raises:
        StoreError: The database is empty, older or newer than this program.
    """
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    with store.reading() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        message = f"the database has schema {found or 'none'}, {wanted} is needed"
        raise StoreError(f"{message}: run `rmfs server migrate`")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    config.set_main_option("path_separator", "os")
    return config

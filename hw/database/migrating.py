"""Versions of a schema, and how a database gets to the newest while it serves.

A migration whose file says ``expands = True`` only adds: programs of the version before
go on with what they know. Whoever migrates writes into the database which versions are
served, so that a program can tell of a schema that is newer than itself. A migration
that takes something away, or changes what a column means, does not say so; it belongs
into a later release than the one that stopped using it.

Source: docs/many-hosts.md.
"""

from dataclasses import dataclass
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
)

from hw.database.opening import Store
from protocol.errors import StoreError

_SERVED: Final = Table(
    "schema_served", MetaData(), Column("version", Text, primary_key=True)
)
"""The versions whose programs this database serves; beside Alembic's own table."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of one schema.

    Attributes:
        location: Package and folder with Alembic's files, as ``package:folder``.
        command: What a person runs to migrate, as ``rmfs server migrate``.
    """

    location: str
    command: str

    def upgrade(self, connection: Connection) -> None:
        """Bring the schema to the newest version, within a writing transaction.

        Raises:
            StoreError: It is newer than this program already.
        """
        config = self._config()
        scripts = ScriptDirectory.from_config(config)
        found = MigrationContext.configure(connection).get_current_revision()
        if found not in _known(scripts):
            message = f"the database has schema {found}, which this program is too old"
            raise StoreError(f"{message} for: nothing is changed")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _SERVED.create(connection, checkfirst=True)
        connection.execute(delete(_SERVED))
        served = [{"version": one} for one in self._served()]
        connection.execute(insert(_SERVED), served)

    def check(self, store: Store) -> None:
        """Refuse to work on a schema that does not serve this program.

        Raises:
            StoreError: The database is empty or older, or newer and not only expanded.
        """
        scripts = ScriptDirectory.from_config(self._config())
        wanted = scripts.get_current_head()
        found = self.find(store)
        if found == wanted:
            return
        message = f"the database has schema {found or 'none'}, {wanted} is needed"
        if found in _known(scripts):
            raise StoreError(f"{message}: run `{self.command}`")
        with store.reading() as connection:
            told = inspect(connection).has_table(_SERVED.name)
            served = connection.scalars(select(_SERVED)).all() if told else []
        if wanted not in served:
            raise StoreError(f"{message}: run a newer version of this program")

    def find(self, store: Store) -> str | None:
        """Say which version a database has; None where it is empty.

        Raises:
            StoreError: The database failed.
        """
        with store.reading() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def _served(self) -> list[str]:
        """List the versions whose programs the newest schema serves."""
        scripts = ScriptDirectory.from_config(self._config())
        served = []
        for one in scripts.walk_revisions():
            served.append(one.revision)
            if not getattr(one.module, "expands", False):
                break
        return served

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", self.location)
        config.set_main_option("path_separator", "os")
        return config


def _known(scripts: ScriptDirectory) -> set[str | None]:
    """Give the versions that a program knows; None is an empty database."""
    return {None, *(one.revision for one in scripts.walk_revisions())}

"""Versions of a schema, and how a database gets to the newest."""

from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hw.database.opening import Store
from protocol.errors import StoreError


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
        """Bring the schema to the newest version, within a writing transaction."""
        config = self._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    def check(self, store: Store) -> None:
        """Refuse to work on a schema of another version.

        Raises:
            StoreError: The database is empty, older or newer than this program.
        """
        wanted = ScriptDirectory.from_config(self._config()).get_current_head()
        with store.reading() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found != wanted:
            message = f"the database has schema {found or 'none'}, {wanted} is needed"
            raise StoreError(f"{message}: run `{self.command}`")

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", self.location)
        config.set_main_option("path_separator", "os")
        return config

"""CHECKs that allow more from now on, for migrations: on both engines.

SQLite cannot change a CHECK, and to rebuild a table that others refer to, it would have
to be told outside of any transaction to forget its foreign keys. It documents the other
way that is gone here: the text of the table is edited in the schema itself. That is
safe for a CHECK that only allows more, because no row has to be looked at.

A migration that has been released calls this; so it is added to, never changed.

Source: https://www.sqlite.org/lang_altertable.html, section 7.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic import op
from sqlalchemy import Connection, text

from protocol.errors import StoreError


@dataclass(frozen=True, slots=True)
class Widened:
    """A CHECK that a column holds one of some names, of which there are more now.

    Attributes:
        table: That it stands at.
        constraint: Its name.
        column: Of which it says something.
        known: The names that were allowed, in the order in which they stand there.
        added: The names that are allowed from now on, too.
    """

    table: str
    constraint: str
    column: str
    known: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def said(self) -> str:
        """The condition before."""
        return _condition(self.column, self.known)

    @property
    def says(self) -> str:
        """The condition from now on."""
        return _condition(self.column, sorted((*self.known, *self.added)))


def widen(checks: Iterable[Widened]) -> None:
    """Let CHECKs allow more, within a migration.

    Raises:
        StoreError: A table does not have its CHECK as it is said to have been.
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for one in checks:
            _replace_postgresql(one)
    else:
        _edit_sqlite(connection, checks)


def _replace_postgresql(one: Widened) -> None:
    op.execute(f"ALTER TABLE {one.table} DROP CONSTRAINT {one.constraint}")
    op.execute(
        f"ALTER TABLE {one.table} ADD CONSTRAINT {one.constraint} CHECK ({one.says})"
    )


def _edit_sqlite(connection: Connection, checks: Iterable[Widened]) -> None:
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for one in checks:
        changed = connection.execute(
            text(
                "UPDATE sqlite_schema SET sql = replace(sql, :said, :says) "
                "WHERE type = 'table' AND name = :table AND instr(sql, :said) > 0"
            ),
            {
                "said": f"CONSTRAINT {one.constraint} CHECK ({one.said})",
                "says": f"CONSTRAINT {one.constraint} CHECK ({one.says})",
                "table": one.table,
            },
        )
        if changed.rowcount != 1:
            words = f"{one.table} does not have {one.constraint} as it was"
            raise StoreError(words)
    # Other connections read the schema again, and this one at once.
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def _condition(column: str, names: Iterable[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"{column} IN ({listed})"

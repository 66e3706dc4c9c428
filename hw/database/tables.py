"""Tables whose columns hold what their type says, and whose constraints have names."""

from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, MetaData, Table

from hw.database.columns import INTEGER

_NAMES: Final = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


def tables() -> MetaData:
    """Begin a schema; each constraint in it gets the same name on both engines."""
    return MetaData(naming_convention=_NAMES)


def table(
    metadata: MetaData, name: str, *parts: Column[Any] | CheckConstraint | Any
) -> Table:
    """Add a table; SQLite too refuses what is not of a column's type."""
    return Table(name, metadata, *parts, sqlite_strict=True)


def key() -> Column[int]:
    """Make a key that the database counts."""
    return Column("id", INTEGER, primary_key=True)


def paise(name: str, *, nullable: bool = False) -> Column[int]:
    """Make a column of money."""
    return Column(name, INTEGER, nullable=nullable)

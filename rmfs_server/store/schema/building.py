"""What all tables have in common: their names, and columns that many have."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, MetaData, Table

from rmfs_server.store.columns import INTEGER

REGISTER_NAMES: Final = (
    "ascending_paise",
    "descending_paise",
    "control_total_paise",
    "items",
    "items_with_zero",
)

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def table(name: str, *parts: Column[object] | CheckConstraint | object) -> Table:
    """Make a table whose columns hold what their type says, in SQLite too."""
    return Table(name, metadata, *parts, sqlite_strict=True)  # type: ignore[arg-type]


def key() -> Column[int]:
    """Make a key that the database counts."""
    return Column("id", INTEGER, primary_key=True)


def paise(name: str, *, nullable: bool = False) -> Column[int]:
    """Make a column of money."""
    return Column(name, INTEGER, nullable=nullable)


def registers(prefix: str) -> tuple[Column[int], ...]:
    """Make the columns of a machine's registers."""
    return tuple(
        Column(f"{prefix}_{name}", INTEGER, nullable=False) for name in REGISTER_NAMES
    )

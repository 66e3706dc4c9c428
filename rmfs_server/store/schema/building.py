"""What all tables of the recharge server have in common."""

from functools import partial
from typing import Final

from sqlalchemy import Column

from hw.database.columns import INTEGER
from hw.database.tables import table as table_of
from hw.database.tables import tables

REGISTER_NAMES: Final = (
    "ascending_paise",
    "descending_paise",
    "control_total_paise",
    "items",
    "items_with_zero",
)

metadata: Final = tables()
table: Final = partial(table_of, metadata)


def registers(prefix: str) -> tuple[Column[int], ...]:
    """Make the columns of a machine's registers."""
    return tuple(
        Column(f"{prefix}_{name}", INTEGER, nullable=False) for name in REGISTER_NAMES
    )

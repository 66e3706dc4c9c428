"""Usage: lifetime items and postage of a machine by product class."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from hw.database.prepared import Prepared
from protocol.messages import UsageRow
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.store import schema

# Built once: the recharge path runs these.
_READ: Final = Prepared(
    select(schema.usage)
    .where(schema.usage.c.licence == bindparam("of_licence"))
    .order_by(schema.usage.c.product_class)
)
_REMOVE: Final = Prepared(
    delete(schema.usage).where(schema.usage.c.licence == bindparam("of_licence"))
)
_WRITE: Final = Prepared(insert(schema.usage))


def read(connection: Connection, licence: LicenceIdentifier) -> tuple[UsageRow, ...]:
    """Read the usage table of a machine, by class."""
    rows = _READ.all(connection, {"of_licence": licence})
    return tuple(
        UsageRow(row.product_class, row.items, Paise(row.amount_paise)) for row in rows
    )


def write(
    connection: Connection, licence: LicenceIdentifier, rows: Sequence[UsageRow]
) -> None:
    """Replace the usage table of a machine."""
    _REMOVE.run(connection, {"of_licence": licence})
    if rows:
        _WRITE.run_many(
            connection,
            [
                {
                    "licence": licence,
                    "product_class": row.product_class,
                    "items": row.items,
                    "amount_paise": row.amount_paise,
                }
                for row in rows
            ],
        )


def merge(
    before: Iterable[UsageRow], reported: Iterable[UsageRow]
) -> tuple[UsageRow, ...]:
    """Put reported rows, which are totals, over the rows that are there."""
    table = {row.product_class: row for row in (*before, *reported)}
    return tuple(table[product_class] for product_class in sorted(table))


def fell(before: Iterable[UsageRow], after: Iterable[UsageRow]) -> list[int]:
    """Name the classes whose items or postage went back, or that are gone."""
    now = {row.product_class: (row.items, row.amount_paise) for row in after}
    fallen = []
    for row in before:
        items, amount = now.get(row.product_class, (0, 0))
        if items < row.items or amount < row.amount_paise:
            fallen.append(row.product_class)
    return fallen


def total_paise(rows: Iterable[UsageRow]) -> int:
    """Sum the postage of all classes."""
    return sum(row.amount_paise for row in rows)

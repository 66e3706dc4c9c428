"""Usage: lifetime items and postage of a machine by product class."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from protocol.messages import UsageRow
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.store import schema


def read(connection: Connection, licence: LicenceIdentifier) -> tuple[UsageRow, ...]:
    """Read the usage table of a machine, by class."""
    table = schema.usage
    rows = connection.execute(
        select(table).where(table.c.licence == licence).order_by(table.c.product_class)
    )
    return tuple(
        UsageRow(row.product_class, row.items, Paise(row.amount_paise)) for row in rows
    )


def write(
    connection: Connection, licence: LicenceIdentifier, rows: Sequence[UsageRow]
) -> None:
    """Replace the usage table of a machine."""
    table = schema.usage
    connection.execute(delete(table).where(table.c.licence == licence))
    if rows:
        connection.execute(
            insert(table),
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

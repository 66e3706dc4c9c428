"""What operators ask the books: what is open, what is frozen, how the exchange stands.

Each figure is found by an index, so that asking costs no more with a million machines;
`picture_of_machines` alone counts them.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from hw.database import Store
from protocol.values import EpochSeconds
from rmfs_server.exchange.showing import look
from rmfs_server.store import recharges, schema

Picture = Mapping[str, Any]


def picture_of_books(store: Store, now: EpochSeconds) -> Picture:
    """Picture what is watched all the time.

    Raises:
        StoreError: The database failed.
    """
    with store.reading() as connection:
        opened, oldest = _open_recharges(connection)
        frozen = _count_frozen(connection)
    exchange = look(store, now, 1)
    came, went = exchange.came[:1], exchange.went[:1]
    return {
        "recharges_open": opened,
        "oldest_open_at": oldest,
        "frozen": frozen,
        "exchange": {
            "window": exchange.slot.window,
            "missing": len(exchange.missing),
            "waiting": len(exchange.waiting),
            "unanswered": len(exchange.unanswered),
            "to_tell": exchange.to_tell,
            "came": came[0].name if came else None,
            "went": went[0].name if went else None,
            "went_at": went[0].handed_at if went else None,
        },
    }


def picture_of_machines(store: Store) -> Picture:
    """Count licences and machines; it reads an index from end to end.

    Raises:
        StoreError: The database failed.
    """
    with store.reading() as connection:
        return {
            "licences": _count(connection, schema.licence),
            "machines": _count(connection, schema.machine),
        }


def _open_recharges(connection: Connection) -> tuple[int, EpochSeconds | None]:
    table = schema.recharge
    count, oldest = connection.execute(
        select(func.count(), func.min(table.c.reserved_at)).where(recharges.IS_OPEN)
    ).one()
    return count, oldest


def _count_frozen(connection: Connection) -> int:
    table = schema.discrepancy
    licences = select(table.c.licence).where(table.c.resolved_at.is_(None)).distinct()
    found = connection.execute(select(func.count()).select_from(licences.subquery()))
    return int(found.scalar_one())


def _count(connection: Connection, table: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

"""Orders: numbered by machine without gaps, sent again until they are acknowledged."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from protocol.messages import Order, OrderKind
from protocol.values import EpochSeconds, LicenceIdentifier, OrderSerial
from rmfs_server.store import schema

PER_DIAL_IN_MAX: Final = 16
"""Orders sent in one dial-in; what is left goes with the next."""

_PENDING: Final = (
    select(schema.machine_order)
    .where(
        schema.machine_order.c.licence == bindparam("of_licence"),
        schema.machine_order.c.serial > bindparam("after"),
    )
    .order_by(schema.machine_order.c.serial)
    .limit(PER_DIAL_IN_MAX)
)


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order and what became of it."""

    order: Order
    created_at: EpochSeconds
    acknowledged_at: EpochSeconds | None


def add(
    connection: Connection,
    licence: LicenceIdentifier,
    kind: OrderKind,
    value: int,
    now: EpochSeconds,
    *,
    applied: int,
) -> OrderSerial:
    """Give a machine that is locked its next order.

    Its serial is behind those that these books gave and behind `applied`, the highest
    that the machine says it has applied: books restored from an old copy have forgotten
    some, and an order with a serial used before would be taken for applied.
    """
    table = schema.machine_order
    last = connection.execute(
        select(func.coalesce(func.max(table.c.serial), 0)).where(
            table.c.licence == licence
        )
    ).scalar_one()
    serial = OrderSerial(max(int(last), applied) + 1)
    connection.execute(
        insert(table).values(
            licence=licence, serial=serial, kind=kind.name, value=value, created_at=now
        )
    )
    return serial


def pending(
    connection: Connection, licence: LicenceIdentifier, after: int, now: EpochSeconds
) -> tuple[Order, ...]:
    """List what a machine that has applied `after` is to be sent, in order.

    A CLOCK order without a value means the time of sending, `now`.
    """
    rows = connection.execute(_PENDING, {"of_licence": licence, "after": after})
    return tuple(
        Order(
            OrderSerial(row.serial),
            OrderKind[row.kind],
            now if row.kind == OrderKind.CLOCK.name and not row.value else row.value,
        )
        for row in rows
    )


def acknowledge(
    connection: Connection, licence: LicenceIdentifier, up_to: int, now: EpochSeconds
) -> None:
    """Note that a machine has applied everything up to a serial."""
    table = schema.machine_order
    connection.execute(
        update(table)
        .where(
            table.c.licence == licence,
            table.c.serial <= up_to,
            table.c.acknowledged_at.is_(None),
        )
        .values(acknowledged_at=now)
    )


def all_of(connection: Connection, licence: LicenceIdentifier) -> list[StoredOrder]:
    """List every order of a machine."""
    table = schema.machine_order
    rows = connection.execute(
        select(table).where(table.c.licence == licence).order_by(table.c.serial)
    )
    return [
        StoredOrder(
            Order(OrderSerial(row.serial), OrderKind[row.kind], row.value),
            EpochSeconds(row.created_at),
            row.acknowledged_at,
        )
        for row in rows
    ]

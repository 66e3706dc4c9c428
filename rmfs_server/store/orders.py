"""Orders: numbered by machine without gaps, sent again until they are acknowledged.

- Orders go out in their sequence. One whose capability the machine's last STATEMENT
  lacks is not sent, nor is any behind it: they wait.
- An order that was taken back before it was acknowledged is sent as NOTHING under its
  serial. Where it had been sent before, the machine may have applied it all the same.
- One that was never sent is not applied, whatever serial a machine names: books that
  were restored from an old copy gave it a serial used before. It gets a new one.

Source: SPEC.md DLG-10, DLG-11.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from hw.database.prepared import Prepared
from protocol.messages import CAPABILITY_OF, CONTENT_ORDERS, Order, OrderKind
from protocol.values import U32_MAX, EpochSeconds, LicenceIdentifier, OrderSerial
from rmfs_server.store import schema
from rmfs_server.store.contents import key_of
from rmfs_server.store.machines import Machine

PER_DIAL_IN_MAX: Final = 16
"""Orders sent in one dial-in; what is left goes with the next."""

_PENDING: Final = Prepared(
    select(schema.machine_order)
    .where(
        schema.machine_order.c.licence == bindparam("of_licence"),
        schema.machine_order.c.serial > bindparam("after"),
    )
    .order_by(schema.machine_order.c.serial)
    .limit(PER_DIAL_IN_MAX)
)
_UNACKNOWLEDGED: Final = (
    schema.machine_order.c.licence == bindparam("of_licence"),
    schema.machine_order.c.serial <= bindparam("up_to"),
    schema.machine_order.c.acknowledged_at.is_(None),
)
_FIND_UNACKNOWLEDGED: Final = Prepared(
    select(schema.machine_order)
    .where(*_UNACKNOWLEDGED)
    .order_by(schema.machine_order.c.serial)
)
_ACKNOWLEDGE: Final = Prepared(
    update(schema.machine_order)
    .where(*_UNACKNOWLEDGED)
    .values(acknowledged_at=bindparam("now"))
)
_SENT: Final = Prepared(
    update(schema.machine_order)
    .where(
        schema.machine_order.c.licence == bindparam("of_licence"),
        schema.machine_order.c.serial == bindparam("of_serial"),
    )
    .values(sent_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order and what became of it.

    Attributes:
        order: As it was given; one that was taken back is sent as NOTHING.
        sent_at: When it was sent first as it was given, whether it arrived or not.
        name: What people call the content that it names.
        number: The number of that content.
    """

    order: Order
    created_at: EpochSeconds
    sent_at: EpochSeconds | None
    acknowledged_at: EpochSeconds | None
    taken_back_at: EpochSeconds | None
    name: str | None
    number: int | None

    @property
    def kind_sent(self) -> OrderKind:
        """The kind under which it is sent from now on."""
        return self.order.order if self.taken_back_at is None else OrderKind.NOTHING


def add(
    connection: Connection,
    licence: LicenceIdentifier,
    kind: OrderKind,
    value: int,
    now: EpochSeconds,
    *,
    applied: int,
) -> OrderSerial | None:
    """Give a machine that is locked its next order.

    Its serial is behind those that these books gave and behind `applied`, the highest
    that the machine says it has applied: books restored from an old copy have forgotten
    some, and an order with a serial used before would be taken for applied.

    Returns:
        Its serial, or None: the last one that an ORDER can bear is used.
    """
    serial = _next_serial(connection, licence, applied)
    if serial is None:
        return None
    names_content = kind in CONTENT_ORDERS
    connection.execute(
        insert(schema.machine_order).values(
            licence=licence,
            serial=serial,
            kind=kind.name,
            value=0 if names_content else value,
            content=key_of(value) if names_content else None,
            created_at=now,
        )
    )
    return serial


def send(
    connection: Connection,
    licence: LicenceIdentifier,
    after: int,
    now: EpochSeconds,
    capabilities: int,
) -> tuple[Order, ...]:
    """List what a machine that has applied `after` is sent now, and note that it is.

    Args:
        connection: Of a transaction that has locked the machine.
        licence: The machine.
        after: The highest serial that it has applied.
        now: What a CLOCK order without a value sets.
        capabilities: Bits of its last STATEMENT: what lacks one waits, and all behind.
    """
    found = []
    rows = _PENDING.all(connection, {"of_licence": licence, "after": after})
    for row in _possible(rows, capabilities):
        if row.sent_at is None and row.taken_back_at is None:
            values = {"of_licence": licence, "of_serial": row.serial, "now": now}
            _SENT.run(connection, values)
        found.append(_to_send(row, now))
    return tuple(found)


def acknowledge(
    connection: Connection, licence: LicenceIdentifier, up_to: int, now: EpochSeconds
) -> Mapping[OrderSerial, OrderSerial | None]:
    """Note that a machine has applied everything up to a serial.

    What these books never sent it cannot have applied: under that serial it took an
    order that they have lost. Such an order is taken back and given again, behind all
    others, as long as there are serials.

    Returns:
        The new serial of each order that was to be given again, by its old one; None
        where no serial was left.
    """
    given_again: dict[OrderSerial, OrderSerial | None] = {}
    if not up_to:
        # Serials begin at 1.
        return given_again
    which = {"of_licence": licence, "up_to": up_to}
    unacknowledged = _FIND_UNACKNOWLEDGED.all(connection, which)
    if not unacknowledged:
        return given_again
    for row in unacknowledged:
        if row.sent_at is not None or row.taken_back_at is not None:
            continue
        take_back(connection, licence, OrderSerial(row.serial), now)
        serial = _next_serial(connection, licence, up_to)
        given_again[OrderSerial(row.serial)] = serial
        if serial is None:
            continue
        connection.execute(
            insert(schema.machine_order).values(
                licence=licence,
                serial=serial,
                kind=row.kind,
                value=row.value,
                content=row.content,
                created_at=row.created_at,
            )
        )
    _ACKNOWLEDGE.run(connection, {**which, "now": now})
    return given_again


def take_back(
    connection: Connection,
    licence: LicenceIdentifier,
    serial: OrderSerial,
    now: EpochSeconds,
) -> None:
    """Let an order that is neither acknowledged nor taken back be sent as NOTHING."""
    table = schema.machine_order
    connection.execute(
        update(table)
        .where(table.c.licence == licence, table.c.serial == serial)
        .values(taken_back_at=now)
    )


def find(
    connection: Connection, licence: LicenceIdentifier, serial: int
) -> StoredOrder | None:
    """Find an order by its serial."""
    found = (one for one in all_of(connection, licence))
    return next((one for one in found if one.order.order_serial == serial), None)


def last_waiting(connection: Connection, licence: LicenceIdentifier) -> Order | None:
    """Give the last order of a machine, unless it is acknowledged or taken back."""
    table = schema.machine_order
    row = connection.execute(
        select(table)
        .where(table.c.licence == licence)
        .order_by(table.c.serial.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.acknowledged_at is not None or row.taken_back_at is not None:
        return None
    return Order(OrderSerial(row.serial), OrderKind[row.kind], _value(row))


def all_of(
    connection: Connection,
    licence: LicenceIdentifier,
    kinds: Iterable[OrderKind] = tuple(OrderKind),
) -> list[StoredOrder]:
    """List every order of a machine of these kinds, with the contents they name."""
    table, content = schema.machine_order, schema.content
    rows = connection.execute(
        select(table, content.c.name, content.c.number)
        .select_from(table.outerjoin(content))
        .where(
            table.c.licence == licence,
            table.c.kind.in_([kind.name for kind in kinds]),
        )
        .order_by(table.c.serial)
    )
    return [
        StoredOrder(
            Order(OrderSerial(row.serial), OrderKind[row.kind], _value(row)),
            EpochSeconds(row.created_at),
            row.sent_at,
            row.acknowledged_at,
            row.taken_back_at,
            row.name,
            row.number,
        )
        for row in rows
    ]


def held_back(
    stored: Iterable[StoredOrder], capabilities: int | None
) -> Mapping[OrderSerial, str]:
    """Say in words which orders of a machine wait, and for what.

    Args:
        stored: Its orders, by serial.
        capabilities: Bits of its last STATEMENT; None, and nothing is known to wait.
    """
    found: dict[OrderSerial, str] = {}
    if capabilities is None:
        return found
    first: OrderSerial | None = None
    for one in stored:
        if one.acknowledged_at is not None:
            continue
        serial = one.order.order_serial
        if first is not None:
            found[serial] = f"waits behind order {first}"
        elif _lacks(one.kind_sent, capabilities):
            first = serial
            capability = CAPABILITY_OF[one.kind_sent]
            name = "" if capability is None else capability.name
            found[serial] = f"the machine's firmware lacks the capability {name}"
    return found


def not_taken(stored: Iterable[StoredOrder], machine: Machine) -> OrderSerial | None:
    """Name the order that a machine was sent in a whole dial-in and did not take.

    The dial-in was whole when its GOODBYE has named the mark of the RECEIPT: what its
    serial leaves out then was not possible. All orders behind that one wait with it.

    Args:
        stored: The orders of the machine, by serial.
        machine: The machine.
    """
    completed = machine.completed_at
    if machine.mark_issued is not None or completed is None:
        return None
    for one in stored:
        if one.acknowledged_at is None:
            sent = one.sent_at is not None and one.sent_at <= completed
            held = _lacks(one.kind_sent, machine.capabilities or 0)
            untouched = one.taken_back_at is None
            return one.order.order_serial if sent and untouched and not held else None
    return None


def _next_serial(
    connection: Connection, licence: LicenceIdentifier, applied: int
) -> OrderSerial | None:
    """Say which serial is behind all others, or None: an ORDER cannot bear it."""
    table = schema.machine_order
    last = connection.execute(
        select(func.coalesce(func.max(table.c.serial), 0)).where(
            table.c.licence == licence
        )
    ).scalar_one()
    serial = max(int(last), applied) + 1
    return OrderSerial(serial) if serial <= U32_MAX else None


def _possible(rows: Iterable[Row[Any]], capabilities: int) -> Iterator[Row[Any]]:
    for row in rows:
        if _lacks(_kind_sent(row), capabilities):
            return
        yield row


def _lacks(kind: OrderKind, capabilities: int) -> bool:
    capability = CAPABILITY_OF[kind]
    return capability is not None and not capabilities & capability


def _kind_sent(row: Row[Any]) -> OrderKind:
    return OrderKind.NOTHING if row.taken_back_at is not None else OrderKind[row.kind]


def _to_send(row: Row[Any], now: EpochSeconds) -> Order:
    kind, value = _kind_sent(row), _value(row)
    if kind is OrderKind.NOTHING:
        value = 0
    elif kind is OrderKind.CLOCK and not value:
        value = now
    return Order(OrderSerial(row.serial), kind, value)


def _value(row: Row[Any]) -> int:
    if row.content is None:
        return int(row.value)
    return int.from_bytes(row.content, "big")

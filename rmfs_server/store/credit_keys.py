"""Credit keys: the public halves of all that ever signed here, and who knows which.

A machine knows the key that it was enrolled with, and each that an order brought which
was sent to it and which it has acknowledged. One whose retirement was ordered counts as
forgotten at once, even where that order was taken back after it had been sent: the
machine may have applied it, and would be sent a voucher that it can neither apply nor
refuse.

Source: SPEC.md KEY-8.3 to KEY-8.5.
"""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from protocol.errors import InvariantError
from protocol.keys import CreditKey, Point, VerifyingKey
from protocol.messages import OrderKind
from protocol.values import EpochSeconds
from rmfs_server.store import machines, orders, schema
from rmfs_server.store.machines import Machine
from rmfs_server.store.orders import StoredOrder

_FIND: Final = select(schema.credit_key.c.x, schema.credit_key.c.y).where(
    schema.credit_key.c.key_id == bindparam("of_key")
)
_OF_KEYS: Final = (OrderKind.CREDIT_KEY, OrderKind.RETIRE_CREDIT_KEY)
"""What brings a key has the number of its content; what retires one has none."""


def register(connection: Connection, key: CreditKey, now: EpochSeconds) -> None:
    """Keep the public half of a key before it signs for the first time.

    Raises:
        InvariantError: The id belongs to another key.
    """
    known = find(connection, key.key_id)
    if known is None:
        connection.execute(
            insert(schema.credit_key).values(
                key_id=key.key_id,
                realm=int(key.realm),
                x=key.signing.public.point.x,
                y=key.signing.public.point.y,
                first_used_at=now,
            )
        )
    elif known != key.signing.public:
        message = f"credit key {key.key_id} is another key than the one used before"
        raise InvariantError(message)


def find(connection: Connection, key_id: int) -> VerifyingKey | None:
    """Find the key that verifies vouchers with this id."""
    row = connection.execute(_FIND, {"of_key": key_id}).one_or_none()
    return None if row is None else VerifyingKey(Point(row.x, row.y))


def all_ids(connection: Connection) -> list[int]:
    """List the ids of all keys that ever signed here, rising."""
    column = schema.credit_key.c.key_id
    return list(connection.execute(select(column).order_by(column)).scalars())


def known_to(connection: Connection, machine: Machine) -> frozenset[int]:
    """List the ids of the keys by which a voucher for a machine may be signed.

    A PSD keeps its credit keys when it begins a new life: what earlier lives were sent
    and told to forget counts as well.
    """
    enrolled = machines.find_enrolled(connection, machine.licence)
    if enrolled is None:
        return frozenset()
    return held_by(connection, enrolled.credential.psd_serial)


def held_by(connection: Connection, psd_serial: str) -> frozenset[int]:
    """List the ids of the keys that a PSD holds after all the lives it has had here."""
    held: set[int] = set()
    for life in machines.lives_of(connection, psd_serial):
        licence = life.credential.licence_identifier
        machine = machines.find(connection, licence)
        if machine is not None:
            held.add(machine.enrolled_credit_key)
        for one in orders.all_of(connection, licence, _OF_KEYS):
            if one.number is not None and _was_applied(one):
                held.add(one.number)
            elif one.number is None and _may_be_applied(one):
                held.discard(one.order.value)
    return frozenset(held)


def _was_applied(one: StoredOrder) -> bool:
    done = one.sent_at is not None and one.acknowledged_at is not None
    return done and one.taken_back_at is None


def _may_be_applied(one: StoredOrder) -> bool:
    return one.taken_back_at is None or one.sent_at is not None

"""Credit keys: the public halves of all that ever signed here, and who knows which.

A machine knows the key that it was enrolled with, and each that an order brought which
was sent to it and which it has acknowledged. One whose retirement was ordered counts as
forgotten at once, even where that order was taken back after it had been sent: the
machine may have applied it, and would be sent a voucher that it can neither apply nor
refuse.

Source: SPEC.md KEY-8.3 to KEY-8.5.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    Text,
    bindparam,
    insert,
    literal_column,
    select,
)

from hw.database.prepared import Prepared, PreparedIn
from protocol.errors import InvariantError
from protocol.keys import CreditKey, Point, VerifyingKey
from protocol.messages import OrderKind
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.store import schema
from rmfs_server.store.machines import Machine

# Built once: the recharge path runs these.
_FIND: Final = Prepared(
    select(schema.credit_key.c.x, schema.credit_key.c.y).where(
        schema.credit_key.c.key_id == bindparam("of_key")
    )
)
_ALL_IDS: Final = Prepared(
    select(schema.credit_key.c.key_id).order_by(schema.credit_key.c.key_id)
)
_REGISTER: Final = insert(schema.credit_key)
_OF_KEYS: Final = schema.machine_order.c.kind.in_(
    [
        literal_column(f"'{kind.name}'", Text)
        for kind in (OrderKind.CREDIT_KEY, OrderKind.RETIRE_CREDIT_KEY)
    ]
)
"""What brings a key has the number of its content; what retires one has none."""
_LIVES: Final = (
    select(
        schema.machine.c.licence,
        schema.machine.c.enrolled_credit_key,
        schema.machine_order.c.serial,
        schema.machine_order.c.value,
        schema.machine_order.c.sent_at,
        schema.machine_order.c.acknowledged_at,
        schema.machine_order.c.taken_back_at,
        schema.content.c.number,
    )
    .select_from(
        schema.credential.join(schema.machine)
        .outerjoin(
            schema.machine_order,
            (schema.machine_order.c.licence == schema.machine.c.licence) & _OF_KEYS,
        )
        .outerjoin(schema.content)
    )
    .order_by(
        schema.credential.c.enrolled_at,
        schema.credential.c.base_number,
        schema.credential.c.licence,
        schema.machine_order.c.serial,
    )
)
"""What the lives of a PSD say of keys: a row for each order, one where there is none.

Lives come in their order, in each the orders in theirs.
"""
_LIVES_OF: Final = Prepared(
    _LIVES.where(schema.credential.c.psd_serial == bindparam("of_psd"))
)
_OTHER: Final = schema.credential.alias("named")
_LIVES_WITH: Final = PreparedIn(
    _LIVES.add_columns(_OTHER.c.licence.label("named")).join(
        _OTHER, _OTHER.c.psd_serial == schema.credential.c.psd_serial
    ),
    _OTHER.c.licence,
)
_REGISTERED: Final = Prepared(
    select(schema.credit_key.c.key_id, schema.credit_key.c.x, schema.credit_key.c.y)
)


class KnownKeys:
    """Which keys some machines know, and which have signed: read when it is asked."""

    def __init__(
        self, connection: Connection, licences: Sequence[LicenceIdentifier]
    ) -> None:
        """Know of these machines, in the transaction of a connection."""
        self._connection = connection
        self._licences = licences
        self._known: dict[LicenceIdentifier, frozenset[int]] | None = None
        self._signed: dict[int, Point] | None = None

    def of(self, licence: LicenceIdentifier) -> frozenset[int]:
        """Give what `known_to` gives."""
        if self._known is None:
            self._known = known_to_all(self._connection, self._licences)
        return self._known[licence]

    def have_signed(self, key: CreditKey) -> bool:
        """Say whether this very key is registered."""
        if self._signed is None:
            rows = _REGISTERED.all(self._connection, {})
            self._signed = {row.key_id: Point(row.x, row.y) for row in rows}
        return self._signed.get(key.key_id) == key.signing.public.point


def register(connection: Connection, key: CreditKey, now: EpochSeconds) -> None:
    """Keep the public half of a key before it signs for the first time.

    Raises:
        InvariantError: The id belongs to another key.
    """
    point = key.signing.public.point
    known = _FIND.one_or_none(connection, {"of_key": key.key_id})
    if known is None:
        connection.execute(
            _REGISTER,
            {
                "key_id": key.key_id,
                "realm": int(key.realm),
                "x": point.x,
                "y": point.y,
                "first_used_at": now,
            },
        )
    elif (known.x, known.y) != (point.x, point.y):
        message = f"credit key {key.key_id} is another key than the one used before"
        raise InvariantError(message)


def find(connection: Connection, key_id: int) -> VerifyingKey | None:
    """Find the key that verifies vouchers with this id."""
    row = _FIND.one_or_none(connection, {"of_key": key_id})
    return None if row is None else VerifyingKey(Point(row.x, row.y))


def all_ids(connection: Connection) -> list[int]:
    """List the ids of all keys that ever signed here, rising."""
    return [row.key_id for row in _ALL_IDS.all(connection, {})]


def known_to(connection: Connection, machine: Machine) -> frozenset[int]:
    """List the ids of the keys by which a voucher for a machine may be signed.

    A PSD keeps its credit keys when it begins a new life: what earlier lives were sent
    and told to forget counts as well.
    """
    return known_to_all(connection, [machine.licence])[machine.licence]


def known_to_all(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, frozenset[int]]:
    """List the ids that `known_to` lists, for many machines."""
    lives: dict[LicenceIdentifier, list[Row[Any]]] = {one: [] for one in licences}
    for row in _LIVES_WITH.all(connection, licences):
        lives[row.named].append(row)
    return {licence: _held(rows) for licence, rows in lives.items()}


def held_by(connection: Connection, psd_serial: str) -> frozenset[int]:
    """List the ids of the keys that a PSD holds after all the lives it has had here."""
    return _held(_LIVES_OF.all(connection, {"of_psd": psd_serial}))


def _held(rows: Iterable[Row[Any]]) -> frozenset[int]:
    held: set[int] = set()
    life = None
    for row in rows:
        if row.licence != life:
            life = row.licence
            held.add(row.enrolled_credit_key)
        if row.serial is None:
            continue
        if row.number is not None and _was_applied(row):
            held.add(row.number)
        elif row.number is None and _may_be_applied(row):
            held.discard(row.value)
    return frozenset(held)


def _was_applied(order: Row[Any]) -> bool:
    done = order.sent_at is not None and order.acknowledged_at is not None
    return done and order.taken_back_at is None


def _may_be_applied(order: Row[Any]) -> bool:
    return order.taken_back_at is None or order.sent_at is not None

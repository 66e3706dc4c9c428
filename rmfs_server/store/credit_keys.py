"""Credit keys: the public halves of every key that ever signed a voucher here."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from protocol.errors import InvariantError
from protocol.keys import CreditKey, Point, VerifyingKey
from protocol.values import EpochSeconds
from rmfs_server.store import schema

_FIND: Final = select(schema.credit_key.c.x, schema.credit_key.c.y).where(
    schema.credit_key.c.key_id == bindparam("of_key")
)


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

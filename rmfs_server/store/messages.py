"""What machines signed, as it came, each with the answer that was stored for it.

The key is a hash of the channel's binding and the octets: the same message of the same
call finds its answer, and nothing is judged twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select

from hw.database.gathering import Pen, write_row
from hw.database.prepared import Prepared, PreparedIn
from protocol.dialogue.server import Closed, Delivered, Frozen, SignedOctets
from protocol.errors import InvariantError
from protocol.messages import (
    TABLE_OF,
    Message,
    MessageType,
    Order,
    Receipt,
    Refusal,
    Statement,
    Voucher,
    decode_message,
)
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.store import schema
from rmfs_server.store.schema import SignedKind

# Built once: the recharge path runs these.
_ANSWERED: Final = PreparedIn(
    select(
        schema.signed_message.c.digest,
        schema.signed_message.c.answer,
        schema.signed_message.c.call_generation,
    ),
    schema.signed_message.c.digest,
)
_FIND: Final = Prepared(
    select(schema.signed_message).where(
        schema.signed_message.c.digest == bindparam("of_digest")
    )
)
ADD: Final = Prepared(insert(schema.signed_message))
"""Stores messages that were gathered."""

_CONFIRMATION: Final = schema.signed_message.alias("confirmation")
CONFIRMED_WITH: Final = (
    select(_CONFIRMATION.c.answer)
    .where(
        _CONFIRMATION.c.licence == schema.signed_message.c.licence,
        _CONFIRMATION.c.call_generation == schema.signed_message.c.call_generation,
        _CONFIRMATION.c.kind == SignedKind.CONFIRMATION.name,
    )
    .limit(1)
    .correlate(schema.signed_message)
    .scalar_subquery()
    .label("confirmed_with")
)
"""Beside a STATEMENT: what the CONFIRMATION of the same call was answered with."""

Answer = Delivered | Closed | Frozen
"""What a signed message was answered with."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A signed message that was judged.

    Attributes:
        digest: Its key.
        answer: The octets of the messages that answered it, one after the other.
        call_generation: Generation of the call that it belongs to.
    """

    digest: bytes
    licence: LicenceIdentifier
    kind: SignedKind
    signed: SignedOctets
    answer: bytes
    call_generation: int
    received_at: EpochSeconds


@dataclass(frozen=True, slots=True)
class Answered:
    """What a message that comes again was answered with, and in which call."""

    answer: bytes
    call_generation: int


def digest_of(signed: SignedOctets) -> bytes:
    """Name a signed message of a channel: 32 octets."""
    return sha256(signed.binding + signed.octets).digest()


def add(pen: Pen, heard: Heard) -> None:
    """Store a message together with what was done about it."""
    write_row(
        pen,
        ADD,
        {
            "digest": heard.digest,
            "licence": heard.licence,
            "kind": heard.kind.name,
            "octets": heard.signed.octets,
            "binding": heard.signed.binding,
            "answer": heard.answer,
            "call_generation": heard.call_generation,
            "received_at": heard.received_at,
        },
    )


def find(connection: Connection, digest: bytes) -> Heard | None:
    """Find a message by its key."""
    row = _FIND.one_or_none(connection, {"of_digest": digest})
    return None if row is None else _heard(row)


def answers(connection: Connection, digests: Sequence[bytes]) -> dict[bytes, Answered]:
    """Find what messages were answered with, by their keys."""
    return {
        row.digest: Answered(row.answer, row.call_generation)
        for row in _ANSWERED.all(connection, digests)
    }


def last_call(connection: Connection, licence: LicenceIdentifier) -> list[Heard]:
    """List what a machine signed in the call judged last.

    Returns:
        Its STATEMENT, then a CONFIRMATION if one came; nothing before the first call.
    """
    table = schema.signed_message
    newest = (
        select(func.max(table.c.call_generation))
        .where(table.c.licence == licence)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(table).where(
            table.c.licence == licence, table.c.call_generation == newest
        )
    )
    found = [_heard(row) for row in rows]
    return sorted(found, key=lambda heard: heard.kind is SignedKind.CONFIRMATION)


def last_statement(
    connection: Connection, licence: LicenceIdentifier
) -> Statement | None:
    """Read the STATEMENT of the call judged last; None before the first."""
    for heard in last_call(connection, licence):
        if heard.kind is SignedKind.STATEMENT:
            return Statement.decode(heard.signed.octets)
    return None


def encode_answer(answer: Answer) -> bytes:
    """Put the messages of an answer one after the other; each says its own length."""
    if isinstance(answer, Delivered):
        return answer.voucher
    if isinstance(answer, Frozen):
        return answer.refusal.encode()
    refused = b"" if answer.refusal is None else answer.refusal.encode()
    orders = b"".join(order.encode() for order in answer.orders)
    return refused + answer.receipt.encode() + orders


def decode_answer(octets: bytes) -> Answer:
    """Read an answer back.

    Raises:
        InvariantError: What is stored is no answer.
    """
    found = list(_split(octets))
    refusal = next((m for m in found if isinstance(m, Refusal)), None)
    receipt = next((m for m in found if isinstance(m, Receipt)), None)
    orders = tuple(m for m in found if isinstance(m, Order))
    if len(found) == 1 and isinstance(found[0], Voucher):
        return Delivered(octets)
    if receipt is not None:
        return Closed(receipt, orders, refusal)
    if refusal is not None:
        return Frozen(refusal)
    raise InvariantError("a stored answer cannot be read")


def _split(octets: bytes) -> Iterator[Message]:
    while octets:
        length = TABLE_OF[MessageType(octets[0])].octets
        message = decode_message(octets[:length])
        if message is not None:
            yield message
        octets = octets[length:]


def _heard(row: Any) -> Heard:
    return Heard(
        digest=row.digest,
        licence=LicenceIdentifier(row.licence),
        kind=SignedKind[row.kind],
        signed=SignedOctets(row.octets, row.binding),
        answer=row.answer,
        call_generation=row.call_generation,
        received_at=EpochSeconds(row.received_at),
    )

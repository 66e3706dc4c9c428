"""Contents: what orders bring, kept as the maker signed it, and served in parts.

A machine is served what was ordered for it and nothing else, whether it has said that
it holds it or not: a memory that lost a content may ask for it again. What was taken
back is served no more, so that a download that is under way ends there.

Source: SPEC.md DLG-16; protocol/contents.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select

from protocol.contents import Content
from protocol.errors import InvariantError
from protocol.messages import OrderKind
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.store import schema

ID_OCTETS: Final = 8

_ORDERED: Final = (
    select(schema.content.c.octets)
    .select_from(schema.machine_order.join(schema.content))
    .where(
        schema.machine_order.c.licence == bindparam("of_licence"),
        schema.machine_order.c.content == bindparam("of_content"),
        schema.machine_order.c.taken_back_at.is_(None),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What the books say of a content.

    Attributes:
        model: The machine that it is for; empty for any.
        number: Of its kind: tariff, slogan, packed firmware version, credit key id.
        name: What people call it.
        valid_from: When it begins to hold; 0 from the moment it is taken.
    """

    content_id: int
    kind: OrderKind
    model: str
    number: int
    name: str
    valid_from: EpochSeconds
    added_at: EpochSeconds


def key_of(content_id: int) -> bytes:
    """Give an id as its 8 octets: no database has unsigned numbers of 64 bits."""
    return content_id.to_bytes(ID_OCTETS, "big")


def add(
    connection: Connection, content: Content, name: str, now: EpochSeconds
) -> StoredContent:
    """Keep a content that was read and verified; it may be kept already.

    Raises:
        InvariantError: Another content has its id.
    """
    key = key_of(content.content_id)
    found = find(connection, content.content_id)
    if found is not None:
        octets = connection.execute(
            select(schema.content.c.octets).where(schema.content.c.content_id == key)
        ).scalar_one()
        if bytes(octets) != content.octets:
            raise InvariantError(f"two contents have the id {key.hex()}")
        return found
    connection.execute(
        insert(schema.content).values(
            content_id=key,
            kind=content.kind.name,
            model=content.model,
            number=content.number,
            name=name,
            octets=content.octets,
            valid_from=content.valid_from,
            added_at=now,
        )
    )
    return StoredContent(
        content.content_id,
        OrderKind(content.kind),
        content.model,
        content.number,
        name,
        content.valid_from,
        now,
    )


def find(connection: Connection, content_id: int) -> StoredContent | None:
    """Find a content by its id."""
    table = schema.content
    row = connection.execute(
        select(table).where(table.c.content_id == key_of(content_id))
    ).one_or_none()
    return None if row is None else _stored(row)


def ordered_for(
    connection: Connection, licence: LicenceIdentifier, content_id: int
) -> bytes | None:
    """Read the octets of a content, if it was ordered for this machine."""
    octets = connection.execute(
        _ORDERED, {"of_licence": licence, "of_content": key_of(content_id)}
    ).scalar_one_or_none()
    return None if octets is None else bytes(octets)


def _stored(row: Any) -> StoredContent:
    return StoredContent(
        int.from_bytes(row.content_id, "big"),
        OrderKind[row.kind],
        row.model,
        row.number,
        row.name,
        EpochSeconds(row.valid_from),
        EpochSeconds(row.added_at),
    )

"""Discrepancies: what did not fit, and how a person ended it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, exists, insert, select, update

from protocol.messages import RefusalCode
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.store import schema

USAGE_REFUSED: Final = (
    exists()
    .where(
        schema.discrepancy.c.licence == schema.signed_message.c.licence,
        schema.discrepancy.c.found_in == schema.signed_message.c.digest,
        schema.discrepancy.c.code == RefusalCode.USAGE_MISMATCH.name,
    )
    .correlate(schema.signed_message)
    .label("usage_refused")
)
"""Beside a STATEMENT: whether the usage that came behind it did not fit."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that did not fit.

    Attributes:
        found_in: Digest of the signed message that showed it.
        detail: What was expected and what was found.
    """

    identity: int
    licence: LicenceIdentifier
    code: RefusalCode
    found_in: bytes | None
    detail: Mapping[str, Any]
    found_at: EpochSeconds
    resolved_at: EpochSeconds | None
    resolution: str | None
    resolved_by: str | None
    second_person: str | None
    reason: str | None


def add(
    connection: Connection,
    licence: LicenceIdentifier,
    code: RefusalCode,
    *,
    found_in: bytes | None,
    detail: Mapping[str, Any],
    now: EpochSeconds,
) -> None:
    """Record a discrepancy, unless one of the same code is open."""
    if any(found.code is code for found in open_of(connection, licence)):
        return
    connection.execute(
        insert(schema.discrepancy).values(
            licence=licence,
            code=code.name,
            found_in=found_in,
            detail=json.dumps(detail, sort_keys=True),
            found_at=now,
        )
    )


def open_of(connection: Connection, licence: LicenceIdentifier) -> list[Discrepancy]:
    """List what waits for a person, oldest first."""
    return [one for one in all_of(connection, licence) if one.resolved_at is None]


def all_of(connection: Connection, licence: LicenceIdentifier) -> list[Discrepancy]:
    """List every discrepancy of a machine, oldest first."""
    table = schema.discrepancy
    rows = connection.execute(
        select(table).where(table.c.licence == licence).order_by(table.c.id)
    )
    return [
        Discrepancy(
            identity=row.id,
            licence=LicenceIdentifier(row.licence),
            code=RefusalCode[row.code],
            found_in=row.found_in,
            detail=json.loads(row.detail),
            found_at=EpochSeconds(row.found_at),
            resolved_at=row.resolved_at,
            resolution=row.resolution,
            resolved_by=row.resolved_by,
            second_person=row.second_person,
            reason=row.reason,
        )
        for row in rows
    ]


def resolve(
    connection: Connection,
    licence: LicenceIdentifier,
    *,
    resolution: str,
    person: str,
    second_person: str | None,
    reason: str,
    now: EpochSeconds,
) -> None:
    """End every open discrepancy of a machine."""
    table = schema.discrepancy
    connection.execute(
        update(table)
        .where(table.c.licence == licence, table.c.resolved_at.is_(None))
        .values(
            resolved_at=now,
            resolution=resolution,
            resolved_by=person,
            second_person=second_person,
            reason=reason,
        )
    )

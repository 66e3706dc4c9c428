"""Acts: what people did to the books, who and why."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.store import schema


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, why and when.

    Attributes:
        person: Who acts.
        reason: Why, in words for whoever reads it later.
        now: When.
        second_person: Who agreed, where two are needed.
    """

    person: str
    reason: str
    now: EpochSeconds
    second_person: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One act in the books."""

    licence: LicenceIdentifier | None
    move: str
    detail: Mapping[str, Any]
    by: By


def add(
    connection: Connection,
    licence: LicenceIdentifier | None,
    move: str,
    by: By,
    **detail: object,
) -> None:
    """Record an act beside what it changes.

    Raises:
        LocalProtocolError: It does not say who and why.
    """
    if not by.person.strip() or not by.reason.strip():
        raise LocalProtocolError(f"{move}: who does it, and why, must be said")
    connection.execute(
        insert(schema.act).values(
            licence=licence,
            move=move,
            detail=json.dumps(detail, sort_keys=True),
            person=by.person,
            second_person=by.second_person,
            reason=by.reason,
            at=by.now,
        )
    )


def all_of(connection: Connection, licence: LicenceIdentifier) -> list[Act]:
    """List the acts about a licence, oldest first."""
    table = schema.act
    rows = connection.execute(
        select(table).where(table.c.licence == licence).order_by(table.c.id)
    )
    return [
        Act(
            LicenceIdentifier(row.licence),
            row.move,
            json.loads(row.detail),
            By(row.person, row.reason, EpochSeconds(row.at), row.second_person),
        )
        for row in rows
    ]

"""What was done with an application, a licence or a machine: moves, by whom, and why.

Each is told to the audit trail by the same call, so that neither is without the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from sqlalchemy import Connection, func, insert, select

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.identity.model import By, PersonId
from dop_gateway.identity.tables import person
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.tables import licence_history
from protocol.values import EpochSeconds

E = TypeVar("E", bound=Enum)

_KINDS = {
    Axis.APPLICATION: "licence application",
    Axis.LICENCE: "licence",
    Axis.MACHINE: "machine",
}


@dataclass(frozen=True, slots=True)
class Past:
    """A move that was made.

    Attributes:
        from_state: Empty for the one that began it.
        login: Who made it.
    """

    move: str
    from_state: str
    to_state: str
    login: str
    at: EpochSeconds
    reason: str


def add(
    connection: Connection,
    axis: Axis,
    subject: str,
    move: Enum,
    by: By,
    *,
    from_state: Enum | None,
    to_state: Enum,
    **detail: object,
) -> None:
    """Keep a move, and tell it to the audit trail."""
    came_from = "" if from_state is None else from_state.name
    connection.execute(
        insert(licence_history).values(
            axis=axis.name,
            subject=subject,
            move=move.name,
            from_state=came_from,
            to_state=to_state.name,
            person=by.actor.person,
            at=by.now,
            reason=by.reason,
        )
    )
    trail.add(
        connection,
        by,
        move.name,
        Subject(_KINDS[axis], subject),
        from_state=came_from,
        to_state=to_state.name,
        **detail,
    )


def made_by(
    connection: Connection, axis: Axis, subject: str, moves: type[E]
) -> Mapping[E, PersonId]:
    """Say who made each move last."""
    held = licence_history.c
    last = (
        select(func.max(held.id))
        .where(held.axis == axis.name, held.subject == subject)
        .group_by(held.move)
    )
    rows = connection.execute(select(held.move, held.person).where(held.id.in_(last)))
    return {moves[row.move]: PersonId(row.person) for row in rows}


def of(connection: Connection, axis: Axis, subject: str) -> list[Past]:
    """List the moves of one, the first one first."""
    held = licence_history.c
    rows = connection.execute(
        select(licence_history, person.c.login)
        .join(person, person.c.id == held.person)
        .where(held.axis == axis.name, held.subject == subject)
        .order_by(held.id)
    )
    return [
        Past(
            row.move,
            row.from_state,
            row.to_state,
            row.login,
            EpochSeconds(row.at),
            row.reason,
        )
        for row in rows
    ]

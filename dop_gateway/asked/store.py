"""All SQL about answered requests."""

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from dop_gateway.asked.tables import answered
from dop_gateway.identity.model import PersonId
from protocol.values import EpochSeconds

_of = answered.c


@dataclass(frozen=True, slots=True)
class Marked:
    """A request that is known again by the key that it came with.

    Attributes:
        route: Method and path, as the table of access has them.
        fingerprint: 32 octets over what it asks for.
    """

    person: PersonId
    route: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to a request, as JSON."""

    fingerprint: bytes
    answer: str


def begin(
    connection: Connection, request: Marked, now: EpochSeconds
) -> Answered | None:
    """Begin a request, or find what was answered to it.

    Whoever comes with the same key while the first is at work waits for its end here.
    """
    begun = connection.execute(
        _insert_new(connection)
        .values(
            person=request.person,
            route=request.route,
            key=request.key,
            fingerprint=request.fingerprint,
            at=now,
        )
        .returning(_of.at)
    ).one_or_none()
    if begun is not None:
        return None
    row = connection.execute(
        select(_of.fingerprint, _of.answer).where(*_is(request))
    ).one()
    return Answered(row.fingerprint, row.answer)


def keep(connection: Connection, request: Marked, answer: str) -> None:
    """Keep what is answered to a request that this transaction began."""
    connection.execute(update(answered).where(*_is(request)).values(answer=answer))


def forget(connection: Connection, before: EpochSeconds) -> int:
    """Forget what was answered before a moment; gives how many answers that were."""
    return connection.execute(delete(answered).where(_of.at < before)).rowcount


def _is(request: Marked) -> tuple[ColumnElement[bool], ...]:
    return (
        _of.person == request.person,
        _of.route == request.route,
        _of.key == request.key,
    )


def _insert_new(
    connection: Connection,
) -> postgresql.Insert | sqlite.Insert:
    """Insert a row unless there is one of that key; two may try at the same time."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(answered).on_conflict_do_nothing()
    return sqlite.insert(answered).on_conflict_do_nothing()

"""Read the audit trail as people do: who did what to what, and when."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from dop_gateway.audit.tables import audit
from dop_gateway.identity.tables import person
from dop_gateway.store.matching import Matching
from protocol.values import EpochSeconds

_of = audit.c


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of the trail.

    Attributes:
        person: Login of who acted.
        detail: JSON, as it was written.
        hash: In hexadecimal digits.
    """

    number: int
    at: EpochSeconds
    person: str
    move: str
    subject_kind: str
    subject: str
    from_state: str
    to_state: str
    reason: str
    request_id: str
    detail: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows; what is empty or None lets all through.

    Attributes:
        person: Login of who acted.
        since: Not before.
        before: Before this moment.
    """

    person: str = ""
    move: str = ""
    subject_kind: str = ""
    subject: str = ""
    request_id: str = ""
    since: EpochSeconds | None = None
    before: EpochSeconds | None = None


def matching(
    narrowed: AuditFilter, within: ColumnElement[bool] | None = None
) -> Matching[AuditRow]:
    """Give the rows that a filter lets through.

    Args:
        narrowed: The filter.
        within: What somebody may see (`dop_gateway.audit.reach`); None: everything.
    """
    rows = select(audit, person.c.login).join(person, person.c.id == _of.person)
    if within is not None:
        rows = rows.where(within)
    equal = (
        (person.c.login, narrowed.person),
        (_of.move, narrowed.move),
        (_of.subject_kind, narrowed.subject_kind),
        (_of.subject, narrowed.subject),
        (_of.request_id, narrowed.request_id),
    )
    for column, value in equal:
        if value:
            rows = rows.where(column == value)
    if narrowed.since is not None:
        rows = rows.where(_of.at >= narrowed.since)
    if narrowed.before is not None:
        rows = rows.where(_of.at < narrowed.before)
    return Matching(rows, {"number": (_of.number,)}, _row)


def row(
    connection: Connection, number: int, within: ColumnElement[bool] | None = None
) -> AuditRow | None:
    """Read a row; None if there is none that somebody may see."""
    asked = (
        select(audit, person.c.login)
        .join(person, person.c.id == _of.person)
        .where(_of.number == number)
    )
    if within is not None:
        asked = asked.where(within)
    found = connection.execute(asked).one_or_none()
    return None if found is None else _row(found)


def _row(found: Row[Any]) -> AuditRow:
    return AuditRow(
        number=found.number,
        at=EpochSeconds(found.at),
        person=found.login,
        move=found.move,
        subject_kind=found.subject_kind,
        subject=found.subject,
        from_state=found.from_state,
        to_state=found.to_state,
        reason=found.reason,
        request_id=found.request_id,
        detail=found.detail,
        hash=found.hash.hex(),
    )

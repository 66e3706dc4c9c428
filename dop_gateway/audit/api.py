"""Routes of the audit trail: who did what, and is it as it was written."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.audit import reading, trail
from dop_gateway.audit.reach import within_reach
from dop_gateway.audit.reading import AuditFilter, AuditRow
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.store.matching import Selection
from dop_gateway.web.asking import Asked
from dop_gateway.web.fields import show_moment
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed
from hw.clock import epoch_seconds
from protocol.parameters import INDIA
from protocol.values import EpochSeconds

ROUTES: Final = APIRouter(tags=["audit"])
_SEE: Final = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
_FINDINGS_MAX: Final = 100
_ONE_DAY: Final = timedelta(days=1)
Text = Annotated[str, Field(max_length=80)]

ACCESS: Final = (
    Access("GET", "/audit", _SEE, ScopeKind.OFFICE),
    Access("GET", "/audit/{number}", _SEE, ScopeKind.OFFICE),
    Access("POST", "/audit/verify", _SEE),
)


class AuditQuery(ListQuery):
    """Which rows; each filter is the whole word. Days are India's, the last included.

    Whoever audits an office sees what was done to what is there or below it.
    """

    person: Text = ""
    move: Text = ""
    subject_kind: Text = ""
    subject: Text = ""
    request_id: Text = ""
    first_day: date | None = None
    last_day: date | None = None
    sort: Literal["number", "-number"] = "-number"


class AuditRowShown(BaseModel):
    """A row of the trail; `detail` is what else belongs to the act."""

    number: int
    at: str
    person: str
    move: str
    subject_kind: str
    subject: str
    from_state: str
    to_state: str
    reason: str
    request_id: str
    detail: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        """Tell of a row."""
        return cls(
            number=row.number,
            at=show_moment(row.at),
            person=row.person,
            move=row.move,
            subject_kind=row.subject_kind,
            subject=row.subject,
            from_state=row.from_state,
            to_state=row.to_state,
            reason=row.reason,
            request_id=row.request_id,
            detail=json.loads(row.detail),
            hash=row.hash,
        )


class AuditFinding(BaseModel):
    """What is not as it was written."""

    rule: str
    subject: str
    detail: str


class Verified(BaseModel):
    """What the trail is found to be: `findings` are mistakes, the first hundred."""

    rows: int
    head: str
    findings: list[AuditFinding]


def _matching(
    connection: Connection, permit: Permit, query: AuditQuery
) -> Selection[AuditRow]:
    last = query.last_day
    narrowed = AuditFilter(
        query.person,
        query.move,
        query.subject_kind,
        query.subject,
        query.request_id,
        None if query.first_day is None else _begin(query.first_day),
        None if last is None or last == date.max else _begin(last + _ONE_DAY),
    )
    return reading.matching(narrowed, within_reach(connection, permit))


def _begin(day: date) -> EpochSeconds:
    return epoch_seconds(datetime.combine(day, time(), INDIA))


def _show(_connection: Connection, rows: Sequence[AuditRow]) -> list[AuditRowShown]:
    return [AuditRowShown.of(row) for row in rows]


def _cells(row: AuditRow) -> Row:
    return (
        row.number,
        row.at,
        row.person,
        row.move,
        row.subject_kind,
        row.subject,
        row.from_state,
        row.to_state,
        row.reason,
        row.detail,
        row.request_id,
    )


AUDIT: Final = WebList(
    "audit",
    "Audit trail",
    (
        Column("number", "Number", Kind.COUNT),
        Column("at", "At", Kind.MOMENT),
        Column("person", "Person"),
        Column("move", "Act"),
        Column("subject_kind", "Kind"),
        Column("subject", "Subject"),
        Column("from_state", "From"),
        Column("to_state", "To"),
        Column("reason", "Reason"),
        Column("detail", "Detail"),
        Column("request_id", "Request"),
    ),
    _matching,
    _show,
    _cells,
)


@ROUTES.get("/audit", **listed(AuditRowShown))
def list_audit(asking: Asked, query: Annotated[AuditQuery, Query()]) -> Any:
    """List what was done, or have the list as a file."""
    return answer_list(asking, AUDIT, query)


@ROUTES.get("/audit/{number}")
def show_audit_row(
    asking: Asked, number: Annotated[int, Path(ge=1, le=2**53)]
) -> AuditRowShown:
    """Show a row of the trail."""
    with asking.reading() as connection:
        within = within_reach(connection, asking.permit)
        row = reading.row(connection, number, within)
    if row is None:
        raise NotFoundError(f"there is no row {number} within your reach")
    return AuditRowShown.of(row)


@ROUTES.post("/audit/verify")
def verify_audit(asking: Asked) -> Verified:
    """Recompute the chain of the trail from its first row to its head."""
    with asking.reading() as connection:
        found = list(islice(trail.verify(connection), _FINDINGS_MAX))
        head = trail.head(connection)
    return Verified(
        rows=head.number,
        head=head.hash.hex(),
        findings=[
            AuditFinding(rule=one.rule, subject=one.subject, detail=one.detail)
            for one in found
        ],
    )

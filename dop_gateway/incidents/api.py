"""Routes of incidents."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import By, Role, ScopeKind
from dop_gateway.incidents import service, store
from dop_gateway.incidents.lifecycle import INCIDENT, RESOURCE
from dop_gateway.incidents.model import Incident, IncidentId
from dop_gateway.incidents.schemas import (
    ActBody,
    AssignBody,
    IncidentShown,
    IncidentWhole,
    KindName,
    ReasonBody,
    StateName,
    StepShown,
)
from dop_gateway.incidents.store import Wanted
from dop_gateway.money.reach import licences_of
from dop_gateway.store.matching import Matching
from dop_gateway.web.asking import Asked, Asking
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed

ROUTES: Final = APIRouter(tags=["incidents"])
_RESOURCE: Final = frozenset(RESOURCE)
_SEE: Final = _RESOURCE | {Role.AUDITOR, Role.MAKER_OFFICER}
Number = Annotated[int, Path(ge=1, le=2**53 - 1)]

ACCESS: Final = (
    Access("GET", "/incidents", _SEE, ScopeKind.LICENCE),
    Access("GET", "/incidents/{number}", _SEE, ScopeKind.LICENCE),
    Access("POST", "/incidents/{number}/assign", _RESOURCE),
    Access("POST", "/incidents/{number}/act", _RESOURCE),
    Access("POST", "/incidents/{number}/close", _RESOURCE),
    Access("POST", "/incidents/{number}/reopen", _RESOURCE),
)


class IncidentsQuery(ListQuery):
    """Which incidents; the newest come first."""

    state: StateName | None = None
    kind: KindName | None = None
    subject: Annotated[str, Field(max_length=200)] = ""
    sort: Literal[
        "number", "-number", "kind", "-kind", "amount", "-amount", "seen_at", "-seen_at"
    ] = "-number"


def _within(connection: Connection, permit: Permit) -> dict[str, Any]:
    """Narrow to what somebody may see: their makers', or their licences'."""
    licences = licences_of(connection, permit)
    if licences is None:
        return {}
    return {"makers": sorted(permit.scopes(ScopeKind.MAKER)), "licences": licences}


def _matching(
    connection: Connection, permit: Permit, query: IncidentsQuery
) -> Matching[Incident]:
    wanted = Wanted(
        states=() if query.state is None else (query.state,),
        kinds=() if query.kind is None else (query.kind,),
        subject=query.subject,
        **_within(connection, permit),
    )
    return store.incidents_matching(wanted)


def _show(_connection: Connection, found: Sequence[Incident]) -> list[IncidentShown]:
    return [IncidentShown.of(one) for one in found]


def _cells(one: Incident) -> Row:
    return (
        one.id,
        one.kind.name,
        one.state.name,
        one.subject,
        one.maker,
        one.licence,
        one.amount_paise,
        one.found_at,
        one.seen_at,
        one.owner_login,
        one.words,
        one.action,
    )


INCIDENTS: Final = WebList(
    "incidents",
    "Incidents",
    (
        Column("number", "Number", Kind.COUNT),
        Column("kind", "Kind"),
        Column("state", "State"),
        Column("subject", "Subject"),
        Column("maker", "Maker"),
        Column("licence", "Licence"),
        Column("amount", "Amount", Kind.MONEY, summed=True),
        Column("found_at", "Found", Kind.MOMENT),
        Column("seen_at", "Seen last", Kind.MOMENT),
        Column("owner", "Owner"),
        Column("words", "What was found"),
        Column("action", "What was done"),
    ),
    _matching,
    _show,
    _cells,
)


@ROUTES.get("/incidents", **listed(IncidentShown))
def list_incidents(asking: Asked, query: Annotated[IncidentsQuery, Query()]) -> Any:
    """List incidents, or have the list as a file."""
    return answer_list(asking, INCIDENTS, query)


@ROUTES.get("/incidents/{number}")
def show_incident(asking: Asked, number: Number) -> IncidentWhole:
    """Show an incident with its history."""
    with asking.reading() as connection:
        wanted = Wanted(number=IncidentId(number), **_within(connection, asking.permit))
        found = store.list_incidents(connection, wanted, rows_max=1)
        if not found:
            raise NotFoundError(f"there is no incident {number} within your reach")
        steps = store.history(connection, IncidentId(number))
    one = found[0]
    return IncidentWhole(
        **dict(IncidentShown.of(one)),
        possible=[event.name for event in INCIDENT.possible(one.state)],
        history=[StepShown.of(step) for step in steps],
    )


@ROUTES.post("/incidents/{number}/assign")
def assign(asking: Asked, number: Number, body: AssignBody) -> IncidentShown:
    """Give an incident to somebody of the central resource."""

    def move(connection: Connection, of: IncidentId, by: By) -> Incident:
        return service.assign(connection, of, body.owner, by)

    return _move(asking, number, body.reason, move)


@ROUTES.post("/incidents/{number}/act")
def act(asking: Asked, number: Number, body: ActBody) -> IncidentShown:
    """Say what was done about an incident."""

    def move(connection: Connection, of: IncidentId, by: By) -> Incident:
        return service.act(connection, of, body.action, by)

    return _move(asking, number, body.reason, move)


@ROUTES.post("/incidents/{number}/close")
def close(asking: Asked, number: Number, body: ReasonBody) -> IncidentShown:
    """Close an incident; where money is involved, not by who acted."""
    return _move(asking, number, body.reason, service.close)


@ROUTES.post("/incidents/{number}/reopen")
def reopen(asking: Asked, number: Number, body: ReasonBody) -> IncidentShown:
    """Open an incident again."""
    return _move(asking, number, body.reason, service.reopen)


def _move(
    asking: Asking,
    number: int,
    reason: str,
    move: Callable[[Connection, IncidentId, By], Incident],
) -> IncidentShown:
    with asking.writing("move an incident") as connection:
        return IncidentShown.of(move(connection, IncidentId(number), asking.by(reason)))

"""Routes: incidents, downloads, remaining funds, reconciliation."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.downloads import api as downloads
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.incidents import api as incidents
from dop_gateway.money import reconciling, report_store
from dop_gateway.money.reach import licence_within, licences_of
from dop_gateway.money.report_store import Done, Part
from dop_gateway.money.schemas import (
    CauseName,
    DoneShown,
    LicenceReportShown,
    PartShown,
    ReconcileBody,
    WholeShown,
)
from dop_gateway.store.matching import Matching
from dop_gateway.web.asking import Asked
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed

# The application looks at each route: a router within a router would hide its own.
_OWN: Final = APIRouter(tags=["money"])
_SUPERVISORS: Final = frozenset({Role.DCR_SUPERVISOR})
_SEE_ALL: Final = frozenset({Role.DCR_OPERATOR, Role.DCR_SUPERVISOR, Role.AUDITOR})
Licence = Annotated[str, Path(pattern=r"^[A-Z][0-9]{6}$")]


class DaysQuery(ListQuery):
    """Reconciliations, the newest first."""

    sort: Literal["day", "-day"] = "-day"


class PartsQuery(ListQuery):
    """Which parts of a reconciliation; of the last one where no day is given."""

    day: date | None = None
    licence: Annotated[str, Field(pattern=r"^([A-Z][0-9]{6})?$")] = ""
    cause: CauseName | None = None
    sort: Literal["licence", "-licence", "amount", "-amount", "since", "-since"] = (
        "licence"
    )


def _days(
    _connection: Connection, _permit: Permit, _query: DaysQuery
) -> Matching[Done]:
    return report_store.done_matching()


def _show_days(_connection: Connection, found: Sequence[Done]) -> list[DoneShown]:
    return [DoneShown.of(one) for one in found]


def _day_cells(done: Done) -> Row:
    return (done.day, done.ran_at, done.licences, done.unexplained_paise)


DAYS: Final = WebList(
    "reconciliations",
    "Reconciliations",
    (
        Column("day", "Day", Kind.DAY),
        Column("ran_at", "Done", Kind.MOMENT),
        Column("licences", "Licences", Kind.COUNT),
        Column("unexplained", "Not explained", Kind.MONEY),
    ),
    _days,
    _show_days,
    _day_cells,
)


def _parts(connection: Connection, permit: Permit, query: PartsQuery) -> Matching[Part]:
    last = report_store.find(connection, None)
    day = query.day or (date.min if last is None else last.day)
    return report_store.parts_matching(
        day,
        licences=licences_of(connection, permit),
        licence=query.licence,
        causes=() if query.cause is None else (query.cause,),
    )


def _show_parts(_connection: Connection, found: Sequence[Part]) -> list[PartShown]:
    return [PartShown.of(one) for one in found]


def _part_cells(part: Part) -> Row:
    return (
        part.licence,
        part.maker,
        part.balance.name,
        None if part.cause is None else part.cause.name,
        part.amount_paise,
        part.since,
        part.words,
        "; ".join(f"{one.kind} {one.id}" for one in part.entries),
    )


PARTS: Final = WebList(
    "differences",
    "Differences between balances, explained",
    (
        Column("licence", "Licence"),
        Column("maker", "Maker"),
        Column("balance", "Balance"),
        Column("cause", "Cause"),
        Column("amount", "Amount", Kind.MONEY, summed=True),
        Column("since", "Since", Kind.MOMENT),
        Column("words", "Explanation"),
        Column("entries", "Caused by"),
    ),
    _parts,
    _show_parts,
    _part_cells,
)


@_OWN.get("/reconciliations", **listed(DoneShown))
def list_reconciliations(asking: Asked, query: Annotated[DaysQuery, Query()]) -> Any:
    """List the reconciliations that were done, or have the list as a file."""
    return answer_list(asking, DAYS, query)


@_OWN.post("/reconciliations")
def reconcile(asking: Asked, body: ReconcileBody) -> WholeShown:
    """Explain all money now, and keep it for a day; done again it is replaced."""
    with asking.writing("reconcile") as connection:
        reconciling.reconcile(connection, body.day, asking.by(body.reason))
        done = report_store.find(connection, body.day)
    return _shown(done, body.day)


@_OWN.get("/reconciliations/{day}")
def show_reconciliation(asking: Asked, day: date) -> WholeShown:
    """Show where all money was on a day, and how old what was explained was."""
    with asking.reading() as connection:
        done = report_store.find(connection, day)
    if not asking.permit.reaches_everything:
        done = None
    return _shown(done, day)


@_OWN.get("/differences", **listed(PartShown))
def list_differences(asking: Asked, query: Annotated[PartsQuery, Query()]) -> Any:
    """List what explained differences on a day, or have the list as a file."""
    return answer_list(asking, PARTS, query)


@_OWN.get("/licences/{identifier}/reconciliation")
def explain_licence(asking: Asked, identifier: Licence) -> LicenceReportShown:
    """Explain the money of a licence as it is now."""
    with asking.reading() as connection:
        of = licence_within(connection, asking.permit, identifier)
        (report,) = reconciling.look(connection, asking.now, of.identifier)
    return LicenceReportShown.of(report, asking.now)


def _shown(done: Done | None, day: date) -> WholeShown:
    if done is None:
        raise NotFoundError(f"there is no reconciliation of {day} within your reach")
    return WholeShown.of(done)


ROUTES: Final = APIRouter(
    routes=[*_OWN.routes, *incidents.ROUTES.routes, *downloads.ROUTES.routes]
)

ACCESS: Final = (
    Access("GET", "/reconciliations", _SEE_ALL),
    Access("POST", "/reconciliations", _SUPERVISORS),
    Access("GET", "/reconciliations/{day}", _SEE_ALL),
    Access("GET", "/differences", downloads.SEE, ScopeKind.LICENCE),
    Access(
        "GET",
        "/licences/{identifier}/reconciliation",
        downloads.SEE,
        ScopeKind.LICENCE,
    ),
    *incidents.ACCESS,
    *downloads.ACCESS,
)

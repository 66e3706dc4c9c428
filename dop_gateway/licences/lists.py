"""The lists of licences and of applications."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection

from dop_gateway.access import Permit
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.licences import list_store
from dop_gateway.licences.application import Application
from dop_gateway.licences.application_schemas import (
    ApplicationShown,
    ApplicationsQuery,
)
from dop_gateway.licences.model import Licence
from dop_gateway.licences.reach import visible
from dop_gateway.licences.schemas import LicenceShown, LicencesQuery
from dop_gateway.licences.tables import licence, licence_application
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId
from dop_gateway.store.matching import Matching
from dop_gateway.web.lists import WebList


def _licences(
    connection: Connection, permit: Permit, query: LicencesQuery
) -> Matching[Licence]:
    return list_store.licences_matching(
        visible(connection, permit, licence.c.maker, licence.c.identifier),
        words=query.search,
        maker=query.maker,
        kind=query.kind,
        state=query.state,
        machine_state=query.machine_state,
        under=_under(connection, query.under),
        ends_before=query.ends_before,
    )


def _applications(
    connection: Connection, permit: Permit, query: ApplicationsQuery
) -> Matching[Application]:
    held = licence_application.c
    return list_store.applications_matching(
        visible(connection, permit, held.maker, held.licence)
        | visible(connection, permit, held.maker, held.identifier),
        words=query.search,
        maker=query.maker,
        kind=query.kind,
        state=query.state,
        waiting=query.waiting,
        under=_under(connection, query.under),
        due_before=query.due_before,
    )


def offices_of(
    connection: Connection, found: Sequence[Licence] | Sequence[Application]
) -> dict[OfficeId, Office]:
    """Give the designated offices of a page of things."""
    return {
        one: offices.get(connection, one) for one in {each.office for each in found}
    }


def _show_licences(
    connection: Connection, found: Sequence[Licence]
) -> list[LicenceShown]:
    named = offices_of(connection, found)
    return [LicenceShown.of(one, named[one.office]) for one in found]


def _show_applications(
    connection: Connection, found: Sequence[Application]
) -> list[ApplicationShown]:
    named = offices_of(connection, found)
    return [ApplicationShown.of(one, named[one.office]) for one in found]


def _cells_of_licence(one: Licence) -> Row:
    return (
        one.identifier,
        one.number,
        one.maker,
        one.kind.name,
        one.licensee,
        one.holder.pin,
        one.state.name,
        one.machine_state.name,
        one.issued_on,
        one.expires_on,
    )


def _cells_of_application(one: Application) -> Row:
    return (
        one.id,
        one.kind.name,
        one.scenario.name,
        one.state.name,
        one.identifier,
        one.holder.name,
        one.applied_on,
        one.due_on,
        one.ended_on,
    )


def _under(connection: Connection, facility: str) -> ColumnElement[bool] | None:
    if not facility:
        return None
    found = offices.by_facility(connection, facility)
    if found is None:
        raise NotFoundError(f"there is no office {facility}")
    return offices.within(found)


LICENCES: Final = WebList(
    "licences",
    "List of Franking Licenses",
    (
        Column("identifier", "License Identifier"),
        Column("number", "License Number"),
        Column("maker", "Maker"),
        Column("kind", "Type"),
        Column("licensee", "Licensee"),
        Column("pin", "PIN"),
        Column("state", "License Status"),
        Column("machine_state", "FM Status"),
        Column("issued_on", "Issued on", Kind.DAY),
        Column("expires_on", "Valid until", Kind.DAY),
    ),
    _licences,
    _show_licences,
    _cells_of_licence,
)
APPLICATIONS: Final = WebList(
    "licence-applications",
    "Applications for licences",
    (
        Column("id", "Number", Kind.COUNT),
        Column("kind", "Kind"),
        Column("scenario", "Scenario"),
        Column("state", "State"),
        Column("identifier", "License Identifier"),
        Column("licensee", "Licensee"),
        Column("applied_on", "Applied on", Kind.DAY),
        Column("due_on", "Due on", Kind.DAY),
        Column("ended_on", "Ended on", Kind.DAY),
    ),
    _applications,
    _show_applications,
    _cells_of_application,
)

"""How far a role reaches over money: as far as over the licences whose it is."""

from typing import Any

from sqlalchemy import Connection, Select, select

from dop_gateway.access import Permit
from dop_gateway.errors import NotFoundError
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence
from dop_gateway.licences.reach import reaches, visible
from dop_gateway.licences.tables import licence
from dop_gateway.offices.tables import office


def licences_of(connection: Connection, permit: Permit) -> Select[Any] | None:
    """Give the query of the identifiers that somebody may see; None: of all.

    What concerns a licence that the Department does not know, or none, is seen only by
    whoever sees everything.
    """
    if permit.reaches_everything:
        return None
    of = licence.c
    return (
        select(of.identifier)
        .select_from(licence.join(office, office.c.id == of.office))
        .where(visible(connection, permit, of.maker, of.identifier))
    )


def licence_within(connection: Connection, permit: Permit, identifier: str) -> Licence:
    """Find a licence that somebody may see.

    Raises:
        NotFoundError: There is none within their reach.
    """
    found = licences.find(connection, identifier)
    if found is None or not any(
        reaches(connection, grant, found) for grant in permit.grants
    ):
        raise NotFoundError(f"there is no licence {identifier} within your reach")
    return found

"""How far a role reaches over applications and licences.

A role for an office reaches what is tendered there or below it, one for a maker its
machines, one for a licence that licence alone. What no role of somebody reaches is for
them as if it were not there.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, true

from dop_gateway.access import Permit
from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import By, Grant, PersonKind, ScopeKind
from dop_gateway.licences.application import Application
from dop_gateway.licences.model import Licence
from dop_gateway.moves import Mover, mover
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId


def visible(
    connection: Connection,
    permit: Permit,
    maker: ColumnElement[Any],
    licence: ColumnElement[Any],
) -> ColumnElement[bool]:
    """Give the condition that somebody may see a row; the query joins `office`.

    Args:
        connection: To the database.
        permit: Who asks, with which roles.
        maker: Column with the letter of the maker.
        licence: Column with the licence identifier.
    """
    if permit.reaches_everything:
        return true()
    tops = [
        offices.get(connection, OfficeId(int(one)))
        for one in sorted(permit.scopes(ScopeKind.OFFICE))
    ]
    return or_(
        offices.within_any(tops),
        maker.in_(sorted(permit.scopes(ScopeKind.MAKER))),
        licence.in_(sorted(permit.scopes(ScopeKind.LICENCE))),
    )


def reaches(connection: Connection, grant: Grant, one: Application | Licence) -> bool:
    """Say whether a role reaches an application or a licence."""
    if grant.kind is ScopeKind.EVERYTHING:
        return True
    if grant.kind is ScopeKind.MAKER:
        return grant.scope == one.maker
    if grant.kind is ScopeKind.LICENCE:
        return grant.scope in _identifiers(one)
    return offices.is_within(connection, one.office, OfficeId(int(grant.scope)))


def mover_over(connection: Connection, by: By, one: Application | Licence) -> Mover:
    """Make somebody a mover of an application or a licence.

    Raises:
        NotFoundError: No role of theirs reaches it.
    """
    held = [grant for grant in by.actor.grants if reaches(connection, grant, one)]
    if not held and by.actor.kind is not PersonKind.PROGRAM:
        raise NotFoundError("there is no such thing within reach")
    return mover(by.actor, held)


def _identifiers(one: Application | Licence) -> tuple[str | None, ...]:
    if isinstance(one, Application):
        return (one.identifier, one.licence)
    return (one.identifier,)

"""Who may do something at an office: a role there, or above it."""

from sqlalchemy import Connection

from dop_gateway.errors import NotAllowedError
from dop_gateway.identity.model import By, PersonKind, Role, ScopeKind
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId


def check_at_office(
    connection: Connection, by: By, office: OfficeId, roles: frozenset[Role]
) -> None:
    """Check that somebody has one of some roles for an office.

    Raises:
        NotAllowedError: They have not.
    """
    if by.actor.kind is PersonKind.PROGRAM:
        return
    for grant in by.actor.grants:
        if grant.role not in roles or grant.kind is not ScopeKind.OFFICE:
            continue
        if offices.is_within(connection, office, OfficeId(int(grant.scope))):
            return
    names = ", ".join(sorted(role.name for role in roles))
    raise NotAllowedError(f"this is for {names} of the office")

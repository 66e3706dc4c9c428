"""Who may do something at an office: a role there, or above it."""

from sqlalchemy import Connection

from dop_gateway.errors import NotAllowedError, NotFoundError
from dop_gateway.identity.model import By, PersonKind, Role, ScopeKind
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId


def office_of(connection: Connection, facility: str) -> Office:
    """Find an office by its facility id.

    Raises:
        NotFoundError: There is none.
    """
    found = offices.by_facility(connection, facility)
    if found is None:
        raise NotFoundError(f"there is no office {facility}")
    return found


def check_at_office(
    connection: Connection, by: By, office: OfficeId, roles: frozenset[Role]
) -> None:
    """Check that somebody has one of some roles for an office.

    Raises:
        NotAllowedError: They have no such role.
        NotFoundError: They have, for other offices.
    """
    if by.actor.kind is PersonKind.PROGRAM:
        return
    held = [grant for grant in by.actor.grants if grant.role in roles]
    if not held:
        names = ", ".join(sorted(role.name for role in roles))
        raise NotAllowedError(f"this is for {names}")
    for grant in held:
        if grant.kind is ScopeKind.EVERYTHING:
            return
        if grant.kind is ScopeKind.OFFICE and offices.is_within(
            connection, office, OfficeId(int(grant.scope))
        ):
            return
    raise NotFoundError("there is no such office within reach")

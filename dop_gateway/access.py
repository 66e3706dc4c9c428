"""What each route needs of whoever asks: the one table of authorisation.

Each feature names its routes with an `Access` beside them; `dop_gateway.web.app` takes
them together and refuses to start when a route has none, or an entry no route. A
generated test asks every route as every role, within its scope and without.

- Nobody signed in: 401. No role that may: 403, before anything is looked at.
- A thing outside the scope of every such role: 404, as if it were not there.

Source: GW-01 to GW-03.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dop_gateway.errors import NotAllowedError
from dop_gateway.identity.model import Actor, Grant, Role, ScopeKind
from dop_gateway.identity.signing_in import Owed

EVERYBODY: Final = frozenset(Role)
"""Whoever is signed in."""


@dataclass(frozen=True, slots=True)
class Access:
    """One route, and who may ask for it.

    Attributes:
        method: As in ``POST``.
        path: As its router has it, as in ``/people/{login}``.
        roles: Any of these; empty: nobody has to be signed in.
        owed: What somebody may owe all the same (`Owed`).
        scope: The kind of thing that a role's scope is held against in this route; None
            where the route shows or does the same for everybody that may ask.
    """

    method: str
    path: str
    roles: frozenset[Role]
    scope: ScopeKind | None = None
    owed: frozenset[Owed] = field(default_factory=frozenset)

    @property
    def is_public(self) -> bool:
        """Whether nobody has to be signed in."""
        return not self.roles


@dataclass(frozen=True, slots=True)
class Permit:
    """Somebody may ask for a route; with which of their roles, and so how far.

    Attributes:
        grants: Those of their roles that the route is open to.
    """

    actor: Actor
    grants: tuple[Grant, ...]

    @property
    def reaches_everything(self) -> bool:
        """Whether one of the roles is given for the whole Department."""
        return any(grant.kind is ScopeKind.EVERYTHING for grant in self.grants)

    def scopes(self, kind: ScopeKind) -> frozenset[str]:
        """List offices, makers or licences that the roles are given for."""
        return frozenset(grant.scope for grant in self.grants if grant.kind is kind)


def permit(actor: Actor, owed: Iterable[Owed], access: Access) -> Permit:
    """Let somebody ask for a route.

    Raises:
        NotAllowedError: None of their roles may, or something has to be done first.
    """
    first = next((one for one in owed if one not in access.owed), None)
    if first is not None:
        raise NotAllowedError(f"first of all: {first.value}")
    grants = tuple(grant for grant in actor.grants if grant.role in access.roles)
    if not grants and access.roles != EVERYBODY:
        names = ", ".join(sorted(role.name for role in access.roles))
        raise NotAllowedError(f"this is for {names}")
    return Permit(actor, grants)

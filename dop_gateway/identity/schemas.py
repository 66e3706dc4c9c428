"""What is said about people and sessions over HTTP."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from dop_gateway.identity.model import (
    Grant,
    Person,
    PersonKind,
    PersonState,
    Role,
    ScopeKind,
)
from dop_gateway.identity.signing_in import Begun, Owed
from dop_gateway.identity.store import Session
from dop_gateway.web.fields import Body, ByName, Reason, Words, show_moment

KindName = Annotated[PersonKind, ByName(PersonKind)]
StateName = Annotated[PersonState, ByName(PersonState)]
RoleName = Annotated[Role, ByName(Role)]
ScopeKindName = Annotated[ScopeKind, ByName(ScopeKind)]
OwedName = Annotated[Owed, ByName(Owed)]
SixDigits = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class SignIn(Body):
    """What somebody types to sign in."""

    login: Words
    password: Words
    code: Annotated[str, Field(max_length=6)] = ""


class SessionBegun(BaseModel):
    """A session that has begun; the token is shown once."""

    token: str
    expires_at: str
    owed: list[OwedName]

    @classmethod
    def of(cls, begun: Begun) -> Self:
        """Tell of a session."""
        return cls(
            token=begun.token,
            expires_at=show_moment(begun.expires_at),
            owed=list(begun.owed),
        )


class SessionShown(BaseModel):
    """A session of who asks; a program's token has a name."""

    name: str
    began_at: str
    seen_at: str
    expires_at: str
    this: bool

    @classmethod
    def of(cls, one: Session, *, this: bool) -> Self:
        """Tell of a session."""
        return cls(
            name=one.name,
            began_at=show_moment(one.began_at),
            seen_at=show_moment(one.seen_at),
            expires_at=show_moment(one.expires_at),
            this=this,
        )


class NewPassword(Body):
    """A password in place of the old one."""

    old: Words
    new: Words


class OwnPassword(Body):
    """The password of who asks: a session alone is not enough."""

    password: Words


class SecondFactorAddress(BaseModel):
    """What an authenticator app reads, from a QR code or typed."""

    address: str


class Code(Body):
    """A code of an authenticator app."""

    code: SixDigits


class GrantBody(Body):
    """A role, and what it is given for."""

    role: RoleName
    scope_kind: ScopeKindName
    scope: Words = ""
    reason: Reason

    def grant(self) -> Grant:
        """Give the role."""
        return Grant(self.role, self.scope_kind, self.scope)


class GrantShown(BaseModel):
    """A role that somebody has."""

    role: RoleName
    scope_kind: ScopeKindName
    scope: str

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Tell of a role."""
        return cls(role=grant.role, scope_kind=grant.kind, scope=grant.scope)


class PersonBody(Body):
    """Somebody who is to be let in."""

    login: Words
    name: Words
    kind: KindName
    email: Words = ""
    mobile: Words = ""
    reason: Reason


class StateBody(Body):
    """Whether somebody may sign in."""

    state: StateName
    reason: Reason


class ReasonBody(Body):
    """Why something is done."""

    reason: Reason


class GivenPassword(BaseModel):
    """A password that somebody is given, and has to change; it is shown once."""

    login: str
    password: str


class PersonShown(BaseModel):
    """Somebody, without what only they know."""

    login: str
    name: str
    kind: KindName
    state: StateName
    owed: list[OwedName]
    roles: list[GrantShown]

    @classmethod
    def of(
        cls, person: Person, grants: tuple[Grant, ...], owed: tuple[Owed, ...]
    ) -> Self:
        """Tell of somebody."""
        return cls(
            login=person.login,
            name=person.name,
            kind=person.kind,
            state=person.state,
            owed=list(owed),
            roles=[GrantShown.of(grant) for grant in grants],
        )

"""People, what they may be, and how far that reaches.

A role is given for a scope: everything, an office with all below it, the machines of a
maker, or one licence. Whoever has a role twice has it for both scopes.

Source: GW-01; domain notes, section 3.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from protocol.values import EpochSeconds

PersonId = NewType("PersonId", int)


class PersonKind(Enum):
    """On whose side somebody stands."""

    STAFF = "of the Department; has a second factor"
    MAKER = "of a maker of machines (OEM)"
    LICENSEE = "uses machines, or acts for who does"
    PROGRAM = "a program of the gateway itself, which never signs in"


class PersonState(Enum):
    """Whether somebody may sign in."""

    ACTIVE = "may sign in"
    DISABLED = "may not; what they did stays"


class ScopeKind(Enum):
    """What a role reaches."""

    EVERYTHING = "the whole Department"
    OFFICE = "an office and all offices below it"
    MAKER = "the machines of one maker, by its letter"
    LICENCE = "one licence, by its identifier"


class Role(Enum):
    """What somebody may be; what a role may do is in the table of each feature."""

    ADMINISTRATOR = "people, offices, calendars, parameters"
    AUDITOR = "sees everything, changes nothing"
    DCR_OPERATOR = "DoP Central Resource: files, suspense, incidents; proposes"
    DCR_SUPERVISOR = "DoP Central Resource: approves what an operator proposed"
    LICENSING_OPERATOR = "enters applications and changes of licences"
    LICENSING_AUTHORITY = "issues, renews, blocks and cancels licences"
    VERIFIER = "field verification (SDI(P), ASPOs, PRI(P))"
    COUNTER_ASSISTANT = "takes deposits at a counter"
    TREASURER = "takes cheques in, and sends them for realisation"
    POSTMASTER = "answers for an office: day end, rebates, refunds"
    ACCOUNTS_OFFICER = "Postal Accounts Office: schedules and heads of account"
    POSTAL_AUTHORITY = "downloads reports of the machines of its jurisdiction"
    MAKER_OFFICER = "works for a maker: applications, exchange of files"
    LICENSEE = "sees the own licences, deposits and recharges"


SCOPES_OF_ROLES: Final[dict[Role, frozenset[ScopeKind]]] = {
    Role.ADMINISTRATOR: frozenset({ScopeKind.EVERYTHING}),
    Role.AUDITOR: frozenset({ScopeKind.EVERYTHING, ScopeKind.OFFICE}),
    Role.DCR_OPERATOR: frozenset({ScopeKind.EVERYTHING}),
    Role.DCR_SUPERVISOR: frozenset({ScopeKind.EVERYTHING}),
    Role.LICENSING_OPERATOR: frozenset({ScopeKind.OFFICE}),
    Role.LICENSING_AUTHORITY: frozenset({ScopeKind.OFFICE}),
    Role.VERIFIER: frozenset({ScopeKind.OFFICE}),
    Role.COUNTER_ASSISTANT: frozenset({ScopeKind.OFFICE}),
    Role.TREASURER: frozenset({ScopeKind.OFFICE}),
    Role.POSTMASTER: frozenset({ScopeKind.OFFICE}),
    Role.ACCOUNTS_OFFICER: frozenset({ScopeKind.OFFICE}),
    Role.POSTAL_AUTHORITY: frozenset({ScopeKind.EVERYTHING, ScopeKind.OFFICE}),
    Role.MAKER_OFFICER: frozenset({ScopeKind.MAKER}),
    Role.LICENSEE: frozenset({ScopeKind.LICENCE}),
}
"""For which kinds of scope a role can be given."""

SIDES_OF_ROLES: Final[dict[Role, PersonKind]] = {
    Role.MAKER_OFFICER: PersonKind.MAKER,
    Role.LICENSEE: PersonKind.LICENSEE,
}
"""Roles of people outside the Department; every other role is for its staff."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that somebody has.

    Attributes:
        role: The role.
        kind: What kind of thing it is given for.
        scope: Id of the office, letter of the maker, licence identifier; or empty.
    """

    role: Role
    kind: ScopeKind
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in, or could.

    Attributes:
        login: What they type; unique, never used again.
        must_change: The password was given by somebody else.
        has_second_factor: A second factor is set up.
    """

    id: PersonId
    login: str
    name: str
    kind: PersonKind
    state: PersonState
    email: str
    mobile: str
    must_change: bool
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person with the roles they have at that moment."""

    person: PersonId
    login: str
    kind: PersonKind
    grants: tuple[Grant, ...]

    def has(self, role: Role) -> bool:
        """Whether they have a role, for whatever scope."""
        return any(grant.role is role for grant in self.grants)


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, why, when, and in answer to which request.

    Attributes:
        reason: In words for who reads it later; empty where the act says all.
        request_id: Stands in the log and in the answer too.
    """

    actor: Actor
    now: EpochSeconds
    request_id: str
    reason: str = ""


GATEWAY: Final = Actor(PersonId(1), "gateway", PersonKind.PROGRAM, ())
"""Who acts where no person does: jobs, and commands on the gateway's own computer."""

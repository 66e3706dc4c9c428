"""What an administrator does: people in, roles given and ended, ways in taken away.

Nobody is ever removed: what they did stays, and their login is never used again.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.identity import store
from dop_gateway.identity.model import (
    SCOPES_OF_ROLES,
    SIDES_OF_ROLES,
    By,
    Grant,
    Person,
    PersonKind,
    PersonState,
    ScopeKind,
)
from dop_gateway.identity.passwords import Passwords

_LOGIN: Final = re.compile(r"[a-z][a-z0-9._-]{2,39}", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,63}", re.ASCII)
_MOBILE: Final = re.compile(r"[6-9][0-9]{9}", re.ASCII)
_NAME_CHARACTERS_MAX: Final = 80

ScopeExists = Callable[[Connection, ScopeKind, str], bool]
"""Whether there is such an office, maker or licence."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who is to be let in.

    Attributes:
        login: 3 to 40 small letters, digits, dots, hyphens, underscores.
        email: Where messages go; may be empty where a mobile number is given.
        mobile: Ten digits, the first 6 to 9; may be empty where an address is given.
    """

    login: str
    name: str
    kind: PersonKind
    email: str
    mobile: str


def add_person(
    connection: Connection, new: NewPerson, passwords: Passwords, by: By
) -> str:
    """Let somebody in.

    Returns:
        The password that they are given; they have to change it. It is not kept.

    Raises:
        InvalidError: Something of them cannot be taken.
        ConflictError: The login is taken, if only by somebody of the past.
    """
    findings = _findings(new)
    if findings:
        raise InvalidError(findings)
    if store.find_person(connection, new.login) is not None:
        raise ConflictError(f"the login {new.login} is taken: choose another")
    password = passwords.draw()
    store.insert_person(
        connection,
        login=new.login,
        name=new.name,
        kind=new.kind,
        email=new.email,
        mobile=new.mobile,
        password_hash=passwords.hash(password),
        now=by.now,
    )
    trail.add(connection, by, "add", Subject("person", new.login), kind=new.kind.name)
    return password


def give_role(
    connection: Connection, login: str, grant: Grant, exists: ScopeExists, by: By
) -> None:
    """Give somebody a role; one that they have already is left as it is.

    Raises:
        NotFoundError: There is nobody with that login.
        SamePersonError: Nobody gives a role to themselves.
        InvalidError: The role is not for such a person, or not for such a scope.
    """
    person = _must_find(connection, login)
    if person.id == by.actor.person:
        raise SamePersonError("nobody gives a role to themselves: ask somebody else")
    side = SIDES_OF_ROLES.get(grant.role, PersonKind.STAFF)
    if side is not person.kind:
        words = f"{grant.role.name} is for {side.name}, {login} is {person.kind.name}"
        raise InvalidError([FieldFinding("/role", "not_for_them", words)])
    if grant.kind not in SCOPES_OF_ROLES[grant.role]:
        words = f"{grant.role.name} cannot be given for {grant.kind.name}"
        raise InvalidError([FieldFinding("/scope_kind", "not_for_role", words)])
    everything = grant.kind is ScopeKind.EVERYTHING
    if everything != (grant.scope == "") or not (
        everything or exists(connection, grant.kind, grant.scope)
    ):
        words = f"there is no {grant.kind.name} {grant.scope!r}"
        raise InvalidError([FieldFinding("/scope", "unknown", words)])
    if grant in store.grants_of(connection, person.id):
        return
    store.insert_grant(connection, person.id, grant, by.actor.person, by.now)
    trail.add(connection, by, "give role", Subject("person", login), **_shown(grant))


def end_role(connection: Connection, login: str, grant: Grant, by: By) -> None:
    """End a role of somebody; it reaches nothing from the next request on.

    Raises:
        NotFoundError: There is nobody with that login, or they do not have it.
    """
    person = _must_find(connection, login)
    if not store.end_grant(connection, person.id, grant, by.actor.person, by.now):
        raise NotFoundError(f"{login} does not have this role")
    trail.add(connection, by, "end role", Subject("person", login), **_shown(grant))


def set_state(connection: Connection, login: str, state: PersonState, by: By) -> None:
    """Disable somebody, or let them in again; disabling ends their sessions.

    Raises:
        NotFoundError: There is nobody with that login.
        SamePersonError: Nobody disables themselves.
    """
    person = _must_find(connection, login)
    if person.id == by.actor.person:
        raise SamePersonError("nobody disables themselves: ask somebody else")
    if person.state is state:
        return
    store.change_person(connection, person.id, state=state.name)
    if state is PersonState.DISABLED:
        store.end_sessions(connection, person.id, by.now)
    trail.add(
        connection,
        by,
        "set state",
        Subject("person", login),
        from_state=person.state.name,
        to_state=state.name,
    )


def reset(connection: Connection, login: str, passwords: Passwords, by: By) -> str:
    """Give somebody a new password, and take their second factor away.

    Returns:
        The password that they are given; they have to change it. It is not kept.

    Raises:
        NotFoundError: There is nobody with that login.
    """
    person = _must_find(connection, login)
    password = passwords.draw()
    store.change_person(
        connection,
        person.id,
        password_hash=passwords.hash(password),
        must_change=True,
        second_factor=None,
        second_factor_step=-1,
        wrong_attempts=0,
        locked_until=0,
    )
    store.end_sessions(connection, person.id, by.now)
    trail.add(connection, by, "reset", Subject("person", login))
    return password


def _must_find(connection: Connection, login: str) -> Person:
    found = store.find_person(connection, login)
    if found is None:
        raise NotFoundError(f"there is nobody with the login {login}")
    return found[0]


def _shown(grant: Grant) -> dict[str, str]:
    return {
        "role": grant.role.name,
        "scope_kind": grant.kind.name,
        "scope": grant.scope,
    }


def _findings(new: NewPerson) -> list[FieldFinding]:
    found = []
    if _LOGIN.fullmatch(new.login) is None:
        words = "3 to 40 small letters, digits, dots, hyphens; a letter first"
        found.append(FieldFinding("/login", "form", words))
    if not 1 <= len(new.name) <= _NAME_CHARACTERS_MAX or new.name != new.name.strip():
        words = f"1 to {_NAME_CHARACTERS_MAX} characters, no space at its ends"
        found.append(FieldFinding("/name", "form", words))
    if new.kind is PersonKind.PROGRAM:
        found.append(
            FieldFinding("/kind", "not_signing_in", "a program never signs in")
        )
    if new.email and _EMAIL.fullmatch(new.email) is None:
        found.append(FieldFinding("/email", "form", "it is no e-mail address"))
    if new.mobile and _MOBILE.fullmatch(new.mobile) is None:
        words = "ten digits are needed, the first 6 to 9"
        found.append(FieldFinding("/mobile", "form", words))
    if not new.email and not new.mobile:
        words = "an e-mail address or a mobile number is needed"
        found.append(FieldFinding("/email", "missing", words))
    return found

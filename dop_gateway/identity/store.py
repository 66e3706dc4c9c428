"""People, roles and sessions in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from dop_gateway.identity.model import (
    Grant,
    Person,
    PersonId,
    PersonKind,
    PersonState,
    Role,
    ScopeKind,
)
from dop_gateway.identity.tables import granted_role, person, session
from dop_gateway.store.matching import Matching
from protocol.values import EpochSeconds


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is kept to know somebody by.

    Attributes:
        password_hash: None while no password was ever given.
        second_factor: Sealed; None while none was set up.
        second_factor_step: Of the last code that was taken; -1 while none was.
        wrong_attempts: Since the last right one.
        locked_until: No attempt is looked at before.
    """

    password_hash: str | None
    second_factor: bytes | None
    second_factor_step: int
    wrong_attempts: int
    locked_until: EpochSeconds


IDLE_S: Final = 1_800
"""A session that is not used for so long is over; a program's token is not."""
SEEN_EVERY_S: Final = 60
"""The last use of a session is stored no more often than this."""
SESSIONS_LISTED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is known.

    Attributes:
        person: Whose it is.
        name: Of the program's token that it is; empty for a session of a person.
        began_at: When somebody signed in.
        seen_at: When it was last used, within `SEEN_EVERY_S`.
        ended: Somebody ended it.
    """

    person: PersonId
    name: str
    began_at: EpochSeconds
    seen_at: EpochSeconds
    expires_at: EpochSeconds
    ended: bool

    def is_over(self, now: EpochSeconds) -> bool:
        """Whether nobody can use it any more."""
        idle = not self.name and self.seen_at + IDLE_S <= now
        return self.ended or idle or self.expires_at <= now


def insert_person(
    connection: Connection,
    *,
    login: str,
    name: str,
    kind: PersonKind,
    email: str,
    mobile: str,
    password_hash: str | None,
    now: EpochSeconds,
) -> PersonId:
    """Keep somebody new; they have to change a password that they were given."""
    return PersonId(
        connection.execute(
            insert(person)
            .values(
                login=login,
                name=name,
                kind=kind.name,
                state=PersonState.ACTIVE.name,
                email=email,
                mobile=mobile,
                password_hash=password_hash,
                must_change=True,
                second_factor=None,
                second_factor_step=-1,
                wrong_attempts=0,
                locked_until=0,
                created_at=now,
            )
            .returning(person.c.id)
        ).scalar_one()
    )


def find_person(connection: Connection, login: str) -> tuple[Person, Secrets] | None:
    """Find somebody by login, and lock their row for this transaction."""
    row = connection.execute(
        select(person).where(person.c.login == login).with_for_update()
    ).one_or_none()
    return None if row is None else (_person(row), _secrets(row))


def read_person(connection: Connection, login: str) -> Person | None:
    """Find somebody by login."""
    row = connection.execute(
        select(person).where(person.c.login == login)
    ).one_or_none()
    return None if row is None else _person(row)


def get_person(connection: Connection, of: PersonId) -> Person | None:
    """Read somebody."""
    row = connection.execute(select(person).where(person.c.id == of)).one_or_none()
    return None if row is None else _person(row)


def people_matching(
    *, words: str = "", kind: PersonKind | None = None, state: PersonState | None = None
) -> Matching[Person]:
    """Give the people that a filter lets through.

    Args:
        words: Are in the login or the name, in any case.
        kind: On this side.
        state: In this state.
    """
    rows = select(person)
    if words:
        of = (person.c.login, person.c.name)
        rows = rows.where(or_(*(one.icontains(words, autoescape=True) for one in of)))
    if kind is not None:
        rows = rows.where(person.c.kind == kind.name)
    if state is not None:
        rows = rows.where(person.c.state == state.name)
    orders = {
        "login": (person.c.login,),
        "name": (person.c.name, person.c.login),
        "created_at": (person.c.created_at, person.c.login),
    }
    return Matching(rows, orders, _person)


def change_person(connection: Connection, of: PersonId, **columns: object) -> None:
    """Change columns of somebody's row."""
    connection.execute(update(person).where(person.c.id == of).values(**columns))


def grants_of(connection: Connection, of: PersonId) -> tuple[Grant, ...]:
    """List the roles that somebody has."""
    held = granted_role.c
    rows = connection.execute(
        select(held.role, held.scope_kind, held.scope)
        .where(held.person == of, held.ended_at.is_(None))
        .order_by(held.id)
    )
    return tuple(
        Grant(Role[row.role], ScopeKind[row.scope_kind], row.scope) for row in rows
    )


def insert_grant(
    connection: Connection,
    of: PersonId,
    grant: Grant,
    given_by: PersonId,
    now: EpochSeconds,
) -> None:
    """Give a role."""
    connection.execute(
        insert(granted_role).values(
            person=of,
            role=grant.role.name,
            scope_kind=grant.kind.name,
            scope=grant.scope,
            given_at=now,
            given_by=given_by,
        )
    )


def end_grant(
    connection: Connection,
    of: PersonId,
    grant: Grant,
    ended_by: PersonId,
    now: EpochSeconds,
) -> bool:
    """End a role; False if somebody does not have it."""
    held = granted_role.c
    done = connection.execute(
        update(granted_role)
        .where(
            held.person == of,
            held.role == grant.role.name,
            held.scope_kind == grant.kind.name,
            held.scope == grant.scope,
            held.ended_at.is_(None),
        )
        .values(ended_at=now, ended_by=ended_by)
    )
    return done.rowcount > 0


def insert_session(
    connection: Connection,
    token_hash: bytes,
    of: PersonId,
    *,
    name: str,
    now: EpochSeconds,
    expires_at: EpochSeconds,
) -> None:
    """Begin a session; a name makes it a program's token."""
    connection.execute(
        insert(session).values(
            token_hash=token_hash,
            person=of,
            name=name,
            began_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
    )


def find_session(connection: Connection, token_hash: bytes) -> Session | None:
    """Find a session by the hash of its token."""
    row = connection.execute(
        select(session).where(session.c.token_hash == token_hash)
    ).one_or_none()
    return None if row is None else _session(row)


def see_session(connection: Connection, token_hash: bytes, now: EpochSeconds) -> None:
    """Note that a session is used."""
    connection.execute(
        update(session).where(session.c.token_hash == token_hash).values(seen_at=now)
    )


def list_sessions(connection: Connection, of: PersonId) -> list[tuple[bytes, Session]]:
    """List sessions of somebody that nobody has ended, the newest first."""
    rows = connection.execute(
        select(session)
        .where(session.c.person == of, session.c.ended_at.is_(None))
        .order_by(session.c.began_at.desc())
        .limit(SESSIONS_LISTED_MAX)
    )
    return [(row.token_hash, _session(row)) for row in rows]


def end_sessions(
    connection: Connection,
    of: PersonId,
    now: EpochSeconds,
    token_hashes: Sequence[bytes] | None = None,
    *,
    but: bytes = b"",
) -> None:
    """End sessions of somebody: these, or all of them, but one."""
    ended = update(session).where(
        session.c.person == of,
        session.c.ended_at.is_(None),
        session.c.token_hash != but,
    )
    if token_hashes is not None:
        ended = ended.where(session.c.token_hash.in_(token_hashes))
    connection.execute(ended.values(ended_at=now))


def _session(row: Row[Any]) -> Session:
    return Session(
        PersonId(row.person),
        row.name,
        EpochSeconds(row.began_at),
        EpochSeconds(row.seen_at),
        EpochSeconds(row.expires_at),
        row.ended_at is not None,
    )


def _person(row: Row[Any]) -> Person:
    return Person(
        id=PersonId(row.id),
        login=row.login,
        name=row.name,
        kind=PersonKind[row.kind],
        state=PersonState[row.state],
        email=row.email,
        mobile=row.mobile,
        must_change=row.must_change,
        has_second_factor=row.second_factor_step >= 0,
    )


def _secrets(row: Row[Any]) -> Secrets:
    return Secrets(
        row.password_hash,
        row.second_factor,
        row.second_factor_step,
        row.wrong_attempts,
        EpochSeconds(row.locked_until),
    )

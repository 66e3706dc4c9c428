"""Signing in and out: what is checked, in which order, and what is told.

- Whoever is unknown, disabled or wrong gets the same words in the same time, and is
  locked alike.
- After `ATTEMPTS_MAX` wrong attempts nothing is looked at for `LOCKED_S`, right or not;
  each attempt is counted before it is answered, so that a crash forgives none.
- Staff need a second factor. Until a given password is changed, and until a second
  factor is set up, a session can do that and nothing else.

Source: GW-01; domain notes, section 21 (two factors for staff, four attempts); that a
lock ends by itself is ours.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotSignedInError,
    TooManyError,
)
from dop_gateway.identity import store
from dop_gateway.identity.model import (
    Actor,
    By,
    Person,
    PersonId,
    PersonKind,
    PersonState,
)
from dop_gateway.identity.passwords import Passwords, why_not_strong
from dop_gateway.identity.second_factor import NewSecret, SecondFactor
from dop_gateway.identity.store import Secrets
from dop_gateway.identity.strangers import LOCKED_WORDS, Strangers
from dop_gateway.identity.tokens import draw_token, token_hash
from protocol.ports import Entropy
from protocol.values import EpochSeconds

ATTEMPTS_MAX: Final = 4
LOCKED_S: Final = 1_800
SESSION_S: Final = 8 * 3_600


class Owed(Enum):
    """What has to be done before a session can do anything else."""

    NEW_PASSWORD = "change the password that somebody else has given you"  # noqa: S105
    SECOND_FACTOR = "set up a second factor"


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody types at the door.

    Attributes:
        code: Of the second factor; empty where there is none.
    """

    login: str
    password: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has begun.

    Attributes:
        token: Shown now and never again.
        owed: What has to be done first.
    """

    token: str
    expires_at: EpochSeconds
    owed: tuple[Owed, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Who a token belongs to.

    Attributes:
        seen_at: When the session was last used, as far as it is stored.
        owed: What has to be done before anything else.
    """

    actor: Actor
    person: Person
    token_hash: bytes
    seen_at: EpochSeconds
    owed: tuple[Owed, ...]


class Door:
    """Lets people in."""

    def __init__(
        self, passwords: Passwords, second_factor: SecondFactor, entropy: Entropy
    ) -> None:
        """Check with these; draw tokens from `entropy`."""
        self._passwords = passwords
        self._second_factor = second_factor
        self._entropy = entropy
        self._strangers = Strangers(ATTEMPTS_MAX, LOCKED_S)

    def sign_in(
        self,
        connection: Connection,
        typed: Typed,
        now: EpochSeconds,
        request_id: str,
    ) -> Begun | None:
        """Begin a session; None if login, password or code is wrong.

        The caller commits either way: a wrong attempt is counted by it.

        Args:
            connection: A writing transaction.
            typed: What somebody typed.
            now: The time.
            request_id: For the audit trail.

        Raises:
            TooManyError: There were too many wrong attempts; nothing was looked at.
        """
        found = store.find_person(connection, typed.login)
        if found is None:
            self._strangers.check(typed.login, now)
            self._passwords.is_right(typed.password, None)
            self._strangers.count(typed.login, now)
            return None
        person, secrets = found
        if secrets.locked_until > now:
            left_s = secrets.locked_until - now
            raise TooManyError(LOCKED_WORDS, left_s)
        step = self._step(person, secrets, typed.code, now)
        right = self._passwords.is_right(typed.password, secrets.password_hash)
        if not right or step is None or person.state is not PersonState.ACTIVE:
            self._count_wrong(connection, person, secrets, now, request_id)
            return None
        more: dict[str, object] = {}
        if self._passwords.is_dated(secrets.password_hash or ""):
            more["password_hash"] = self._passwords.hash(typed.password)
        store.change_person(
            connection,
            person.id,
            wrong_attempts=0,
            locked_until=0,
            second_factor_step=step,
            **more,
        )
        return self.begin(connection, person, name="", now=now, lasts_s=SESSION_S)

    def begin(
        self,
        connection: Connection,
        person: Person,
        *,
        name: str,
        now: EpochSeconds,
        lasts_s: int,
    ) -> Begun:
        """Begin a session, or with a name give a program its token."""
        token = draw_token(self._entropy)
        expires_at = EpochSeconds(now + lasts_s)
        store.insert_session(
            connection,
            token_hash(token),
            person.id,
            name=name,
            now=now,
            expires_at=expires_at,
        )
        return Begun(token, expires_at, owed_by(person))

    def change_password(
        self, connection: Connection, known: Known, old: str, new: str, by: By
    ) -> None:
        """Take a new password; every other session of the person ends.

        Raises:
            InvalidError: The old one is wrong, or the new one is not strong.
        """
        login = known.person.login
        found = store.find_person(connection, login)
        stored = None if found is None else found[1].password_hash
        if not self._passwords.is_right(old, stored):
            raise InvalidError(
                [FieldFinding("/old", "wrong", "it is not the password")]
            )
        why = why_not_strong(new, login)
        if why is None and new == old:
            why = "it is the old one"
        if why is not None:
            raise InvalidError([FieldFinding("/new", "weak", why)])
        store.change_person(
            connection,
            known.person.id,
            password_hash=self._passwords.hash(new),
            must_change=False,
        )
        store.end_sessions(connection, known.person.id, by.now)
        trail.add(connection, by, "change password", Subject("person", login))

    def set_up_second_factor(
        self, connection: Connection, known: Known, password: str
    ) -> NewSecret:
        """Draw a second factor; it counts once a code of it was confirmed.

        Raises:
            ConflictError: There is one; an administrator can take it away.
            InvalidError: The password is wrong.
        """
        if known.person.has_second_factor:
            message = "there is a second factor: an administrator can take it away"
            raise ConflictError(message)
        self._ask_password(connection, known, password)
        new = self._second_factor.draw(known.person.login)
        store.change_person(
            connection,
            known.person.id,
            second_factor=new.sealed,
            second_factor_step=-1,
        )
        return new

    def confirm_second_factor(
        self, connection: Connection, known: Known, code: str, by: By
    ) -> None:
        """Take the first code of a second factor: from now on it is asked for.

        Raises:
            InvalidError: None is being set up, or the code is wrong.
        """
        login = known.person.login
        found = store.find_person(connection, login)
        sealed = None if found is None else found[1].second_factor
        step = None
        if sealed is not None:
            step = self._second_factor.step_of(code, sealed, login, by.now, -1)
        if step is None:
            finding = FieldFinding(
                "/code", "wrong", "it is not the code of this moment"
            )
            raise InvalidError([finding])
        store.change_person(connection, known.person.id, second_factor_step=step)
        trail.add(connection, by, "set up second factor", Subject("person", login))

    def end_other_sessions(
        self, connection: Connection, known: Known, password: str, by: By
    ) -> None:
        """End every session of somebody but the one that asks.

        Raises:
            InvalidError: The password is wrong.
        """
        self._ask_password(connection, known, password)
        person = known.person
        store.end_sessions(connection, person.id, by.now, but=known.token_hash)
        trail.add(connection, by, "end sessions", Subject("person", person.login))

    def _ask_password(
        self, connection: Connection, known: Known, password: str
    ) -> None:
        """Ask who has a session for the password too: the session may be stolen."""
        found = store.find_person(connection, known.person.login)
        stored = None if found is None else found[1].password_hash
        if not self._passwords.is_right(password, stored):
            finding = FieldFinding("/password", "wrong", "it is not the password")
            raise InvalidError([finding])

    def _step(
        self, person: Person, secrets: Secrets, code: str, now: EpochSeconds
    ) -> int | None:
        """Give the step of the code; where none is asked for, what is stored."""
        if not person.has_second_factor or secrets.second_factor is None:
            return secrets.second_factor_step
        return self._second_factor.step_of(
            code, secrets.second_factor, person.login, now, secrets.second_factor_step
        )

    def _count_wrong(
        self,
        connection: Connection,
        person: Person,
        secrets: Secrets,
        now: EpochSeconds,
        request_id: str,
    ) -> None:
        attempts = secrets.wrong_attempts + 1
        locked = attempts >= ATTEMPTS_MAX
        store.change_person(
            connection,
            person.id,
            wrong_attempts=0 if locked else attempts,
            locked_until=now + LOCKED_S if locked else 0,
        )
        if locked:
            by = By(_nobody_but(person), now, request_id, f"{attempts} wrong attempts")
            trail.add(connection, by, "lock", Subject("person", person.login))


def who_has(connection: Connection, token: str, now: EpochSeconds) -> Known:
    """Find who a token belongs to.

    Raises:
        NotSignedInError: It belongs to nobody, or its session is over.
    """
    hashed = token_hash(token)
    session = store.find_session(connection, hashed)
    person = None if session is None else store.get_person(connection, session.person)
    if (
        session is None
        or person is None
        or session.is_over(now)
        or person.state is not PersonState.ACTIVE
    ):
        raise NotSignedInError("sign in first")
    grants = store.grants_of(connection, person.id)
    actor = Actor(person.id, person.login, person.kind, grants)
    return Known(actor, person, hashed, session.seen_at, owed_by(person))


def owed_by(person: Person) -> tuple[Owed, ...]:
    """Say what somebody has to do before anything else."""
    owed = []
    if person.must_change:
        owed.append(Owed.NEW_PASSWORD)
    if person.kind is PersonKind.STAFF and not person.has_second_factor:
        owed.append(Owed.SECOND_FACTOR)
    return tuple(owed)


def _nobody_but(person: Person) -> Actor:
    return Actor(PersonId(person.id), person.login, person.kind, ())

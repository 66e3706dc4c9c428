"""The moves of applications, licences and machines: who makes which, and when.

- An application is decided by the licensing authority, never by who entered it.
- A licence moves upon an application that was approved (`RENEW`, `CANCEL`), by the
  authority alone (`BLOCK`, `WITHHOLD`, `RELEASE`, `REVOKE`), or by the day (`EXPIRE`).
- A machine moves as the files of its maker tell, and ends with its licence.

Which of two moves is meant where data decide (`RELEASE` or `RELEASE_RENEWED`) is chosen
by who makes them: a row never chooses where it leads.

Source: domain notes, sections 6.5, 13 and 23 (nos. 6, 31).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final

from dop_gateway.identity.model import Role
from dop_gateway.licences.application import ENDED, Application, ApplicationState, Check
from dop_gateway.licences.model import Licence, MachineState
from dop_gateway.moves import Lifecycle, Move, Objection, move
from protocol.messages import LicenceState

_AUTHORITY: Final = (Role.LICENSING_AUTHORITY,)
_OFFICE: Final = (Role.LICENSING_OPERATOR, Role.LICENSING_AUTHORITY)
_BRINGERS: Final = (Role.MAKER_OFFICER, Role.LICENSEE, Role.LICENSING_OPERATOR)


class ApplicationMove(Enum):
    """What is done with an application."""

    ENTER = "somebody brings it"
    CHECK = "every line of the check-list is marked"
    SEND_OUT = "somebody is to look in the field"
    CONFIRM = "it is right in the field"
    OBJECT = "it is wanting in the field"
    APPROVE = "what is asked for is done"
    REJECT = "it is refused"
    WITHDRAW = "who brought it takes it back"


@dataclass(frozen=True, slots=True)
class Examined:
    """An application with what was marked of it, for guards."""

    application: Application
    checks: tuple[Check, ...]


def _checked(subject: Examined) -> Objection | None:
    marked = {check.item for check in subject.checks}
    missing = [one.name for one in subject.application.items if one not in marked]
    if not missing:
        return None
    return Objection("not-checked", f"not marked yet: {', '.join(missing)}")


def _seen_in_the_field(subject: Examined) -> Objection | None:
    if not subject.application.is_verified_in_the_field:
        return None
    return Objection("not-verified", "send somebody out to look first")


def _endings() -> Iterable[Move[ApplicationState, ApplicationMove, Examined]]:
    for state in ApplicationState:
        if state in ENDED:
            continue
        yield move(
            state,
            ApplicationMove.REJECT,
            ApplicationState.REJECTED,
            by=_AUTHORITY,
            not_by=[ApplicationMove.ENTER],
        )
        yield move(
            state,
            ApplicationMove.WITHDRAW,
            ApplicationState.WITHDRAWN,
            by=_BRINGERS,
        )


APPLICATION: Final = Lifecycle[ApplicationState, ApplicationMove, Examined](
    ApplicationState.ENTERED,
    begun_by=ApplicationMove.ENTER,
    moves=[
        move(
            ApplicationState.ENTERED,
            ApplicationMove.CHECK,
            ApplicationState.CHECKED,
            by=_OFFICE,
            when=_checked,
        ),
        move(
            ApplicationState.CHECKED,
            ApplicationMove.SEND_OUT,
            ApplicationState.IN_THE_FIELD,
            by=_OFFICE,
        ),
        move(
            ApplicationState.IN_THE_FIELD,
            ApplicationMove.CONFIRM,
            ApplicationState.VERIFIED,
            by=[Role.VERIFIER],
            not_by=[ApplicationMove.ENTER],
        ),
        move(
            ApplicationState.IN_THE_FIELD,
            ApplicationMove.OBJECT,
            ApplicationState.OBJECTED,
            by=[Role.VERIFIER],
            not_by=[ApplicationMove.ENTER],
        ),
        move(
            ApplicationState.OBJECTED,
            ApplicationMove.SEND_OUT,
            ApplicationState.IN_THE_FIELD,
            by=_OFFICE,
        ),
        move(
            ApplicationState.CHECKED,
            ApplicationMove.APPROVE,
            ApplicationState.APPROVED,
            by=_AUTHORITY,
            when=_seen_in_the_field,
            not_by=[ApplicationMove.ENTER],
        ),
        move(
            ApplicationState.VERIFIED,
            ApplicationMove.APPROVE,
            ApplicationState.APPROVED,
            by=_AUTHORITY,
            not_by=[ApplicationMove.ENTER, ApplicationMove.CONFIRM],
        ),
        *_endings(),
    ],
)


class LicenceMove(Enum):
    """What is done with a licence."""

    ISSUE = "an application was approved"
    RENEW = "a renewal was approved"
    BLOCK = "the authority blocks it"
    WITHHOLD = "the authority withholds it"
    RELEASE = "the authority gives it back; it was never renewed"
    RELEASE_RENEWED = "the authority gives it back; it was renewed before"
    EXPIRE = "its last day is over"
    CANCEL = "the licensee's cancellation, or another machine, was approved"
    REVOKE = "the authority ends it without being asked"


@dataclass(frozen=True, slots=True)
class Standing:
    """A licence on a day, for guards.

    Attributes:
        revocable_from: First day on which an expired licence may be ended unasked.
    """

    licence: Licence
    on: date
    revocable_from: date


def _is_over(subject: Standing) -> Objection | None:
    if subject.licence.is_expired(subject.on):
        return None
    words = f"its last day is {subject.licence.expires_on}"
    return Objection("not-expired", words)


def _is_long_over(subject: Standing) -> Objection | None:
    if subject.on >= subject.revocable_from:
        return None
    words = f"it may be renewed: it can be ended from {subject.revocable_from} on"
    return Objection("renewable", words)


def _was_never_renewed(subject: Standing) -> Objection | None:
    if subject.licence.periods == 1:
        return None
    return Objection("renewed", "it was renewed: it is released as a renewed one")


def _was_renewed(subject: Standing) -> Objection | None:
    if subject.licence.periods > 1:
        return None
    return Objection("not-renewed", "it was never renewed")


def _of_licences() -> Iterable[Move[LicenceState, LicenceMove, Standing]]:
    for state in (LicenceState.REGISTERED, LicenceState.RENEWED):
        renew, block, withhold = (
            LicenceMove.RENEW,
            LicenceMove.BLOCK,
            LicenceMove.WITHHOLD,
        )
        yield move(state, renew, LicenceState.RENEWED, by=_AUTHORITY)
        yield move(state, block, LicenceState.BLOCKED, by=_AUTHORITY)
        yield move(state, withhold, LicenceState.WITHHELD, by=_AUTHORITY)
        yield move(
            state,
            LicenceMove.EXPIRE,
            LicenceState.EXPIRED,
            by_program=True,
            when=_is_over,
        )
    yield move(
        LicenceState.EXPIRED, LicenceMove.RENEW, LicenceState.RENEWED, by=_AUTHORITY
    )
    for state, maker in (
        (LicenceState.BLOCKED, LicenceMove.BLOCK),
        (LicenceState.WITHHELD, LicenceMove.WITHHOLD),
    ):
        yield move(
            state,
            LicenceMove.RELEASE,
            LicenceState.REGISTERED,
            by=_AUTHORITY,
            when=_was_never_renewed,
        )
        yield move(
            state,
            LicenceMove.RELEASE_RENEWED,
            LicenceState.RENEWED,
            by=_AUTHORITY,
            when=_was_renewed,
        )
        yield move(state, LicenceMove.CANCEL, LicenceState.CANCELLED, by=_AUTHORITY)
        yield move(
            state,
            LicenceMove.REVOKE,
            LicenceState.CANCELLED,
            by=_AUTHORITY,
            not_by=[maker],
        )
    yield move(
        LicenceState.EXPIRED, LicenceMove.CANCEL, LicenceState.CANCELLED, by=_AUTHORITY
    )
    yield move(
        LicenceState.EXPIRED,
        LicenceMove.REVOKE,
        LicenceState.CANCELLED,
        by=_AUTHORITY,
        when=_is_long_over,
    )


LICENCE: Final = Lifecycle[LicenceState, LicenceMove, Standing](
    LicenceState.REGISTERED, begun_by=LicenceMove.ISSUE, moves=_of_licences()
)


class MachineMove(Enum):
    """What happens to a machine, as the files of its maker tell it."""

    REGISTER = "its licence is issued"
    INSTALL = "it was set up"
    COMMISSION = "it franks"
    BLOCK = "it has not called in time"
    FREE = "it has called"
    LOCK_OUT = "it was locked"
    UNLOCK = "an order unlocked it"
    FAIL = "it is out of order"
    MEND = "it was mended"
    WITHDRAW = "it was taken out of service"
    CANCEL = "its licence was cancelled"


_OUT: Final = (
    (MachineState.BLOCKED, MachineMove.BLOCK, MachineMove.FREE),
    (MachineState.LOCKED_OUT, MachineMove.LOCK_OUT, MachineMove.UNLOCK),
    (MachineState.FAULT, MachineMove.FAIL, MachineMove.MEND),
)
"""Situations out of which a machine comes back into service."""


def _of_machines() -> Iterable[Move[MachineState, MachineMove, Any]]:
    way = (
        (MachineState.UNINSTALLED, MachineMove.INSTALL, MachineState.INSTALLED),
        (MachineState.INSTALLED, MachineMove.COMMISSION, MachineState.IN_SERVICE),
    )
    for state, event, to in way:
        yield move(state, event, to, by_program=True)
    for state, out, back in _OUT:
        yield move(MachineState.IN_SERVICE, out, state, by_program=True)
        yield move(state, back, MachineState.IN_SERVICE, by_program=True)
    for state in (
        MachineState.INSTALLED,
        MachineState.IN_SERVICE,
        *(state for state, _, _ in _OUT),
    ):
        yield move(state, MachineMove.WITHDRAW, MachineState.WITHDRAWN, by_program=True)
    for state in MachineState:
        if state is not MachineState.CANCELLED:
            yield move(
                state, MachineMove.CANCEL, MachineState.CANCELLED, by_program=True
            )


MACHINE: Final = Lifecycle[MachineState, MachineMove, Any](
    MachineState.UNINSTALLED, begun_by=MachineMove.REGISTER, moves=_of_machines()
)

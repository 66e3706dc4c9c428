"""Every move of applications, licences and machines, legal and illegal (GW-02)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from dop_gateway.errors import (
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.identity.model import PersonId, Role
from dop_gateway.licences import (
    changes,
    history,
    machines,
    standing,
    store,
)
from dop_gateway.licences.application import (
    ApplicationId,
    ApplicationState,
    Check,
    CheckResult,
)
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.lifecycle import (
    APPLICATION,
    LICENCE,
    MACHINE,
    ApplicationMove,
    Examined,
    LicenceMove,
    MachineMove,
    Standing,
)
from dop_gateway.licences.model import Body, CancelReason, Licence, MachineState
from dop_gateway.moves import IllegalMoveError, Mover, ObjectionError
from protocol import registers
from protocol.messages import LicenceState
from tests.licence_desk import MONDAY, LicenceDesk, licence_desk_at

SOMEBODY = PersonId(90)
AUTHORITY = Mover(SOMEBODY, frozenset({Role.LICENSING_AUTHORITY}))
PROGRAM = Mover(PersonId(1), frozenset(), is_program=True)
EVERYBODY = Mover(SOMEBODY, frozenset(Role), is_program=True)

LICENCE_ROWS = {
    ("REGISTERED", "RENEW"): "RENEWED",
    ("REGISTERED", "BLOCK"): "BLOCKED",
    ("REGISTERED", "WITHHOLD"): "WITHHELD",
    ("REGISTERED", "EXPIRE"): "EXPIRED",
    ("RENEWED", "RENEW"): "RENEWED",
    ("RENEWED", "BLOCK"): "BLOCKED",
    ("RENEWED", "WITHHOLD"): "WITHHELD",
    ("RENEWED", "EXPIRE"): "EXPIRED",
    ("EXPIRED", "RENEW"): "RENEWED",
    ("EXPIRED", "CANCEL"): "CANCELLED",
    ("EXPIRED", "REVOKE"): "CANCELLED",
    ("BLOCKED", "RELEASE"): "REGISTERED",
    ("BLOCKED", "RELEASE_RENEWED"): "RENEWED",
    ("BLOCKED", "CANCEL"): "CANCELLED",
    ("BLOCKED", "REVOKE"): "CANCELLED",
    ("WITHHELD", "RELEASE"): "REGISTERED",
    ("WITHHELD", "RELEASE_RENEWED"): "RENEWED",
    ("WITHHELD", "CANCEL"): "CANCELLED",
    ("WITHHELD", "REVOKE"): "CANCELLED",
}
"""Domain notes, section 6.5; what is not here is refused."""

APPLICATION_ROWS = {
    ("ENTERED", "CHECK"): "CHECKED",
    ("CHECKED", "SEND_OUT"): "IN_THE_FIELD",
    ("IN_THE_FIELD", "CONFIRM"): "VERIFIED",
    ("IN_THE_FIELD", "OBJECT"): "OBJECTED",
    ("OBJECTED", "SEND_OUT"): "IN_THE_FIELD",
    ("CHECKED", "APPROVE"): "APPROVED",
    ("VERIFIED", "APPROVE"): "APPROVED",
} | {
    (state, event): to
    for state in ("ENTERED", "CHECKED", "IN_THE_FIELD", "VERIFIED", "OBJECTED")
    for event, to in (("REJECT", "REJECTED"), ("WITHDRAW", "WITHDRAWN"))
}
_OUT = {"BLOCKED": "FREE", "LOCKED_OUT": "UNLOCK", "FAULT": "MEND"}
MACHINE_ROWS = (
    {
        ("UNINSTALLED", "INSTALL"): "INSTALLED",
        ("INSTALLED", "COMMISSION"): "IN_SERVICE",
        ("IN_SERVICE", "BLOCK"): "BLOCKED",
        ("IN_SERVICE", "LOCK_OUT"): "LOCKED_OUT",
        ("IN_SERVICE", "FAIL"): "FAULT",
    }
    | dict.fromkeys(_OUT.items(), "IN_SERVICE")
    | {(state, "WITHDRAW"): "WITHDRAWN" for state in ("INSTALLED", "IN_SERVICE", *_OUT)}
    | {
        (state.name, "CANCEL"): "CANCELLED"
        for state in MachineState
        if state is not MachineState.CANCELLED
    }
)


@pytest.fixture
def desk(store_place: str) -> Iterator[LicenceDesk]:
    with licence_desk_at(store_place) as desk:
        yield desk


@pytest.fixture
def licence(desk: LicenceDesk) -> Licence:
    return desk.issue()


def standing_of(one: Licence, event: LicenceMove) -> Standing:
    """Let nothing speak against a move but the table."""
    renewed = event is LicenceMove.RELEASE_RENEWED
    over = one.expires_on + timedelta(days=1)
    return Standing(replace(one, periods=2 if renewed else 1), over, over)


def test_every_move_of_a_licence_is_as_the_notes_have_it(licence: Licence) -> None:
    made_by = dict.fromkeys(LicenceMove, PersonId(7))
    for state, event in product(LicenceState, LicenceMove):
        wanted = LICENCE_ROWS.get((state.name, event.name))
        subject = standing_of(licence, event)
        if wanted is None:
            with pytest.raises(IllegalMoveError):
                LICENCE.move(state, event, EVERYBODY, subject, made_by)
            continue
        who = PROGRAM if event is LicenceMove.EXPIRE else AUTHORITY
        to = LICENCE.move(state, event, who, subject, made_by)
        assert to.name == wanted
        nobody = Mover(SOMEBODY, frozenset(Role) - {Role.LICENSING_AUTHORITY})
        with pytest.raises(NotAllowedError):
            LICENCE.move(state, event, nobody, subject, made_by)


def test_every_move_of_an_application_is_as_its_rows(desk: LicenceDesk) -> None:
    one = desk.enter(desk.form())
    exempt = replace(one, holder=replace(one.holder, body=Body.GOVERNMENT))
    marked = tuple(Check(item, CheckResult.SATISFIED) for item in one.items)
    subject = Examined(exempt, marked)
    made_by = dict.fromkeys(ApplicationMove, PersonId(7))
    for state, event in product(ApplicationState, ApplicationMove):
        wanted = APPLICATION_ROWS.get((state.name, event.name))
        if wanted is None:
            with pytest.raises(IllegalMoveError):
                APPLICATION.move(state, event, EVERYBODY, subject, made_by)
            continue
        to = APPLICATION.move(state, event, EVERYBODY, subject, made_by)
        assert to.name == wanted
        with pytest.raises(NotAllowedError):
            APPLICATION.move(state, event, PROGRAM, subject, made_by)


def test_every_move_of_a_machine_is_made_by_programs() -> None:
    for state, event in product(MachineState, MachineMove):
        wanted = MACHINE_ROWS.get((state.name, event.name))
        if wanted is None:
            with pytest.raises(IllegalMoveError):
                MACHINE.move(state, event, PROGRAM, None, {})
            continue
        assert MACHINE.move(state, event, PROGRAM, None, {}).name == wanted
        with pytest.raises(NotAllowedError):
            MACHINE.move(state, event, AUTHORITY, None, {})


@pytest.mark.parametrize("held", ["block", "withhold"])
def test_a_licence_is_held_and_released_and_its_maker_is_told(
    desk: LicenceDesk, licence: Licence, held: str
) -> None:
    hold = {"block": standing.block, "withhold": standing.withhold}[held]
    with desk.store.writing("test") as connection:
        hold(connection, licence.identifier, desk.by("authority"))
        standing.release(connection, licence.identifier, desk.by("authority"))
        first, second = changes.waiting(connection, "N", "license-modification")
    # Upon BLOCKED and WITHHELD nothing but identifier and status (SOP chapter 6).
    word = {"block": "BLOCKED", "withhold": "WITHHELD"}[held]
    assert first.values == {"licence": "N123456", "status": word}
    assert second.values["status"] == "REGISTERED"
    assert second.values["licence_number"] == licence.number
    assert second.values["refund"] == "FORBIDDEN"


def test_only_its_authority_holds_a_licence_and_says_why(
    desk: LicenceDesk, licence: Licence
) -> None:
    with desk.store.writing("test") as connection:
        for who, error in (
            ("operator", NotAllowedError),
            ("licensee", NotAllowedError),
            ("stranger", NotFoundError),
        ):
            with pytest.raises(error):
                standing.block(connection, licence.identifier, desk.by(who))
        with pytest.raises(InvalidError, match="say why"):
            standing.block(connection, licence.identifier, desk.by("authority", " "))
        with pytest.raises(NotFoundError):
            standing.block(connection, "N000000", desk.by("authority"))
        with pytest.raises(IllegalMoveError) as refused:
            standing.release(connection, licence.identifier, desk.by("authority"))
    assert refused.value.possible == ("RENEW", "BLOCK", "WITHHOLD", "EXPIRE")


def test_a_licence_is_revoked_by_somebody_else_than_who_held_it(
    desk: LicenceDesk, licence: Licence
) -> None:
    of = licence.identifier
    with desk.store.writing("test") as connection:
        standing.block(connection, of, desk.by("authority"))
        with pytest.raises(SamePersonError):
            standing.revoke(
                connection,
                of,
                CancelReason.MISUSE,
                desk.by("authority"),
                refund_allowed=True,
            )
        with pytest.raises(InvalidError, match="MISUSE, NOT_RENEWED"):
            standing.revoke(
                connection,
                of,
                CancelReason.FM_CANCELLATION,
                desk.by("director"),
                refund_allowed=True,
            )
        ended = standing.revoke(
            connection,
            of,
            CancelReason.MISUSE,
            desk.by("director"),
            refund_allowed=True,
        )
        line = changes.waiting(connection, "N", "license-modification")[-1]
        credential = store.credential_of(connection, of)
    assert (ended.state, ended.machine_state) == (
        LicenceState.CANCELLED,
        MachineState.CANCELLED,
    )
    assert (ended.cancelled, ended.cancelled_on) == (CancelReason.MISUSE, MONDAY)
    assert desk.licence() == ended
    assert (line.values["status"], line.values["refund"]) == ("CANCELLED", "ALLOWED")
    assert credential is not None
    assert credential.retired


def test_a_licence_expires_the_day_after_its_last_and_not_before(
    desk: LicenceDesk, licence: Licence
) -> None:
    on = licence.expires_on
    with desk.store.writing("test") as connection:
        assert standing.expire_due(connection, on, desk.program, 10) == 0
    desk.today = on + timedelta(days=1)
    with desk.store.writing("test") as connection:
        assert standing.expire_due(connection, desk.today, desk.program, 10) == 1
        assert standing.expire_due(connection, desk.today, desk.program, 10) == 0
        (line,) = changes.waiting(connection, "N", "license-modification")
    assert desk.licence().state is LicenceState.EXPIRED
    assert line.values["status"] == "EXPIRED"


def test_a_held_licence_expires_when_it_is_released(
    desk: LicenceDesk, licence: Licence
) -> None:
    with desk.store.writing("test") as connection:
        standing.withhold(connection, licence.identifier, desk.by("authority"))
    desk.today = licence.expires_on + timedelta(days=1)
    with desk.store.writing("test") as connection:
        assert standing.expire_due(connection, desk.today, desk.program, 10) == 0
        released = standing.release(
            connection, licence.identifier, desk.by("authority")
        )
    assert released.state is LicenceState.EXPIRED


def test_an_expired_licence_is_ended_three_months_later(
    desk: LicenceDesk, licence: Licence
) -> None:
    desk.today = licence.expires_on + timedelta(days=1)
    with desk.store.writing("test") as connection:
        standing.expire_due(connection, desk.today, desk.program, 10)

    def revoke() -> Licence:
        with desk.store.writing("test") as connection:
            return standing.revoke(
                connection,
                licence.identifier,
                CancelReason.NOT_RENEWED,
                desk.by("authority"),
                refund_allowed=True,
            )

    # It ended on 15-11-2031.
    desk.today = licence.expires_on.replace(year=2032, month=2, day=14)
    with pytest.raises(ObjectionError, match="from 2032-02-15 on"):
        revoke()
    desk.today += timedelta(days=1)
    assert revoke().state is LicenceState.CANCELLED


def test_the_moves_of_licence_and_machine_are_kept_apart(
    desk: LicenceDesk, licence: Licence
) -> None:
    of = licence.identifier
    with desk.store.writing("test") as connection:
        machines.report(connection, of, registers.MachineState.BLOCKED, desk.program)
        standing.block(connection, of, desk.by("authority"))
        told = history.of(connection, Axis.MACHINE, of)
        decided = history.of(connection, Axis.LICENCE, of)
    # Files do not tell how a machine came to where it is: it went the shortest way.
    assert [one.move for one in told] == ["REGISTER", "INSTALL", "COMMISSION", "BLOCK"]
    assert [one.move for one in decided] == ["ISSUE", "BLOCK"]


def test_a_machine_is_where_its_last_call_told(
    desk: LicenceDesk, licence: Licence
) -> None:
    of = licence.identifier
    states = registers.MachineState
    told = [
        (states.INSTALLED, MachineState.INSTALLED),
        (states.IN_SERVICE, MachineState.IN_SERVICE),
        (states.WITHHELD, MachineState.IN_SERVICE),
        (states.LOCKED, MachineState.LOCKED_OUT),
        (states.FAULT, MachineState.FAULT),
        (states.FAULT, MachineState.FAULT),
        (states.LOCKED_OUT, MachineState.LOCKED_OUT),
        (states.WITHDRAWN, MachineState.WITHDRAWN),
    ]
    with desk.store.writing("test") as connection:
        for state, wanted in told:
            found = machines.report(connection, of, state, desk.program)
            assert found.machine_state is wanted
            assert found.is_recharged is (
                wanted in {MachineState.INSTALLED, MachineState.IN_SERVICE}
            )
        with pytest.raises(IllegalMoveError):
            machines.report(connection, of, states.IN_SERVICE, desk.program)
        with pytest.raises(NotFoundError):
            machines.report(
                connection,
                type(of)("N000000"),
                states.IN_SERVICE,
                desk.program,
            )


def test_a_decided_application_is_not_decided_again(desk: LicenceDesk) -> None:
    licence = desk.issue()
    with pytest.raises(IllegalMoveError, match="nothing is possible any more"):
        desk.approve(ApplicationId(licence.application))

"""Requests that the rules of DLG-8 refuse: a REFUSAL, a RECEIPT, and no money moved.

DLG-8.2: the registers were in order, so the dial-in is complete all the same, and the
machine may ask for something else.

Source: RMFS-04, RMFS-30.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from fm_device.psd.franking import Frank, FrankRefusal
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.messages import (
    Disposition,
    LicenceState,
    OrderKind,
    Receipt,
    Refusal,
    RefusalCode,
)
from protocol.registers import MachineState, RequestKind
from protocol.values import AMOUNT_PAISE_MAX, Paise, RechargeNumber
from tests.franking import frank
from tests.situations import FUNDS_IN_USE, REGISTERS_IN_USE
from tests.system import LICENCE, RUPEES_2000, System
from tests.unmoved import found_discrepancies, no_money_moves
from tests.witness.rogue_machine import RogueMachine

DAY_S = 24 * 3600


def recharge(amount_paise: int) -> Request:
    return Request(RequestKind.RECHARGE, Paise(amount_paise))


def licence_is(
    state: LicenceState | None = None,
    *,
    expires_on: date | None = None,
    refund_allowed: bool | None = None,
) -> Callable[[System], None]:
    """Let the authority change the licence."""

    def change(system: System) -> None:
        system.administration.set_licence(
            LICENCE,
            system.by(),
            state=state,
            expires_on=expires_on,
            refund_allowed=refund_allowed,
        )

    return change


def as_it_is(system: System) -> None:
    """Change nothing."""


def more_is_paid_in_for_the_30th(system: System) -> None:
    system.deposit(200_000, date(2026, 11, 30), number=2)


def the_machine_is_locked(system: System) -> None:
    system.administration.order(LICENCE, OrderKind.LOCK, 7, system.by())
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    assert system.psd().state is MachineState.LOCKED


@dataclass(frozen=True)
class Case:
    """A request of the honest machine, and why it is refused."""

    request: Request
    code: RefusalCode
    given: Callable[[System], None] = as_it_is
    allowed_paise: int = FUNDS_IN_USE


REFUND_OF_100 = Request(RequestKind.REFUND, Paise(10_000))

CASES = {
    "AMOUNT_STEP one paisa": Case(recharge(1), RefusalCode.AMOUNT_STEP),
    "AMOUNT_STEP Rs 99": Case(recharge(9_900), RefusalCode.AMOUNT_STEP),
    "AMOUNT_STEP Rs 2,000.50": Case(recharge(200_050), RefusalCode.AMOUNT_STEP),
    "AMOUNT_STEP beyond the funds": Case(recharge(300_001), RefusalCode.AMOUNT_STEP),
    "AMOUNT_LIMIT CT would pass 2^53 - 1": Case(
        recharge(AMOUNT_PAISE_MAX // 10_000 * 10_000), RefusalCode.AMOUNT_LIMIT
    ),
    "FUNDS_SHORT by one step": Case(
        recharge(FUNDS_IN_USE + 10_000), RefusalCode.FUNDS_SHORT
    ),
    "FUNDS_SHORT beyond what is to come": Case(
        recharge(510_000), RefusalCode.FUNDS_SHORT, more_is_paid_in_for_the_30th
    ),
    "FUNDS_NOT_YET_AVAILABLE by one step": Case(
        recharge(310_000),
        RefusalCode.FUNDS_NOT_YET_AVAILABLE,
        more_is_paid_in_for_the_30th,
    ),
    "FUNDS_NOT_YET_AVAILABLE all of it": Case(
        recharge(500_000),
        RefusalCode.FUNDS_NOT_YET_AVAILABLE,
        more_is_paid_in_for_the_30th,
    ),
    "LICENCE_BLOCKED": Case(
        RUPEES_2000, RefusalCode.LICENCE_BLOCKED, licence_is(LicenceState.BLOCKED)
    ),
    "LICENCE_WITHHELD": Case(
        RUPEES_2000, RefusalCode.LICENCE_WITHHELD, licence_is(LicenceState.WITHHELD)
    ),
    "LICENCE_CANCELLED": Case(
        RUPEES_2000, RefusalCode.LICENCE_CANCELLED, licence_is(LicenceState.CANCELLED)
    ),
    "LICENCE_CANCELLED a withdrawal": Case(
        Request(RequestKind.WITHDRAWAL, REGISTERS_IN_USE.descending_paise),
        RefusalCode.LICENCE_CANCELLED,
        licence_is(LicenceState.CANCELLED),
    ),
    "LICENCE_EXPIRED yesterday": Case(
        RUPEES_2000,
        RefusalCode.LICENCE_EXPIRED,
        licence_is(expires_on=date(2026, 11, 20)),
    ),
    "LICENCE_BLOCKED comes before the amount": Case(
        recharge(1), RefusalCode.LICENCE_BLOCKED, licence_is(LicenceState.BLOCKED)
    ),
    "MACHINE_STATE locked by an order": Case(
        RUPEES_2000, RefusalCode.MACHINE_STATE, the_machine_is_locked
    ),
    "MACHINE_STATE comes before the amount": Case(
        recharge(1), RefusalCode.MACHINE_STATE, the_machine_is_locked
    ),
    "KIND_NOT_OFFERED a refund": Case(REFUND_OF_100, RefusalCode.KIND_NOT_OFFERED),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_request_against_the_rules_is_refused_and_the_dial_in_is_complete(
    system: System, case: Case
) -> None:
    case.given(system)
    mark = system.psd().record.mark
    with no_money_moves(system):
        report = system.dial(case.request)
    assert report.refusal == Refusal(
        recharge_number=RechargeNumber(2),
        code=case.code,
        disposition=Disposition.CLEARED,
        allowed_paise=Paise(case.allowed_paise),
        receipt_follows=1,
    )
    assert report.outcome is Outcome.REFUSED
    assert report.receipt is not None
    assert report.pending is None, "another request may be made (DLG-4.3)"
    assert system.psd().record.mark != mark
    assert found_discrepancies(system) == []
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED


REMEDIES: dict[str, tuple[Callable[[System], None], Callable[[System], None]]] = {
    "blocked, then renewed": (
        licence_is(LicenceState.BLOCKED),
        licence_is(LicenceState.RENEWED),
    ),
    "withheld, then renewed": (
        licence_is(LicenceState.WITHHELD),
        licence_is(LicenceState.RENEWED),
    ),
    "expired, then extended": (
        licence_is(expires_on=date(2026, 11, 20)),
        licence_is(expires_on=date(2026, 11, 21)),
    ),
}


@pytest.mark.parametrize(("wrong", "right"), REMEDIES.values(), ids=REMEDIES.keys())
def test_a_request_is_granted_once_its_reason_is_gone(
    system: System,
    wrong: Callable[[System], None],
    right: Callable[[System], None],
) -> None:
    """REG-8: what was refused has left nothing behind that stands in the way."""
    wrong(system)
    assert system.dial(RUPEES_2000).outcome is Outcome.REFUSED
    right(system)
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    system.check_quiet(400_000)


def test_funds_may_be_asked_for_from_the_day_on_which_they_are_available(
    system: System,
) -> None:
    """DLG-8: FUNDS_NOT_YET_AVAILABLE until 00:00 in India of that day."""
    more_is_paid_in_for_the_30th(system)
    system.wall.set(datetime(2026, 11, 29, 18, 29, 59, tzinfo=UTC))
    assert system.dial(recharge(500_000)).outcome is Outcome.REFUSED
    system.wall.advance(1)
    assert system.dial(recharge(500_000)).outcome is Outcome.CONFIRMED
    system.check_quiet(700_000)


# What an honest PSD does not ask: DLG-4.1, DLG-8.


STATES_WITHOUT_RECHARGE = (
    MachineState.UNINSTALLED,
    MachineState.LOCKED,
    MachineState.FAULT,
    MachineState.WITHDRAWN,
)


@pytest.mark.parametrize("state", STATES_WITHOUT_RECHARGE, ids=lambda s: s.name)
def test_a_machine_in_such_a_state_is_not_recharged(
    system: System, state: MachineState
) -> None:
    with no_money_moves(system):
        call, refusal = RogueMachine(system).ask_for(RUPEES_2000, state=state)
        assert isinstance(refusal, Refusal)
        assert refusal.code is RefusalCode.MACHINE_STATE
        assert isinstance(call.answer(), Receipt)


RETURNS = {
    "AMOUNT_LIMIT a withdrawal of one paisa less than DR": (
        Request(RequestKind.WITHDRAWAL, Paise(198_499)),
        MachineState.IN_SERVICE,
        RefusalCode.AMOUNT_LIMIT,
    ),
    "AMOUNT_LIMIT a withdrawal of one paisa more than DR": (
        Request(RequestKind.WITHDRAWAL, Paise(198_501)),
        MachineState.IN_SERVICE,
        RefusalCode.AMOUNT_LIMIT,
    ),
    "AMOUNT_LIMIT a refund of nothing": (
        Request(RequestKind.REFUND, Paise(0)),
        MachineState.IN_SERVICE,
        RefusalCode.AMOUNT_LIMIT,
    ),
    "AMOUNT_LIMIT a refund above DR": (
        Request(RequestKind.REFUND, Paise(198_501)),
        MachineState.IN_SERVICE,
        RefusalCode.AMOUNT_LIMIT,
    ),
    "AMOUNT_STEP a recharge of nothing": (
        recharge(0),
        MachineState.IN_SERVICE,
        RefusalCode.AMOUNT_STEP,
    ),
    "MACHINE_STATE a withdrawal of the withdrawn": (
        Request(RequestKind.WITHDRAWAL, Paise(198_500)),
        MachineState.WITHDRAWN,
        RefusalCode.MACHINE_STATE,
    ),
    "MACHINE_STATE a refund of the withdrawn": (
        REFUND_OF_100,
        MachineState.WITHDRAWN,
        RefusalCode.MACHINE_STATE,
    ),
}


@pytest.mark.parametrize(
    ("request_", "state", "code"), RETURNS.values(), ids=RETURNS.keys()
)
def test_an_amount_that_no_honest_machine_asks_for_is_refused(
    system: System, request_: Request, state: MachineState, code: RefusalCode
) -> None:
    licence_is(refund_allowed=True)(system)
    with no_money_moves(system):
        call, refusal = RogueMachine(system).ask_for(request_, state=state)
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.disposition, refusal.receipt_follows) == (
            code,
            Disposition.CLEARED,
            1,
        )
        assert isinstance(call.answer(), Receipt)


# The 30-day rule: DLG-4.5, DLG-7.1.


def test_a_machine_blocked_by_the_30_day_rule_recharges_as_it_is_freed(
    system: System,
) -> None:
    system.wall.advance(31 * DAY_S)
    assert system.psd().state is MachineState.BLOCKED
    assert frank(system.psd(), Paise(500), 1) is FrankRefusal.BLOCKED
    report = system.dial(RUPEES_2000)
    assert report.outcome is Outcome.CONFIRMED
    assert system.psd().state is MachineState.IN_SERVICE
    system.check_quiet(400_000)
    assert isinstance(frank(system.psd(), Paise(500), 1), Frank)


def test_a_refused_request_frees_a_machine_blocked_by_the_30_day_rule(
    system: System,
) -> None:
    """DLG-8.2: the dial-in is complete."""
    system.wall.advance(31 * DAY_S)
    with no_money_moves(system):
        report = system.dial(recharge(1))
    assert report.refusal is not None
    assert report.refusal.code is RefusalCode.AMOUNT_STEP
    assert system.psd().state is MachineState.IN_SERVICE


def test_a_frozen_account_frees_no_machine_from_the_30_day_rule(
    system: System,
) -> None:
    """DLG-8.1: no RECEIPT follows a discrepancy."""
    call, _ = RogueMachine(system).ask_for(INSPECTION, mark=b"not mine")
    call.wire.end()
    system.wall.advance(31 * DAY_S)
    with no_money_moves(system):
        report = system.dial(RUPEES_2000)
    assert report.refusal is not None
    assert report.refusal.code is RefusalCode.ACCOUNT_FROZEN
    assert system.psd().state is MachineState.BLOCKED

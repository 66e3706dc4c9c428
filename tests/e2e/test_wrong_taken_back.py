"""A voucher taken back: VOID and voucher race, and CT tells which was first.

REG-7.2: the PSD applies whichever reaches it first. REG-7.3: until one of them is
settled the funds stay reserved. REG-5.3: what a withdrawal or refund returns is
credited when it is posted, never before.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fm_device.psd.franking import FrankRefusal
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.errors import ErrorCode
from protocol.messages import LicenceState, RefusalCode, Voucher
from protocol.registers import MachineState, RequestKind, VoucherKind
from protocol.values import Paise
from tests.franking import frank
from tests.situations import (
    HandDialled,
    let_a_confirmation_be_lost,
    let_a_voucher_be_lost,
)
from tests.system import LICENCE, RUPEES_2000, RUPEES_3000, System
from tests.unmoved import no_money_moves, open_states
from tests.witness.rogue_machine import RogueMachine
from tests.witness.rogue_server import RogueServer, to_the_statement

WITHDRAWAL = Request(RequestKind.WITHDRAWAL, Paise(198_500))
REFUND_OF_100 = Request(RequestKind.REFUND, Paise(10_000))


def void(system: System) -> None:
    system.administration.void(LICENCE, system.by("asked twice"))


def cancel(system: System) -> None:
    """Cancel the licence, which takes what is outstanding back."""
    system.administration.set_licence(
        LICENCE, system.by("cancelled"), state=LicenceState.CANCELLED
    )


def funds(system: System) -> tuple[int, int, int]:
    """Give what is at the server, reserved, and in the machine."""
    names = ("funds", "reserved", "machine")
    return tuple(system.balance(f"{name}:{LICENCE}") for name in names)  # type: ignore[return-value]


TAKEN_BACK: dict[str, Callable[[System], None]] = {"VOID": void, "cancelled": cancel}


@pytest.mark.parametrize("take_back", TAKEN_BACK.values(), ids=TAKEN_BACK.keys())
def test_a_voucher_taken_back_in_time_frees_its_funds_once_the_void_is_applied(
    system: System, take_back: Callable[[System], None]
) -> None:
    """REG-7.2, REG-5: the VOID first."""
    let_a_voucher_be_lost(system)
    take_back(system)
    assert funds(system) == (100_000, 200_000, 200_000), "reserved still (REG-7.3)"
    report = system.dial(RUPEES_2000)
    assert report.voucher is not None
    assert report.voucher.kind is VoucherKind.VOID
    assert report.after == report.before
    assert report.pending is None, "the request is over (DLG-4.3)"
    system.check_quiet(200_000)
    assert funds(system) == (300_000, 0, 200_000)
    assert system.psd().record.recharge_number == 2


@pytest.mark.parametrize("take_back", TAKEN_BACK.values(), ids=TAKEN_BACK.keys())
def test_a_voucher_taken_back_too_late_is_posted(
    system: System, take_back: Callable[[System], None]
) -> None:
    """REG-7.2, REG-5: the voucher first; the next STATEMENT settles it."""
    let_a_confirmation_be_lost(system)
    take_back(system)
    assert funds(system) == (100_000, 200_000, 200_000)
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    system.check_quiet(400_000)
    assert funds(system) == (100_000, 0, 400_000)


def test_a_voucher_that_arrives_after_its_void_was_applied_is_stale(
    system: System,
) -> None:
    """REG-6 no. 3: both have one number; the second is not the next any more."""
    voucher = let_a_voucher_be_lost(system)
    void(system)
    assert system.dial(RUPEES_2000).voucher is not None
    before = system.psd().record
    server = RogueServer(system, to_the_statement(voucher.encode()))
    server.take_call(system.psd(), INSPECTION)
    record = system.psd().record
    assert record.registers == before.registers
    assert record.wrong_vouchers == before.wrong_vouchers + 1
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    system.check_quiet(200_000)


def test_a_void_stored_while_its_voucher_is_on_the_line_settles_nothing_twice(
    system: System,
) -> None:
    """REG-7.2: the CONFIRMATION of the same call posts the voucher all the same."""
    call = HandDialled(system, RUPEES_2000)
    answer = call.state_registers()
    void(system)
    applied = call.psd.receive(answer)
    call.wire.send(applied.packet)  # type: ignore[union-attr]
    receipt = call.wire.take()
    assert receipt is not None
    call.psd.receive(receipt)
    call.hang_up()
    system.check_quiet(400_000)


def test_the_void_is_sent_again_to_the_octet_until_it_is_settled(
    system: System,
) -> None:
    """REG-7.1, DLG-5.1."""
    let_a_voucher_be_lost(system)
    void(system)
    machine = RogueMachine(system)
    heard = []
    with no_money_moves(system):
        for request in (RUPEES_2000, RUPEES_3000, INSPECTION):
            call, answer = machine.ask_for(request)
            assert isinstance(answer, Voucher)
            heard.append(call.heard)
            call.wire.end()
        void(system)
        call, _ = machine.ask_for(RUPEES_2000)
        heard.append(call.heard)
        call.wire.end()
    assert len(set(heard)) == 1
    assert Voucher.decode(heard[0]).kind is VoucherKind.VOID


@pytest.mark.parametrize(
    "request_", [RUPEES_3000, INSPECTION, WITHDRAWAL, REFUND_OF_100]
)
def test_whatever_is_asked_the_outstanding_voucher_is_sent_again(
    system: System, request_: Request
) -> None:
    """REG-7.1: stored octets, not built anew, even when the rules have changed."""
    voucher = let_a_voucher_be_lost(system)
    blocked = LicenceState.BLOCKED
    system.administration.set_licence(LICENCE, system.by(), state=blocked)
    system.wall.advance(3600)
    with no_money_moves(system):
        call, answer = RogueMachine(system).ask_for(request_)
        assert answer == voucher
        assert call.heard == voucher.encode()
        call.wire.end()


def test_a_cancelled_licence_is_told_so_once_nothing_is_outstanding(
    system: System,
) -> None:
    """DLG-8: LICENCE_CANCELLED is for requests; the VOID settles first (REG-5)."""
    let_a_voucher_be_lost(system)
    cancel(system)
    report = system.dial(RUPEES_2000)
    assert report.voucher is not None
    assert report.receipt is not None
    assert report.receipt.licence_state is LicenceState.CANCELLED
    with no_money_moves(system):
        refusal = system.dial(RUPEES_2000).refusal
    assert refusal is not None
    assert refusal.code is RefusalCode.LICENCE_CANCELLED
    system.check_quiet(200_000)


# Withdrawal and refund: REG-4, REG-5.3, REG-6.1.


def test_a_withdrawal_gives_all_back_and_ends_the_machines_service(
    system: System,
) -> None:
    report = system.dial(WITHDRAWAL)
    assert report.outcome is Outcome.CONFIRMED
    assert report.after == replace(
        report.before, descending_paise=Paise(0), control_total_paise=Paise(1_500)
    )
    assert system.psd().state is MachineState.WITHDRAWN
    system.check_quiet(1_500)
    assert funds(system) == (498_500, 0, 1_500)
    assert frank(system.psd(), Paise(0), 1) is FrankRefusal.WITHDRAWN
    with no_money_moves(system):
        refusal = system.dial(RUPEES_2000).refusal
    assert refusal is not None
    assert refusal.code is RefusalCode.MACHINE_STATE


def test_a_refund_gives_back_what_the_authority_has_allowed_once(
    system: System,
) -> None:
    system.administration.set_licence(LICENCE, system.by(), refund_allowed=True)
    assert system.dial(REFUND_OF_100).outcome is Outcome.CONFIRMED
    system.check_quiet(190_000)
    assert funds(system) == (310_000, 0, 190_000)
    with no_money_moves(system):
        refusal = system.dial(REFUND_OF_100).refusal
    assert refusal is not None
    assert refusal.code is RefusalCode.KIND_NOT_OFFERED
    assert system.psd().state is MachineState.IN_SERVICE


RETURNS = {"withdrawal": (WITHDRAWAL, 198_500), "refund": (REFUND_OF_100, 10_000)}


@pytest.mark.parametrize(("request_", "paise"), RETURNS.values(), ids=RETURNS.keys())
def test_what_goes_back_is_credited_when_it_is_posted_and_not_before(
    system: System, request_: Request, paise: int
) -> None:
    """REG-5.3, REG-6.1: applied and not confirmed, it is nobody's to spend."""
    system.administration.set_licence(LICENCE, system.by(), refund_allowed=True)
    call = HandDialled(system, request_)
    call.state_registers()
    call.hang_up()
    assert frank(system.psd(), Paise(500), 1) is FrankRefusal.RETURN_PENDING
    assert funds(system) == (300_000, 0, 200_000)
    assert open_states(system) == ["RESERVED"]
    applied = let_a_confirmation_be_lost(system, request_)
    assert applied.registers.control_total_paise == 200_000 - paise
    assert funds(system) == (300_000, 0, 200_000), "nothing is credited yet"
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    system.check_quiet(200_000 - paise)
    assert funds(system) == (300_000 + paise, 0, 200_000 - paise)


@pytest.mark.parametrize(("request_", "paise"), RETURNS.values(), ids=RETURNS.keys())
def test_a_return_that_is_taken_back_credits_nothing(
    system: System, request_: Request, paise: int
) -> None:
    """REG-7.2 for the other direction."""
    system.administration.set_licence(LICENCE, system.by(), refund_allowed=True)
    let_a_voucher_be_lost(system, request_)
    void(system)
    report = system.dial(request_)
    assert report.voucher is not None
    assert report.voucher.kind is VoucherKind.VOID
    system.check_quiet(200_000)
    assert funds(system) == (300_000, 0, 200_000)
    assert system.psd().state is MachineState.IN_SERVICE


def test_a_revoked_machine_gets_neither_its_voucher_nor_the_void(
    system: System,
) -> None:
    """KEY-9.3: an outstanding voucher is settled by a person."""
    let_a_voucher_be_lost(system)
    system.administration.revoke(LICENCE, system.by("stolen"))
    with no_money_moves(system):
        report = system.dial(RUPEES_2000)
    assert report.failure is not None
    assert report.failure.code is ErrorCode.UNKNOWN_MACHINE
    assert open_states(system) == ["RESERVED"]

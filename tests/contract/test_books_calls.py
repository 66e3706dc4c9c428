"""What a dial-in asks of the books, on both engines."""

import pytest

from protocol.dialogue.server import (
    Closed,
    CredentialFound,
    CredentialMissing,
    Delivered,
    Frozen,
    Stored,
    Superseded,
)
from protocol.messages import (
    Disposition,
    Goodbye,
    LicenceState,
    OrderKind,
    RefusalCode,
    UsageRow,
    Voucher,
)
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.usage import usage_digest
from protocol.values import EpochSeconds, LicenceIdentifier, OrderSerial, Paise
from rmfs_server.books import Turn
from rmfs_server.store import discrepancies, machines
from rmfs_server.store.schema import RechargeState
from tests.frozen_books import state_of
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office, PaperMachine

RECHARGE = RequestKind.RECHARGE


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    return office.enrolled(500_000)


def delivered(answer: object) -> tuple[Turn, Voucher, bytes]:
    assert isinstance(answer, tuple)
    turn, given = answer
    assert isinstance(given, Delivered)
    return turn, Voucher.decode(given.voucher), given.voucher


def closed(answer: object) -> tuple[Turn, Closed]:
    assert isinstance(answer, tuple)
    turn, given = answer
    assert isinstance(given, Closed)
    return turn, given


def frozen(answer: object) -> tuple[Turn, RefusalCode, Disposition]:
    assert isinstance(answer, tuple)
    turn, given = answer
    assert isinstance(given, Frozen)
    return turn, given.refusal.code, given.refusal.disposition


def open_codes(office: Office) -> list[RefusalCode]:
    with office.store.reading() as connection:
        return [one.code for one in discrepancies.open_of(connection, LICENCE)]


def test_an_enrolled_machine_is_found_by_its_identifier(
    office: Office, machine: PaperMachine
) -> None:
    found = office.books.find_credential(LICENCE)
    assert found == CredentialFound(machine.identity.credential)


def test_a_stranger_is_not_found(office: Office) -> None:
    stranger = LicenceIdentifier("N999999")
    assert office.books.find_credential(stranger) == CredentialMissing()


def test_a_recharge_moves_funds_to_reserved_and_then_to_the_machine(
    office: Office, machine: PaperMachine
) -> None:
    turn, voucher, octets = delivered(office.state(machine, RECHARGE, 200_000))
    assert voucher.recharge_number == 1
    assert voucher.amount_paise == 200_000
    assert office.balances() == (300_000, 200_000, 0)
    machine.apply(octets)
    answer = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(answer, Closed)
    assert answer.receipt.recharge_number == 1
    assert answer.receipt.funds_paise == 300_000
    assert answer.receipt.licence_state is LicenceState.REGISTERED
    assert office.balances() == (300_000, 0, 200_000)


def test_a_lost_confirmation_is_made_up_by_the_next_statement(
    office: Office, machine: PaperMachine
) -> None:
    _, _, octets = delivered(office.state(machine, RECHARGE, 200_000))
    machine.apply(octets)
    _, answer = closed(office.state(machine))
    assert answer.receipt.recharge_number == 1
    assert office.balances() == (300_000, 0, 200_000)
    assert state_of(office, 1) is RechargeState.POSTED


def test_the_next_statement_may_ask_again_at_once(
    office: Office, machine: PaperMachine
) -> None:
    _, _, octets = delivered(office.state(machine, RECHARGE, 200_000))
    machine.apply(octets)
    _, voucher, _ = delivered(office.state(machine, RECHARGE, 100_000))
    assert voucher.recharge_number == 2
    assert office.balances() == (200_000, 100_000, 200_000)


def test_a_voucher_that_was_lost_is_sent_again_whatever_is_asked(
    office: Office, machine: PaperMachine
) -> None:
    _, _, first = delivered(office.state(machine, RECHARGE, 200_000))
    _, _, again = delivered(office.state(machine, RECHARGE, 100_000))
    _, _, inspected = delivered(office.state(machine))
    assert first == again == inspected
    assert office.balances() == (300_000, 200_000, 0)


def test_the_same_statement_again_gets_the_same_answer_and_the_same_turn(
    office: Office, machine: PaperMachine
) -> None:
    for request in ((RECHARGE, 200_000), (RequestKind.INSPECTION, 0)):
        stated = machine.state_registers(*request)
        first = office.books.judge_statement(*stated, NOW)
        later = EpochSeconds(NOW + 60)
        assert office.books.judge_statement(*stated, later) == first


def test_the_same_confirmation_again_gets_the_same_answer(
    office: Office, machine: PaperMachine
) -> None:
    turn, _, octets = delivered(office.state(machine, RECHARGE, 200_000))
    machine.apply(octets)
    confirmed = machine.confirm()
    first = office.books.judge_confirmation(turn, *confirmed, NOW)
    assert isinstance(first, Closed)
    assert office.books.judge_confirmation(turn, *confirmed, NOW) == first
    assert office.balances() == (300_000, 0, 200_000)


def test_a_refused_request_still_gets_a_receipt_with_a_new_mark(
    office: Office, machine: PaperMachine
) -> None:
    turn, answer = closed(office.state(machine, RECHARGE, 600_000))
    assert answer.refusal is not None
    assert answer.refusal.code is RefusalCode.FUNDS_SHORT
    assert answer.refusal.disposition is Disposition.CLEARED
    assert answer.refusal.allowed_paise == 500_000
    assert answer.refusal.receipt_follows == 1
    assert answer.receipt.mark != bytes(8)
    assert office.books.store_goodbye(turn, machine.take(answer), NOW) == Stored()
    closed(office.state(machine))


def test_an_expired_licence_is_refused_from_the_day_after(
    office: Office, machine: PaperMachine
) -> None:
    # 2026-09-21 19:05 IST: the day is not over for the licence.
    today = NEW.expires_on.replace(year=2026, month=9, day=21)
    office.administration.set_licence(LICENCE, BY, expires_on=today)
    delivered(office.state(machine, RECHARGE, 100_000))
    office.administration.void(LICENCE, BY)
    stated = machine.state_registers()
    _, _, void = delivered(office.books.judge_statement(*stated, NOW))
    machine.apply(void)
    tomorrow = EpochSeconds(NOW + 86_400)
    stated = machine.state_registers(RECHARGE, 100_000)
    _, answer = closed(office.books.judge_statement(*stated, tomorrow))
    assert answer.refusal is not None
    assert answer.refusal.code is RefusalCode.LICENCE_EXPIRED
    assert answer.receipt.licence_state is LicenceState.EXPIRED


def test_a_mark_that_is_neither_acknowledged_nor_issued_freezes(
    office: Office, machine: PaperMachine
) -> None:
    turn, code, disposition = frozen(
        office.state(machine, RECHARGE, 100_000, mark=b"\xff" * 8)
    )
    assert (code, disposition) == (RefusalCode.MARK_WRONG, Disposition.CLEARED)
    assert open_codes(office) == [RefusalCode.MARK_WRONG]
    assert (
        office.books.store_goodbye(turn, Goodbye(machine.mark, OrderSerial(0)), NOW)
        == Stored()
    )
    _, code, _ = frozen(office.state(machine, RECHARGE, 100_000))
    assert code is RefusalCode.ACCOUNT_FROZEN
    assert open_codes(office) == [RefusalCode.MARK_WRONG]


def test_the_acknowledged_and_the_issued_mark_are_both_accepted(
    office: Office, machine: PaperMachine
) -> None:
    old = machine.mark
    _, answer = closed(office.state(machine))
    closed(office.state(machine, mark=old))
    _, answer = closed(office.state(machine))
    machine.mark = answer.receipt.mark
    closed(office.state(machine))
    _, code, _ = frozen(office.state(machine, mark=old))
    assert code is RefusalCode.MARK_WRONG


def test_an_open_recharge_stays_reserved_when_the_registers_do_not_fit(
    office: Office, machine: PaperMachine
) -> None:
    """RMFS-27, RMFS-28: registers are held against those before."""
    delivered(office.state(machine, RECHARGE, 200_000))
    wrong = Registers(Paise(0), Paise(7), Paise(7), 0, 0)
    _, code, disposition = frozen(office.state(machine, registers=wrong))
    assert code is RefusalCode.CONTROL_TOTAL_HISTORY
    assert disposition is Disposition.KEPT
    assert state_of(office, 1) is RechargeState.FROZEN
    assert office.balances() == (300_000, 200_000, 0)


def test_a_confirmation_that_does_not_fit_freezes(
    office: Office, machine: PaperMachine
) -> None:
    turn, _, _ = delivered(office.state(machine, RECHARGE, 200_000))
    answer = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(answer, Frozen)
    assert answer.refusal.code is RefusalCode.NUMBER_BEHIND
    assert state_of(office, 1) is RechargeState.FROZEN


def test_an_older_call_may_write_nothing_once_a_newer_one_was_judged(
    office: Office, machine: PaperMachine
) -> None:
    stated = machine.state_registers(RECHARGE, 200_000)
    old, _, octets = delivered(office.books.judge_statement(*stated, NOW))
    delivered(office.state(machine, RECHARGE, 200_000))
    machine.apply(octets)
    books = office.books
    assert books.judge_confirmation(old, *machine.confirm(), NOW) == Superseded()
    assert books.store_usage(old, stated[0], (), NOW) == Superseded()
    assert books.store_last_voucher(old, octets, NOW) == Superseded()
    goodbye = Goodbye(machine.mark, OrderSerial(0))
    assert books.store_goodbye(old, goodbye, NOW) == Superseded()
    assert books.judge_statement(*stated, NOW) == Superseded()


def test_a_statement_that_a_slow_line_held_back_is_superseded(
    office: Office, machine: PaperMachine
) -> None:
    held_back = machine.state_registers(RECHARGE, 200_000)
    office.recharge(machine, 100_000)
    before = office.balances()
    held_back_mark = machine.mark
    late = machine.state_registers(dial_in=1)
    assert office.books.judge_statement(*late, NOW) == Superseded()
    assert office.balances() == before
    assert machine.mark == held_back_mark
    assert held_back[0].dial_in == 1
    office.inspect(machine)


def test_a_revoked_machine_is_not_judged(office: Office, machine: PaperMachine) -> None:
    turn, _, octets = delivered(office.state(machine, RECHARGE, 200_000))
    machine.apply(octets)
    office.administration.revoke(LICENCE, BY)
    assert office.books.find_credential(LICENCE) == CredentialMissing()
    assert office.state(machine) == CredentialMissing()
    answer = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert answer == Superseded()


def test_a_withdrawal_credits_the_funds_only_when_it_is_posted(
    office: Office, machine: PaperMachine
) -> None:
    office.recharge(machine, 200_000)
    machine.frank(5_000)
    answer = office.state(machine, RequestKind.WITHDRAWAL, 195_000)
    turn, voucher, octets = delivered(answer)
    assert voucher.kind is VoucherKind.WITHDRAWAL
    assert office.balances() == (300_000, 0, 200_000)
    machine.apply(octets)
    machine.state = MachineState.WITHDRAWN
    office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert office.balances() == (495_000, 0, 5_000)
    # The usage of the last frank is still to be reported: AR has grown.
    office.books.store_usage(
        turn,
        machine.state_registers()[0],
        tuple(machine.usage.values()),
        NOW,
    )


def test_a_refund_needs_to_be_allowed_and_is_allowed_once(
    office: Office, machine: PaperMachine
) -> None:
    office.recharge(machine, 200_000)
    turn, answer = closed(office.state(machine, RequestKind.REFUND, 50_000))
    assert answer.refusal is not None
    assert answer.refusal.code is RefusalCode.KIND_NOT_OFFERED
    machine.take(answer)
    office.administration.set_licence(LICENCE, BY, refund_allowed=True)
    turn, _, octets = delivered(office.state(machine, RequestKind.REFUND, 50_000))
    machine.apply(octets)
    after = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(after, Closed)
    machine.take(after)
    assert office.balances() == (350_000, 0, 150_000)
    _, answer = closed(office.state(machine, RequestKind.REFUND, 50_000))
    assert answer.refusal is not None
    assert answer.refusal.code is RefusalCode.KIND_NOT_OFFERED


def test_usage_is_merged_when_it_fits_digest_and_ascending_register(
    office: Office, machine: PaperMachine
) -> None:
    office.recharge(machine, 200_000)
    machine.frank(500, 1)
    machine.frank(700, 2)
    stated = machine.state_registers()
    turn, answer = closed(office.books.judge_statement(*stated, NOW))
    rows = tuple(machine.usage.values())
    assert office.books.store_usage(turn, stated[0], rows, NOW) == Stored()
    assert office.books.store_usage(turn, stated[0], rows, NOW) == Stored()
    machine.take(answer)
    machine.frank(500, 1)
    stated = machine.state_registers()
    turn, _ = closed(office.books.judge_statement(*stated, NOW))
    changed = (machine.usage[1],)
    assert office.books.store_usage(turn, stated[0], changed, NOW) == Stored()


@pytest.mark.parametrize("fault", ["digest", "sum", "fell"])
def test_usage_that_does_not_fit_freezes(
    office: Office, machine: PaperMachine, fault: str
) -> None:
    office.recharge(machine, 200_000)
    machine.frank(500, 1)
    machine.frank(700, 2)
    stated = machine.state_registers()
    turn, answer = closed(office.books.judge_statement(*stated, NOW))
    rows = tuple(machine.usage.values())
    assert office.books.store_usage(turn, stated[0], rows, NOW) == Stored()
    machine.take(answer)
    machine.frank(100, 1)
    reported = {
        "digest": (UsageRow(1, 2, Paise(600)), UsageRow(3, 0, Paise(0))),
        "sum": (UsageRow(1, 2, Paise(999)),),
        "fell": (UsageRow(1, 2, Paise(700)), UsageRow(2, 1, Paise(600))),
    }[fault]
    merged = {2: UsageRow(2, 1, Paise(700))}
    merged |= {row.product_class: row for row in reported}
    digest = usage_digest(tuple(merged.values()))
    stated = machine.state_registers(
        usage_digest=bytes(8) if fault == "digest" else digest
    )
    turn, _ = closed(office.books.judge_statement(*stated, NOW))
    result = office.books.store_usage(turn, stated[0], reported, NOW)
    assert isinstance(result, Frozen)
    assert result.refusal.code is RefusalCode.USAGE_MISMATCH
    assert office.books.store_usage(turn, stated[0], reported, NOW) == result
    assert open_codes(office) == [RefusalCode.USAGE_MISMATCH]
    _, code, _ = frozen(office.state(machine))
    assert code is RefusalCode.ACCOUNT_FROZEN


def test_orders_are_sent_until_a_goodbye_or_statement_names_them(
    office: Office, machine: PaperMachine
) -> None:
    office.administration.order(LICENCE, OrderKind.CLOCK, 0, BY)
    office.administration.order(LICENCE, OrderKind.LOCK, 3, BY)
    _, answer = closed(office.state(machine))
    assert answer.receipt.orders == 2
    clock, lock = answer.orders
    assert (clock.order, clock.value, clock.order_serial) == (OrderKind.CLOCK, NOW, 1)
    assert (lock.order, lock.value, lock.order_serial) == (OrderKind.LOCK, 3, 2)
    turn, answer = closed(office.state(machine))
    assert len(answer.orders) == 2
    office.books.store_goodbye(turn, machine.take(answer), NOW)
    assert office.inspect(machine).orders == ()


def test_a_presented_voucher_is_kept_for_the_person_who_resolves(
    office: Office, machine: PaperMachine
) -> None:
    turn, code, _ = frozen(office.state(machine, recharge_number=5))
    assert code is RefusalCode.NUMBER_AHEAD
    assert office.books.store_last_voucher(turn, b"v" * 114, NOW) == Stored()
    with office.store.reading() as connection:
        found = machines.find(connection, LICENCE)
    assert found is not None
    assert found.presented_voucher == b"v" * 114


def test_a_machine_enrolled_with_registers_has_them_in_the_ledger(
    office: Office,
) -> None:
    registers = Registers(Paise(40_000), Paise(10_000), Paise(50_000), 8, 9)
    machine = PaperMachine(registers=registers, number=4)
    office.administration.enrol(machine.provisioning, NEW, BY)
    office.deposit(100_000)
    assert office.balances() == (100_000, 0, 50_000)
    _, voucher, octets = delivered(office.state(machine, RECHARGE, 100_000))
    assert voucher.recharge_number == 5
    assert voucher.control_total_before_paise == 50_000
    machine.apply(octets)
    _, voucher, octets = delivered(
        office.state(machine, RequestKind.WITHDRAWAL, 110_000)
    )
    machine.apply(octets)
    closed(office.state(machine))
    assert office.balances() == (110_000, 0, 40_000)

"""What people do to the books, and how they end a freeze, on both engines."""

from dataclasses import replace

import pytest

from protocol.dialogue.server import Closed, Delivered, Frozen, Stored, Superseded
from protocol.messages import LicenceState, OrderKind, RefusalCode, UsageRow, Voucher
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, RechargeNumber
from rmfs_server.proposing import Action
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_server.store import (
    acts,
    discrepancies,
    licences,
    orders,
)
from rmfs_server.store.schema import RechargeState
from tests.frozen_books import deliver, forgotten_voucher, freeze, state_of, suspense
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office, PaperMachine

RECHARGE = RequestKind.RECHARGE


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    return office.enrolled(500_000, 100_000)


# Enrolment


def test_an_identifier_is_enrolled_once_and_never_again(
    office: Office, machine: PaperMachine
) -> None:
    """KEY-7.1, KEY-8.1."""
    other = PaperMachine(serial="PSD00002", seed=b"other")
    for _ in range(2):
        with pytest.raises(MoveRefusedError, match="never used again"):
            office.administration.enrol(other.provisioning, NEW, BY)
        office.administration.revoke(LICENCE, BY)


def test_a_psd_in_use_is_not_enrolled_under_another_identifier(
    office: Office, machine: PaperMachine
) -> None:
    second = PaperMachine(LicenceIdentifier("N000002"), seed=b"second")
    with pytest.raises(MoveRefusedError, match="withdraw it or revoke it"):
        office.administration.enrol(second.provisioning, NEW, BY)


def test_a_withdrawn_psd_gets_a_new_life_under_a_new_identifier(
    office: Office, machine: PaperMachine
) -> None:
    turn, answer = office.state(machine, RequestKind.WITHDRAWAL, 100_000)
    machine.apply(answer.voucher)
    machine.state = MachineState.WITHDRAWN
    office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    identifier = LicenceIdentifier("N000002")
    life = PaperMachine(
        identifier, seed=b"second", registers=machine.registers, number=machine.number
    )
    office.administration.enrol(life.provisioning, NEW, BY)
    office.deposit(100_000, identifier)
    office.recharge(life, 100_000)
    assert life.number == machine.number + 1
    assert office.balances(identifier) == (0, 0, 100_000)


def test_a_new_life_whose_counters_went_back_is_refused(
    office: Office, machine: PaperMachine
) -> None:
    office.administration.revoke(LICENCE, BY)
    life = PaperMachine(LicenceIdentifier("N000002"), seed=b"second", number=0)
    with pytest.raises(MoveRefusedError, match="went back"):
        office.administration.enrol(life.provisioning, NEW, BY)


def test_a_new_life_that_would_take_value_of_the_old_one_along_is_refused(
    office: Office, machine: PaperMachine
) -> None:
    """REG-10.4: the new licence would frank what the old one has paid for."""
    office.administration.revoke(LICENCE, BY)
    life = PaperMachine(
        LicenceIdentifier("N000002"),
        seed=b"second",
        registers=machine.registers,
        number=machine.number,
    )
    with pytest.raises(MoveRefusedError, match="holds 100000 paise"):
        office.administration.enrol(life.provisioning, NEW, BY)
    with office.store.reading() as connection:
        assert licences.find(connection, life.licence) is None


def test_a_licence_registered_to_somebody_else_is_refused(office: Office) -> None:
    office.administration.register(LICENCE, NEW, BY)
    other = replace(NEW, licensee="Ravi Stores")
    with pytest.raises(MoveRefusedError, match="Asha Traders"):
        office.administration.enrol(PaperMachine().provisioning, other, BY)


# Licence, orders, VOID


def test_cancelling_a_licence_takes_the_outstanding_voucher_back(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    office.administration.set_licence(LICENCE, BY, state=LicenceState.CANCELLED)
    _, answer = office.state(machine, RECHARGE, 200_000)
    voucher = Voucher.decode(answer.voucher)
    assert voucher.kind is VoucherKind.VOID
    machine.apply(answer.voucher)
    _, answer = office.state(machine, RECHARGE, 200_000)
    assert answer.refusal.code is RefusalCode.LICENCE_CANCELLED
    assert office.balances() == (400_000, 0, 100_000)
    assert state_of(office, 2) is RechargeState.VOIDED
    with pytest.raises(MoveRefusedError, match="for good"):
        office.administration.set_licence(LICENCE, BY, state=LicenceState.RENEWED)


def test_a_void_that_came_too_late_is_posted_as_the_voucher(
    office: Office, machine: PaperMachine
) -> None:
    voucher = deliver(office, machine, 200_000)
    office.administration.void(LICENCE, BY)
    machine.apply(voucher)
    office.inspect(machine)
    assert office.balances() == (200_000, 0, 300_000)
    assert state_of(office, 2) is RechargeState.POSTED


def test_a_void_is_made_once_and_stays_the_same(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    first = office.administration.void(LICENCE, BY)
    later = replace(BY, now=EpochSeconds(NOW + 5))
    assert office.administration.void(LICENCE, later) == first
    assert office.balances() == (200_000, 200_000, 100_000)
    _, answer = office.state(machine)
    assert answer.voucher == first


def test_nothing_outstanding_cannot_be_taken_back(
    office: Office, machine: PaperMachine
) -> None:
    with pytest.raises(MoveRefusedError, match="nothing is outstanding"):
        office.administration.void(LICENCE, BY)


@pytest.mark.parametrize("kind", [OrderKind.TARIFF, OrderKind.NOTHING])
def test_what_carries_no_value_is_not_ordered_with_one(
    office: Office, machine: PaperMachine, kind: OrderKind
) -> None:
    with pytest.raises(MoveRefusedError, match="not ordered with a value"):
        office.administration.order(LICENCE, kind, 0, BY)


TOO_LATE = 2**32


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (OrderKind.LOCK, -1),
        (OrderKind.LOCK, 2**63),
        (OrderKind.LOCK, 2**64),
        (OrderKind.UNLOCK, -1),
        (OrderKind.CLOCK, -1),
        (OrderKind.CLOCK, TOO_LATE),
        (OrderKind.NEXT_CALL, -1),
        (OrderKind.NEXT_CALL, TOO_LATE),
        (OrderKind.FRANK_LIMIT, -1),
        (OrderKind.FUNDS_LIMIT, 2**63),
        (OrderKind.SLOGAN_OFF, 0),
        (OrderKind.SLOGAN_OFF, 11),
        (OrderKind.RETIRE_CREDIT_KEY, 256),
    ],
)
def test_an_order_that_could_not_be_sent_is_refused_and_stops_nothing(
    office: Office, machine: PaperMachine, kind: OrderKind, value: int
) -> None:
    with pytest.raises(MoveRefusedError, match="must be from"):
        office.administration.order(LICENCE, kind, value, BY)
    assert office.inspect(machine).orders == ()
    with office.store.reading() as connection:
        assert orders.all_of(connection, LICENCE) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (OrderKind.LOCK, 2**63 - 1),
        (OrderKind.UNLOCK, 2**63 - 1),
        (OrderKind.CLOCK, TOO_LATE - 1),
        (OrderKind.NEXT_CALL, TOO_LATE - 1),
    ],
)
def test_the_highest_value_of_an_order_reaches_the_machine(
    office: Office, machine: PaperMachine, kind: OrderKind, value: int
) -> None:
    office.administration.order(LICENCE, kind, value, BY)
    (order,) = office.inspect(machine).orders
    assert (order.order, order.value) == (kind, value)


def test_every_act_names_who_and_why(office: Office, machine: PaperMachine) -> None:
    office.administration.order(LICENCE, OrderKind.LOCK, 1, BY)
    office.administration.revoke(LICENCE, BY)
    with office.store.reading() as connection:
        found = acts.all_of(connection, LICENCE)
    assert [act.move for act in found] == ["register", "enrol", "order", "revoke"]
    assert {(act.by.person, act.by.reason) for act in found} == {("asha", "a test")}


# Resolving


def test_a_machine_that_is_not_frozen_has_nothing_to_resolve(
    office: Office, machine: PaperMachine
) -> None:
    for action in Action:
        with pytest.raises(MoveRefusedError, match="not frozen"):
            office.resolving.resolve(LICENCE, action, BY)


def test_a_frozen_recharge_that_was_applied_is_posted_by_a_person(
    office: Office, machine: PaperMachine
) -> None:
    machine.apply(deliver(office, machine, 200_000))
    assert freeze(office, machine, mark=b"?" * 8) is RefusalCode.MARK_WRONG
    evidence = office.resolving.evidence(LICENCE, BY)
    assert evidence.proposed is Action.POST
    done = office.resolving.resolve(LICENCE, Action.POST, BY)
    # The mark still belongs to nobody: the freeze stands until registers are adopted.
    assert done.remaining is RefusalCode.MARK_WRONG
    assert office.balances() == (200_000, 0, 300_000)
    done = office.resolving.resolve(LICENCE, Action.ADOPT, BY)
    assert done.remaining is None
    machine.mark = b"?" * 8
    office.inspect(machine)


def test_a_used_up_number_without_its_amount_is_reversed(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    machine.number = RechargeNumber(2)
    assert freeze(office, machine) is RefusalCode.CONTROL_TOTAL_HISTORY
    assert office.resolving.evidence(LICENCE, BY).proposed is Action.REVERSE
    done = office.resolving.resolve(LICENCE, Action.REVERSE, BY)
    assert done.remaining is None
    assert office.balances() == (400_000, 0, 100_000)
    assert state_of(office, 2) is RechargeState.REVERSED
    office.recharge(machine, 100_000)


def test_a_voucher_that_may_still_be_applied_is_not_reversed(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    freeze(office, machine, mark=b"?" * 8)
    with pytest.raises(MoveRefusedError, match="may still apply"):
        office.resolving.resolve(LICENCE, Action.REVERSE, BY)
    assert office.balances() == (200_000, 200_000, 100_000)


def test_the_voucher_of_a_revoked_machine_may_be_reversed(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    office.administration.revoke(LICENCE, BY)
    done = office.resolving.resolve(LICENCE, Action.REVERSE, BY)
    assert done.remaining is None
    assert office.balances() == (400_000, 0, 100_000)


def test_adopted_registers_leave_the_difference_in_suspense(
    office: Office, machine: PaperMachine
) -> None:
    more = Registers(Paise(0), Paise(150_000), Paise(150_000), 0, 0)
    assert freeze(office, machine, registers=more) is RefusalCode.CONTROL_TOTAL_HISTORY
    assert office.resolving.evidence(LICENCE, BY).proposed is None
    done = office.resolving.resolve(LICENCE, Action.ADOPT, BY)
    assert done.remaining is None
    assert suspense(office) == -50_000
    assert office.balances() == (400_000, 0, 150_000)
    machine.registers = more
    office.recharge(machine, 100_000)
    assert office.balances() == (300_000, 0, 250_000)


def test_a_machine_with_an_old_number_cannot_be_adopted(
    office: Office, machine: PaperMachine
) -> None:
    zero = Registers(Paise(0), Paise(0), Paise(0), 0, 0)
    code = freeze(office, machine, registers=zero, recharge_number=0)
    assert code is RefusalCode.NUMBER_BEHIND
    with pytest.raises(MoveRefusedError, match="never fall"):
        office.resolving.resolve(LICENCE, Action.ADOPT, BY)


def test_the_books_may_be_kept_as_they_are(
    office: Office, machine: PaperMachine
) -> None:
    freeze(office, machine, mark=b"?" * 8)
    done = office.resolving.resolve(LICENCE, Action.KEEP, BY)
    assert done.remaining is None
    office.inspect(machine)
    with office.store.reading() as connection:
        (one,) = discrepancies.all_of(connection, LICENCE)
    assert (one.resolution, one.resolved_by, one.reason) == ("KEEP", "asha", "a test")


def report(office: Office, machine: PaperMachine) -> object:
    """Dial in without a request and report the whole usage table."""
    stated = machine.state_registers()
    answer = office.books.judge_statement(*stated, NOW)
    assert isinstance(answer, tuple)
    turn, closed = answer
    assert isinstance(closed, Closed)
    goodbye = machine.take(closed)
    rows = tuple(machine.usage.values())
    stored = office.books.store_usage(turn, stated[0], rows, NOW)
    office.books.store_goodbye(turn, goodbye, NOW)
    return stored


def test_usage_that_did_not_fit_is_adopted_as_it_was_reported(
    office: Office, machine: PaperMachine
) -> None:
    machine.frank(5_000)
    machine.usage[1] = UsageRow(1, 1, Paise(4_999))
    assert isinstance(report(office, machine), Frozen)
    assert office.resolving.resolve(LICENCE, Action.KEEP, BY).remaining is None
    assert isinstance(report(office, machine), Frozen)
    assert office.resolving.resolve(LICENCE, Action.ADOPT, BY).remaining is None
    machine.frank(700)
    assert report(office, machine) == Stored()


def test_usage_that_did_not_fit_after_a_recharge_is_adopted(
    office: Office, machine: PaperMachine
) -> None:
    machine.frank(5_000)
    machine.usage[1] = UsageRow(1, 1, Paise(4_999))
    stated = machine.state_registers(RECHARGE, 100_000)
    answer = office.books.judge_statement(*stated, NOW)
    assert isinstance(answer, tuple)
    turn, given = answer
    assert isinstance(given, Delivered)
    machine.apply(given.voucher)
    closed = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(closed, Closed)
    machine.take(closed)
    rows = tuple(machine.usage.values())
    assert isinstance(office.books.store_usage(turn, stated[0], rows, NOW), Frozen)
    assert office.resolving.resolve(LICENCE, Action.ADOPT, BY).remaining is None
    machine.frank(700)
    assert report(office, machine) == Stored()


def test_a_confirmation_that_did_not_fit_is_judged_by_its_own_registers(
    office: Office, machine: PaperMachine
) -> None:
    turn, _ = office.state(machine, RECHARGE, 200_000)
    machine.number = RechargeNumber(2)
    answer = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(answer, Frozen)
    assert answer.refusal.code is RefusalCode.CONTROL_TOTAL_HISTORY
    assert office.resolving.evidence(LICENCE, BY).proposed is Action.REVERSE
    assert office.resolving.resolve(LICENCE, Action.REVERSE, BY).remaining is None
    assert office.balances() == (400_000, 0, 100_000)
    office.recharge(machine, 100_000)


def test_books_from_an_old_copy_post_the_voucher_that_the_machine_presents(
    office: Office, machine: PaperMachine
) -> None:
    voucher = forgotten_voucher(office, machine, 200_000)
    machine.apply(voucher)
    turn, answer = office.state(machine)
    assert isinstance(answer, Frozen)
    assert answer.refusal.code is RefusalCode.NUMBER_AHEAD
    office.books.store_last_voucher(turn, voucher, NOW)
    evidence = office.resolving.evidence(LICENCE, BY)
    assert evidence.proposed is Action.POST
    assert "old copy" in evidence.why
    done = office.resolving.resolve(LICENCE, Action.POST, BY)
    assert done.remaining is None
    assert office.balances() == (200_000, 0, 300_000)
    office.recharge(machine, 100_000)


def test_a_restored_recharge_without_funds_is_taken_from_suspense(
    office: Office, machine: PaperMachine
) -> None:
    voucher = forgotten_voucher(office, machine, 450_000)
    machine.apply(voucher)
    turn, _ = office.state(machine)
    office.books.store_last_voucher(turn, voucher, NOW)
    office.resolving.resolve(LICENCE, Action.POST, BY)
    assert suspense(office) == -450_000
    assert office.balances() == (400_000, 0, 550_000)


@pytest.mark.parametrize("octet", [1, 8, 20, 40, 60, 113])
def test_a_presented_voucher_that_is_not_genuine_is_not_posted(
    office: Office, machine: PaperMachine, octet: int
) -> None:
    voucher = forgotten_voucher(office, machine, 200_000)
    machine.apply(voucher)
    turn, _ = office.state(machine)
    forged = bytearray(voucher)
    forged[octet] ^= 1
    office.books.store_last_voucher(turn, bytes(forged), NOW)
    with pytest.raises(MoveRefusedError, match="nothing to post"):
        office.resolving.resolve(LICENCE, Action.POST, BY)


@pytest.mark.parametrize(
    "by",
    [
        replace(BY, reason=" "),
        replace(BY, person=""),
        BY,
        replace(BY, second_person="Asha "),
    ],
)
def test_two_persons_and_a_reason_are_needed_where_configured(
    office: Office, machine: PaperMachine, by: acts.By
) -> None:
    freeze(office, machine, mark=b"?" * 8)
    resolving = Resolving(office.store, two_persons=True)
    with pytest.raises(MoveRefusedError):
        resolving.resolve(LICENCE, Action.KEEP, by)
    agreed = replace(BY, second_person="ravi")
    assert resolving.resolve(LICENCE, Action.KEEP, agreed).remaining is None


def test_a_call_that_was_running_is_fenced_off_by_a_resolution(
    office: Office, machine: PaperMachine
) -> None:
    turn, answer = office.state(machine, mark=b"?" * 8)
    assert isinstance(answer, Frozen)
    office.resolving.resolve(LICENCE, Action.KEEP, BY)
    late = office.books.store_last_voucher(turn, bytes(114), NOW)
    assert late == Superseded()
    closed = office.inspect(machine)
    assert isinstance(closed, Closed)


def test_a_first_enrolment_is_of_generation_1(office: Office) -> None:
    """KEY-7.1: keys are not rotated in version 1; a new life begins at 1 again."""
    provisioning = PaperMachine().provisioning
    later = replace(provisioning.credential, generation=2)
    with pytest.raises(MoveRefusedError, match="generation 2"):
        office.administration.enrol(replace(provisioning, credential=later), NEW, BY)

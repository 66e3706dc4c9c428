"""The power fails in a dial-in of a whole machine: money moves once, or not at all.

The firmware plans the dial-in, the PSD carries it through, and the firmware notes how
it ended; every write of either memory on the way is cut. Afterwards an operator dials
in again, and asks for another amount than before. (The same with the real line and the
real books, for the PSD alone: `tests/sim/test_cuts.py`.)
"""

from collections import Counter

import pytest

from fm_device.firmware.franking import Printed
from fm_device.flash.events import EventCode
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.records import PsdRecord
from protocol.registers import MachineState, RequestKind, VoucherKind
from tests.machines import Bench, a_machine
from tests.power_cuts import EVERY, CutBench, after_every_cut, copy_of

LETTER_PAISE = 500
DESCENDING = 200_000 - 2 * LETTER_PAISE


@pytest.fixture(scope="module")
def in_service() -> Bench:
    """A machine with Rs 1,990 left, and two franks that the server has not seen."""
    bench = a_machine()
    bench.franked()
    bench.franked()
    bench.machine.switch_off()
    return bench


def record_of(bench: Bench) -> PsdRecord:
    whole = copy_of(bench)
    whole.machine.switch_on()
    return whole.machine.record


def money_is_right(bench: CutBench, before: PsdRecord) -> None:
    """CT is what was granted up to the machine's number, to the paisa."""
    record = bench.machine.record
    granted = bench.office.effect_paise(before.recharge_number, record.recharge_number)
    registers = record.registers
    assert registers.control_total_paise == (
        before.registers.control_total_paise + granted
    )
    assert record.balanced
    assert record.recharges[-1].number == record.recharge_number
    known = set(bench.office.granted) - set(range(record.recharge_number + 1))
    assert known <= {record.recharge_number + 1}, "one voucher at most is under way"


def settle(bench: CutBench) -> None:
    """Dial in until nothing is pending and the server's books are closed."""
    for _ in range(3):
        bench.office.call(bench)
        record = bench.machine.record
        if record.pending is None and not record.unclosed:
            return
    raise AssertionError(f"not quiet: {record}")


def recharge(bench: CutBench) -> None:
    bench.office.call(bench, RequestKind.RECHARGE, 200_000)


def withdraw(bench: CutBench) -> None:
    bench.office.call(bench, RequestKind.WITHDRAWAL)


def refund(bench: CutBench) -> None:
    bench.office.call(bench, RequestKind.REFUND, 50_000)


@EVERY
def test_a_cut_recharge_is_credited_once_whatever_is_asked_for_next(
    in_service: Bench, *, every: bool
) -> None:
    before = record_of(in_service)
    seen: Counter[str] = Counter()
    for found in after_every_cut(in_service, recharge, every=every, stride=3):
        bench = found.bench
        money_is_right(bench, before)
        record = bench.machine.record
        applied = record.recharge_number > before.recharge_number
        # Franking goes on meanwhile, pending or not.
        assert isinstance(bench.machine.franking.frank(), Printed)
        if applied:
            seen["applied"] += 1
            settle(bench)
            amount = 200_000
        else:
            amount = 200_000 if record.pending else 300_000
            seen["frozen" if record.pending else "free"] += 1
            bench.office.call(bench, RequestKind.RECHARGE, 300_000)
            settle(bench)
        money_is_right(bench, before)
        after = bench.machine.record
        assert after.recharge_number == before.recharge_number + 1
        assert after.registers.control_total_paise == 200_000 + amount
        assert after.registers.descending_paise == DESCENDING - LETTER_PAISE + amount
        assert all(row.reported for row in after.rows)
    assert set(seen) == {"free", "frozen", "applied"}, seen


@EVERY
def test_a_cut_withdrawal_gives_everything_back_once(
    in_service: Bench, *, every: bool
) -> None:
    before = record_of(in_service)
    seen: Counter[str] = Counter()
    for found in after_every_cut(in_service, withdraw, every=every, stride=3):
        bench = found.bench
        money_is_right(bench, before)
        machine = bench.machine
        if machine.record.pending is not None:
            assert machine.franking.frank() is FrankRefusal.RETURN_PENDING
            seen["frozen"] += 1
        elif machine.psd.state is MachineState.WITHDRAWN:
            assert machine.franking.frank() is FrankRefusal.WITHDRAWN
            seen["withdrawn"] += 1
        else:
            seen["free"] += 1
            withdraw(bench)
        settle(bench)
        money_is_right(bench, before)
        record = machine.record
        assert machine.psd.state is MachineState.WITHDRAWN
        assert record.registers.descending_paise == 0
        assert record.registers.ascending_paise == 2 * LETTER_PAISE
        assert bench.office.granted == {2: (VoucherKind.WITHDRAWAL, DESCENDING)}
        assert not record.unclosed
        assert all(row.reported for row in record.rows)
    assert set(seen) == {"free", "frozen", "withdrawn"}, seen


@EVERY
def test_a_cut_refund_is_paid_once(in_service: Bench, *, every: bool) -> None:
    before = record_of(in_service)
    seen: Counter[str] = Counter()
    for found in after_every_cut(in_service, refund, every=every, stride=3):
        bench = found.bench
        money_is_right(bench, before)
        record = bench.machine.record
        if record.pending is not None:
            assert bench.machine.franking.frank() is FrankRefusal.RETURN_PENDING
            seen["frozen"] += 1
        elif record.recharge_number == before.recharge_number:
            seen["free"] += 1
            refund(bench)
        else:
            seen["applied"] += 1
        settle(bench)
        money_is_right(bench, before)
        after = bench.machine.record.registers
        assert after.descending_paise == DESCENDING - 50_000
        assert isinstance(bench.machine.franking.frank(), Printed)
    assert set(seen) == {"free", "frozen", "applied"}, seen


def test_two_recharges_cut_one_after_the_other_are_credited_once_each(
    in_service: Bench,
) -> None:
    """One cut of eleven in the first dial-in, then one of eleven in the next."""
    before = record_of(in_service)
    for found in after_every_cut(in_service, recharge, only=11):
        struck = found.bench
        struck.machine.switch_off()
        for once_more in after_every_cut(struck, recharge, only=11):
            bench = once_more.bench
            money_is_right(bench, before)
            settle(bench)
            money_is_right(bench, before)
            number = bench.machine.record.recharge_number
            assert number in (1, 2, 3)
            total = bench.machine.record.registers.control_total_paise
            assert total == 200_000 * number


def test_the_log_tells_of_a_dial_in_that_was_carried_through(in_service: Bench) -> None:
    """The entry comes last: a cut before it leaves none, and no wrong one."""
    for found in after_every_cut(in_service, recharge):
        said = found.bench.logged(EventCode.DIAL_DONE, EventCode.DIAL_FAILED)
        record = found.bench.machine.record
        assert said in ([], [(EventCode.DIAL_DONE, record.dial_in, 2)])
        if said:
            assert not record.unclosed

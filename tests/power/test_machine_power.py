"""The power fails in a machine's working day: while it franks, and while it is set.

A frank costs six writes of the PSD (three copies before the print, three after it) and
none of the flash. Wherever one of them is cut, what came out of the printer was debited
before, at most the one frank in progress is accounted that did not come out, and the
counters, the usage table and the event log tell the same.
"""

from collections import Counter
from dataclasses import replace

import pytest

from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine
from fm_device.flash.events import EventCode
from fm_device.flash.settings import Department, Medium
from fm_device.frank import FrankFace
from fm_device.psd.pins import ATTEMPTS_MAX, PinVerdict, Role
from fm_device.psd.records import PsdRecord
from hw.nvram import PowerCutError
from protocol.registers import MachineState
from protocol.values import Paise
from tests.machines import SUPERVISOR_PIN, Bench, a_machine
from tests.power_cuts import (
    CutBench,
    Found,
    NotingPrinter,
    after_every_cut,
    copy_of,
    strikes_of,
    struck_by,
    switch_on,
)

EVERY = pytest.mark.parametrize(
    "every",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["some octets", "every octet"],
)


@pytest.fixture(scope="module")
def in_service() -> Bench:
    """A machine with Rs 2,000, two departments, and two franks behind it."""
    bench = a_machine()
    departments = (Department(1, "Post room"), Department(7, "Sales"))
    assert bench.machine.desk.change(departments=departments) is None
    bench.franked()
    assert bench.machine.franking.choose_department(7) is None
    bench.franked()
    bench.machine.switch_off()
    return bench


def items_and_rows_agree(record: PsdRecord) -> None:
    """Every count that a machine has tells the same, and AR + DR is CT."""
    registers = record.registers
    assert record.balanced
    assert registers.ascending_paise + registers.descending_paise == (
        registers.control_total_paise
    )
    assert sum(row.items for row in record.rows) == registers.items
    assert sum(row.amount_paise for row in record.rows) == registers.ascending_paise


def check_franks(found: CutBench, before: PsdRecord, value: int) -> str:
    """Compare paper, registers, table and log; say what became of the last frank."""
    record = found.machine.record
    items_and_rows_agree(record)
    assert record.open_frank is None
    accounted = record.registers.items_with_zero - before.registers.items_with_zero
    printed = found.paper.items
    first = before.registers.items_with_zero + 1
    assert printed == list(range(first, first + len(printed))), "each number once"
    assert len(printed) <= accounted <= len(printed) + 1
    spent = record.registers.ascending_paise - before.registers.ascending_paise
    assert spent == accounted * value
    unprinted = record.unprinted - before.unprinted
    assert unprinted in (0, 1)
    assert unprinted or accounted == len(printed), "a frank is missing on paper"
    said = found.logged(EventCode.FRANK_UNPRINTED)
    last = record.registers.items_with_zero
    assert said == [(EventCode.FRANK_UNPRINTED, last, value)] * unprinted
    if accounted == len(printed):
        return "printed, perhaps not complete" if unprinted else "printed or nothing"
    return "accounted, not printed"


def goes_on(found: CutBench, value: int) -> None:
    """The next frank has the next number and costs its value."""
    before = found.machine.record.registers
    done = found.machine.franking.frank()
    assert isinstance(done, Printed), done
    after = found.machine.record.registers
    assert done.face.item == before.items_with_zero + 1
    assert before.descending_paise - after.descending_paise == value


def frank(bench: CutBench) -> None:
    done = bench.machine.franking.frank()
    assert isinstance(done, Printed), done


def in_department_7(bench: CutBench) -> None:
    bench.machine.switch_on()
    assert bench.machine.franking.choose_department(7) is None


def three_franks(bench: CutBench) -> None:
    for department in (0, 1, 7):
        assert bench.machine.franking.choose_department(department) is None
        frank(bench)


LETTER_PAISE = 500


def record_of(bench: Bench) -> PsdRecord:
    whole = copy_of(bench)
    whole.machine.switch_on()
    return whole.machine.record


def test_a_frank_costs_six_writes_of_the_psd_and_none_of_the_flash(
    in_service: Bench,
) -> None:
    """Three copies when it is debited, three when it is complete: 6 writes in all."""
    bench = copy_of(in_service)
    bench.machine.switch_on()
    bench.supply.arm(None)
    frank(bench)
    assert bench.supply.memories == ["psd"] * 6
    assert len(set(bench.supply.lengths)) <= 2
    assert max(bench.supply.lengths) < 512, "a record of few rows is short"


def test_a_start_costs_one_write_of_the_flash(in_service: Bench) -> None:
    """The entry of the event log: 1 write."""
    bench = copy_of(in_service)
    bench.machine.switch_on()
    assert bench.supply.memories == ["flash"]


@EVERY
def test_no_frank_without_its_debit_and_one_debit_at_most_without_its_frank(
    in_service: Bench, *, every: bool
) -> None:
    """INDICIUM-3.3."""
    before = record_of(in_service)
    seen: Counter[str] = Counter()
    for found in after_every_cut(
        in_service, frank, prepare=in_department_7, every=every
    ):
        seen[check_franks(found.bench, before, LETTER_PAISE)] += 1
        goes_on(found.bench, LETTER_PAISE)
    assert len(seen) == 3, seen


@EVERY
def test_a_batch_is_cut_at_one_frank_and_the_others_are_whole(
    in_service: Bench, *, every: bool
) -> None:
    before = record_of(in_service)
    printed: Counter[int] = Counter()
    for found in after_every_cut(in_service, three_franks, every=every, stride=7):
        check_franks(found.bench, before, LETTER_PAISE)
        printed[len(found.bench.paper.items)] += 1
        goes_on(found.bench, LETTER_PAISE)
    assert set(printed) == {0, 1, 2, 3}


def test_a_cut_zero_imprint_costs_nothing_and_is_counted(in_service: Bench) -> None:
    before = record_of(in_service)

    def try_out(bench: CutBench) -> None:
        assert isinstance(bench.machine.franking.try_out(), Printed)

    for found in after_every_cut(in_service, try_out):
        check_franks(found.bench, before, 0)
        assert found.bench.machine.record.rows == before.rows
        goes_on(found.bench, LETTER_PAISE)


class PowerlessPrinter(NotingPrinter):
    """A printer in which the power fails, before the print or after it."""

    def __init__(self, bench: CutBench, *, after: bool) -> None:
        super().__init__()
        self._bench = bench
        self._after = after

    def put(self, face: FrankFace) -> None:
        if self._after:
            super().put(face)
        self._bench.supply.dead = True
        raise PowerCutError("the power failed in the printer")


@pytest.mark.parametrize("after", [False, True], ids=["not printed", "printed"])
def test_a_frank_cut_between_its_writes_is_accounted_as_printed(
    in_service: Bench, *, after: bool
) -> None:
    before = record_of(in_service)
    bench = copy_of(in_service)
    printer = bench.paper = PowerlessPrinter(bench, after=after)
    bench.machine = Machine(replace(bench.machine.parts, printer=printer))
    bench.machine.switch_on()
    with pytest.raises(PowerCutError):
        bench.machine.franking.frank()
    bench.switch_on_again()
    assert len(printer.items) == after
    check_franks(bench, before, LETTER_PAISE)
    assert bench.machine.record.unprinted == before.unprinted + 1
    assert bench.machine.record.registers.items == before.registers.items + 1


@EVERY
def test_the_log_tells_of_an_unprinted_frank_though_that_start_is_cut_too(
    in_service: Bench, *, every: bool
) -> None:
    """The power fails in a frank, and again in the start that closes it."""
    before = record_of(in_service)
    first, _ = next(
        (strike, memory)
        for strike, memory in strikes_of(in_service, frank)
        if strike.cut.at_write == 3
    )
    open_frank = struck_by(in_service, frank, first)

    def start(bench: CutBench) -> None:
        bench.machine.switch_on()

    closed = 0
    for found in after_every_cut(
        open_frank, start, prepare=lambda _: None, every=every, stride=3
    ):
        assert check_franks(found.bench, before, LETTER_PAISE)
        assert found.bench.machine.record.unprinted == before.unprinted + 1
        closed += 1
        goes_on(found.bench, LETTER_PAISE)
    assert closed > 20


# Settings: old or new.

NEW_DEPARTMENTS = (Department(1, "Post room", Paise(90_000)), Department(2, "Legal"))


def change_settings(bench: CutBench) -> None:
    refusal = bench.machine.desk.change(
        departments=NEW_DEPARTMENTS,
        medium=Medium.TAPE,
        high_value_paise=Paise(5_000),
        office_name="Bengaluru GPO",
    )
    assert refusal is None


@EVERY
def test_settings_are_those_before_or_after_a_change(
    in_service: Bench, *, every: bool
) -> None:
    whole = copy_of(in_service)
    whole.machine.switch_on()
    old = whole.machine.settings
    change_settings(whole)
    new = whole.machine.settings
    seen = set()
    for found in after_every_cut(in_service, change_settings, every=every):
        settings = found.bench.machine.settings
        assert settings in (old, new), found.strike
        assert not found.bench.logged(EventCode.SETTINGS_LOST)
        seen.add(settings == new)
        goes_on(found.bench, LETTER_PAISE)
    assert seen == {False, True}


def test_a_pin_is_set_or_not(in_service: Bench) -> None:
    def set_pin(bench: CutBench) -> None:
        assert bench.machine.desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN) is None

    seen = set()
    for found in after_every_cut(in_service, set_pin):
        desk = found.bench.machine.desk
        has_pin = found.bench.machine.psd.has_pin(Role.SUPERVISOR)
        assert desk.may(Role.SUPERVISOR) is not has_pin
        if has_pin:
            answer = desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
            assert answer.verdict is PinVerdict.RIGHT
        seen.add(has_pin)
    assert seen == {False, True}


# PINs: no cut gives a free attempt.


@pytest.fixture(scope="module")
def with_pin(in_service: Bench) -> Bench:
    bench = copy_of(in_service)
    bench.machine.switch_on()
    assert bench.machine.desk.set_pin(Role.OPERATOR, "1234") is None
    bench.machine.switch_off()
    return bench


def attempts(found: Found) -> int:
    return found.bench.machine.record.wrong_pins[Role.OPERATOR]


@EVERY
@pytest.mark.parametrize("pin", ["1234", "9999"], ids=["right", "wrong"])
def test_a_cut_pin_was_counted_before_it_was_looked_at(
    with_pin: Bench, pin: str, *, every: bool
) -> None:
    """A cut before the count is stored comes before the look; after it, it costs."""

    def enter(bench: CutBench) -> None:
        bench.machine.desk.enter(Role.OPERATOR, pin)

    for found in after_every_cut(with_pin, enter, every=every, stride=5):
        cut = found.strike.cut
        if cut.at_write == 1 and cut.torn_octets is not None:
            assert attempts(found) == 0
        elif pin == "9999" or cut.at_write <= 3:
            assert attempts(found) == 1
        else:
            # The right PIN's second commit: taken back, or not yet.
            assert attempts(found) in (0, 1)
        assert not found.bench.machine.desk.may(Role.OPERATOR)


def test_twenty_wrong_pins_lock_the_machine_out_whichever_write_is_cut(
    with_pin: Bench,
) -> None:
    """Somebody pulls the plug in every attempt, so as not to have it counted."""

    def enter(bench: CutBench) -> None:
        bench.machine.desk.enter(Role.OPERATOR, "9999")

    counted = [
        strike
        for strike, _ in strikes_of(with_pin, enter)
        if strike.cut.at_write > 1 or strike.cut.torn_octets is None
    ]
    bench = with_pin
    for number in range(ATTEMPTS_MAX):
        struck = struck_by(bench, enter, counted[number % len(counted)])
        struck.clock.advance(3_600)
        struck.switch_on_again()
        struck.machine.switch_off()
        bench = struck
    end = copy_of(bench)
    switch_on(end)
    assert end.machine.psd.state is MachineState.LOCKED_OUT
    answer = end.machine.desk.enter(Role.OPERATOR, "1234")
    assert answer.verdict is PinVerdict.LOCKED_OUT

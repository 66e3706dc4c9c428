"""A run of franks: how many, what they cost, and why no more."""

from fm_device.firmware.faults import MachineFault
from fm_device.firmware.franking import Printed
from fm_device.firmware.runs import Run, print_run
from fm_device.psd.franking import FrankRefusal
from tests.machines import a_machine


def test_a_run_prints_as_many_as_are_asked_for() -> None:
    bench = a_machine()
    bench.scale.put(18)
    run = print_run(7, bench.machine.franking.frank)
    assert (run.done, run.value_paise, run.refusal) == (7, 3_500, None)
    assert run.last is not None
    assert run.last.face.item == 7
    assert bench.machine.record.registers.items == 7


def test_a_run_ends_where_the_funds_do() -> None:
    bench = a_machine(funds=1_700)
    bench.scale.put(18)
    run = print_run(7, bench.machine.franking.frank)
    assert (run.done, run.refusal) == (3, FrankRefusal.FUNDS_SHORT)
    assert bench.machine.record.registers.descending_paise == 200


def test_a_run_ends_before_the_next_item_when_it_is_told_to() -> None:
    bench = a_machine()
    bench.scale.put(18)
    seen: list[int | None] = []

    def goes_on(printed: Printed) -> bool:
        seen.append(printed.face.item)
        return len(seen) < 2

    run = print_run(7, bench.machine.franking.frank, goes_on)
    assert (run.done, run.refusal, seen) == (2, None, [1, 2])


def test_a_run_that_cannot_begin_has_done_nothing() -> None:
    bench = a_machine()
    bench.scale.put(18)
    bench.machine.sense(cover_open=True)
    run = print_run(7, bench.machine.franking.try_out)
    assert run == Run(refusal=MachineFault.COVER_OPEN)

"""Orders: applied once, in their order, or not at all."""

import pytest

from fm_device.psd.device import Psd
from fm_device.psd.franking import FrankRefusal
from hw.clock import MemoryWallClock
from hw.nvram import MemoryNvram
from protocol.dialogue.machine import OrderTaken
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.messages import OrderKind
from protocol.registers import MachineState
from tests.machines import Bench, a_machine
from tests.witness.small_server import Dial, a_clock, a_new_memory, complete, switch_on

DAY_S = 86_400


def _machine() -> tuple[MemoryNvram, MemoryWallClock, Psd]:
    """A machine in service with a clock."""
    clock = a_clock()
    nvram = a_new_memory(clock)
    psd = switch_on(nvram, clock)
    complete(Dial(psd))
    return nvram, clock, psd


def _receipted(psd: Psd, orders: int) -> Dial:
    dial = Dial(psd)
    dial.say(dial.receipt(orders=orders))
    return dial


def _applied(dial: Dial, body: bytes) -> bool:
    answer = dial.say(body)
    assert isinstance(answer, OrderTaken)
    return answer.applied


def test_effect_and_serial_are_one_commit() -> None:
    nvram, clock, psd = _machine()
    dial = _receipted(psd, 1)
    commits = psd.commits
    assert _applied(dial, dial.order(OrderKind.LOCK, 4))
    assert psd.commits == commits + 1
    stored = switch_on(MemoryNvram(nvram.image()), clock).record
    assert (stored.order_serial, stored.standing) == (1, MachineState.LOCKED)


def test_an_old_order_and_an_order_behind_a_gap_change_nothing() -> None:
    nvram, _, psd = _machine()
    dial = _receipted(psd, 4)
    assert _applied(dial, dial.order(OrderKind.LOCK))
    image = nvram.image()
    assert not _applied(dial, dial.order(OrderKind.UNLOCK, serial=1))
    assert not _applied(dial, dial.order(OrderKind.UNLOCK, serial=3))
    assert nvram.image() == image
    assert _applied(dial, dial.order(OrderKind.UNLOCK, serial=2))


@pytest.mark.parametrize(
    "kind",
    [
        OrderKind.TARIFF,
        OrderKind.SLOGAN,
        OrderKind.FIRMWARE,
        OrderKind.CREDIT_KEY,
    ],
)
def test_a_reserved_order_is_not_applied_and_stops_those_behind_it(
    kind: OrderKind,
) -> None:
    nvram, _, psd = _machine()
    dial = _receipted(psd, 2)
    image = nvram.image()
    assert not _applied(dial, dial.order(kind, serial=1))
    assert not _applied(dial, dial.order(OrderKind.LOCK, serial=2))
    assert nvram.image() == image


def test_more_orders_than_announced_are_the_peers_fault() -> None:
    nvram, _, psd = _machine()
    dial = _receipted(psd, 1)
    dial.say(dial.order(OrderKind.NEXT_CALL, 0))
    image = nvram.image()
    with pytest.raises(RemoteProtocolError) as refused:
        dial.say(dial.order(OrderKind.LOCK))
    assert refused.value.code is ErrorCode.UNEXPECTED
    assert nvram.image() == image


@pytest.mark.parametrize(
    ("step_s", "supervisor", "applied"),
    [
        (3600, False, True),
        (-DAY_S, False, True),
        (DAY_S, False, True),
        (DAY_S + 1, False, False),
        (-DAY_S - 1, False, False),
        (DAY_S + 1, True, True),
    ],
)
def test_a_clock_step_of_more_than_a_day_needs_the_supervisor(
    step_s: int, supervisor: bool, applied: bool
) -> None:
    _, clock, psd = _machine()
    psd.supervisor_present = supervisor
    dial = _receipted(psd, 1)
    time = clock.now() + step_s
    assert _applied(dial, dial.order(OrderKind.CLOCK, time)) is applied
    assert psd.time == (time if applied else clock.now())


def test_a_clock_that_is_not_set_takes_any_time() -> None:
    _, clock, psd = _machine()
    psd.set_clock_lost()
    dial = _receipted(psd, 1)
    assert dial.statement.time == 0
    assert _applied(dial, dial.order(OrderKind.CLOCK, clock.now() + 40 * DAY_S))


def test_a_machine_at_its_installation_takes_any_time() -> None:
    clock = a_clock()
    psd = switch_on(a_new_memory(clock), clock)
    dial = _receipted(psd, 1)
    assert psd.state is MachineState.IN_SERVICE, "the RECEIPT came first"
    assert _applied(dial, dial.order(OrderKind.CLOCK, clock.now() + 40 * DAY_S))


@pytest.mark.parametrize("value", [0, 2**32, 2**64 - 1])
def test_a_time_that_no_clock_shows_is_not_applied(value: int) -> None:
    _, _, psd = _machine()
    psd.supervisor_present = True
    dial = _receipted(psd, 1)
    assert not _applied(dial, dial.order(OrderKind.CLOCK, value))


def test_a_block_is_not_undone_by_turning_the_clock_back() -> None:
    """DLG-4.8: the last frank was later than what the clock shows."""
    bench = a_machine()
    bench.days_pass(30)
    bench.franked()
    bench.days_pass(1)
    assert bench.machine.psd.state is MachineState.BLOCKED
    bench.days_pass(-20)
    bench.restart()
    bench.scale.put(18)
    assert bench.machine.franking.frank() is FrankRefusal.CLOCK_NOT_SET
    assert bench.machine.psd.time is None
    bench.order(OrderKind.CLOCK, bench.clock.now() + 20 * DAY_S)
    bench.inspect()
    assert bench.machine.psd.time == bench.clock.now() + 20 * DAY_S
    bench.franked()


def test_a_clock_may_be_a_day_behind_a_frank_and_no_more() -> None:
    bench = a_machine()
    bench.franked()
    bench.clock.advance(-DAY_S)
    assert bench.machine.psd.time == bench.clock.now()
    bench.clock.advance(-1)
    assert bench.machine.psd.time is None


def test_a_clock_that_was_ahead_is_set_right_by_an_order() -> None:
    """What was franked by the wrong time does not stand against the right one."""
    bench = a_machine()
    right = bench.clock.now()
    bench.days_pass(20)
    bench.franked()
    bench.machine.psd.supervisor_present = True
    bench.order(OrderKind.CLOCK, right)
    assert bench.machine.psd.time == right
    bench.franked()


def _after_months(bench: Bench, hours: int, put_back_h: int) -> MachineState:
    """Frank at the beginning and end of each day's work, with the clock put back."""
    for _ in range(100):
        bench.scale.put(18)
        bench.machine.franking.frank()
        bench.clock.advance(hours * 3600)
        bench.machine.franking.frank()
        bench.clock.advance((24 - hours - put_back_h) * 3600)
    return bench.machine.psd.state


@pytest.mark.parametrize(
    ("hours", "put_back_h", "state"),
    [
        (8, 24, MachineState.BLOCKED),
        (8, 20, MachineState.BLOCKED),
        (1, 24, MachineState.IN_SERVICE),
    ],
)
def test_a_clock_that_is_put_back_each_night_makes_the_silence_grow(
    hours: int, put_back_h: int, state: MachineState
) -> None:
    """Within a day the PSD adds what it sees: of 24 hours those between two franks."""
    assert _after_months(a_machine(), hours, put_back_h) is state


def test_a_receipt_ends_what_the_clock_was_put_back_by() -> None:
    bench = a_machine()
    bench.franked()
    bench.clock.advance(-3600)
    bench.franked()
    assert bench.machine.record.put_back_s == 3600
    bench.franked()
    assert bench.machine.record.put_back_s == 3600
    bench.clock.advance(-600)
    bench.inspect()
    assert bench.machine.record.put_back_s == 0


def test_a_clock_that_an_order_sets_back_was_not_put_back() -> None:
    bench = a_machine()
    bench.franked()
    right = bench.clock.now() - 3600
    bench.order(OrderKind.CLOCK, right)
    bench.franked()
    assert bench.machine.record.put_back_s == 0

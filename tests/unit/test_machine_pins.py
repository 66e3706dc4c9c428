"""PINs at the PSD, however many are tried: counts, waits and where they end."""

import pytest

from fm_device.firmware.desk import Service
from fm_device.psd.pins import ATTEMPTS_MAX, FREE_ATTEMPTS, PinVerdict, Role
from protocol.messages import OrderKind
from protocol.registers import MachineState
from tests.machines import OPERATOR_PIN, PIN_CODE, Bench, a_machine

WRONG = "9999"


def _state(bench: Bench) -> MachineState:
    return bench.machine.psd.state


def _tried(bench: Bench, times: int) -> list[PinVerdict]:
    """Enter a wrong PIN every hour."""
    verdicts = []
    for _ in range(times):
        verdicts.append(bench.machine.desk.enter(Role.OPERATOR, WRONG).verdict)
        bench.clock.advance(3_600)
    return verdicts


@pytest.mark.parametrize(
    "state", [MachineState.UNINSTALLED, MachineState.WITHDRAWN], ids=lambda s: s.name
)
def test_where_nothing_is_locked_out_the_pin_is_refused_all_the_same(
    state: MachineState,
) -> None:
    bench = a_machine(state)
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    said = _tried(bench, 300)
    assert set(said[: ATTEMPTS_MAX - 1]) == {PinVerdict.WRONG}
    assert set(said[ATTEMPTS_MAX - 1 :]) == {PinVerdict.LOCKED_OUT}
    assert _state(bench) is state
    right = bench.machine.desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert right.verdict is PinVerdict.LOCKED_OUT
    assert bench.machine.record.wrong_pins[Role.OPERATOR] == ATTEMPTS_MAX


def test_an_unlock_lets_a_pin_be_tried_again_that_was_refused_for_good() -> None:
    bench = a_machine(MachineState.UNINSTALLED)
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    _tried(bench, ATTEMPTS_MAX)
    bench.machine.psd.install(PIN_CODE)
    bench.order(OrderKind.UNLOCK)
    right = bench.machine.desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert right.verdict is PinVerdict.RIGHT


def test_losing_the_clock_does_not_end_the_wait_between_pins() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    desk.enter(Role.OPERATOR, WRONG)
    desk.serve(Service.BATTERY)
    said = [desk.enter(Role.OPERATOR, WRONG).verdict for _ in range(FREE_ATTEMPTS + 1)]
    assert said == [PinVerdict.WRONG] * 2 + [PinVerdict.WAIT] * 2
    bench.clock.advance(86_400)
    assert desk.enter(Role.OPERATOR, OPERATOR_PIN).verdict is PinVerdict.WAIT
    bench.order(OrderKind.CLOCK, bench.clock.now())
    assert desk.enter(Role.OPERATOR, OPERATOR_PIN).verdict is PinVerdict.RIGHT


def test_a_wait_is_never_longer_than_the_longest() -> None:
    bench = a_machine()
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    bench.days_pass(365)
    for _ in range(FREE_ATTEMPTS):
        bench.machine.desk.enter(Role.OPERATOR, WRONG)
    bench.days_pass(-365)
    answer = bench.machine.desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert answer.verdict is PinVerdict.WAIT
    assert answer.wait_until == bench.clock.now() + 1280
    bench.clock.advance(1280)
    right = bench.machine.desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert right.verdict is PinVerdict.RIGHT


def test_a_lock_is_not_lifted_by_lifting_a_lock_out() -> None:
    """DLG-10.4."""
    bench = a_machine(MachineState.LOCKED)
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    _tried(bench, ATTEMPTS_MAX)
    assert _state(bench) is MachineState.LOCKED_OUT
    bench.order(OrderKind.UNLOCK)
    assert _state(bench) is MachineState.LOCKED
    assert bench.machine.record.lock_reason == 4
    right = bench.machine.desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert right.verdict is PinVerdict.RIGHT
    bench.order(OrderKind.UNLOCK)
    assert _state(bench) is MachineState.IN_SERVICE
    assert bench.machine.record.lock_reason == 0


def test_a_lock_that_comes_in_a_lock_out_stands_after_it() -> None:
    """DLG-10.4."""
    bench = a_machine(MachineState.LOCKED_OUT)
    bench.order(OrderKind.LOCK, 7)
    assert _state(bench) is MachineState.LOCKED_OUT
    bench.order(OrderKind.UNLOCK)
    assert _state(bench) is MachineState.LOCKED
    bench.order(OrderKind.UNLOCK)
    assert _state(bench) is MachineState.IN_SERVICE

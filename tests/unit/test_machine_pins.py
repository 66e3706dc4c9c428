"""PINs at the PSD, however many are tried: counts, waits and where they end."""

import pytest

from fm_device.psd.pins import ATTEMPTS_MAX, PinVerdict, Role
from protocol.messages import OrderKind
from protocol.registers import MachineState
from tests.machines import OPERATOR_PIN, PIN_CODE, Bench, a_machine

WRONG = "9999"


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
    assert bench.machine.psd.state is state
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

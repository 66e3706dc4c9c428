"""Any keys in any order: the panel never breaks, and money always adds up."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fm_device.flash.settings import Department
from fm_device.panel.driver import Panel
from fm_device.panel.keys import HARD_KEYS, HardKey
from fm_device.panel.view import view
from fm_device.psd.pins import Role
from protocol.registers import MachineState
from protocol.values import Paise
from tests.machines import Bench, a_machine
from tests.panel_line import HandLine


def _check(bench: Bench, panel: Panel) -> None:
    assert view(panel.state, panel.facts).screen is panel.state.screen
    if bench.machine.is_on:
        assert bench.machine.record.registers.balanced
        assert panel.facts.registers == bench.machine.record.registers


@settings(max_examples=150, deadline=None)
@given(
    keys=st.lists(st.sampled_from(HARD_KEYS), max_size=60),
    grams=st.sampled_from([0, 18, 45, 600, 5_001]),
    guarded=st.booleans(),
)
def test_no_keys_break_a_machine_in_service(
    keys: list[HardKey], grams: int, *, guarded: bool
) -> None:
    bench = a_machine()
    bench.scale.put(grams)
    desk = bench.machine.desk
    desk.put_department(Department(1, "Accounts", Paise(1_000)))
    if guarded:
        desk.change(pins_on=True, accounts_on=True, high_value_paise=Paise(400))
        for role in Role:
            desk.set_pin(role, "1111")
    panel = Panel(bench.machine, HandLine(bench))
    for key in keys:
        plan = panel.press(key)
        if plan is not None:
            panel.dial(plan, panel.hear)
        panel.go_on()
        _check(bench, panel)


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.sampled_from(HARD_KEYS), max_size=30),
    state=st.sampled_from(MachineState),
)
def test_no_keys_break_a_machine_in_any_state(
    keys: list[HardKey], state: MachineState
) -> None:
    bench = a_machine(state)
    panel = Panel(bench.machine)
    for key in keys:
        panel.press(key)
        panel.go_on()
        _check(bench, panel)

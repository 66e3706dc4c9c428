"""The machine on the bench of the tests, and what is done at its desk."""

import pytest

from protocol.contents import Slogan
from protocol.registers import MachineState
from tests.machines import a_machine


@pytest.mark.parametrize("state", MachineState, ids=lambda state: state.name)
def test_a_machine_is_put_into_every_state_by_what_leads_there(
    state: MachineState,
) -> None:
    bench = a_machine(state)
    assert bench.machine.psd.state is state
    assert bench.machine.record.registers.balanced


def test_a_content_is_brought_by_an_order() -> None:
    bench = a_machine()
    slogan = Slogan(2, "water", ("SAVE WATER",), 0, "KN/1/2026")
    bench.bring(slogan)
    assert bench.machine.contents.slogans == (slogan,)
    bench.restart()
    assert bench.machine.contents.slogans == (slogan,)


def test_a_machine_that_was_recharged_franks_a_letter() -> None:
    bench = a_machine()
    assert bench.franked(18).face.value_paise == 500

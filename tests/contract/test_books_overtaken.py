"""A STATEMENT that its redial has overtaken freezes nobody, on both engines."""

import pytest

from protocol.dialogue.server import Closed, Frozen, Superseded
from protocol.messages import RefusalCode
from protocol.values import EpochSeconds
from tests.paper_machine import NOW, Office, PaperMachine


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    return office.enrolled(500_000)


@pytest.mark.parametrize("begun_before_s", [0, 1, 60])
def test_a_statement_overtaken_by_a_whole_recharge_is_superseded(
    office: Office, machine: PaperMachine, begun_before_s: int
) -> None:
    """Its call began before the redial was judged, or within the same second."""
    late = machine.state_registers()
    office.recharge(machine, 100_000)
    begun = EpochSeconds(NOW - begun_before_s)
    answer = office.books.judge_statement(*late, EpochSeconds(NOW + 5), begun)
    assert answer == Superseded()
    assert isinstance(office.inspect(machine), Closed)


def test_an_old_memory_that_dials_a_second_later_is_found(
    office: Office, machine: PaperMachine
) -> None:
    """REG-3: it begins its call after the machine's was judged."""
    old = machine.state_registers()
    office.recharge(machine, 100_000)
    begun = EpochSeconds(NOW + 1)
    answer = office.books.judge_statement(*old, begun, begun)
    assert isinstance(answer, tuple)
    assert isinstance(answer[1], Frozen)
    assert answer[1].refusal.code is RefusalCode.NUMBER_BEHIND

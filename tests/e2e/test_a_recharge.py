"""The main job, all parts together: real channels, real books, a paced line."""

from pathlib import Path

import pytest

from protocol.dialogue.machine import INSPECTION, Outcome
from protocol.registers import MachineState
from tests.system import RUPEES_2000, RUPEES_3000, System, cut_after, new_system


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def test_a_recharge_is_confirmed_and_both_sides_agree(system: System) -> None:
    report = system.dial(RUPEES_2000)
    assert report.outcome is Outcome.CONFIRMED
    system.check_quiet(200_000)
    assert system.balance("funds:N123456") == 300_000
    assert system.psd().state is MachineState.IN_SERVICE


def test_a_recharge_fits_its_budget_on_the_wire(system: System) -> None:
    report = system.dial(RUPEES_2000)
    assert report.octets_up + report.octets_down <= 800


def test_a_second_recharge_follows_the_first(system: System) -> None:
    system.dial(RUPEES_2000)
    assert system.dial(RUPEES_3000).outcome is Outcome.CONFIRMED
    system.check_quiet(500_000)
    assert system.balance("funds:N123456") == 0


def test_an_inspection_changes_no_money(system: System) -> None:
    report = system.dial(INSPECTION)
    assert report.outcome is Outcome.INSPECTED
    system.check_quiet(0)


def test_a_lost_download_is_sent_again_and_credited_once(system: System) -> None:
    whole = system.copy(system.folder.parent / "whole", 1).dial(RUPEES_2000)
    middle = (whole.octets_up + whole.octets_down) // 2
    lost = system.dial(RUPEES_2000, plan=cut_after(middle))
    assert lost.outcome is Outcome.IN_DOUBT
    system.check_money()
    again = system.dial(RUPEES_3000)
    assert again.outcome is Outcome.CONFIRMED
    assert again.voucher is not None
    assert again.voucher.amount_paise == 200_000, "the amount is frozen"
    system.check_quiet(200_000)

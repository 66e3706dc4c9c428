"""A recharge happens exactly once, when the redial is cut as well (design section 4).

What one cut does, at every octet, NVRAM write and commit, `tests/sim/test_cuts.py`
tries. Here the first call is lost with a voucher under way, and the redial is cut too,
after its octets and at its commits; and lines are noisy. Then the machine dials until
everything is quiet, asking for another amount than before. After each point the
oracles of `tests.system` hold, and the first amount was credited once.
"""

from collections import Counter
from pathlib import Path

import pytest

from hw.lines.exchange import every_call
from protocol.dialogue.machine import INSPECTION, Outcome
from protocol.values import Paise
from tests.franking import frank
from tests.system import (
    LINE,
    RUPEES_2000,
    RUPEES_3000,
    KilledAt,
    System,
    cut_after,
    new_system,
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Enrolled and funded; nothing was recharged."""
    return new_system(tmp_path_factory.mktemp("fresh") / "system")


@pytest.fixture(scope="module")
def recharged(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Recharged once, with franks that were not reported."""
    system = new_system(tmp_path_factory.mktemp("recharged") / "system")
    system.dial(RUPEES_2000)
    psd = system.psd()
    for _ in range(10):
        frank(psd, Paise(500), 3)
    return system


def settle_and_check(
    system: System, granted: Counter[str], *, wanted: int, before: int = 0
) -> None:
    """Dial on with another amount, and see that one amount was credited, once.

    The frozen amount is `wanted`; where the cut came before it was stored, the machine
    was free to ask for 3,000 instead.
    """
    pending = system.psd().record.pending
    applied = system.psd().record.registers.control_total_paise - before
    system.check_money()
    free = pending is None and applied == 0
    granted["free" if free else "frozen" if pending else "applied"] += 1
    request = INSPECTION if applied else RUPEES_3000
    reports = system.dial_until_quiet(request)
    if free:
        amount = 300_000
    else:
        amount = wanted
        for report in reports:
            assert report.voucher is None or report.voucher.amount_paise == wanted
    system.check_quiet(before + amount)
    assert system.psd().record.registers.control_total_paise == before + amount


def test_the_carrier_lost_after_every_octet_of_the_redial(
    fresh: System, tmp_path: Path
) -> None:
    """The first call is lost with the voucher under way; so is the second, anywhere."""
    cut = 330
    whole = fresh.copy(tmp_path / "whole", 0)
    assert whole.dial(RUPEES_2000, plan=cut_after(cut)).outcome is Outcome.IN_DOUBT
    assert whole.open_recharges() == 1
    again = whole.dial(RUPEES_2000)
    total = again.octets_up + again.octets_down
    for octets in range(0, total + 1, 3):
        system = fresh.copy(tmp_path / f"cut-{octets}", octets)
        system.dial(RUPEES_2000, plan=cut_after(cut))
        system.dial(RUPEES_3000, plan=cut_after(octets))
        settle_and_check(system, Counter(), wanted=200_000)
        system.store.close()


def test_the_server_killed_at_every_commit_of_the_redial_too(
    recharged: System, tmp_path: Path
) -> None:
    number = 0
    for first in (1, 2):
        for first_after in (False, True):
            for second in (1, 2, 3, 4):
                for second_after in (False, True):
                    number += 1
                    system = recharged.copy(tmp_path / f"kill-{number}", number)
                    system.start_server(KilledAt(first, after=first_after))
                    system.dial(RUPEES_2000)
                    system.start_server(KilledAt(second, after=second_after))
                    system.dial(RUPEES_3000)
                    system.start_server()
                    settle_and_check(system, Counter(), wanted=200_000, before=200_000)
                    system.store.close()


def test_noise_costs_time_and_never_money(fresh: System, tmp_path: Path) -> None:
    for seed in range(30):
        system = fresh.copy(tmp_path / f"noise-{seed}", seed)
        noisy = every_call(
            type(LINE)(bit_s=33_600, delay_s=0.02, bit_error_rate=3e-4, seed=seed)
        )
        system.dial(RUPEES_2000, plan=noisy)
        settle_and_check(system, Counter(), wanted=200_000)
        system.store.close()

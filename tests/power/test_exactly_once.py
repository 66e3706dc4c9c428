"""A recharge happens exactly once, by exhaustion (design section 4, prior art A.5).

The power is cut at every NVRAM write, and torn inside it; the server is killed before
and after every commit; the carrier is lost after every octet. Then the machine dials
until everything is quiet, asking for another amount than before. After each point the
oracles of `tests.system` hold, and the first amount was credited once.
"""

from collections import Counter
from pathlib import Path

import pytest

from fm_device.dial_in import DialInReport
from hw.lines.exchange import every_call
from hw.nvram import MemoryNvram, PowerCutError, PowerCutNvram, every_power_cut
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.registers import RequestKind
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

WITHDRAWAL_PAISE = 200_000 - 5_000


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


def test_the_carrier_lost_after_every_octet(fresh: System, tmp_path: Path) -> None:
    whole = fresh.copy(tmp_path / "whole", 0).dial(RUPEES_2000)
    total = whole.octets_up + whole.octets_down
    granted: Counter[str] = Counter()
    outcomes: Counter[Outcome] = Counter()
    for octets in range(total + 1):
        system = fresh.copy(tmp_path / f"cut-{octets}", octets)
        outcomes[system.dial(RUPEES_2000, plan=cut_after(octets)).outcome] += 1
        settle_and_check(system, granted, wanted=200_000)
        system.store.close()
    assert outcomes[Outcome.IN_DOUBT] > 300
    assert outcomes[Outcome.CONFIRMED] > 10
    assert granted["frozen"] > 300
    assert granted["applied"] > 100


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


def torn_points(length: int, *, every: bool) -> set[int]:
    if every:
        return set(range(length + 1))
    return {0, 1, 7, 8, 40, length // 2, length - 4, length - 1}


@pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "all"]
)
def test_the_power_cut_at_every_nvram_write_and_torn_inside_it(
    fresh: System, tmp_path: Path, *, every: bool
) -> None:
    counted = PowerCutNvram(MemoryNvram(fresh.nvram.image()))
    fresh.copy(tmp_path / "whole", 0).dial(RUPEES_2000, nvram=counted)
    assert counted.writes >= 9, "the request, the voucher and the receipt, thrice"
    granted: Counter[str] = Counter()
    tried = 0
    for cut in every_power_cut(counted.write_lengths):
        length = counted.write_lengths[cut.at_write - 1]
        torn = cut.torn_octets
        if torn is not None and torn not in torn_points(length, every=every):
            continue
        tried += 1
        system = fresh.copy(tmp_path / f"cut-{tried}", tried)
        failing = PowerCutNvram(system.nvram, cut.at_write, cut.torn_octets)
        with pytest.raises(PowerCutError):
            system.dial(RUPEES_2000, nvram=failing)
        system.start_server()
        settle_and_check(system, granted, wanted=200_000)
        system.store.close()
    assert tried >= 9 * 8
    assert all(granted[name] for name in ("free", "frozen", "applied")), granted


def commits_of(system: System, request: Request) -> list[str]:
    counting = KilledAt(10_000, after=False)
    system.start_server(counting)
    system.dial(request)
    return counting.commits


def test_the_server_killed_before_and_after_every_commit(
    recharged: System, tmp_path: Path
) -> None:
    """The usage of ten franks is reported too, so every kind of commit is there."""
    commits = commits_of(recharged.copy(tmp_path / "whole", 0), RUPEES_2000)
    assert {
        "judge_statement",
        "judge_confirmation",
        "store_usage",
        "store_goodbye",
    } <= set(commits)
    for commit in range(1, len(commits) + 1):
        for after in (False, True):
            system = recharged.copy(tmp_path / f"kill-{commit}-{after}", commit)
            system.start_server(KilledAt(commit, after=after))
            system.dial(RUPEES_2000)
            assert system.writer.dead
            system.start_server()
            settle_and_check(system, Counter(), wanted=200_000, before=200_000)
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


WITHDRAW = Request(RequestKind.WITHDRAWAL, Paise(WITHDRAWAL_PAISE))


def check_withdrawn(system: System, reports: list[DialInReport]) -> None:
    system.check_money()
    while system.psd().record.pending is not None:
        reports += system.dial_until_quiet(INSPECTION)
    system.dial_until_quiet(INSPECTION)
    record = system.psd().record
    if record.registers.descending_paise == 0:
        system.check_quiet(5_000)
        assert system.balance("funds:N123456") == 300_000 + WITHDRAWAL_PAISE
    else:
        system.check_quiet(200_000)
        assert system.balance("funds:N123456") == 300_000


def test_a_withdrawal_cut_after_every_octet_is_credited_once_or_not_at_all(
    recharged: System, tmp_path: Path
) -> None:
    whole = recharged.copy(tmp_path / "whole", 0).dial(WITHDRAW)
    assert whole.outcome is Outcome.CONFIRMED
    withdrawn = 0
    for octets in range(0, whole.octets_up + whole.octets_down + 1, 4):
        system = recharged.copy(tmp_path / f"cut-{octets}", octets)
        first = system.dial(WITHDRAW, plan=cut_after(octets))
        if system.open_recharges():
            assert system.balance("funds:N123456") == 300_000, (
                "never before it is posted"
            )
        check_withdrawn(system, [first])
        withdrawn += system.psd().record.registers.descending_paise == 0
        system.store.close()
    assert withdrawn > 100


def test_a_void_and_its_voucher_race_and_exactly_one_of_them_counts(
    fresh: System, tmp_path: Path
) -> None:
    """The operator takes the voucher back after the call was cut at any octet."""
    whole = fresh.copy(tmp_path / "whole", 0).dial(RUPEES_2000)
    ended: Counter[int] = Counter()
    for octets in range(0, whole.octets_up + whole.octets_down + 1, 4):
        system = fresh.copy(tmp_path / f"cut-{octets}", octets)
        system.dial(RUPEES_2000, plan=cut_after(octets))
        if system.open_recharges():
            system.administration.void(
                system.psd().credential.licence_identifier, system.by("taken back")
            )
            system.check_money()
            system.dial_until_quiet(INSPECTION)
            total = system.psd().record.registers.control_total_paise
            ended[total] += 1
            system.check_quiet(total)
        system.store.close()
    assert set(ended) == {0, 200_000}


def test_noise_costs_time_and_never_money(fresh: System, tmp_path: Path) -> None:
    for seed in range(30):
        system = fresh.copy(tmp_path / f"noise-{seed}", seed)
        noisy = every_call(
            type(LINE)(bit_s=33_600, delay_s=0.02, bit_error_rate=3e-4, seed=seed)
        )
        system.dial(RUPEES_2000, plan=noisy)
        settle_and_check(system, Counter(), wanted=200_000)
        system.store.close()

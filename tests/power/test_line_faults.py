"""Every fault of the virtual line costs time and never money (docs/virtual-line.md).

Each befalls a recharge at one octet after another of each direction, and at random
rates. The machine redials by its schedule until the recharge is done: exactly once.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.lines.exchange import CallPlan, VirtualExchange, every_call
from hw.lines.faults.character import BadOctets
from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.trigger import Trigger
from hw.lines.port import LossCause
from hw.lines.virtual import VirtualLineParameters
from hw.ports.settings import Parity
from protocol.dialogue.machine import INSPECTION, Outcome
from tests.line_user import RecordingUser
from tests.redialling import SCHEDULE_S, Redials, recharge_once, redial
from tests.system import LINE, System, new_system

UP_OCTETS = 430
DOWN_OCTETS = 270
"""Just above those of a recharge, which are never quite the same: some are stuffed."""

BAD_CALLS = 2
"""With a fault after which nothing goes, the third call is a good one."""

EVEN = replace(LINE, parity=Parity.EVEN)
LINES = {
    "parity error, null": replace(EVEN, bad_octets=BadOctets.NULL),
    "parity error, ignore": replace(EVEN, bad_octets=BadOctets.IGNORE),
    "parity error, keep": replace(EVEN, bad_octets=BadOctets.KEEP),
    "framing error, null": replace(LINE, bad_octets=BadOctets.NULL),
    "framing error, ignore": replace(LINE, bad_octets=BadOctets.IGNORE),
    "framing error, keep": replace(LINE, bad_octets=BadOctets.KEEP),
}
"""What a line is like on which a fault has a setting of its own."""

FIELDS = {
    "drop": "drops",
    "duplicate": "duplicates",
    "insert": "insertions",
    "framing error, null": "framing_errors",
    "framing error, ignore": "framing_errors",
    "framing error, keep": "framing_errors",
    "parity error, null": "parity_errors",
    "parity error, ignore": "parity_errors",
    "parity error, keep": "parity_errors",
    "break": "breaks",
    "burst": "bursts",
    "bit error": "bit_errors",
    "carrier lost": "carrier_losses",
    "deaf": "drops",
}
"""Faults, and the setting of a direction that brings each."""

LASTING = {"carrier lost", "deaf"}

EACH_FAULT = pytest.mark.parametrize("fault", FIELDS)
EACH_WAY = pytest.mark.parametrize("way", ["up", "down"])
EACH_STEP = pytest.mark.parametrize(
    "step", [42, pytest.param(3, marks=pytest.mark.long)], ids=["some", "every third"]
)
EACH_SEED = pytest.mark.parametrize(
    "seeds", [3, pytest.param(100, marks=pytest.mark.long)], ids=["some", "many"]
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Enrolled and funded; nothing was recharged."""
    return new_system(tmp_path_factory.mktemp("fresh") / "system")


def one_way(fault: str, trigger: Trigger) -> WayParameters:
    setting: dict[str, Any] = {FIELDS[fault]: trigger}
    return WayParameters(**setting)


def befallen(fault: str, way: str, trigger: Trigger) -> VirtualLineParameters:
    """A line of which one direction has one fault."""
    ways: dict[str, Any] = {way: one_way(fault, trigger)}
    return replace(LINES.get(fault, LINE), **ways)


def at_octet(fault: str, way: str, octet: int) -> CallPlan:
    """The fault is at one octet of each call, or of the first two from there on."""
    if fault not in LASTING:
        return every_call(befallen(fault, way, Trigger(at=octet)))
    bad = befallen(fault, way, Trigger(rate=1.0, at=octet))
    return lambda call: bad if call < BAD_CALLS else LINE


def test_a_recharge_without_faults_has_the_octets_at_which_faults_are_set(
    fresh: System, tmp_path: Path
) -> None:
    report = redial(fresh.copy(tmp_path / "whole", 0)).done
    assert 0 <= UP_OCTETS - report.octets_up < 15
    assert 0 <= DOWN_OCTETS - report.octets_down < 15


@EACH_STEP
@EACH_WAY
@EACH_FAULT
def test_a_fault_at_an_octet_costs_no_money(
    fresh: System, tmp_path: Path, fault: str, way: str, step: int
) -> None:
    redials: Counter[int] = Counter()
    for octet in range(0, UP_OCTETS if way == "up" else DOWN_OCTETS, step):
        system = fresh.copy(tmp_path / f"{octet}", octet)
        system.plan = at_octet(fault, way, octet)
        # A BREAK over the whole beginning of each call lets none of them be.
        told = recharge_once_or_give_up(system)
        redials[told.redials] += 1
        system.store.close()
    if fault in LASTING:
        assert redials[BAD_CALLS] > 0
        assert max(redials) == BAD_CALLS
    elif fault != "break":
        assert set(redials) == {0}, "the link mends what one octet has suffered"


def recharge_once_or_give_up(system: System) -> Redials:
    """Recharge; after ten attempts the line is mended, and the operator dials again."""
    told = redial(system)
    if told.done.may_dial_again:
        assert told.redials == len(SCHEDULE_S)
        assert told.said.startswith("DIAL-IN FAILED (link ended: no answer): dial")
    system.plan = every_call(LINE)
    if told.done.may_dial_again or told.done.voucher is None:
        recharge_once(system)
    else:
        assert told.done.outcome is Outcome.CONFIRMED
        system.check_quiet(200_000)
    return told


RATES = {
    "drop": 1e-2,
    "duplicate": 1e-2,
    "insert": 1e-2,
    "framing error, null": 1e-2,
    "framing error, ignore": 1e-2,
    "framing error, keep": 1e-2,
    "parity error, null": 1e-2,
    "parity error, ignore": 1e-2,
    "parity error, keep": 1e-2,
    "break": 1e-3,
    "burst": 3e-4,
    "bit error": 1e-3,
    "carrier lost": 2e-3,
}


@EACH_SEED
@pytest.mark.parametrize("fault", RATES)
def test_a_fault_at_a_rate_both_ways_costs_no_money(
    fresh: System, tmp_path: Path, fault: str, seeds: int
) -> None:
    redials = 0
    for seed in range(seeds):
        system = fresh.copy(tmp_path / f"{seed}", seed)
        rate = RATES[fault] * (1 + seed % 3) / 2
        bad = one_way(fault, Trigger(rate=rate))
        line = replace(LINES.get(fault, LINE), up=bad, down=bad, seed=seed)
        system.plan = every_call(line)
        redials += sum(told.redials for told in recharge_once(system))
        system.store.close()
    if fault == "carrier lost":
        assert redials > 0


@EACH_SEED
@pytest.mark.parametrize("turnaround_s", [None, 0.05], ids=["duplex", "half-duplex"])
def test_all_faults_together_cost_no_money(
    fresh: System, tmp_path: Path, turnaround_s: float | None, seeds: int
) -> None:
    for seed in range(seeds):
        system = fresh.copy(tmp_path / f"{seed}", seed)
        bad = WayParameters(
            jitter_s=0.1 * (seed % 4),
            bit_errors=Trigger(rate=2e-4),
            bursts=Trigger(rate=3e-5),
            parity_errors=Trigger(rate=1e-3),
            framing_errors=Trigger(rate=1e-3),
            breaks=Trigger(rate=3e-4),
            break_octets=24,
            drops=Trigger(rate=1e-3),
            duplicates=Trigger(rate=1e-3),
            insertions=Trigger(rate=1e-3),
            carrier_losses=Trigger(rate=1e-3),
        )
        line = replace(
            EVEN, bit_s=9600, up=bad, down=bad, seed=seed, turnaround_s=turnaround_s
        )
        system.plan = every_call(replace(line, bad_octets=list(BadOctets)[seed % 3]))
        recharge_once(system)
        system.store.close()


@pytest.mark.parametrize("jitter_s", [0.01, 0.3, 1.5])
@pytest.mark.parametrize("turnaround_s", [None, 0.01, 0.2])
@pytest.mark.parametrize("bit_s", [300, 33_600])
def test_a_line_that_is_only_late_costs_no_redial(
    fresh: System,
    tmp_path: Path,
    jitter_s: float,
    turnaround_s: float | None,
    bit_s: int,
) -> None:
    system = fresh.copy(tmp_path / "late", 1)
    late = WayParameters(jitter_s=jitter_s)
    system.plan = every_call(
        replace(LINE, bit_s=bit_s, turnaround_s=turnaround_s, up=late, down=late)
    )
    assert [told.redials for told in recharge_once(system)] == [0]


@EACH_WAY
def test_a_machine_that_hears_nobody_gives_up_to_the_operator_after_ten_dial_ins(
    fresh: System, tmp_path: Path, way: str
) -> None:
    system = fresh.copy(tmp_path / "deaf", 1)
    system.plan = every_call(befallen("deaf", way, Trigger(rate=1.0, at=0)))
    told = redial(system)
    assert told.redials == len(SCHEDULE_S)
    assert told.reasons == ["line lost: link ended: no answer"] * 10
    assert told.said.startswith("DIAL-IN FAILED (link ended: no answer): dial again\n")
    system.check_quiet(0)


def test_a_machine_hangs_up_on_a_line_on_which_nobody_speaks(
    fresh: System, tmp_path: Path
) -> None:
    """The far end keeps the line up for ever; the link's own time-outs end it."""
    system = fresh.copy(tmp_path / "mute", 1)
    mute = VirtualExchange(system.reactor, every_call(LINE))
    mute.listen(lambda _: RecordingUser())
    told = redial(system, dialler=mute, attempts=2)
    assert told.done.loss.cause is LossCause.DROPPED_HERE
    assert told.reasons == ["line lost: link ended: no answer"] * 2
    assert told.done.duration_s < 60
    system.check_quiet(0)
    recharge_once(system)


def test_the_server_hangs_up_at_its_time_limits_at_whatever_moment_a_call_began(
    fresh: System, tmp_path: Path
) -> None:
    """A limit whose sum and whose difference round differently must not spin."""
    system = fresh.copy(tmp_path / "limits", 1)
    for number in range(200):
        system.reactor.advance(number / 7 + 0.16)
        caller = RecordingUser()
        system.line.dial(caller)
        system.run(lambda caller=caller: bool(caller.losses))  # type: ignore[misc]
        assert caller.loss.cause is LossCause.DROPPED_BY_PEER


def test_the_operator_reads_in_each_attempt_that_the_carrier_was_lost(
    fresh: System, tmp_path: Path
) -> None:
    system = fresh.copy(tmp_path / "lost", 1)
    system.plan = every_call(replace(LINE, cut_after_octets=200))
    told = redial(system, attempts=3)
    assert told.reasons == ["line lost: carrier lost"] * 3
    assert told.said.startswith(
        "DIAL-IN FAILED (carrier lost): dial again\n"
        "PENDING CREDIT Rs 2,000.00: the amount cannot be changed; dial again\n"
    )
    assert system.psd().record.registers.control_total_paise == 0


def test_a_voucher_of_an_earlier_attempt_is_told_of_when_the_last_one_fails(
    fresh: System, tmp_path: Path
) -> None:
    """The operator must not read that nothing came, and ask for it again."""
    system = fresh.copy(tmp_path / "stored", 1)
    unheard = befallen("deaf", "up", Trigger(rate=1.0, at=380))
    dead = replace(LINE, cut_after_octets=10)
    system.plan = lambda call: unheard if call == 0 else dead
    told = redial(system, attempts=3)
    assert told.said.startswith("STORED, BUT NOT CLOSED AT THE SERVER (carrier lost):")
    assert "Funds added      Rs 2,000.00" in told.said
    assert told.done.may_dial_again
    system.plan = every_call(LINE)
    last = redial(system, INSPECTION)
    assert last.said.startswith("INSPECTED")
    system.check_quiet(200_000)

"""A seed is a world: the same history in any order, process, folder and company.

Compared are the hash of everything that was observed, octet by octet and to the last
digit of its time, the number of dial-ins, and every counter.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rmfs_tools.simulation.deeds import (
    DialIn,
    FundFileCame,
    LineTrouble,
    Mail,
    Plan,
    PowerFails,
)
from rmfs_tools.simulation.many import Summary, Wanted, run_seeds, simulator
from rmfs_tools.simulation.planning import make_plan
from rmfs_tools.simulation.profiles import PROFILES
from rmfs_tools.simulation.run import RunResult, Simulator
from tests.house.sources import ROOT

MACHINES, DAYS = 2, 1
SEEDS = range(31, 36)
REPEATED = ("all", "cheats", "backups")


def plan_of(seed: int, profile: str) -> Plan:
    return make_plan(seed, machines=MACHINES, days=DAYS, profile=profile)


def shown(result: RunResult) -> dict[str, Any]:
    return result.as_json() | {"simulated_s": result.simulated_s}


@pytest.mark.parametrize("profile", REPEATED)
def test_a_seed_is_the_same_again_whatever_ran_before_it(
    profile: str, tmp_path: Path
) -> None:
    wanted = Wanted(MACHINES, DAYS, profile)
    first = [shown(one) for one in run_seeds(SEEDS, wanted)]
    backwards = [shown(one) for one in run_seeds(SEEDS[:2][::-1], wanted)]
    assert backwards == first[:2][::-1]
    on_disk = Simulator(tmp_path)
    with simulator():
        alone = shown(on_disk.run(plan_of(SEEDS[0], profile)))
    on_disk.close()
    assert alone == first[0]
    assert len({one["history"] for one in first}) == len(SEEDS)


def test_a_plan_is_the_same_again() -> None:
    for profile in PROFILES:
        plan = plan_of(SEEDS[0], profile)
        assert plan == plan_of(SEEDS[0], profile)
        assert plan != plan_of(SEEDS[1], profile)


@pytest.mark.parametrize(
    ("profile", "hash_seed", "processes"),
    [("all", "1", 1), ("cheats", "4242", 2)],
)
def test_another_process_has_the_same_history(
    profile: str, hash_seed: str, processes: int, tmp_path: Path
) -> None:
    here = Summary()
    for result in run_seeds(SEEDS, Wanted(MACHINES, DAYS, profile)):
        here.add(result)
    there = in_a_process(tmp_path, profile, hash_seed, processes)
    assert there["history"] == here.history
    assert there["counts"] == here.counts
    assert (there["seeds"], there["dial_ins"], there["answered"]) == (
        here.seeds,
        here.dial_ins,
        here.answered,
    )


def in_a_process(
    folder: Path, profile: str, hash_seed: str, processes: int
) -> dict[str, Any]:
    command = (
        f"-m rmfs_tools simulate --seeds {SEEDS[0]}..{SEEDS[-1]} --machines {MACHINES} "
        f"--days {DAYS} --faults {profile} --processes {processes} --json"
    )
    ran = subprocess.run(
        [sys.executable, *command.split()],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_a_deed_that_is_taken_out_leaves_what_has_nothing_to_do_with_it() -> None:
    letters = Mail(2_000.0, "1", 3)
    noise = (LineTrouble(bit_error_rate=3e-4),)
    deeds = (
        FundFileCame(60.0, 1, (("1", 500_000), ("2", 500_000))),
        DialIn(600.0, "1", "RECHARGE", 100_000),
        DialIn(1_200.0, "2", "RECHARGE", 200_000, 3, noise),
        letters,
        PowerFails(2_999.0, "2", 2, 500, "garbage", 60.0),
        DialIn(3_000.0, "2", "REFUND", 10_000, 3, noise),
        DialIn(4_000.0, "1", "RECHARGE", 50_000, 3, noise),
        DialIn(5_000.0, "2", "RECHARGE", 100_000, 3, noise),
    )
    whole, shorter = (
        transcript(Plan(5, MACHINES, DAYS, "power", tuple(left)))
        for left in (deeds, [deed for deed in deeds if deed is not letters])
    )
    assert stored(whole, "1") != stored(shorter, "1")
    assert len(stored(whole, "2")) >= len(deeds), "it has lived"
    assert stored(whole, "2") == stored(shorter, "2")
    before = [line for line in whole if float(line.split()[0]) < letters.at_s]
    assert shorter[: len(before)] == before


def transcript(plan: Plan) -> list[str]:
    lines: list[str] = []
    with simulator() as one:
        one.run(plan, lines.append)
    return lines


def stored(lines: list[str], machine: str) -> list[str]:
    """Take what a machine held before calm, in which one waits for another."""
    before = [line for line in lines if float(line.split()[0]) < DAYS * 86_400]
    return [line for line in before if f" machine {machine} " in line]

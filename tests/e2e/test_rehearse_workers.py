"""Workers and their database are killed under load: nothing is lost, all is settled.

Requirements: RMFS-31, RMFS-33 to RMFS-35.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rmfs_tools.worker_rehearsal.plan import Plan
from rmfs_tools.worker_rehearsal.playing import run
from tests.processes import Program

MINUTES = 60.0


def rehearsed(*options: object, code: int = 0) -> dict[str, Any]:
    words = ("server", "rehearse", "workers", "--json", *options)
    with Program(*words) as program:
        assert program.ended(10 * MINUTES) == code, program.err
        found: dict[str, Any] = json.loads(program.out)
    return found


def check(found: dict[str, Any]) -> None:
    assert found["lost_paise"] == found["doubled_paise"] == found["unsettled"] == 0
    assert found["faults"] == []
    # Whatever was begun was done in the end, and struck on the way.
    assert found["ended"] == {"confirmed": found["dial_ins"]}
    assert found["recharges"] == found["dial_ins"] > 0
    assert found["paise"] == 10_000 * found["recharges"]
    assert found["redials"] > 0
    waits = found["waits_ms"]
    assert 0 < waits["p50"] <= waits["p90"] <= waits["p99"] <= waits["longest"]


def test_three_workers_and_their_database_are_killed_for_twenty_seconds() -> None:
    options = ("--machines", 80, "--rate", 20, "--seconds", 20)
    found = rehearsed(*options)
    check(found)
    assert found["worker_kills"] >= 10
    assert found["database_kills"] == 1


@pytest.mark.long
def test_a_minute_of_two_hundred_dial_ins_a_second_is_survived() -> None:
    found = rehearsed()
    check(found)
    assert found["worker_kills"] >= 40


@pytest.mark.long
def test_a_database_that_does_not_wait_for_the_disk_is_found_out(
    tmp_path: Path,
) -> None:
    plan = Plan(machines=80, rate=30, seconds=10, database_kills=3, durable=False)
    result = run(tmp_path, plan, os.environ, lambda _: None)
    assert not result.is_good
    assert result.judgement.lost_paise > 0

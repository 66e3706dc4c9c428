"""The leader of three PostgreSQLs falls under a recharge server: nothing is lost.

It needs root, Patroni, etcd and HAProxy: the longer tier, and where they are missing it
fails with a sentence that says so.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from rmfs_tools.failover.events import ALL, CONTROL
from rmfs_tools.failover.result import EXIT_LOST
from rmfs_tools.planting import ROOT, Edit, plant
from tests.processes import Program

MINUTES = 60.0
CREDULOUS = Edit(
    "hw/database/opening.py", "                if notices:", "                if False:"
)
"""A server that takes a COMMIT for done although PostgreSQL has warned."""


def test_the_mistake_fits_the_product(tmp_path: Path) -> None:
    plant("credulous", [CREDULOUS], ROOT, tmp_path)
    assert (tmp_path / "rmfs_tools" / "failover" / "recipe" / "patroni.yml").is_file()


def test_an_event_that_there_is_not_is_refused_before_anything_is_made() -> None:
    words = ("server", "rehearse", "failover", "--event", "earthquake")
    with Program(*words) as program:
        assert program.ended() == 2
    assert "earthquake: the events are calm, leader-killed" in program.err


@pytest.mark.long
def test_whatever_falls_nothing_is_lost_but_with_asynchronous_replication() -> None:
    with Program("server", "rehearse", "failover", "--json") as program:
        code = program.ended(30 * MINUTES)
        assert code == 0, program.err
        found: dict[str, Any] = json.loads(program.out)
    assert [one["event"] for one in found["events"]] == [
        event.name for event in (*ALL, CONTROL)
    ]
    assert found["lost"] == found["doubled"] == 0
    assert found["control_lost"] > 0
    by_name = {one["event"]: one for one in found["events"]}
    assert by_name["answer-lost"]["found_again"] > 0
    for event in ALL:
        one = by_name[event.name]
        assert one["faults"] == one["findings"] == 0
        assert one["recharges"] > 0
        if event.moves:
            assert one["leader_before"] != one["leader_after"]


@pytest.mark.long
def test_a_server_that_believes_a_cancelled_commit_is_found_out(
    tmp_path: Path,
) -> None:
    plant("credulous", [CREDULOUS], ROOT, tmp_path)
    words = ("server", "rehearse", "failover", "--event", "commit-cancelled", "--json")
    with Program(*words, root=tmp_path) as program:
        code = program.ended(10 * MINUTES)
        assert code == EXIT_LOST, program.err
        found: dict[str, Any] = json.loads(program.out)
    assert found["lost"] > 0

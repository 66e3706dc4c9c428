"""`rmfs dop job`: the jobs, their runs, and a run by hand."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dop_gateway.folder import create_gateway
from dop_gateway.settings import Settings
from hw.entropy import SeededEntropy
from rmfs_tools.cli import main


@pytest.fixture
def gateway(tmp_path: Path) -> str:
    folder = tmp_path / "gateway"
    create_gateway(folder, Settings(), SeededEntropy(b"jobs"))
    return str(folder)


def test_a_moment_is_run_by_hand_and_stands_in_the_record(
    gateway: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        assert main(["dop", "job", *words, "--gateway", gateway]) == 0
        return capsys.readouterr().out

    def told(*words: str) -> Any:
        return json.loads(said(*words, "--json"))

    (job,) = (one for one in told("list") if one["name"] == "audit-verify")
    yesterday = datetime.fromisoformat(job["due"]) - timedelta(days=1)
    at = yesterday.strftime("%Y-%m-%dT%H:%M")
    run = ("run", "audit-verify", "--at", at, "--reason", "a test")
    assert told(*run)["outcome"] == "DONE"
    assert main(["dop", "job", *run, "--gateway", gateway]) != 0
    assert "is done for that moment already" in capsys.readouterr().err
    (found,) = told("runs", "--job", "audit-verify")
    assert (found["state"], found["attempts"]) == ("DONE", 1)
    assert datetime.fromisoformat(found["moment"]) == yesterday
    assert "DONE after 1 attempts" in said("runs")
    assert "Recompute the chain" in said("list")

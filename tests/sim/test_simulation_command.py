"""`rmfs simulate` and `--replay`, as a person and a program call them.

A violation is what a planted mistake brings out, in a copy of the product: the command
is run there as it stands.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rmfs_tools.cli import main
from rmfs_tools.planting import ROOT, plant
from rmfs_tools.simulation.plan_file import read_plan_file
from rmfs_tools.simulation.planning import make_plan
from rmfs_tools.simulation.planted.bugs import planted_bugs
from rmfs_tools.simulation.profiles import PROFILES

SMALL = ("simulate", "--machines", "1", "--days", "1")
KEYS = ["dial_ins", "violations", "dial_ins_per_s", "history"]
FAILED, USAGE = 1, 2
Capture = pytest.CaptureFixture[str]


def last_line(printed: str) -> dict[str, Any]:
    found = json.loads(printed.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_the_last_line_begins_as_programs_expect_it(capsys: Capture) -> None:
    assert main([*SMALL, "--seeds", "3..4", "--json"]) == 0
    told = last_line(capsys.readouterr().out)
    assert list(told)[: len(KEYS)] == KEYS
    assert (told["violations"], told["seeds"]) == (0, 2)
    assert told["dial_ins"] > 0
    assert re.fullmatch("[0-9a-f]{16}", told["history"])
    assert told["never"], "two small worlds cannot reach everything, and say so"
    assert all(not told["counts"].get(name) for name in told["never"])


def test_a_person_is_told_what_was_reached_and_what_was_not(capsys: Capture) -> None:
    assert main([*SMALL, "--seeds", "3"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^ +\d+  dial-in CONFIRMED$", printed, re.MULTILINE)
    assert "never reached in these seeds: " in printed
    assert printed.endswith("no violation\n")


@pytest.mark.parametrize(
    "seeds", ["", "..", "x", "1..", "..9", "9..1", "-1", "-2..2", "1...3", "1,2", "1.5"]
)
def test_seeds_that_are_none_are_typed_wrong(seeds: str, capsys: Capture) -> None:
    assert main([*SMALL, f"--seeds={seeds}"]) == USAGE
    assert "write 1..300, or 7" in capsys.readouterr().err


def test_a_profile_that_there_is_not_is_named_with_those_there_are(
    capsys: Capture,
) -> None:
    assert main([*SMALL, "--faults", "gremlins"]) == USAGE
    told = capsys.readouterr().err
    assert "'gremlins'" in told
    assert all(profile in told for profile in PROFILES)


def test_a_saved_plan_has_the_history_that_its_seed_has(
    tmp_path: Path, capsys: Capture
) -> None:
    plan = make_plan(6, machines=2, days=1, profile="all")
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan.as_json()), "utf-8")
    assert main(["simulate", "--replay", str(path), "--json"]) == 0
    replayed = last_line(capsys.readouterr().out)
    asked = ["simulate", "--seeds", "6", "--machines", "2", "--days", "1"]
    assert main([*asked, "--transcript", "--json"]) == 0
    *transcript, _ = capsys.readouterr().out.splitlines()
    assert main(["simulate", "--replay", str(path), "--transcript"]) == 0
    *again, summary = capsys.readouterr().out.splitlines()
    assert again == transcript
    assert len(again) > len(plan.deeds)
    dial_ins, history = replayed["dial_ins"], replayed["history"]
    assert summary == f"{dial_ins} dial-ins, history {history}: 0 violations"
    assert (replayed["seed"], replayed["violations"]) == (6, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no JSON", "cannot be read as a plan"),
        ("{}", "it has no list of deeds"),
        ('{"deeds": [{"deed": "Dial"}]}', "deed 1 is of no known kind: 'Dial'"),
        (
            '{"deeds": [{"deed": "Mail", "at_s": 1, "body": "1", "items": "all"}]}',
            "deed 1 (Mail), items is 'all', not a whole number",
        ),
    ],
)
def test_a_file_that_is_no_plan_is_refused(
    text: str, told: str, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, "utf-8")
    assert main(["simulate", "--replay", str(path)]) == FAILED
    refused = capsys.readouterr().err
    assert told in refused
    assert str(path) in refused


def test_a_file_that_is_not_there_is_typed_wrong(tmp_path: Path) -> None:
    assert main(["simulate", "--replay", str(tmp_path / "plan.json")]) == USAGE


def rmfs(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # Without the environment, which may name another tree than the copy.
        [sys.executable, "-E", "-m", "rmfs_tools", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_violation_is_told_cut_down_saved_and_played_again(tmp_path: Path) -> None:
    copy, plans = tmp_path / "copy", tmp_path / "plans"
    bug = next(one for one in planted_bugs() if one.id == "mark-not-fresh")
    copy.mkdir()
    plant(bug.id, bug.edits, ROOT, copy)
    seeds = ("--seeds", "1..2", "--faults", "none", "--save", str(plans))
    found = rmfs(copy, *SMALL, *seeds, "--stop-at-first", "--json")
    assert found.returncode == FAILED, found.stderr
    assert last_line(found.stdout)["violations"] == 1
    path = plans / "seed-1-none.json"
    command = f"  rmfs simulate --replay {path} --transcript\n"
    assert found.stderr.endswith(command), found.stderr
    cut = re.search(r"shrunk from (\d+) deeds to (\d+);", found.stderr)
    assert cut is not None
    whole = make_plan(1, machines=1, days=1, profile="none")
    plan = read_plan_file(path)
    assert (int(cut[1]), int(cut[2])) == (len(whole.deeds), len(plan.deeds))
    assert len(plan.deeds) < len(whole.deeds)
    broken = plan.found.partition(" ")[0]
    assert f"seed 1: {broken} at " in found.stderr
    again = rmfs(copy, *command.split()[1:])
    assert again.returncode == FAILED
    assert f"\n{broken} at " in again.stdout
    assert f"! {broken} at " in found.stderr, "its transcript ends with it"
    assert main(["simulate", "--replay", str(path)]) == 0, "the product breaks nothing"

"""Decoders under Atheris: they hold in a bounded run, and a mistake in one is found."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from rmfs_tools.lab.decoders.listing import GROUPS, chosen_targets, targets_of
from rmfs_tools.lab.decoders.running import Plan, Ran, run_targets
from rmfs_tools.planting import ROOT, Edit, plant
from tests.witness.programs import missing


def run(
    ids: tuple[str, ...], folder: Path, root: Path = ROOT, seed: int = 1
) -> list[Ran]:
    if find_spec("atheris") is None:
        missing("Atheris is not installed: it has wheels for Linux on x86-64 alone")
    return list(run_targets(chosen_targets(ids), Plan(seed, folder, root=root)))


@pytest.mark.parametrize("group", GROUPS)
def test_whatever_octets_come_decoders_end_as_they_say(
    group: str, tmp_path: Path
) -> None:
    ids = tuple(target.id for target in targets_of(group))
    failed = [f"{ran.target}: {ran.words}" for ran in run(ids, tmp_path) if ran.crash]
    assert failed == []


def test_the_same_seed_tries_the_same_inputs(tmp_path: Path) -> None:
    first, again = (run(("fund-file",), tmp_path) for _ in range(2))
    assert first == again
    other = run(("fund-file",), tmp_path, seed=2)
    assert other != first


MISTAKES = {
    # A length that the sender says is believed.
    "xid": Edit(
        "protocol/link/xid.py",
        "            if value_at > end:\n                return None\n",
        "",
    ),
    # A disposition that is in no table comes out as an error of Python's.
    "message": Edit(
        "protocol/messages/bodies.py",
        "        return field.values(value)\n    except ValueError as error:\n",
        "        return field.values(value)\n    except KeyError as error:\n",
    ),
    # What is read is not what was written.
    "fund-file": Edit(
        "protocol/exchange/spelling.py",
        "    rupees, paise = divmod(abs(amount_paise), 100)\n",
        "    rupees, paise = divmod(abs(amount_paise), 1000)\n",
    ),
}


def run_at(root: Path, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run a command with the packages of one folder, and no others of ours."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        command,
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_decoder_is_found_and_its_input_is_kept(
    name: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    plant(name, [MISTAKES[name]], ROOT, copy)
    (ran,) = run((name,), tmp_path / "crashes", copy)
    assert ran.crash is not None
    assert ran.words
    again = (
        *(sys.executable, "-m", "rmfs_tools", "lab", "decoders"),
        *("--again", str(ran.crash)),
    )
    wrong = run_at(copy, again)
    assert wrong.returncode == 1
    assert ran.words.partition(":")[2] in wrong.stderr + wrong.stdout
    right = run_at(ROOT, again)
    assert right.returncode == 0, right.stderr


def test_the_command_tells_a_program_what_it_did(tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        missing("Atheris is not installed: it has wheels for Linux on x86-64 alone")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "rmfs_tools", "lab", "decoders", "xid", "frame"),
            *("--json", "--crashes", str(tmp_path / "no")),
            *("--corpus", str(tmp_path / "c")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *each, last = map(json.loads, done.stdout.splitlines())
    assert [one["target"] for one in each] == ["frame", "xid"]
    assert last["findings"] == 0
    assert last["runs"] == sum(one["runs"] for one in each)
    assert list((tmp_path / "c" / "xid").iterdir())
    assert not (tmp_path / "no").exists()

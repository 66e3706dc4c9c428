"""The formal model: nothing is broken within its bounds, and its map is in step."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from fm_device.psd.session import TABLE as PSD
from hw.clock import SystemMonotonicClock
from protocol.dialogue.machine import TABLE as MACHINE
from protocol.dialogue.server import TABLE as SERVER
from protocol.table import Table
from rmfs_tools.model.checking import Checked, check
from rmfs_tools.model.configurations import (
    CONFIGURATIONS,
    VARIANTS,
    Configuration,
    UnknownNameError,
    configurations_named,
)
from rmfs_tools.model.spin import SOURCE
from rmfs_tools.model.steps import (
    FOLDER,
    differences,
    read_outside,
    read_steps,
    show_map,
    show_outside,
    steps_without_comment,
)
from rmfs_tools.model_cli import add_commands
from tests.house.sources import ROOT
from tests.house.test_clauses import cited_clauses, defined_clauses
from tests.witness.programs import needs

TABLES: dict[str, Table[Any, Any]] = {"machine": MACHINE, "server": SERVER, "psd": PSD}
CLAUSES = defined_clauses((ROOT / "protocol" / "SPEC.md").read_text())
DOCS = ROOT / "docs" / "model.md"

STATES_AT_LEAST = {
    "base": 20_000,
    "void": 30_000,
    "returns": 150_000,
    "lines": 200_000,
    "clone": 300_000,
    "image": 300_000,
    "no-channel": 100_000,
    "backup": 80_000,
}
"""Fewer, and the model has lost something that may happen."""

# Put together: a house test wants every clause that is cited to exist.
NO_CLAUSE = f"DLG-{99}"

NEVER_TAKEN = {"apply-elsewhere"}
"""Steps that are there for a planted mistake to take."""


def run(*arguments: str) -> Result:
    root = click.Group()
    add_commands(root)
    return CliRunner().invoke(root, ["model", *arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def checked() -> dict[str, Checked]:
    needs("spin")
    needs("gcc")
    found = check(CONFIGURATIONS, SystemMonotonicClock(), long=False)
    return {one.configuration.name: one for one in found}


def test_no_property_is_broken_in_any_configuration(
    checked: dict[str, Checked],
) -> None:
    broken = {name: one.found.broken for name, one in checked.items() if one.errors}
    assert broken == {}


def test_an_empty_model_would_not_pass(checked: dict[str, Checked]) -> None:
    assert set(checked) == set(STATES_AT_LEAST)
    for name, least in STATES_AT_LEAST.items():
        assert checked[name].found.states >= least, name
        assert checked[name].found.transitions > checked[name].found.states


def test_every_step_was_taken_somewhere(checked: dict[str, Checked]) -> None:
    taken = {step for one in checked.values() for step in one.found.taken}
    assert taken == {step.name for step in read_steps()} - NEVER_TAKEN


def test_no_run_of_the_base_goes_on_for_ever(checked: dict[str, Checked]) -> None:
    endless = checked["base"].endless
    assert endless is not None
    assert endless.errors == 0
    assert endless.states > checked["base"].found.states


@pytest.mark.long
@pytest.mark.parametrize("one", CONFIGURATIONS, ids=lambda one: one.name)
def test_no_property_is_broken_within_the_deeper_bounds(one: Configuration) -> None:
    needs("spin")
    needs("gcc")
    (found,) = check([one], SystemMonotonicClock(), long=True)
    assert found.errors == 0, found.found.broken
    assert found.found.states >= STATES_AT_LEAST[one.name]


# The map.


def test_every_row_of_the_tables_has_a_step_or_a_reason_and_every_clause_exists() -> (
    None
):
    assert differences(read_steps(), read_outside(), TABLES, CLAUSES) == []


def test_every_clause_that_the_model_cites_exists() -> None:
    areas = {clause.removesuffix("-1") for clause in CLAUSES if clause.endswith("-1")}
    assert cited_clauses(_source(), areas) - CLAUSES == set()


def test_every_step_that_is_printed_says_what_it_stands_for() -> None:
    assert steps_without_comment() == set()


def test_a_row_that_no_step_stands_for_is_noticed() -> None:
    steps = [step for step in read_steps() if step.name != "take-refusal"]
    (found,) = differences(steps, read_outside(), TABLES, CLAUSES)
    assert found.startswith("machine STATED RefusedInService has no step in the model")


def test_a_row_or_clause_that_is_no_more_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.pml").write_text(
        "/* step: vanish\n * Gone.\n * rows: machine STATED Vanished\n"
        f" * clauses: {NO_CLAUSE} */\n"
    )
    found = differences(read_steps(tmp_path), (), {}, CLAUSES)
    assert found == [
        "vanish names machine STATED Vanished, and no table has that row",
        f"step vanish names {NO_CLAUSE}, which SPEC.md does not define",
    ]


def test_a_row_that_is_left_out_and_has_a_step_is_noticed() -> None:
    outside = read_outside()
    steps = read_steps()
    doubled = [*steps, type(steps[0])("x", "", outside[0].rows[:1], (), "x.pml")]
    assert differences(doubled, outside, TABLES, CLAUSES) == [
        "machine ORDERED OrderTaken is left out and has a step"
    ]


def test_the_docs_draw_the_map() -> None:
    text = DOCS.read_text()
    assert show_map(read_steps()) in text
    assert show_outside(read_outside()) in text


def test_the_docs_name_every_configuration_and_its_bounds() -> None:
    text = DOCS.read_text()
    for one in CONFIGURATIONS:
        assert f"| `{one.name}` |" in text
        assert f"| {one.short} |" in text
        assert f"| {one.long} |" in text


def test_the_properties_of_the_model_are_those_of_the_catalogue() -> None:
    named = set(re.findall(r"HOLDS\((\w+-\d+)", _source()))
    listed = (ROOT / "docs" / "properties.md").read_text()
    assert {name for name in named if f"| {name} |" not in listed} == set()
    assert {name for name in named if name not in DOCS.read_text()} == set()


def test_every_planted_switch_belongs_to_a_variant_and_the_other_way_round() -> None:
    in_model = set(re.findall(r"PLANT_[A-Z_]+[A-Z]", _source()))
    planted = {one.switches[0].removeprefix("-D") for one in VARIANTS}
    assert in_model == planted


def test_only_the_model_has_planted_switches() -> None:
    for package in ("protocol", "fm_device", "rmfs_server", "hw"):
        for path in (ROOT / package).rglob("*.py"):
            assert "PLANT_" not in path.read_text(), path


# The command.


def test_the_last_line_of_json_is_the_total() -> None:
    needs("spin")
    needs("gcc")
    result = run("check", "--config", "void", "--json")
    assert result.return_value == 0
    *lines, last = map(json.loads, result.stdout.splitlines())
    assert [line["configuration"] for line in lines] == ["void"]
    assert last["configurations"] == 1
    assert last["errors"] == 0
    assert last["states"] == lines[0]["states"] > 0
    assert last["seconds"] >= 0


def test_a_name_that_is_not_known_is_answered_with_those_that_are() -> None:
    with pytest.raises(UnknownNameError, match="moon: not known; there are base, void"):
        configurations_named(("moon",))


def test_without_spin_the_command_names_its_package(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "rmfs_tools", "model", "check", "--config", "base"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "spin is not on this machine: apt-get install spin" in done.stderr


def test_the_map_is_printed() -> None:
    result = run("map")
    assert result.stdout.startswith("| step | what it is |")


def _source() -> str:
    assert SOURCE.is_file()
    return "".join(path.read_text() for path in sorted(FOLDER.glob("*.pml")))

"""A fleet that plays scenarios: each machine its own, by its own seed and minute."""

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from fm_device.scenarios.library import library_names
from protocol.errors import RmfsError
from rmfs_tools.fleet import FleetError, Member
from rmfs_tools.fleet_cli import add_commands
from rmfs_tools.fleet_file import read_fleet_file
from rmfs_tools.fleet_scenarios import choose_members, play_members
from tests.house.sources import ROOT

FOUR = """\
count = 4
first_licence = "N200001"
scenarios = ["power-cut-in-print", "noisy-line"]
"""
TOO_LATE = """\
count = 4
first_licence = "N200001"
scenarios = ["next-working-day"]
[dial]
from = "00:00"
until = "23:59"
"""
"""It names days, and the last three begin hours later: then the day is another."""


def members(text: str, *only: str) -> list[Member]:
    return choose_members(read_fleet_file(text.encode()), only)


def run(path: Path, *arguments: str) -> Result:
    root = click.Group()
    add_commands(root)
    command = ["fleet", "scenarios", str(path), *arguments]
    return CliRunner().invoke(root, command, standalone_mode=False)


def test_each_machine_plays_its_scenario_by_a_seed_and_from_a_minute_of_its_own() -> (
    None
):
    found = list(play_members(members(FOUR)))
    names = [one.played.name for one in found]
    assert names == ["power-cut-in-print", "noisy-line"] * 2
    assert all(one.played.met for one in found)
    assert len({one.played.seed for one in found}) == 4
    assert [one.member.scenario_delay_minutes for one in found] == [0, 22, 45, 67]
    assert found[1].played.virtual_s != found[3].played.virtual_s


def test_the_same_fleet_plays_the_same_again_and_another_seed_another() -> None:
    once, again = (list(play_members(members(FOUR, "N200002"))) for _ in range(2))
    assert once == again
    (other,) = play_members(members("seed = 2\n" + FOUR, "N200002"))
    assert once[0].played.virtual_s != other.played.virtual_s


def test_what_did_not_go_as_expected_is_told_with_its_command(tmp_path: Path) -> None:
    file = tmp_path / "late.toml"
    file.write_text(TOO_LATE)
    told = run(file)
    assert told.return_value == 1
    assert "next-working-day: 1 of 4 as expected" in told.stdout
    assert f"again: rmfs fleet scenarios {file} --only N200002" in told.stdout
    again = run(file, "--only", "N200002", "--json")
    assert again.return_value == 1
    summary = json.loads(again.stdout)
    assert (summary["machines"], summary["met"]) == (1, 0)
    (missed,) = summary["missed"]
    assert (missed["licence"], missed["delay_minutes"]) == ("N200002", 359)
    assert missed["unmet"][0]["key"] == "printed-on"


def test_the_fleet_in_the_document_plays_as_the_document_shows(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "fleets.md").read_text("utf-8")
    (toml,) = re.findall(r"```toml\n([^`]*scenarios = [^`]*)```", text)
    (shown,) = re.findall(
        r"rmfs fleet scenarios troubles.toml\n```\n\n```text\n(.*?)```", text, re.DOTALL
    )
    file = tmp_path / "troubles.toml"
    file.write_text(toml)
    told = run(file)
    assert told.return_value == 0
    assert told.stdout == shown


@pytest.mark.parametrize(
    ("text", "only", "said"),
    [
        ('count = 1\nfirst_licence = "N200001"', (), "the fleet's file names none"),
        (FOUR, ("N200005",), "N200005 is no machine of this fleet"),
    ],
)
def test_what_cannot_be_played_is_refused(
    text: str, only: tuple[str, ...], said: str
) -> None:
    with pytest.raises(FleetError, match=said):
        members(text, *only)


def test_a_scenario_that_nobody_knows_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(FOUR.replace("noisy-line", "noisy-lines"))
    for path in (file, tmp_path):
        told = run(path)
        assert isinstance(told.exception, RmfsError)
        said = "fleet.toml: scenarios[1]: no scenario is called 'noisy-lines'; is noisy"
        assert said in str(told.exception)


@pytest.mark.long
def test_every_shipped_scenario_goes_as_it_says_in_the_usual_window() -> None:
    names = ", ".join(f'"{name}"' for name in library_names())
    plan = f'first_licence = "N200001"\nscenarios = [{names}]\n'
    for count in (len(library_names()), 2 * len(library_names()) - 1):
        found = play_members(members(f"count = {count}\n{plan}"))
        assert [one.show() for one in found if not one.played.met] == []

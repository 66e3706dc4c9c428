"""`rmfs scenario` at a terminal: exit codes, words for people, JSON for programs."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from fm_device.scenarios.library import library_file, library_names
from rmfs_tools.scenario_cli import add_commands

GOOD = 'title = "Mine"\n[[steps]]\nzero = 1\nexpect = { imprints = 1 }\n'
UNMET = GOOD.replace("imprints = 1", "imprints = 2")
WRONG = GOOD.replace("zero", "zreo")


def run(*arguments: str) -> Result:
    root = click.Group()
    add_commands(root)
    return CliRunner().invoke(root, ["scenario", *arguments], standalone_mode=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_a_scenario_that_goes_as_it_says_exits_with_0(file: Path) -> None:
    file.write_text(GOOD)
    result = run("run", str(file))
    assert result.return_value == 0
    assert result.stdout.startswith("mine: as expected; 1 steps, 1 imprints, ")
    assert "steps[1] zero" in result.stderr


def test_one_that_does_not_exits_with_1_and_says_where_and_how_again(
    file: Path,
) -> None:
    file.write_text(UNMET)
    result = run("run", str(file), "--seed", "7")
    assert result.return_value == 1
    assert "steps[1]: imprints expected 2, found 1" in result.stdout
    assert f"again: rmfs scenario run {file} --seed 7" in result.stdout


def test_a_file_that_is_wrong_exits_with_2_and_plays_nothing(file: Path) -> None:
    file.write_text(WRONG)
    for command in ("run", "check"):
        result = run(command, "zero-prints", str(file))
        assert result.return_value == 2
        assert result.stdout == ""
        assert f"{file}, line 3, steps[1].zreo: no such verb" in result.stderr


def test_a_program_is_told_the_place_of_what_is_wrong(file: Path) -> None:
    file.write_text(WRONG)
    for command in ("run", "check"):
        result = run(command, str(file), "--json")
        wrong = json.loads(result.stdout)["wrong"]
        assert (wrong["line"], wrong["place"]) == (3, "steps[1].zreo")
        assert result.return_value == 2


def test_a_program_is_told_how_each_scenario_went(file: Path) -> None:
    file.write_text(UNMET)
    found = json.loads(run("run", "zero-prints", str(file), "--json").stdout)
    assert found["met"] is False
    first, second = found["scenarios"]
    assert (first["name"], first["met"], first["imprints"]) == ("zero-prints", True, 7)
    assert second["unmet"] == [
        {"step": "steps[1]", "key": "imprints", "expected": "2", "found": "1"}
    ]


def test_pictures_go_into_a_folder_of_each_scenario(file: Path, tmp_path: Path) -> None:
    file.write_text(GOOD)
    folder = tmp_path / "franks"
    assert run("run", str(file), "--pictures", str(folder)).return_value == 0
    assert list((folder / "mine").glob("*.png"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for name in ("nowhere.toml", str(tmp_path / "nowhere")):
        result = run("check", name)
        assert result.return_value == 2
        assert "there is no such file" in result.stderr


def test_nothing_named_is_a_mistake_in_typing() -> None:
    assert isinstance(run("run").exception, click.UsageError)


def test_in_real_time_it_goes_as_in_virtual_time(file: Path) -> None:
    file.write_text(GOOD)
    result = run("run", str(file), "--real", "--json")
    assert result.return_value == 0
    (found,) = json.loads(result.stdout)["scenarios"]
    assert (found["met"], found["stopped"]) == (True, False)


def test_virtual_time_cannot_hurry() -> None:
    assert isinstance(
        run("run", "zero-prints", "--hurry", "60").exception, click.UsageError
    )


def test_the_library_is_listed_for_people_and_for_programs() -> None:
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(library_names())
    found = json.loads(run("list", "--json").stdout)
    assert [one["name"] for one in found] == list(library_names())
    assert all(one["title"] and one["steps"] for one in found)


def test_a_file_is_checked_without_being_played(file: Path) -> None:
    file.write_text(UNMET)
    result = run("check", str(file), "ordinary-day")
    assert result.return_value == 0
    assert result.stdout.splitlines()[0] == "mine: Mine; 1 steps, in order"
    found = json.loads(run("check", str(file), "--json").stdout)
    assert found[0]["name"] == "mine"


def test_a_shipped_scenario_is_shown_as_it_is_written() -> None:
    assert run("show", "zero-prints").stdout == library_file("zero-prints").decode()
    assert run("show", "zero-print").return_value == 2

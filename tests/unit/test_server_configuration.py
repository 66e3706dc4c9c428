"""Settings of `rmfs server run` in a file: what counts, what is said of mistakes."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from rmfs_server.config_cli import Configured
from rmfs_server.configuration import (
    check_file,
    options_of,
    read_defaults,
    read_toml,
    show_example,
)
from rmfs_server.folder import SETTINGS, ServerFolderError, read_settings
from rmfs_tools.cli import main, tree

OWN = """\
# Settings of this recharge server.
name = "TEST-OEM"
realm = "TEST"
kid = 1
credit_key = 1
database = ""
two_persons = false
"""


def run_command() -> click.Command:
    root = tree()
    server = root.get_command(click.Context(root), "server")
    assert isinstance(server, click.Group)
    return server.commands["run"]


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / SETTINGS
    path.write_text(text, "utf-8")
    found = check_file(read_toml(path), run_command())
    return [str(one).removeprefix(f"{path}:") for one in found]


# What is wrong is named with its line, its key and the reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run]\ncals = 5\n", "2: run.cals: there is no such setting"),
        ("[run]\n\ncalls = 0\n", "3: run.calls: 0 is not in the range 1<=x<=100000"),
        ("[run]\ncalls = '5'\n", "2: run.calls: must be a whole number"),
        ("[run]\ncalls = true\n", "2: run.calls: must be a whole number"),
        ("[run]\ncalls = 5.0\n", "2: run.calls: must be a whole number"),
        ("[run]\ndrain-s = '1'\n", "2: run.drain-s: must be a number"),
        ("[run]\nline = 'tcp:a:1'\n", "2: run.line: must be an array, as in [...]"),
        ("[run]\nline = [1]\n", "2: run.line: must be text, in quotes"),
        ("[run]\ncapture = 5\n", "2: run.capture: must be text, in quotes"),
        ("[run]\npool = '10.0.0.7=4'\n", "2: run.pool: must be an array, as in [...]"),
        (
            '[run]\npool = ["10.0.0.7=0"]\n',
            "2: run.pool: 0 is not in the range 1<=x<=4096",
        ),
        ("[run]\nconfig = 'x'\n", "2: run.config: there is no such setting"),
        ("run = 5\n", "1: run: it is a table: [run]"),
        ("\n[runs]\ncalls = 5\n", "2: runs: there is no such setting"),
        ("[run]\n'calls' = 0\n", "2: run.calls: 0 is not in the range 1<=x<=100000"),
        (OWN.replace("kid = 1", "kid = '1'"), "4: kid: must be a whole number"),
        (OWN.replace('TEST"', 'LAB"'), "3: realm: must be TEST or PRODUCTION"),
        (OWN + "colour = 1\n", "8: colour: there is no such setting"),
    ],
)
def test_a_fault_has_its_line_its_key_and_its_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    assert [one.rstrip(".") for one in faults(tmp_path, text)] == [said]


def test_a_line_string_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (said,) = faults(tmp_path, '[run]\nline = ["tcp:127.0.0.1:1", "pigeon:5"]\n')
    assert said.startswith("2: run.line: ")
    assert "pigeon" in said


def test_a_setting_that_is_missing_is_named(tmp_path: Path) -> None:
    text = OWN.replace("kid = 1\n", "")
    (said,) = faults(tmp_path, text)
    assert said.endswith("kid: is missing")


def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for octets, line in (
        (b"[run]\ncalls =\n", 2),
        (b"[run]\ncalls = 1\ncalls = 2\n", 3),
        (b"[run]\n# \xff\n", 2),
        (b"[run]\ncapture = '''\n", 3),
    ):
        path.write_bytes(octets)
        with pytest.raises(click.ClickException, match=rf"a\.toml:{line}: ") as caught:
            run_command().make_context("run", ["--config", str(path)])
        assert caught.value.exit_code == 2


def test_the_line_is_that_of_the_setting_and_not_of_a_text_that_looks_so(
    tmp_path: Path,
) -> None:
    text = "[run]\ncapture = '''\ncalls = 0\n'''\n\n[other]\n[run.x]\n"
    lines = faults(tmp_path, text.replace("[other]\n[run.x]\n", "calls = 0\n"))
    assert lines[-1].startswith("6: run.calls: ")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "[run]\ncals = 5\ncalls = 0\n")) == 2


# What counts


def _taken(*arguments: str) -> dict[str, Any]:
    return run_command().make_context("run", list(arguments)).params


def test_what_is_typed_goes_before_the_file_and_the_file_before_the_default(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[run]\ncalls = 7\ndrain-s = 2\nline = ["tcp:127.0.0.1:7"]\n')
    taken = _taken("--config", str(path), "--calls", "9")
    assert (taken["calls"], taken["drain_s"]) == (9, 2.0)
    assert taken["wrong_per_line"] == _taken()["wrong_per_line"] == 20
    assert [str(line) for line in taken["lines"]] == ["tcp:127.0.0.1:7"]
    typed = _taken("--config", str(path), "--line", "tcp:127.0.0.1:8")
    assert [str(line) for line in typed["lines"]] == ["tcp:127.0.0.1:8"]


def test_the_file_in_the_folder_counts_where_none_is_named(tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_text(OWN + "[run]\ncalls = 7\n")
    named = tmp_path / "b.toml"
    named.write_text("[run]\ndrain-s = 2\n")
    assert _taken("--server", str(tmp_path))["calls"] == 7
    taken = _taken("--server", str(tmp_path), "--config", str(named))
    assert (taken["calls"], taken["drain_s"]) == (1000, 2.0)


def test_a_path_is_meant_from_the_folder_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[run]\ncapture = "calls"\n')
    assert _taken("--config", str(path))["capture"] == tmp_path / "calls"


def test_the_settings_of_the_server_are_read_beside_its_table(tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_text(OWN + "[run]\ncalls = 7\n")
    assert read_settings(tmp_path).name == "TEST-OEM"
    (tmp_path / SETTINGS).write_text(OWN + "[runs]\ncalls = 7\n")
    with pytest.raises(ServerFolderError, match="no setting runs"):
        read_settings(tmp_path)


# The example


def test_the_example_makes_no_setting_and_can_be_put_behind_server_toml(
    tmp_path: Path,
) -> None:
    example = show_example(run_command())
    assert tomllib.loads(example) == {"run": {}}
    assert faults(tmp_path, OWN + example) == []


def test_the_example_shows_every_option_with_a_value_that_can_be_used(
    tmp_path: Path,
) -> None:
    example = show_example(run_command())
    written = re.sub(r"(?m)^#(?! )", "", example)
    assert faults(tmp_path, written) == []
    assert tomllib.loads(written)["run"].keys() == options_of(run_command()).keys()
    path = tmp_path / "a.toml"
    path.write_text(written)
    shown, default = read_defaults(path, run_command()), _taken()
    known = {name for name, value in default.items() if value is not None}
    taken = _taken("--config", str(path))
    assert {name: taken[name] for name in known} == {
        name: default[name] for name in known
    }
    assert shown.keys() >= known - {"server"}


def test_lines_of_the_example_are_read_in_a_terminal() -> None:
    assert max(map(len, show_example(run_command()).splitlines())) <= 88


def test_a_flag_is_a_truth() -> None:
    flag = click.Option(["--loud"], is_flag=True, help="Loud.")
    server = click.Option(["--server"], default=".", help="Where.")
    command = Configured("run", params=[server, flag])
    assert "#loud = false" in show_example(command)


# The commands


def _rmfs(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main([*map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_the_checker_says_what_can_be_used_and_what_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / SETTINGS
    check = ("server", "config", "check", "--server", tmp_path)
    path.write_text(OWN + "[run]\ncalls = 7\n")
    assert _rmfs(capsys, *check) == (0, f"{path} can be used\n")
    path.write_text(OWN + "[run]\ncals = 7\n")
    code, said = _rmfs(capsys, *check, "--json")
    assert code == 1
    assert json.loads(said) == {
        "faults": [
            {
                "file": str(path),
                "line": 9,
                "key": "run.cals",
                "reason": "there is no such setting",
            }
        ]
    }
    path.write_text("[run\n")
    code, said = _rmfs(capsys, *check)
    assert code == 1
    assert said.startswith(f"{path}:1: ")


def test_a_server_does_not_start_with_a_setting_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / SETTINGS
    path.write_text(OWN + "[run]\ncals = 7\n")
    code, said = _rmfs(capsys, "server", "run", "--server", tmp_path)
    assert code == 2
    assert f"{path}:9: run.cals: there is no such setting" in said


def test_help_is_there_whatever_the_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / SETTINGS).write_text("[run\n")
    code, said = _rmfs(capsys, "server", "run", "--server", tmp_path, "--help")
    assert (code, "--config" in said) == (0, True)

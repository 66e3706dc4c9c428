"""The units and the container file that ship start what there is, and may do little.

systemd's own programs judge the units; what they do not look at is read here.
"""

import re
import shlex
import subprocess
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from rmfs_tools.cli import tree
from tests.witness.programs import needs

FOLDER = Path(__file__).parents[2] / "rmfs_server" / "deployment"
UNITS = sorted((FOLDER / "systemd").glob("*.service"))
TIMERS = sorted((FOLDER / "systemd").glob("*.timer"))
PROGRAM = "/opt/rmfs/rmfs"
EXPOSURE_MAX = 15
"""In tenths, as `systemd-analyze security` counts from 0, safe, to 100."""


class Unit(ConfigParser):
    """A unit file; a name that stands twice has the last value, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.optionxform = str  # type: ignore[assignment, method-assign]
        self.read_string(text)


def commands(text: str) -> list[list[str]]:
    """Find what a unit starts of ours: the words behind the program."""
    lines = re.findall(rf"(?m)^Exec\w+={PROGRAM} (.*)$", text)
    return [shlex.split(line) for line in lines]


def check_command(words: list[str]) -> None:
    """Let the product read a command line; nothing is run."""
    command: click.Command = tree()
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    command.make_context(command.name, words)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_what_a_unit_starts_is_a_command_of_ours(path: Path) -> None:
    found = commands(path.read_text())
    assert found
    for words in found:
        check_command(words)


def test_a_command_that_is_not_ours_is_seen() -> None:
    with pytest.raises(click.UsageError):
        check_command(["server", "run", "--colour", "blue"])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_has_a_user_of_its_own_and_one_folder_to_write_to(path: Path) -> None:
    service = Unit(path.read_text())["Service"]
    assert service["User"] == "rmfs-server"
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == (
        "rmfs-server",
        "0700",
    )
    assert service["ProtectSystem"] == "strict"
    assert "ReadWritePaths" not in service
    assert (service["UMask"], service["LimitCORE"]) == ("0077", "0")


def test_all_units_are_hardened_alike() -> None:
    def tail(path: Path) -> str:
        text = path.read_text().partition("# What the program may not do")[2]
        return text.partition("[Install]")[0].strip()

    assert len({tail(path) for path in UNITS}) == 1
    assert "NoNewPrivileges=yes" in tail(UNITS[0])


def test_the_server_has_time_to_drain_and_is_not_started_with_wrong_settings() -> None:
    unit = Unit((FOLDER / "systemd" / "rmfs-server.service").read_text())["Service"]
    root = tree()
    server = root.get_command(click.Context(root), "server")
    assert isinstance(server, click.Group)
    params = server.commands["run"].make_context("run", []).params
    assert float(unit["TimeoutStopSec"]) > params["drain_s"] + 30
    assert unit["KillMode"] == "mixed"
    assert unit["Restart"] == "on-failure"
    assert unit["RestartPreventExitStatus"] == "2"
    assert unit["ExecStartPre"].endswith("config check")


@pytest.mark.parametrize("path", TIMERS, ids=lambda path: path.name)
def test_a_timer_has_its_unit(path: Path) -> None:
    assert path.with_suffix(".service") in UNITS
    assert Unit(path.read_text())["Timer"]["OnCalendar"].endswith("Asia/Kolkata")


def test_logs_are_rotated_where_the_units_may_write_them() -> None:
    text = (FOLDER / "logrotate" / "rmfs-server").read_text()
    found = re.search(r"(?m)^(\S+) \{\n((?:    .*\n)+)\}$", text)
    assert found is not None
    rules = dict(line.strip().partition(" ")[::2] for line in found[2].splitlines())
    for name in ("rmfs-server", "rmfs-server-exchange"):
        unit = Unit((FOLDER / "systemd" / f"{name}.service").read_text())["Service"]
        assert found[1] == f"/var/log/{unit['LogsDirectory']}/*.log"
        assert unit["LogsDirectoryMode"] == "0700"
        assert rules["su"] == f"{unit['User']} {unit['Group']}"
    assert int(rules["maxage"]) == 180
    # With these no line is lost: see test_server_log_file.py.
    assert {"nocreate", "delaycompress"} <= rules.keys()
    assert "copytruncate" not in rules


def mistakes(folder: Path, *, added: str = "") -> list[str]:
    """Let systemd look at copies of the units; the program is not installed here."""
    names = []
    for path in (*UNITS, *TIMERS):
        text = path.read_text().replace(PROGRAM, "/bin/true")
        copy = folder / path.name
        copy.write_text(text.replace("LimitCORE=0", f"LimitCORE=0\n{added}"))
        # systemd warns of a unit that everybody may write.
        copy.chmod(0o644)
        names.append(str(copy))
    said = subprocess.run(
        [needs("systemd-analyze"), "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    # What it thinks of units of this machine is not ours.
    return [line for line in said.stderr.splitlines() if "rmfs-server" in line]


def test_systemd_finds_no_mistake_in_them(tmp_path: Path) -> None:
    assert mistakes(tmp_path) == []


def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    found = mistakes(tmp_path, added="ProtectSistem=strict")
    assert len(found) == len(UNITS)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_counts_little_exposure(path: Path) -> None:
    said = subprocess.run(
        [
            *(needs("systemd-analyze"), "security", "--offline=true", "--no-pager"),
            *(f"--threshold={EXPOSURE_MAX}", str(path)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_container_runs_as_nobody_else_and_starts_what_there_is() -> None:
    text = (FOLDER / "Containerfile").read_text()
    steps = re.findall(r"(?m)^([A-Z]+) (.*)$", text)
    names = [name for name, _ in steps]
    told = dict(steps)
    assert told["USER"] == "rmfs-server"
    assert names.index("USER") > max(
        at for at, name in enumerate(names) if name in {"RUN", "COPY"}
    )
    assert told["ENTRYPOINT"] == f'["{PROGRAM}"]'
    check_command(re.findall(r'"([^"]*)"', told["CMD"]))
    assert not told["FROM"].endswith(("latest", "debian"))

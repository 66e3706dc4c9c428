"""Every command of `rmfs` explains itself, and its scripts are well formed."""

import subprocess
from collections.abc import Iterator

import click
import pytest

from rmfs_server.options_cli import FiniteRange
from rmfs_tools.cli import CONTRIBUTIONS, tree
from tests.house.sources import ROOT
from tests.witness.programs import DEBIAN_PACKAGES


def _commands(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


ALL = list(_commands(tree(), ("rmfs",)))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_a_command_has_help_and_an_example(path: str, command: click.Command) -> None:
    assert command.help
    assert "Example" in (command.epilog or "")
    assert f"\n  {path} " in (command.epilog or "") + " "
    assert "\\b" not in command.help, "click wants the character, not the two"


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_every_option_says_what_it_does(path: str, command: click.Command) -> None:
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert not [one.name for one in options if not one.help and not one.hidden]


def test_no_option_takes_infinity_or_what_is_no_number() -> None:
    loose = {
        f"{path} {option.name}"
        for path, command in ALL
        for option in command.params
        if isinstance(option.type, click.FloatRange | type(click.FLOAT))
        and not isinstance(option.type, FiniteRange)
    }
    assert not loose


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
def test_what_cannot_be_counted_with_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"finite|range"):
        FiniteRange(0).convert(text, None, None)


def test_a_package_brings_exactly_the_commands_that_are_announced_for_it() -> None:
    for contribution in CONTRIBUTIONS:
        root = click.Group()
        contribution.add(root)
        assert set(root.commands) == set(contribution.commands)


@pytest.mark.parametrize(
    ("script", "shell"), [("rmfs", "sh"), (".ci/run", "bash")], ids=["rmfs", "ci"]
)
def test_scripts_are_well_formed(script: str, shell: str) -> None:
    subprocess.run([shell, "-n", script], cwd=ROOT, check=True)


def test_continuous_integration_installs_every_outside_program() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    assert not [name for name in DEBIAN_PACKAGES.values() if name not in text]

"""The one command: what is imported when, and what an exit code means."""

import click
import pytest

from protocol.errors import InvariantError, LinkDownError, NeedsAttentionError
from rmfs_tools import __version__
from rmfs_tools.cli import Contribution, main


def command_that_raises(error: BaseException) -> Contribution:
    def add(root: click.Group) -> None:
        @root.command("go")
        def go() -> None:
            raise error

    return Contribution(("go",), add)


def command_that_returns(result: object) -> Contribution:
    def add(root: click.Group) -> None:
        @root.command("go")
        def go() -> object:
            return result

    return Contribution(("go",), add)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvariantError("AR + DR is not CT"), 1, "rmfs: AR + DR is not CT\n"),
        (NeedsAttentionError("the bank is away"), 1, "rmfs: the bank is away\n"),
        (LinkDownError("no carrier"), 3, "rmfs: no carrier\n"),
        (click.UsageError("no such licence"), 2, "Error: no such licence\n"),
        (KeyboardInterrupt(), 130, "rmfs: interrupted\n"),
    ],
)
def test_what_a_command_raises_becomes_a_sentence_and_an_exit_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["go"], [command_that_raises(error)]) == code
    output = capsys.readouterr()
    assert output.err.endswith(said)
    assert not output.out


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        main(["go"], [command_that_raises(ZeroDivisionError())])


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_a_command_returns_nothing_or_its_exit_code(result: object, code: int) -> None:
    assert main(["go"], [command_that_returns(result)]) == code


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["chekc"]) == 2
    assert "check" in capsys.readouterr().err


def test_rmfs_alone_shows_the_help_and_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert "Usage: rmfs" in capsys.readouterr().err


def test_the_version_imports_no_package(capsys: pytest.CaptureFixture[str]) -> None:
    def add(_: click.Group) -> None:
        pytest.fail("imported")

    assert main(["--version"], [Contribution(("go",), add)]) == 0
    assert capsys.readouterr().out == f"rmfs {__version__}\n"


def test_only_the_package_of_the_command_is_imported() -> None:
    def add(_: click.Group) -> None:
        pytest.fail("imported")

    other = Contribution(("other",), add)
    assert main(["go"], [other, command_that_returns(None)]) == 0


def test_help_lists_the_commands_of_all_packages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"], [command_that_returns(None)]) == 0
    assert "go" in capsys.readouterr().out

"""The one command `rmfs`: which package brings which commands, and what an exit means.

Each package contributes its part of the tree in its own module, by one function
`add_commands(root: click.Group) -> None`; `CONTRIBUTIONS` names them all. A module is
imported when one of its commands is asked for, so that `rmfs --version` stays quick.

What every command keeps to (a house test walks the tree):

- a sentence of help, and an example in its `epilog`, after a line `Example:`;
- results go to stdout, everything said on the way to stderr;
- it returns nothing, or an `int` to exit with; it raises `RmfsError` for what went
  wrong, and `click.UsageError` for what was typed wrong.

Exit codes: 0 done; 1 refused or failed; 2 typed wrong; 3 the line or the bench failed,
so nothing is said about what was to be tried; 130 interrupted.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import click

from protocol.errors import LinkDownError, RmfsError
from rmfs_tools import __version__

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_LINE: Final = 3
EXIT_INTERRUPTED: Final = 130

_EXIT_BY_ERROR: Final[tuple[tuple[type[Exception], int], ...]] = (
    (LinkDownError, EXIT_LINE),
    (RmfsError, EXIT_FAILED),
)
"""The first row whose type fits decides."""


@dataclass(frozen=True)
class Contribution:
    """The top-level commands that one package brings."""

    commands: tuple[str, ...]
    add: Callable[[click.Group], None]
    """Imports the package's command module and calls its `add_commands`."""


def _check(root: click.Group) -> None:
    from rmfs_tools.check import add_commands

    add_commands(root)


def _machine(root: click.Group) -> None:
    from fm_device.cli import add_commands

    add_commands(root)


def _server(root: click.Group) -> None:
    from rmfs_server.cli import add_commands
    from rmfs_tools import rehearse_cli

    add_commands(root)
    server = root.commands["server"]
    if isinstance(server, click.Group):
        rehearse_cli.add_commands(server)


def _dop(root: click.Group) -> None:
    from dop_gateway.cli import add_commands
    from rmfs_tools.killing import cli as killing
    from rmfs_tools.rehearsal import cli as rehearsal

    add_commands(root)
    dop = root.commands["dop"]
    if isinstance(dop, click.Group):
        rehearsal.add_commands(dop)
        killing.add_commands(dop)


def _demo(root: click.Group) -> None:
    from rmfs_tools.demo import add_commands

    add_commands(root)


def _up(root: click.Group) -> None:
    from rmfs_tools.together.cli import add_commands

    add_commands(root)


def _frank(root: click.Group) -> None:
    from rmfs_tools.frank_cli import add_commands

    add_commands(root)


def _bench(root: click.Group) -> None:
    from rmfs_tools.bench.cli import add_commands

    add_commands(root)


def _maker(root: click.Group) -> None:
    from rmfs_tools.maker_cli import add_commands

    add_commands(root)


def _scale(root: click.Group) -> None:
    from rmfs_tools.scale_cli import add_commands

    add_commands(root)


def _fleet(root: click.Group) -> None:
    from rmfs_tools.fleet_cli import add_commands

    add_commands(root)


def _modem(root: click.Group) -> None:
    from rmfs_tools.modem_cli import add_commands

    add_commands(root)


def _scenario(root: click.Group) -> None:
    from rmfs_tools.scenario_cli import add_commands

    add_commands(root)


def _watch(root: click.Group) -> None:
    from rmfs_tools.watch_cli import add_commands

    add_commands(root)


def _dissector(root: click.Group) -> None:
    from rmfs_tools.dissector_cli import add_commands

    add_commands(root)


def _line(root: click.Group) -> None:
    from rmfs_tools.line_cli import add_commands

    add_commands(root)


def _simulate(root: click.Group) -> None:
    from rmfs_tools.simulation.cli import add_commands

    add_commands(root)


def _model(root: click.Group) -> None:
    from rmfs_tools.model_cli import add_commands

    add_commands(root)


def _certify(root: click.Group) -> None:
    from rmfs_tools.certify_cli import add_commands

    add_commands(root)


def _lab(root: click.Group) -> None:
    from rmfs_tools.lab_cli import add_commands

    add_commands(root)


CONTRIBUTIONS: Final = (
    Contribution(("demo",), _demo),
    Contribution(("up",), _up),
    Contribution(("check",), _check),
    Contribution(("machine",), _machine),
    Contribution(("server", "evidence"), _server),
    Contribution(("dop", "bank"), _dop),
    Contribution(("maker",), _maker),
    Contribution(("frank",), _frank),
    Contribution(("bench",), _bench),
    Contribution(("line",), _line),
    Contribution(("modem",), _modem),
    Contribution(("scale",), _scale),
    Contribution(("scenario",), _scenario),
    Contribution(("fleet",), _fleet),
    Contribution(("simulate",), _simulate),
    Contribution(("model",), _model),
    Contribution(("certify",), _certify),
    Contribution(("lab",), _lab),
    Contribution(("watch",), _watch),
    Contribution(("dissector",), _dissector),
)


class CommandTree(click.Group):
    """A group whose commands are imported when they are first needed."""

    def __init__(self, contributions: Sequence[Contribution]) -> None:
        """Take the contributions; none of them is imported yet."""
        super().__init__(
            name="rmfs",
            help="Remotely managed franking: machines, recharge server, lines, lab.",
            epilog="\b\nExample:\n  rmfs check --only lint",
            no_args_is_help=True,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        self._waiting = list(contributions)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command, which imports them all."""
        self._bring(self._waiting)
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command; for an unknown one, import all so that click can suggest."""
        wanted = [part for part in self._waiting if cmd_name in part.commands]
        if cmd_name not in self.commands:
            self._bring(wanted or self._waiting)
        return super().get_command(ctx, cmd_name)

    def _bring(self, contributions: Sequence[Contribution]) -> None:
        for contribution in list(contributions):
            contribution.add(self)
            self._waiting.remove(contribution)


def tree(contributions: Sequence[Contribution] = CONTRIBUTIONS) -> click.Group:
    """Build the root of the command tree."""
    root = CommandTree(contributions)
    return click.version_option(__version__, message="rmfs %(version)s")(root)


def main(
    arguments: Sequence[str], contributions: Sequence[Contribution] = CONTRIBUTIONS
) -> int:
    """Run one command and turn whatever happens into an exit code and a sentence.

    An exception that is not ours is a bug and keeps its traceback.

    Args:
        arguments: What was typed after `rmfs`.
        contributions: The packages' parts of the tree.

    Returns:
        The exit code.
    """
    try:
        result = tree(contributions).main(
            args=list(arguments), prog_name="rmfs", standalone_mode=False
        )
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("rmfs: interrupted", err=True)
        return EXIT_INTERRUPTED
    except RmfsError as error:
        click.echo(f"rmfs: {error}", err=True)
        return next(code for kind, code in _EXIT_BY_ERROR if isinstance(error, kind))
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does. Python would complain once
        # more when it flushes stdout at exit.
        sys.stderr.close()
        return EXIT_FAILED
    return result if isinstance(result, int) else EXIT_DONE

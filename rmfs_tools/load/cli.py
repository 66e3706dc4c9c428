"""`rmfs fleet load`: a server under load, in a terminal, as JSON and as a page."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fm_device.typed_cli import LINE
from rmfs_server.options_cli import FiniteRange

if TYPE_CHECKING:
    from hw.lines.strings import LineAddress

_FOLDER: Final = click.Path(path_type=Path, file_okay=False, exists=True)
_REPORT: Final = click.Path(path_type=Path, dir_okay=False)
_EXIT_FAILED: Final = 1
_PAISE: Final = 100
_IN_MEMORY: Final = 1_000


def add_commands(fleet: click.Group) -> None:
    """Bring the command into the group of fleets."""
    fleet.add_command(load)


@click.command(
    epilog="\b\nExamples:\n"
    "  rmfs fleet load --server rmfs-server --line tcp:127.0.0.1:7001\n"
    "  rmfs fleet load --server rmfs-server --line tcp:127.0.0.1:7001 \\\n"
    "    --machines 10000 --rate 200 --seconds 300 --report load.html\n"
    "  rmfs fleet load --server rmfs-server --line tcp:127.0.0.1:7001 --fleet offices"
)
@click.option(
    "--server",
    type=_FOLDER,
    required=True,
    help="Folder of the server: machines are enrolled there, and its books are read.",
)
@click.option("--line", type=LINE, required=True, help="Where it answers.")
@click.option(
    "--fleet",
    "fleet_folder",
    type=_FOLDER,
    help="Folder of a fleet that is enrolled: its machines dial, none is made.",
)
@click.option(
    "--machines",
    type=click.IntRange(1, 100_000),
    help="How many dial; left out: 1,000 in memory, or all of the fleet.",
)
@click.option(
    "--rate",
    type=FiniteRange(0.01, 100_000),
    default=50.0,
    show_default=True,
    help="Dial-ins that come due in a second, whether others are answered or not.",
)
@click.option(
    "--seconds",
    type=FiniteRange(1, 86_400),
    default=60.0,
    show_default=True,
    help="How long dial-ins come due.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="In which the machines are; one dials some hundred times a second.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Chooses the moments."
)
@click.option("--even", is_flag=True, help="The same gap between all moments.")
@click.option(
    "--rupees",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="Of each recharge.",
)
@click.option(
    "--attempts",
    type=click.IntRange(1, 10),
    default=10,
    show_default=True,
    help="Calls of a dial-in before its machine gives up.",
)
@click.option("--report", type=_REPORT, help="Draw what went on as a page of HTML.")
@click.option("--json", "as_json", is_flag=True, help="End with a line of JSON.")
def load(
    *,
    server: Path,
    line: "LineAddress",
    fleet_folder: Path | None,
    machines: int | None,
    rate: float,
    seconds: float,
    processes: int,
    seed: int,
    even: bool,
    rupees: int,
    attempts: int,
    report: Path | None,
    as_json: bool,
) -> int:
    """Put a server under load, and count everything afterwards.

    Machines in memory are enrolled and funded in the server's books, for good: take a
    server of the realm TEST for that alone. They dial at moments that a seed chooses.
    In the end every machine dials until nothing is open, and its money is held against
    the books. Exit 1 when a paisa is lost, doubled or open, or nothing was recharged.
    """
    if report is not None and not report.absolute().parent.is_dir():
        raise click.BadParameter(f"{report.parent} is no folder", param_hint="--report")
    from protocol.values import Paise
    from rmfs_tools.load.driving import run
    from rmfs_tools.load.page import render
    from rmfs_tools.load.plan import Load
    from rmfs_tools.load.table import Table

    count = _count(fleet_folder, machines)
    plan = Load(
        server=str(server),
        fleet="" if fleet_folder is None else str(fleet_folder),
        line=str(line),
        machines=count,
        rate=rate,
        seconds=seconds,
        processes=min(processes, count),
        seed=seed,
        even=even,
        amount_paise=Paise(rupees * _PAISE),
        attempts=attempts,
    )
    table = Table(lambda words: click.echo(words, err=True), plan.every_s)
    live = sys.stdout.isatty() and sys.stderr.isatty()
    result = run(
        plan,
        lambda words: click.echo(words, err=True),
        table.tell if live else table.keep_silent,
    )
    if as_json:
        click.echo(json.dumps(result.as_json()))
    else:
        click.echo("\n".join(result.show()))
    if report is not None:
        _write(report, render(result))
    return 0 if result.is_good else _EXIT_FAILED


def _count(fleet: Path | None, wanted: int | None) -> int:
    """Say how many machines dial."""
    from rmfs_tools.fleet_folder import read_fleet

    if fleet is None:
        return _IN_MEMORY if wanted is None else wanted
    there = read_fleet(fleet).count
    if wanted is not None and wanted > there:
        message = f"{fleet} has {there} machines"
        raise click.BadParameter(message, param_hint="--machines")
    return there if wanted is None else wanted


def _write(path: Path, page: str) -> None:
    from rmfs_tools.load.driving import LoadError

    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise LoadError(f"{path} cannot be written: {error.strerror}") from error

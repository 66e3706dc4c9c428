"""`rmfs dop rehearse-kills`."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rmfs_tools.killing.plan import Plan


def add_commands(dop: click.Group) -> None:
    """Bring the command into the group of the gateway."""
    dop.add_command(rehearse_kills)


@click.command(
    "rehearse-kills",
    epilog="\b\nExamples:\n  rmfs dop rehearse-kills --kills 20\n"
    "  rmfs dop rehearse-kills --seed 1 --only 17 --keep what-is-left",
)
@click.option(
    "--kills",
    type=click.IntRange(1, 10_000),
    default=200,
    show_default=True,
    help="How many.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Decides whom they strike, when, and what is exchanged.",
)
@click.option(
    "--only", type=click.IntRange(min=1), help="Only the kill of this number."
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, exists=False, file_okay=False),
    help="New folder in which everything is kept; left out, it is thrown away.",
)
@click.option("--json", "as_json", is_flag=True, help="End with a line of JSON.")
def rehearse_kills(
    *, kills: int, seed: int, only: int | None, keep: Path | None, as_json: bool
) -> int:
    """Kill the gateway or the server at random moments of the exchange, and count.

    Both are processes as in service. After each kill (SIGKILL) they are started again
    and exchange until nothing is open; then every deposit, credit, dial-in and file has
    to be in both books, once. Ends with 1 when one is not, and says how to repeat it.
    """
    from rmfs_tools.killing.plan import draw_plan

    plan = draw_plan(seed, kills, only)
    if keep is not None:
        keep.mkdir(parents=True)
        return _rehearse(keep, plan, as_json=as_json)
    with TemporaryDirectory(prefix="rmfs-kills-") as folder:
        return _rehearse(Path(folder), plan, as_json=as_json)


def _rehearse(folder: Path, plan: "Plan", *, as_json: bool) -> int:
    from hw.clock import SystemWallClock
    from rmfs_tools.killing.playing import run

    def progress(words: str) -> None:
        click.echo(words, err=True)

    shown = run(folder, plan, SystemWallClock(), os.environ, progress)
    if shown.failed is not None:
        again = f"rmfs dop rehearse-kills --seed {plan.seed} --only {shown.failed}"
        click.echo(f"again: {again} --keep FOLDER", err=True)
    if as_json:
        click.echo(json.dumps(shown.summary()))
    else:
        click.echo(shown.show())
    return 0 if shown.is_good else 1

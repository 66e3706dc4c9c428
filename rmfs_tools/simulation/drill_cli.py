"""`rmfs simulate drill`: an old copy of the books under machines in use."""

import json
import tempfile
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

EXIT_FAILED: Final = 1
MACHINES_MAX: Final = 10_000


def add_commands(group: click.Group) -> None:
    """Add the command to the group `rmfs simulate`."""
    group.add_command(drill)


@click.command(
    "drill", epilog="\b\nExample:\n  rmfs simulate drill --machines 100 --seed 1 --json"
)
@click.option(
    "--machines",
    type=click.IntRange(1, MACHINES_MAX),
    default=1_000,
    show_default=True,
    help="How many machines; the cases are dealt out to them in turn.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Chooses keys, amounts and franks.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new folder in which server, copy and archive are kept.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="For programs: a line for each case, the last line for all; money in paise.",
)
def drill(*, machines: int, seed: int, keep: Path | None, as_json: bool) -> int:
    """Put an old copy of the books back under machines that went on, and settle all.

    The books are copied, the machines go on in every way, the copy is put back; then
    an operator does what docs/restore-drill.md says. Exit 1 when a machine is not
    settled, or a paisa lost or doubled.
    """
    from rmfs_tools.simulation.drill import Drill
    from rmfs_tools.simulation.drill_report import rows, show, summary

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.UsageError(f"{keep} is not empty: name a new folder")
    place = (
        tempfile.TemporaryDirectory(prefix="rmfs-drill-")
        if keep is None
        else nullcontext(keep)
    )
    with place as folder:
        found = Drill(
            Path(folder), machines, seed, lambda line: click.echo(line, err=True)
        ).run()
    if as_json:
        for row in rows(found):
            click.echo(json.dumps(asdict(row)))
        click.echo(json.dumps(summary(found)))
    else:
        click.echo("\n".join(show(found)))
    return 0 if found.holds else EXIT_FAILED

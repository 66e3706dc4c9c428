"""`rmfs server rehearse`: what goes wrong in service, rehearsed with real processes."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from rmfs_server.options_cli import FiniteRange

if TYPE_CHECKING:
    from rmfs_tools.worker_rehearsal.plan import Plan


def add_commands(server: click.Group) -> None:
    """Bring the commands into the group of the server."""
    from rmfs_tools.failover import cli as failover

    failover.add_commands(rehearse)
    server.add_command(rehearse)


@click.group(
    "rehearse", epilog="\b\nExample:\n  rmfs server rehearse workers --seconds 20"
)
def rehearse() -> None:
    """Strike a server of one's own under load, and count afterwards."""


@rehearse.command(
    "workers",
    epilog="\b\nExamples:\n  rmfs server rehearse workers\n"
    "  rmfs server rehearse workers --rate 50 --seconds 20 --machines 100 --json",
)
@click.option(
    "--machines",
    type=click.IntRange(1, 10_000),
    default=1600,
    show_default=True,
    help="How many dial.",
)
@click.option(
    "--rate",
    type=FiniteRange(0.1, 10_000),
    default=200.0,
    show_default=True,
    help="Dial-ins that begin in a second, whether others are answered or not.",
)
@click.option(
    "--seconds",
    type=FiniteRange(2, 86_400),
    default=60.0,
    show_default=True,
    help="How long they dial.",
)
@click.option(
    "--workers",
    type=click.IntRange(2, 256),
    default=3,
    show_default=True,
    help="Of the server.",
)
@click.option(
    "--kill-every",
    "kill_every_s",
    type=FiniteRange(0.1, 86_400),
    default=1.0,
    show_default=True,
    help="Seconds from one kill of a worker to the next.",
)
@click.option(
    "--database-kills",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    help="How often the database is killed, at even distances.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Decides who is killed."
)
@click.option(
    "--careless",
    is_flag=True,
    help="A database that does not wait for the disk: it must be found to lose money.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, exists=False, file_okay=False),
    help="New folder in which the server's log is kept; left out, it is thrown away.",
)
@click.option("--json", "as_json", is_flag=True, help="End with a line of JSON.")
def workers(
    *,
    machines: int,
    rate: float,
    seconds: float,
    workers: int,
    kill_every_s: float,
    database_kills: int,
    seed: int,
    careless: bool,
    keep: Path | None,
    as_json: bool,
) -> int:
    """Kill workers and their PostgreSQL while machines recharge, and count.

    All are processes as in service, and every kill is SIGKILL. Afterwards each machine
    dials once more; then whatever it was told is in the books, once, and nothing is
    open. Ends with 1 when that is not so.
    """
    from rmfs_tools.worker_rehearsal.plan import Plan

    plan = Plan(
        machines=machines,
        rate=rate,
        seconds=seconds,
        workers=workers,
        kill_every_s=kill_every_s,
        database_kills=database_kills,
        seed=seed,
        durable=not careless,
    )
    if keep is not None:
        keep.mkdir(parents=True)
        return _rehearse(keep, plan, as_json=as_json)
    with TemporaryDirectory(prefix="rmfs-workers-") as folder:
        return _rehearse(Path(folder), plan, as_json=as_json)


def _rehearse(folder: Path, plan: "Plan", *, as_json: bool) -> int:
    from rmfs_tools.worker_rehearsal.playing import run

    def progress(words: str) -> None:
        click.echo(words, err=True)

    result = run(folder, plan, os.environ, progress)
    click.echo(result.show(), err=as_json)
    if as_json:
        click.echo(json.dumps(result.summary()))
    return 0 if result.is_good else 1

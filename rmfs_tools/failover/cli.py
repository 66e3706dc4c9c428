"""`rmfs server rehearse failover`."""

import asyncio
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rmfs_tools.failover.events import Event

_READABLE_FOLDER: Final = 0o711
"""PostgreSQL does not run as root, and its folders lie in ours."""


def add_commands(rehearse: click.Group) -> None:
    """Bring the command into the group of rehearsals."""
    rehearse.add_command(failover)


@click.command(
    epilog="\b\nExamples:\n  rmfs server rehearse failover --json\n"
    "  rmfs server rehearse failover --event switchover --event leader-killed"
)
@click.option(
    "--event",
    "names",
    multiple=True,
    help="Only this event; again for several. Left out, all are played, and at the "
    "end the control with asynchronous replication.",
)
@click.option(
    "--machines",
    type=click.IntRange(1, 400),
    default=24,
    show_default=True,
    help="How many recharge all the time.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, exists=False, file_okay=False),
    help="New folder in which logs, settings and data are kept; left out, they are "
    "thrown away.",
)
@click.option("--json", "as_json", is_flag=True, help="End with a line of JSON.")
def failover(
    *, names: tuple[str, ...], machines: int, keep: Path | None, as_json: bool
) -> int:
    """Kill, cut off and freeze nodes of a PostgreSQL cluster under a recharge server.

    Three nodes with PostgreSQL, Patroni and etcd in network namespaces of this
    computer, HAProxy, a server and machines that recharge all the time: all of them as
    in service. After each event every recharge that a machine was granted must be in
    the books, once. It needs root, and ends with 1 when one is not; with 3 when the
    control with asynchronous replication loses nothing, so that nothing is shown.
    """
    from rmfs_tools.failover.entering import enter, is_inside, what_is_missing
    from rmfs_tools.failover.events import ALL, CONTROL
    from rmfs_tools.failover.network import RehearsalError

    known = {event.name: event for event in (*ALL, CONTROL)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"{unknown[0]}: the events are {', '.join(known)}")
    if keep is not None and keep.exists():
        raise click.BadParameter(f"{keep} is there already")
    missing = what_is_missing(is_root=os.geteuid() == 0)
    if missing:
        raise RehearsalError("; ".join(missing))
    if not is_inside(os.environ):
        return enter(os.environ, sys.argv[1:])
    chosen = set(names or known)
    events = [event for name, event in known.items() if name in chosen]
    if keep is not None:
        keep.mkdir(parents=True)
        return _rehearse(keep.absolute(), events, machines, as_json=as_json)
    with TemporaryDirectory(prefix="rmfs-failover-") as folder:
        return _rehearse(Path(folder), events, machines, as_json=as_json)


def _rehearse(
    folder: Path, events: "list[Event]", machines: int, *, as_json: bool
) -> int:
    from hw.entropy import SystemEntropy
    from rmfs_tools.failover.playing import play
    from rmfs_tools.postgres import find_binaries

    def progress(words: str) -> None:
        click.echo(words, err=True)

    binaries = find_binaries()
    if binaries is None:
        return 1
    folder.chmod(_READABLE_FOLDER)
    played = play(
        folder,
        events,
        machines,
        binaries=binaries,
        entropy=SystemEntropy(),
        environment=os.environ,
        progress=progress,
    )
    shown = asyncio.run(played)
    if as_json:
        click.echo(json.dumps(shown.as_json()))
    else:
        shown.show(click.echo)
    return shown.exit_code

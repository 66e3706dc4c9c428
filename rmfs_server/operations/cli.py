"""Commands for who looks after a server that runs: status and drain."""

from pathlib import Path
from typing import Final

import click

from rmfs_server.options_cli import (
    EXIT_FAILED,
    FiniteRange,
    json_option,
    server_option,
    tell,
)

EXIT_NOT_RUNNING: Final = 3


def add_commands(group: click.Group) -> None:
    """Add `status` and `drain` to the group `rmfs server`."""
    group.add_command(status)
    group.add_command(drain)


@click.command(epilog="\b\nExample:\n  rmfs server status --json")
@server_option
@json_option
def status(server: Path, *, as_json: bool) -> int:
    """Tell how the server is: its processes on this computer, and its books.

    Exit 1 when a process or the database does not answer, 3 when none runs here.
    """
    from hw.clock import SystemWallClock
    from rmfs_server.folder import open_books
    from rmfs_server.operations.status import picture_of_server, show_status

    now = SystemWallClock().now()
    picture = picture_of_server(server, lambda: open_books(server), now)
    tell(picture, show_status(picture, now), as_json=as_json)
    if not picture["processes"]:
        return EXIT_NOT_RUNNING
    in_order = picture["running"] and picture["books"] is not None
    return 0 if in_order else EXIT_FAILED


@click.command(epilog="\b\nExample:\n  rmfs server drain --wait-s 60")
@server_option
@click.option(
    "--wait-s",
    type=FiniteRange(0, 3600),
    default=60.0,
    show_default=True,
    help="How long to wait for its end; 0 does not wait.",
)
def drain(server: Path, *, wait_s: float) -> int:
    """Let the server on this computer take no more calls, and end.

    It is what SIGTERM does: dialogues that run come to their end, and who is left when
    the server's --drain-s are over is told to dial later. Exit 1 when it goes on after
    --wait-s, 3 when none runs here.
    """
    from rmfs_server.operations.draining import drain_server

    asked, left = drain_server(server, wait_s)
    if not asked:
        click.echo("not running on this computer")
        return EXIT_NOT_RUNNING
    if left and wait_s:
        click.echo(f"{len(left)} of {len(asked)} processes go on after {wait_s:g} s")
        return EXIT_FAILED
    click.echo("it drains" if left else "it has ended")
    return 0

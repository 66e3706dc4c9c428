"""`rmfs server exchange`: files with the Department, in its windows or now."""

from pathlib import Path
from typing import Final

import click

from rmfs_server.options_cli import (
    EXIT_FAILED,
    by_person,
    json_option,
    person_options,
    server_option,
    tell,
)

EXIT_REMOTE: Final = 3
_KINDS: Final = {
    "in": ("acknowledgement", "fund", "license-issue", "license-modification"),
    "out": (
        "acknowledgement",
        "credit-download",
        "discrepancy",
        "remaining-fund",
        "usage",
    ),
}


@click.group("exchange", epilog="\b\nExample:\n  rmfs server exchange show --json")
def exchange_group() -> None:
    """Exchange files with the Department: licences, funds, downloads, usage."""


def add_commands(group: click.Group) -> None:
    """Add `exchange` to the group `rmfs server`."""
    group.add_command(exchange_group)


@exchange_group.command(
    "init-keys",
    epilog="\b\nExample:\n  rmfs server exchange init-keys --letter N "
    '--host dcr.example --user oem-n --host-key "ssh-ed25519 AAAA..."',
)
@server_option
@click.option("--letter", required=True, help="Letter of this maker, as in N123456.")
@click.option("--host", required=True, help="The Department's server.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=22,
    show_default=True,
    help="Its SSH port.",
)
@click.option("--user", required=True, help="Our account there.")
@click.option(
    "--host-key", required=True, help="Its public host key; no other is believed."
)
@click.option(
    "--key-id", help="Name of our signing key; oem-LETTER-1 when it is left out."
)
@click.option(
    "--to-oem", default="/to-oem", show_default=True, help="Folder of its files."
)
@click.option(
    "--from-oem", default="/from-oem", show_default=True, help="Folder of ours."
)
def init_keys(
    *,
    server: Path,
    letter: str,
    host: str,
    port: int,
    user: str,
    host_key: str,
    key_id: str | None,
    to_oem: str,
    from_oem: str,
) -> None:
    """Make our keys, and write down where the Department's server is."""
    from hw.entropy import SystemEntropy
    from rmfs_server.exchange.settings import (
        SIGNING_PUBLIC,
        SSH_PUBLIC,
        ExchangeSettings,
        create_exchange,
    )

    name = key_id or f"oem-{letter}-1"
    settings = ExchangeSettings(
        letter, name, host, port, user, host_key, to_oem, from_oem
    )
    create_exchange(server, settings, SystemEntropy())
    click.echo(f"files are signed as {name}; the Department needs")
    click.echo(f"  {server / SIGNING_PUBLIC}  to check them")
    click.echo(f"  {server / SSH_PUBLIC}  to let {user} in")


@exchange_group.command(
    "once", epilog="\b\nExample:\n  rmfs server exchange once --json"
)
@server_option
@click.option(
    "--by-hand", is_flag=True, help="Within a window too, make files beside its own."
)
@json_option
def once(server: Path, *, by_hand: bool, as_json: bool) -> int:
    """Exchange files now: take, carry out, acknowledge, hand over.

    Within a window its files are made once; outside of all windows they are made by
    hand. Exit 1 when a file or line was refused, waits, or is none for us; 3 when the
    Department's server failed.
    """
    from hw.clock import SystemWallClock
    from protocol.exchange import BY_HAND
    from rmfs_server.exchange.program import exchange_once
    from rmfs_server.exchange.remote import RemoteError
    from rmfs_server.exchange.windows import Slot, Windows

    now = SystemWallClock().now()
    slot = Windows().at(now)
    if by_hand:
        slot = Slot(slot.day, BY_HAND)
    try:
        report = exchange_once(server, slot, now)
    except RemoteError as error:
        click.echo(str(error), err=True)
        return EXIT_REMOTE
    tell(report.as_json(), report.show(), as_json=as_json)
    return 0 if report.in_order else EXIT_FAILED


@exchange_group.command("run", epilog="\b\nExample:\n  rmfs server exchange run")
@server_option
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines of the log: for people, or an object each for programs.",
)
@click.option(
    "--log-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the log here in the place of stderr; it may be renamed at any time.",
)
def run(server: Path, *, log_format: str, log_file: Path | None) -> None:
    """Exchange files in every window of every working day, until SIGTERM or Ctrl-C.

    It runs beside `rmfs server run` on the same books.
    """
    from rmfs_server.exchange.program import run_exchange
    from rmfs_server.operations.logs import LogFormat

    run_exchange(
        server,
        lambda slot: click.echo(f"exchanging files; now: {slot}"),
        LogFormat(log_format),
        log_file,
    )


@exchange_group.command(
    "show", epilog="\b\nExample:\n  rmfs server exchange show --json"
)
@server_option
@click.option(
    "--files",
    type=click.IntRange(0, 10_000),
    default=10,
    show_default=True,
    help="How many files each way.",
)
@json_option
def show(server: Path, files: int, *, as_json: bool) -> None:
    """Show which files came and went, and what waits."""
    from hw.clock import SystemWallClock
    from rmfs_server.exchange.showing import look
    from rmfs_server.folder import open_books

    with open_books(server) as store:
        picture = look(store, SystemWallClock().now(), files)
    tell(picture.as_json(), picture.show(), as_json=as_json)


@exchange_group.command(
    "go-on",
    epilog="\b\nExample:\n  rmfs server exchange go-on in fund 18 "
    '--reason "no. 17 was lost, the DCR gives it up"',
)
@server_option
@click.argument("direction", type=click.Choice(["in", "out"]))
@click.argument("layout")
@click.argument("number", type=click.IntRange(1, 4_294_967_295))
@person_options()
def go_on(
    *,
    server: Path,
    direction: str,
    layout: str,
    number: int,
    person: str | None,
    reason: str,
) -> None:
    """Say that the next LAYOUT, in from the Department or out to it, has this NUMBER.

    It is for a file that is given up, and for books that were put back from an old
    copy. What waits is judged in the next session.
    """
    from rmfs_server.exchange.showing import go_on as set_number
    from rmfs_server.folder import open_books
    from rmfs_server.store.schema import Direction

    if layout not in _KINDS[direction]:
        raise click.UsageError(f"LAYOUT is one of {', '.join(_KINDS[direction])}")
    by = by_person(person, reason)
    with open_books(server) as store:
        before = set_number(store, Direction[direction.upper()], layout, number, by)
    click.echo(f"the next {layout} has number {number}; it was {before}")

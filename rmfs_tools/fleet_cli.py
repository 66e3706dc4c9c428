"""`rmfs fleet`: make many machines from one file, enrol them, and let them work."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from protocol.errors import RmfsError

if TYPE_CHECKING:
    from hw.lines.strings import LineAddress

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_SERVER: Final = click.Path(path_type=Path, file_okay=False, exists=True)
_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
_EITHER: Final = click.Path(path_type=Path, exists=True)
_SPAN: Final = re.compile(r"([0-9]{1,6})(s|min|h)", re.ASCII)
_UNIT_S: Final = {"s": 1, "min": 60, "h": 3600}
_EXIT_FAILED: Final = 1
_TELL_EVERY: Final = 10

_json: Final = click.option(
    "--json", "as_json", is_flag=True, help="For programs; money in paise."
)


def _span(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    found = _SPAN.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no time: write 60s, 5min or 1h")
    return float(found[1]) * _UNIT_S[found[2]]


def _line(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> "LineAddress | None":
    from hw.lines.strings import parse_line_string

    try:
        return None if value is None else parse_line_string(value)
    except RmfsError as error:
        raise click.BadParameter(str(error)) from error


def add_commands(root: click.Group) -> None:
    """Bring the commands of fleets."""
    from rmfs_tools.load import cli

    cli.add_commands(fleet)
    root.add_command(fleet)


@click.group(epilog="\b\nExample:\n  rmfs fleet show offices")
def fleet() -> None:
    """Make fleets of machines from one file, enrol them, let them work.

    docs/fleets.md tells how to write the file.
    """


@fleet.command(
    epilog="\b\nExample:\n  rmfs fleet new offices.toml offices --server rmfs-server"
)
@click.argument("file", type=_FILE)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--server",
    type=_SERVER,
    required=True,
    help="Folder of the recharge server that they will trust, with the maker's key.",
)
def new(file: Path, folder: Path, server: Path) -> None:
    """Make every machine that FILE tells of, in FOLDER, in the realm TEST.

    What was begun is finished: machines that are there stay as they are.
    """
    from fm_device.folder import read_papers
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy
    from protocol.keys import Realm
    from rmfs_tools.fleet_file import read_octets
    from rmfs_tools.fleet_folder import create_fleet

    papers = read_papers(server / "maker.pem", server / "server.json", Realm.TEST)
    made = 0
    members = create_fleet(
        folder, read_octets(file), papers, SystemEntropy(), SystemWallClock()
    )
    for member in members:
        made += 1
        if made % _TELL_EVERY == 0:
            click.echo(f"{made} machines, {member.licence} the last", err=True)
    click.echo(f"{made} machines are in {folder}")
    click.echo(f"enrol them: rmfs fleet enrol {folder} --server {server}")


@fleet.command(epilog="\b\nExample:\n  rmfs fleet enrol offices --server rmfs-server")
@click.argument("folder", type=_FOLDER)
@click.option(
    "--server", type=_SERVER, required=True, help="Folder of the recharge server."
)
@_json
def enrol(folder: Path, server: Path, *, as_json: bool) -> None:
    """Enrol every machine that is not yet, and pay a first deposit where none is.

    All papers are read before anything is changed. What was begun is finished: each
    machine is enrolled once and paid once.
    """
    from dataclasses import asdict

    from hw.clock import SystemWallClock
    from protocol.values import Paise, show_rupees
    from rmfs_server.folder import open_books, read_server
    from rmfs_tools.fleet_folder import enrol_fleet

    with open_books(server) as store:
        done = enrol_fleet(folder, read_server(server), store, SystemWallClock())
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    paid = show_rupees(Paise(done.deposited_paise))
    click.echo(f"{done.enrolled} enrolled, {paid} paid; {done.known} were known")


@fleet.command(epilog="\b\nExample:\n  rmfs fleet show offices --json")
@click.argument("folder", type=_FOLDER)
@_json
def show(folder: Path, *, as_json: bool) -> None:
    """Show every machine of a fleet: its licence, its mail, when it dials."""
    from rmfs_tools.fleet_folder import read_fleet

    plan = read_fleet(folder)
    found: list[dict[str, Any]] = [
        {
            "licence": member.licence,
            "licence_number": member.licence_number,
            "psd_serial": member.psd_serial,
            "items_a_day": member.items_a_day,
            "dials_at": f"{member.dial_minute // 60:02d}:{member.dial_minute % 60:02d}",
            "scenario": member.scenario or None,
            "made": (folder / member.licence / "machine.json").exists(),
        }
        for member in plan.members()
    ]
    if as_json:
        click.echo(json.dumps({"title": plan.title, "machines": found}, indent=2))
        return
    click.echo(f"{plan.title or folder}: {plan.count} machines")
    for one in found:
        made = "" if one["made"] else "  not made yet"
        click.echo(
            f"{one['licence']}  {one['psd_serial']}  {one['items_a_day']:6} items a day"
            f"  dials at {one['dials_at']}  {one['scenario'] or ''}{made}".rstrip()
        )


@fleet.command(
    epilog="\b\nExamples:\n  rmfs fleet scenarios offices.toml\n"
    "  rmfs fleet scenarios offices --only N200003 --json"
)
@click.argument("path", type=_EITHER, metavar="FOLDER|FILE")
@click.option(
    "--only",
    multiple=True,
    metavar="LICENCE",
    help="Only this machine; may be given several times.",
)
@_json
def scenarios(path: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """Have every machine play the scenario that its fleet deals to it.

    Each in virtual time with a server of its own, by a seed of its own, and begun as
    much later than the scenario says as it dials after the first machine. No folder is
    needed, and none is changed. Exit 1 when one did not go as expected.
    """
    from rmfs_tools.fleet_folder import find_fleet
    from rmfs_tools.fleet_scenarios import FleetPlayed, choose_members, play_members

    summary = FleetPlayed()
    for one in play_members(choose_members(find_fleet(path), only)):
        summary.add(one)
        click.echo(one.show(), err=True)
    if as_json:
        click.echo(json.dumps(summary.as_json(), indent=2))
        return 0 if summary.is_good else _EXIT_FAILED
    click.echo("\n".join(summary.show()))
    for missed in summary.missed:
        again = f"rmfs fleet scenarios {path} --only {missed.member.licence}"
        click.echo(f"  again: {again}")
    return 0 if summary.is_good else _EXIT_FAILED


@fleet.command(
    epilog="\b\nExample:\n"
    "  rmfs fleet run offices --line tcp:127.0.0.1:7001 --for 60s\n"
    "  rmfs fleet run offices --simulated --days 3 --server rmfs-server"
)
@click.argument("folder", type=_FOLDER)
@click.option("--line", callback=_line, help="Where every machine dials in.")
@click.option(
    "--for",
    "for_s",
    callback=_span,
    default="60s",
    show_default=True,
    help="Lay one working day over so much time: 60s, 5min, 1h.",
)
@click.option("--simulated", is_flag=True, help="Let days go by in virtual time.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=1,
    show_default=True,
    help="How many days are simulated.",
)
@click.option(
    "--server", type=_SERVER, help="Folder of the server that is simulated with them."
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 200),
    default=16,
    show_default=True,
    help="How many machines may be at work at once.",
)
@_json
def run(
    folder: Path,
    line: "LineAddress | None",
    for_s: float,
    server: Path | None,
    *,
    days: int,
    at_once: int,
    simulated: bool,
    as_json: bool,
) -> int:
    """Let every machine frank its day's mail and dial in, all in one process.

    Exit 0 when all mail was franked and every dial-in came to its end; 1 when some was
    refused, also for want of funds, a dial-in failed, or a machine was out of order. A
    simulation goes on where the one before it ended, and its server's books tell of
    days to come: take one for that alone.
    """
    from hw.clock import SystemWallClock
    from rmfs_tools.fleet_run import run_in_real_time
    from rmfs_tools.fleet_simulated import run_simulated

    def say(words: str) -> None:
        click.echo(words, err=True)

    if simulated:
        if server is None or line is not None:
            raise click.UsageError("--simulated takes --server FOLDER, and no --line")
        summary = run_simulated(
            folder, server, days, SystemWallClock(), at_once=at_once, on_word=say
        )
    else:
        if line is None or server is not None:
            raise click.UsageError("give --line, or --simulated with --server FOLDER")
        summary = run_in_real_time(folder, line, for_s, at_once=at_once, on_word=say)
    if as_json:
        click.echo(json.dumps(summary.as_json()))
    else:
        click.echo("\n".join(summary.show()))
    return 0 if summary.is_good else _EXIT_FAILED

"""`rmfs dop exchange`: parties, and the files that go and come in the windows."""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dop_gateway.options_cli import (
    EXIT_FAILED,
    by_command,
    gateway_option,
    json_option,
    opened,
    public_key_of,
    reason_option,
)

if TYPE_CHECKING:
    from dop_gateway.exchange.model import FileRow
    from protocol.values import EpochSeconds

_ROWS_MAX: Final = 1_000
_KINDS: Final = ("MAKER", "BANK", "E_PAYMENT")

at_option: Final = click.option(
    "--at",
    required=True,
    type=click.DateTime(["%Y-%m-%dT%H:%M"]),
    help="When the window begins or ends, by India's clocks.",
)


@click.group("exchange", epilog="\b\nExample:\n  rmfs dop exchange show --party N")
def exchange_group() -> None:
    """Exchange files with makers: who they are, what went and what came."""


@exchange_group.command(epilog="\b\nExample:\n  rmfs dop exchange show --state OFFERED")
@gateway_option
@click.option("--party", default="", help="Of this party only, by its code.")
@click.option("--state", default="", help="In this state only, as in OFFERED.")
@click.option(
    "--last",
    type=click.IntRange(1, _ROWS_MAX),
    default=20,
    show_default=True,
    help="So many, the latest first.",
)
@json_option
def show(*, gateway: Path, party: str, state: str, last: int, as_json: bool) -> None:
    """List files that went and came."""
    from dop_gateway.exchange.model import FileState
    from dop_gateway.exchange.reading import FileFilter, files

    if state and state not in FileState.__members__:
        names = ", ".join(FileState.__members__)
        raise click.BadParameter(f"one of {names}", param_hint="--state")
    wanted = FileFilter(party=party, state=FileState[state] if state else None)
    with opened(gateway) as parts, parts.store.reading() as connection:
        found = files(wanted).page(connection, "-number", 0, last)
    if as_json:
        click.echo(json.dumps([_told(row) for row in found]))
        return
    for row in found:
        words = f"  {row.code} {row.words}" if row.code else ""
        click.echo(
            f"{row.direction.name:3}  {row.party}  {row.name}  {row.state.name}  "
            f"{row.lines} lines, {row.refused} refused{words}"
        )


@exchange_group.command(
    epilog="\b\nExample:\n  rmfs dop exchange make --at 2026-11-16T09:30 "
    "--reason 'the power was out'"
)
@gateway_option
@at_option
@reason_option
def make(*, gateway: Path, at: datetime, reason: str) -> int:
    """Make the files of a window that began, unless they are there."""
    return _run(gateway, "exchange-make", at, reason)


@exchange_group.command(
    epilog="\b\nExample:\n  rmfs dop exchange check --at 2026-11-16T10:00 "
    "--reason 'the power was out'"
)
@gateway_option
@at_option
@reason_option
def check(*, gateway: Path, at: datetime, reason: str) -> int:
    """Look what was missing when a window ended."""
    return _run(gateway, "exchange-check", at, reason)


@exchange_group.command(
    epilog="\b\nExample:\n  rmfs dop exchange take usage-US-N-000017.txt --party N "
    "--reason 'it came by mail'"
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@gateway_option
@click.option("--party", required=True, help="Who sent it, by its code.")
@reason_option
def take(*, file: Path, gateway: Path, party: str, reason: str) -> int:
    """Take a file that came by another way than the drop; ends with 1 if refused."""
    from dop_gateway.exchange import applying, received
    from dop_gateway.exchange.received import Brought, Verdict
    from dop_gateway.exchange.registered import SOURCES

    with opened(gateway) as parts:
        by = by_command(parts, reason)
        with file.open("rb") as stream:
            layout = parts.exchange.layouts.of_file(file.name)
            octets = stream.read(layout.octets_max + 1 if layout else 1)
        with parts.store.writing("take a file") as connection:
            brought = Brought(party, file.name, octets)
            found = received.take(connection, parts.exchange, brought, by)
        applying.catch_up(parts.store, parts.exchange, SOURCES, party, by)
    words = f" {found.row.code}: {found.row.words}" if found.row.code else ""
    click.echo(f"{found.verdict.value}{words}")
    return EXIT_FAILED if found.verdict is Verdict.REFUSED else 0


@exchange_group.command(
    epilog="\b\nExample:\n  rmfs dop exchange skip N usage --through 17 "
    "--reason 'lost with its disk'"
)
@click.argument("party")
@click.argument("layout")
@gateway_option
@click.option(
    "--through",
    required=True,
    type=click.IntRange(1, 2**32 - 1),
    help="The number of the last file that is given up.",
)
@reason_option
def skip(*, party: str, layout: str, gateway: Path, through: int, reason: str) -> None:
    """Give up files that will never come; those that wait behind have their turn."""
    from dop_gateway.exchange import applying, parties
    from dop_gateway.exchange.registered import SOURCES

    with opened(gateway) as parts:
        by = by_command(parts, reason)
        with parts.store.writing("give up files") as connection:
            count = parties.skip(connection, party, layout, through, by)
        applying.catch_up(parts.store, parts.exchange, SOURCES, party, by)
    click.echo(f"{count} files had waited for them")


@exchange_group.command(epilog="\b\nExample:\n  rmfs dop exchange keys > dop-1.txt")
@gateway_option
@json_option
def keys(*, gateway: Path, as_json: bool) -> None:
    """Print what makers need of us: the key that signs, and that of the drop."""
    import asyncssh

    from dop_gateway.folder import read_gateway
    from protocol.keys import write_public_key

    found = read_gateway(gateway)
    host = asyncssh.import_private_key(found.sftp_host_key)
    ours = found.exchange
    told = {
        "key_id": ours.key_id,
        "public_key": write_public_key(ours.key.public.point),
        "sftp_host_key": host.export_public_key().decode("ascii").strip(),
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"signs as {told['key_id']}\n{told['public_key']}")
    click.echo(f"the drop is {told['sftp_host_key']}")


@exchange_group.group("party", epilog="\b\nExample:\n  rmfs dop exchange party list")
def party_group() -> None:
    """Whom files are exchanged with."""


@party_group.command("list", epilog="\b\nExample:\n  rmfs dop exchange party list")
@gateway_option
@json_option
def list_parties(*, gateway: Path, as_json: bool) -> None:
    """List the parties with their keys and accounts."""
    from dop_gateway.exchange import reading

    with opened(gateway) as parts, parts.store.reading() as connection:
        found = list(reading.parties(connection, None).all(connection, "code"))
    told = [
        {
            "code": one.party.code,
            "kind": one.party.kind.name,
            "name": one.party.name,
            "state": one.party.state.name,
            "login": None if one.account is None else one.account.login,
            "keys": [key.key_id for key in one.keys],
        }
        for one in found
    ]
    if as_json:
        click.echo(json.dumps(told))
        return
    for one in told:
        signs = ", ".join(one["keys"] or ()) or "no key"
        click.echo(f"{one['code']}  {one['name']}  {one['state']}  signs with {signs}")


@party_group.command(
    "add",
    epilog="\b\nExample:\n  rmfs dop exchange party add N --name Northern "
    "--reason 'contract of 2026'",
)
@click.argument("code")
@gateway_option
@click.option("--name", required=True, help="Of the party, for people.")
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default="MAKER",
    show_default=True,
    help="What it is to the Department.",
)
@reason_option
def add_party(*, code: str, gateway: Path, name: str, kind: str, reason: str) -> None:
    """Begin to exchange files with somebody; a maker's code is its letter."""
    from dop_gateway.exchange import parties
    from dop_gateway.exchange.model import PartyKind

    with opened(gateway) as parts, parts.store.writing("add a party") as connection:
        by = by_command(parts, reason)
        parties.add(connection, code, PartyKind[kind], name, by)
    click.echo(f"{code} is a party: give it a key and an account next")


@party_group.command(
    "key",
    epilog="\b\nExample:\n  rmfs dop exchange party key N oem-n-1 oem-n-1.pem "
    "--reason 'contract of 2026'",
)
@click.argument("code")
@click.argument("key_id")
@click.argument("file", type=click.File("rb"))
@gateway_option
@click.option(
    "--from",
    "valid_from",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The first day; today if it is left out.",
)
@reason_option
def add_key(
    *,
    code: str,
    key_id: str,
    file: Any,
    gateway: Path,
    valid_from: datetime | None,
    reason: str,
) -> None:
    """Let the public key in FILE (PEM, P-256) sign files of a party."""
    from dop_gateway.exchange import parties
    from dop_gateway.exchange.model import PartyKey
    from protocol.keys.pem import PEM_OCTETS_MAX
    from protocol.parameters import business_date

    point = public_key_of(file.name, file.read(PEM_OCTETS_MAX + 1))
    with opened(gateway) as parts, parts.store.writing("add a key") as connection:
        by = by_command(parts, reason)
        first: date = business_date(by.now)
        new = PartyKey(code, key_id, point.x, point.y, first, None)
        if valid_from is not None:
            new = replace(new, valid_from=valid_from.date())
        parties.add_key(connection, new, by)


@party_group.command(
    "account",
    epilog="\b\nExample:\n  rmfs dop exchange party account N maker-n "
    "id_ed25519.pub --reason 'contract of 2026'",
)
@click.argument("code")
@click.argument("login")
@click.argument("file", type=click.File("r", encoding="ascii", errors="replace"))
@gateway_option
@reason_option
def set_account(
    *, code: str, login: str, file: Any, gateway: Path, reason: str
) -> None:
    """Let a party into the drop with the public key in FILE (one line of OpenSSH)."""
    from dop_gateway.exchange import parties

    line = file.read(2_000)
    with opened(gateway) as parts, parts.store.writing("set account") as connection:
        parties.set_account(connection, code, login, line, by_command(parts, reason))


def _run(gateway: Path, name: str, at: datetime, reason: str) -> int:
    from dop_gateway.jobs.catalogue import JOBS
    from dop_gateway.jobs.model import FOR_GOOD
    from dop_gateway.jobs.scheduler import Scheduler
    from hw.clock import epoch_seconds
    from protocol.parameters import INDIA

    with opened(gateway) as parts:
        scheduler = Scheduler(parts, JOBS, "by hand")
        moment: EpochSeconds = epoch_seconds(at.replace(tzinfo=INDIA))
        by = by_command(parts, reason)
        outcome = scheduler.run(scheduler.begin_by_hand(name, moment, by))
    click.echo(f"{outcome.ending.value}: {outcome.words}")
    return 0 if outcome.ending in FOR_GOOD else EXIT_FAILED


def _told(row: "FileRow") -> dict[str, Any]:
    from dop_gateway.exchange.schemas import FileShown

    return FileShown.of(row).model_dump(mode="json")

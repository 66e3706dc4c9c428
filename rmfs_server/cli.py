"""`rmfs server` and `rmfs evidence`: make a server, keep it, prove what it did."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmfs_server.options_cli import (
    EXIT_FAILED,
    FILE,
    LICENCE,
    json_option,
    server_option,
    tell,
)

if TYPE_CHECKING:
    from protocol.values import LicenceIdentifier


def add_commands(root: click.Group) -> None:
    """Bring the commands of the recharge server."""
    from hw.clock import SystemWallClock
    from rmfs_server import (
        config_cli,
        doctor_cli,
        estimate_cli,
        exchange_cli,
        funds_cli,
        keeping_cli,
        keys_cli,
        licences_cli,
        orders_cli,
        resolving_cli,
        run_cli,
    )
    from rmfs_server.department import read_department
    from rmfs_server.evidence_cli import evidence
    from rmfs_server.folder import open_books
    from rmfs_server.operations import cli as operations_cli

    if "import-funds" not in server_group.commands:
        funds_cli.add_commands(
            server_group, server_option, open_books, read_department, SystemWallClock()
        )
        run_cli.add_commands(server_group, server_option)
        config_cli.add_commands(server_group)
        doctor_cli.add_commands(server_group)
        estimate_cli.add_commands(server_group)
        licences_cli.add_commands(server_group)
        orders_cli.add_commands(server_group)
        keys_cli.add_commands(server_group)
        resolving_cli.add_commands(server_group)
        exchange_cli.add_commands(server_group)
        keeping_cli.add_commands(server_group)
        operations_cli.add_commands(server_group)
    root.add_command(server_group)
    root.add_command(evidence)


@click.group("server", epilog="\b\nExample:\n  rmfs server show N123456")
def server_group() -> None:
    """Make a recharge server, run it, and look after its books."""


@server_group.command(
    epilog="\b\nExample:\n  rmfs server init --server rmfs-server --name TEST-OEM"
)
@server_option
@click.option("--name", default="TEST-OEM", show_default=True, help="Its name.")
@click.option(
    "--realm",
    type=click.Choice(["test", "production"]),
    default="test",
    show_default=True,
    help="Realm of all keys.",
)
@click.option(
    "--kid",
    type=click.IntRange(0, 23),
    default=1,
    show_default=True,
    help="Its number in the channel.",
)
@click.option(
    "--maker",
    type=FILE,
    help="The maker's private key, in PEM; it is used and not copied. "
    "Left out, a maker is made as well.",
)
@click.option(
    "--maker-name", default="maker", show_default=True, help="The maker's name."
)
@click.option(
    "--database", default="", help="URL of a PostgreSQL; left out, a file in FOLDER."
)
@click.option(
    "--hsm",
    type=FILE,
    help="Where its HSM is (rmfs server hsm example): the credit key is made there. "
    "Left out, in a file.",
)
@click.option(
    "--two-persons", is_flag=True, help="Resolving needs a second person from now on."
)
def init(
    *,
    server: Path,
    name: str,
    realm: str,
    kid: int,
    maker: Path | None,
    maker_name: str,
    database: str,
    hsm: Path | None,
    two_persons: bool,
) -> None:
    """Make a server in a new folder, with new keys and empty books."""
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy
    from protocol.keys import Realm
    from rmfs_server.folder import MAKER_KEY, PROVISIONING, Settings, create_server
    from rmfs_server.key_files import read_place

    settings = Settings(
        name,
        Realm[realm.upper()],
        kid,
        database=database,
        two_persons=two_persons,
    )
    create_server(
        server,
        settings,
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
        maker_key=maker,
        maker_name=maker_name,
        hsm=None if hsm is None else read_place(hsm),
    )
    click.echo(f"recharge server {name} is in {server}")
    click.echo(f"machines need {server / PROVISIONING}")
    if maker is None:
        click.echo(f"the maker's key is {server / MAKER_KEY}: keep it in the factory")


@server_group.command(epilog="\b\nExample:\n  rmfs server show N123456 --json")
@click.argument("licence", type=LICENCE, required=False)
@server_option
@click.option(
    "--entries",
    type=click.IntRange(0, 100_000),
    default=20,
    show_default=True,
    help="How many entries of the ledger.",
)
@json_option
def show(
    licence: "LicenceIdentifier | None", server: Path, entries: int, *, as_json: bool
) -> None:
    """Show all licences, or one with its machine, recharges, funds and ledger."""
    from hw.clock import SystemWallClock
    from rmfs_server.folder import open_books
    from rmfs_server.showing import (
        picture_of_licence,
        picture_of_server,
        show_licence,
        show_server,
    )

    now = SystemWallClock().now()
    with open_books(server) as store, store.reading() as connection:
        picture = (
            picture_of_server(connection, now)
            if licence is None
            else picture_of_licence(connection, licence, now, entries)
        )
    shown = show_server if licence is None else show_licence
    tell(picture, shown(picture), as_json=as_json)


@server_group.command(epilog="\b\nExample:\n  rmfs server verify")
@server_option
@json_option
def verify(server: Path, *, as_json: bool) -> int:
    """Recompute every sum, number and signature of the books.

    Exit 1 when something does not add up.
    """
    from rmfs_server.folder import open_books
    from rmfs_server.store.verify import verify_books

    with open_books(server) as store, store.reading() as connection:
        findings = verify_books(connection)
    rows = [
        {"rule": one.rule, "subject": one.subject, "detail": one.detail}
        for one in findings
    ]
    lines = [f"{row['subject']}: {row['rule']}: {row['detail']}" for row in rows]
    tell(
        {"findings": rows},
        lines or ["the books add up"],
        as_json=as_json,
    )
    return EXIT_FAILED if findings else 0


@server_group.command(epilog="\b\nExample:\n  rmfs server migrate")
@server_option
def migrate(server: Path) -> None:
    """Bring the books to the schema of this version, in one transaction."""
    from rmfs_server.folder import migrate_books

    migrate_books(server)
    click.echo("the books have the newest schema")

"""`rmfs server credit-key` and `rmfs server hsm`: the keys that sign vouchers."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmfs_server.options_cli import (
    EXIT_FAILED,
    FILE,
    json_option,
    server_option,
    tell,
)

if TYPE_CHECKING:
    from rmfs_server.key_check import LookedAt

_EXAMPLE = """\
# Where the HSM with the credit keys is: for rmfs server init --hsm FILE, or
# rmfs server hsm set FILE.

# The PKCS#11 library of its maker; a whole path.
module = "/usr/lib/softhsm/libsofthsm2.so"

# The label of the token, and its serial number where the label is not enough.
token = "rmfs"
# serial = "7986386e788526b4"

# Where the PIN of the token's user is; never the PIN itself. One of
#   file:/etc/rmfs/hsm-pin     a file that the server's user alone can read
#   credential:hsm-pin         of systemd: LoadCredential= or LoadCredentialEncrypted=
#   environment:RMFS_HSM_PIN   a variable of the environment
pin = "credential:hsm-pin"

# Variables of the environment that the library needs.
[environment]
SOFTHSM2_CONF = "/etc/rmfs/softhsm2.conf"
"""


def add_commands(group: click.Group) -> None:
    """Add the commands to the group `rmfs server`."""
    group.add_command(credit_key)
    group.add_command(hsm_group)


@click.group("credit-key", epilog="\b\nExample:\n  rmfs server credit-key new")
def credit_key() -> None:
    """Look after the keys that sign vouchers."""


@credit_key.command(
    "new", epilog="\b\nExample:\n  rmfs server credit-key new --maker maker.pem"
)
@server_option
@click.option(
    "--maker",
    type=FILE,
    help="The private key of a maker that is known here, in PEM; it is used and not "
    "copied. Left out, the one that init has made.",
)
@click.option(
    "--in",
    "where",
    type=click.Choice(["file", "hsm"]),
    help="Where it is made; left out, in the HSM if the server has one.",
)
@json_option
def new_credit_key(
    server: Path, maker: Path | None, where: str | None, *, as_json: bool
) -> None:
    """Make the next credit key, and what tells machines of it.

    It signs for a machine once that machine has acknowledged its credit-key order.
    """
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy
    from rmfs_server.folder import MAKER_KEY, add_credit_key, read_server
    from rmfs_server.key_files import HSM

    in_hsm = (server / HSM).is_file() if where is None else where == "hsm"
    made = add_credit_key(
        read_server(server),
        maker_key=server / MAKER_KEY if maker is None else maker,
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
        in_hsm=in_hsm,
    )
    picture = {
        "credit_key": made.key_id,
        "where": "hsm" if in_hsm else "file",
        "provisioning": str(made.provisioning),
        "content": str(made.content),
    }
    lines = [
        f"credit key {made.key_id} is made{' in the HSM' if in_hsm else ''}",
        f"machines in use need rmfs server order --all credit-key {made.content}",
        (
            f"machines made from now on need {made.provisioning}, and then "
            f"rmfs server enrol --credit-key {made.key_id}"
        ),
    ]
    tell(picture, lines, as_json=as_json)


@credit_key.command("list", epilog="\b\nExample:\n  rmfs server credit-key list --json")
@server_option
@json_option
def list_credit_keys(server: Path, *, as_json: bool) -> int:
    """Show where each credit key is, and let each sign something.

    Exit 1 when one cannot, or is not the key that the books know.
    """
    from rmfs_server.folder import open_books, read_server
    from rmfs_server.key_check import look_at_keys

    office = read_server(server)
    with open_books(server) as store:
        found = look_at_keys(office, store)
    rows = [{"credit_key": row.pop("key_id"), **row} for row in map(asdict, found)]
    picture = {"credit_keys": rows}
    lines = [line for one in found for line in _show(one)]
    tell(picture, lines, as_json=as_json)
    return EXIT_FAILED if any(one.faults for one in found) else 0


@credit_key.command("import", epilog="\b\nExample:\n  rmfs server credit-key import 1")
@click.argument("key_id", type=click.IntRange(0, 255))
@server_option
def import_credit_key(key_id: int, server: Path) -> None:
    """Put a credit key that is in a file into the HSM; nothing changes for machines.

    Who had a copy of the file still has the key: a new one, made in the HSM, is better.
    """
    from hw.entropy import SystemEntropy
    from rmfs_server.folder import read_server
    from rmfs_server.key_moving import import_key

    file = import_key(read_server(server), key_id, SystemEntropy())
    click.echo(f"credit key {key_id} is in the HSM, and signs there")
    click.echo(f"{file} is used no more: destroy it, and every copy of it")


@click.group("hsm", epilog="\b\nExample:\n  rmfs server hsm check")
def hsm_group() -> None:
    """Name the HSM that keeps the credit keys, and see whether it answers."""


@hsm_group.command(
    "example", epilog="\b\nExample:\n  rmfs server hsm example >hsm.toml"
)
def example() -> None:
    """Print settings of an HSM with comments, to be changed."""
    click.echo(_EXAMPLE, nl=False)


@hsm_group.command("set", epilog="\b\nExample:\n  rmfs server hsm set hsm.toml")
@click.argument("file", type=FILE)
@server_option
@click.option(
    "--keys-lost",
    is_flag=True,
    help="The HSM before it is lost with its keys; machines have to be told new ones.",
)
def name_hsm(file: Path, server: Path, *, keys_lost: bool) -> None:
    """Let a server use an HSM: it must answer, and have the keys of the one before it.

    The settings are copied into the server's folder. A server that runs has to be
    started again.
    """
    from hw.clock import SystemMonotonicClock
    from rmfs_server.folder import read_server
    from rmfs_server.key_moving import set_hsm

    office, clock = read_server(server), SystemMonotonicClock()
    facts = set_hsm(office, file, clock, keys_lost=keys_lost)
    click.echo(f"the HSM of {server} is token {facts.token!r} of {facts.manufacturer}")


@hsm_group.command("check", epilog="\b\nExample:\n  rmfs server hsm check --json")
@server_option
@click.option(
    "--pin-again",
    is_flag=True,
    help="Try the PIN although the token says that a wrong one was entered.",
)
@json_option
def check_hsm(server: Path, *, pin_again: bool, as_json: bool) -> None:
    """Log in to the HSM, and show what it says of itself."""
    from hw.clock import SystemMonotonicClock
    from rmfs_server.key_files import read_hsm

    hsm = read_hsm(server, SystemMonotonicClock(), wrong_pin_before=pin_again)
    picture = asdict(hsm.facts())
    width = max(map(len, picture))
    lines = [f"{name:<{width}}  {value}" for name, value in picture.items()]
    tell(picture, lines, as_json=as_json)


def _show(one: "LookedAt") -> Iterator[str]:
    words = {
        "": "cannot be found",
        "file": "is in its file",
        "hsm": f"is in the HSM, by the id {one.object_id}",
    }
    line = f"credit key {one.key_id} {words[one.where]}"
    if one.where == "hsm" and not one.faults:
        line += ", made there" if one.made_there else ", made elsewhere"
    yield line
    if one.where == "hsm" and one.file_left:
        yield f"credit key {one.key_id}: its file is still here: destroy it"
    for fault in one.faults:
        yield f"credit key {one.key_id}: {fault}"

"""`rmfs maker`: sign tariffs, slogans and firmware for machines.

A credit key is signed where it is made: `rmfs server credit-key`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from protocol.errors import LocalProtocolError

if TYPE_CHECKING:
    from protocol.contents import Body, Content

_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
_NEW_FILE: Final = click.Path(path_type=Path, dir_okay=False)

_realm: Final = click.option(
    "--realm",
    type=click.Choice(["test", "production"]),
    default="test",
    show_default=True,
    help="Realm of the maker's key.",
)
_json: Final = click.option(
    "--json", "as_json", is_flag=True, help="For programs; money in paise."
)


def _signing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of everything that is signed."""
    for option in (
        _json,
        _realm,
        click.option(
            "--model",
            default="",
            help="Machines of this model only; left out, machines of any model.",
        ),
        click.option(
            "--out", type=_NEW_FILE, required=True, help="The new file to write."
        ),
        click.option(
            "--key", type=_FILE, required=True, help="The maker's private key, in PEM."
        ),
    ):
        command = option(command)
    return command


def add_commands(root: click.Group) -> None:
    """Bring the commands of the maker."""
    root.add_command(maker)


@click.group(epilog="\b\nExample:\n  rmfs maker show tariff-2.fmpc --key maker.pem")
def maker() -> None:
    """Sign what orders bring to machines, as their maker does."""


@maker.command(
    epilog="\b\nExample:\n  rmfs maker tariff tariff-2.toml "
    "--key rmfs-server/maker.pem --out tariff-2.fmpc"
)
@click.argument("file", type=_FILE)
@_signing
def tariff(file: Path, **signing: Any) -> None:
    """Sign a tariff that is written in TOML.

    docs/tariffs.md tells how to write one.
    """
    from rmfs_tools.maker import read_tariff

    _sign(lambda: read_tariff(file), **signing)


@maker.command(
    epilog='\b\nExample:\n  rmfs maker slogan --number 2 --name "Save water" '
    '--line "SAVE WATER" --line "SAVE LIFE" --approved LA/KN/2026/17 '
    "--key rmfs-server/maker.pem --out slogan-2.fmpc"
)
@click.option(
    "--number", type=int, required=True, help="Its place in the machine, 1 to 10."
)
@click.option("--name", required=True, help="As the operator sees it.")
@click.option(
    "--line",
    "lines",
    multiple=True,
    required=True,
    help="A line of it, at most 24 characters; up to three times.",
)
@click.option(
    "--department",
    type=int,
    default=0,
    show_default=True,
    help="The department that may print it; 0 for any.",
)
@click.option("--approved", required=True, help="Reference of the approval.")
@_signing
def slogan(
    number: int,
    name: str,
    lines: tuple[str, ...],
    department: int,
    approved: str,
    **signing: Any,
) -> None:
    """Sign a slogan that the licensing authority has approved."""
    from protocol.contents import Slogan

    _sign(lambda: Slogan(number, name, lines, department, approved), **signing)


def _version(
    _ctx: click.Context, _param: click.Parameter, value: str
) -> tuple[int, int, int]:
    from rmfs_tools.maker import parse_version

    try:
        return parse_version(value)
    except LocalProtocolError as error:
        raise click.BadParameter(str(error)) from error


@maker.command(
    epilog='\b\nExample:\n  rmfs maker firmware --version 0.2.0 --notes "new fonts" '
    "--key rmfs-server/maker.pem --out firmware-0.2.0.fmpc"
)
@click.option(
    "--version", required=True, callback=_version, help="Its version, as 0.2.0."
)
@click.option("--notes", required=True, help="What is new in it.")
@click.option(
    "--octets",
    type=click.IntRange(0, 30_000),
    default=4096,
    show_default=True,
    help="How long its payload is, which means nothing.",
)
@click.option(
    "--fails", is_flag=True, help="Let it fail its self-test, to see a machine go back."
)
@_signing
def firmware(
    version: tuple[int, int, int],
    notes: str,
    octets: int,
    *,
    fails: bool,
    **signing: Any,
) -> None:
    """Sign a firmware image for the simulated machine."""
    from protocol.contents import FirmwareImage
    from rmfs_tools.maker import fill_payload

    payload = fill_payload(version, octets)
    _sign(lambda: FirmwareImage(version, notes, not fails, payload), **signing)


@maker.command(
    epilog="\b\nExample:\n  rmfs maker show tariff-2.fmpc "
    "--key rmfs-server/makers/maker.pem"
)
@click.argument("file", type=_FILE)
@click.option(
    "--key",
    "--maker-file",
    "key",
    type=_FILE,
    required=True,
    help="The maker's key in PEM, public or private.",
)
@_realm
@_json
def show(file: Path, key: Path, *, realm: str, as_json: bool) -> None:
    """Verify a signed content and show what is in it."""
    from protocol.keys import Realm
    from rmfs_tools.maker import read_maker_public, read_signed

    signer = read_maker_public(key, Realm[realm.upper()])
    _show(read_signed(file, signer), as_json=as_json)


def _sign(
    make: "Callable[[], Body]",
    *,
    key: Path,
    out: Path,
    model: str,
    realm: str,
    as_json: bool,
) -> None:
    from hw.clock import SystemWallClock
    from protocol.keys import Realm
    from rmfs_tools.maker import read_maker, sign_body

    signer = read_maker(key, Realm[realm.upper()])
    content = sign_body(make(), signer, SystemWallClock().now(), model, out)
    _show(content, as_json=as_json)
    click.echo(f"{out} is to be ordered at the recharge server", err=True)


def _show(content: "Content", *, as_json: bool) -> None:
    from rmfs_tools.maker import content_as_json, show_content

    if as_json:
        click.echo(json.dumps(content_as_json(content), indent=2))
    else:
        click.echo("\n".join(show_content(content)))

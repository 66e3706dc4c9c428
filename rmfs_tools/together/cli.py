"""`rmfs up`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rmfs_tools.together.founding import Ports
    from rmfs_tools.together.running import Part

_PORT = click.IntRange(1, 65_535)


def add_commands(root: click.Group) -> None:
    """Bring `rmfs up`."""
    root.add_command(up)


@click.command(epilog="\b\nExample:\n  rmfs up --folder rmfs-up")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("rmfs-up"),
    show_default=True,
    help="Where everybody is made; run again, they go on from where they were.",
)
@click.option("--gateway-port", type=_PORT, help="HTTP, of the gateway; else 8080.")
@click.option("--drop-port", type=_PORT, help="SFTP, of the gateway; else 2122.")
@click.option("--bank-port", type=_PORT, help="SFTP, of the bank; else 2022.")
@click.option("--dial-in-port", type=_PORT, help="TCP, of the server; else 7120.")
def up(
    *,
    folder: Path,
    gateway_port: int | None,
    drop_port: int | None,
    bank_port: int | None,
    dial_in_port: int | None,
) -> int:
    """Run bank, gateway, recharge server and their exchange here, until Ctrl-C.

    The first time it makes them, with three machines that have licences and funds. Each
    is a process as in service, on 127.0.0.1 alone: files go over SFTP in the windows of
    the day, the bank is asked at 22:00. Ports are chosen when they are made.
    """
    from hw.clock import SystemWallClock
    from rmfs_tools.together.founding import Ports, found, read_ports
    from rmfs_tools.together.running import run_together

    usual = Ports()
    chosen = (gateway_port, drop_port, bank_port, dial_in_port)
    ports = read_ports(folder)
    if ports is None:
        ports = Ports(
            gateway_port or usual.gateway,
            drop_port or usual.drop,
            bank_port or usual.bank,
            dial_in_port or usual.dial_in,
        )
        click.echo(f"Making everybody in {folder}/")
        found(folder, ports, SystemWallClock().utc(), click.echo)
    elif any(chosen):
        raise click.UsageError(f"the ports of {folder} are chosen: leave them out")
    at = ports
    signalled = run_together(
        _parts(folder, at),
        folder / "logs",
        click.echo,
        lambda: _tell_what_next(folder, at),
        os.environ,
    )
    return 0 if signalled else 1


def _parts(folder: Path, ports: "Ports") -> "list[Part]":
    from rmfs_tools.demo_chain import GATEWAY
    from rmfs_tools.parties import SERVER
    from rmfs_tools.together.founding import BANK
    from rmfs_tools.together.running import Part

    gateway, server = str(folder / GATEWAY), str(folder / SERVER)
    line = f"tcp:127.0.0.1:{ports.dial_in}"
    drop = ("--port", str(ports.gateway), "--sftp-port", str(ports.drop))
    bank = ("--folder", str(folder / BANK), "--port", str(ports.bank))
    return [
        Part("bank", ("bank", "simulate", *bank)),
        Part("gateway", ("dop", "run", "--gateway", gateway, *drop)),
        Part("server", ("server", "run", "--server", server, "--line", line)),
        Part("exchange", ("server", "exchange", "run", "--server", server)),
    ]


def _tell_what_next(folder: Path, ports: "Ports") -> None:
    machine = folder / "machines" / "N123456"
    click.echo(
        f"""
Everybody is there. In another terminal:
  rmfs machine dial {machine} tcp:127.0.0.1:{ports.dial_in} --recharge 2000
  rmfs server exchange once --by-hand --server {folder / "server"}
  rmfs dop reconcile --gateway {folder / "gateway"}
  rmfs bank make --folder {folder / "bank"} --help
  rmfs dop person add --gateway {folder / "gateway"} --help
The API is described at http://127.0.0.1:{ports.gateway}/api/docs. Ctrl-C ends all."""
    )

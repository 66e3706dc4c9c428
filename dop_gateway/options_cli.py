"""Options that commands of the gateway share."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from dop_gateway.identity.model import By
    from dop_gateway.parts import Parts

EXIT_FAILED: Final = 1

gateway_option: Final = click.option(
    "--gateway",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("rmfs-gateway"),
    show_default=True,
    help="Folder of the gateway.",
)
json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="For programs."
)
reason_option: Final = click.option(
    "--reason", required=True, help="Why, for who reads the audit trail."
)


@contextmanager
def opened(gateway: Path) -> Iterator["Parts"]:
    """Open a gateway for a command."""
    from dop_gateway.folder import open_gateway
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy

    with open_gateway(gateway, SystemWallClock(), SystemEntropy()) as parts:
        yield parts


def by_command(parts: "Parts", reason: str) -> "By":
    """Say that somebody at the gateway's computer acts, by their login there."""
    from dop_gateway.identity.model import GATEWAY, By

    return By(GATEWAY, parts.clock.now(), f"cli:{getpass.getuser()}", reason)

"""Options that commands of the gateway share."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dop_gateway.identity.model import By
    from dop_gateway.parts import Parts
    from protocol.keys import Point

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
as_option: Final = click.option(
    "--as", "login", required=True, help="Login of whoever of the DCR does it."
)
reason_option: Final = click.option(
    "--reason", required=True, help="Why, for who reads the audit trail."
)


def public_key_of(name: object, pem: bytes) -> "Point":
    """Read the public key of a file that was named.

    Raises:
        click.BadParameter: It is none; the words say which file.
    """
    from protocol.keys import KeyMaterialError, read_public_key

    try:
        return read_public_key(pem)
    except KeyMaterialError as error:
        raise click.BadParameter(f"{name}: {error}") from error


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


def acting_as(
    parts: "Parts", connection: "Connection", login: str, reason: str
) -> "By":
    """Act in somebody's name; the trail says that it was done at this computer.

    Raises:
        NotFoundError: There is nobody with that login who may act.
    """
    from dop_gateway.errors import NotFoundError
    from dop_gateway.identity import store
    from dop_gateway.identity.model import Actor, PersonState

    found = store.find_person(connection, login)
    if found is None or found[0].state is not PersonState.ACTIVE:
        raise NotFoundError(f"there is nobody with the login {login} who may act")
    person = found[0]
    grants = store.grants_of(connection, person.id)
    actor = Actor(person.id, person.login, person.kind, grants)
    return replace(by_command(parts, reason), actor=actor)

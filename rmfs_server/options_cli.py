"""What the commands of a recharge server share: who acts, on what, told to whom."""

import json
import math
import pwd
from collections.abc import Callable, Iterable
from datetime import date
from os import getuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from protocol.errors import RmfsError

if TYPE_CHECKING:
    from protocol.values import LicenceIdentifier, LicenceNumber
    from rmfs_server.administration import Administration
    from rmfs_server.store.acts import By

EXIT_FAILED: Final = 1
C = TypeVar("C", bound=Callable[..., Any])


class _Typed(click.ParamType[Any]):
    """Something that a person types, read by a function of ours."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Read it; what cannot be read is a mistake in typing."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except (RmfsError, ValueError) as error:
            self.fail(str(error), param, ctx)


class FiniteRange(click.FloatRange):
    """A number in a range, which infinity and what is no number are not in."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; what cannot be counted with is a mistake in typing."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def _licence(text: str) -> "LicenceIdentifier":
    from protocol.values import parse_licence_identifier

    return parse_licence_identifier(text)


def _number(text: str) -> "LicenceNumber":
    from protocol.values import parse_licence_number

    return parse_licence_number(text)


LICENCE: Final = _Typed("LICENCE", _licence)
NUMBER: Final = _Typed("NUMBER", _number)
DATE: Final = _Typed("YYYY-MM-DD", date.fromisoformat)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)
FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)


def server_option(command: C) -> C:
    """Let a command say which server it is about: the argument ``server``."""
    return click.option(
        "--server",
        type=FOLDER,
        default=Path("rmfs-server"),
        envvar="RMFS_SERVER",
        show_default=True,
        show_envvar=True,
        help="The server's folder.",
    )(command)


def person_options(reason: str | None = None) -> Callable[[C], C]:
    """Let a command say who acts and why; without a reason of its own it is asked."""

    def add(command: C) -> C:
        by = click.option(
            "--by", "person", help="Who does it; your login name when left out."
        )
        words = "Why, for whoever reads the books later."
        why = (
            click.option("--reason", required=True, help=words)
            if reason is None
            else click.option("--reason", default=reason, show_default=True, help=words)
        )
        return by(why(command))

    return add


json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="For programs; money in paise."
)


def tell(picture: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Tell a program the picture, or a person the lines."""
    text = json.dumps(picture, indent=2) if as_json else "\n".join(lines)
    click.echo(text)


def by_person(person: str | None, reason: str, second: str | None = None) -> "By":
    """Say who acts, why and now; who is not named is whoever is logged in."""
    from hw.clock import SystemWallClock
    from rmfs_server.store.acts import By

    name = person or pwd.getpwuid(getuid()).pw_name
    return By(name, reason, SystemWallClock().now(), second)


def act(server: Path, move: "Callable[[Administration], Any]") -> Any:
    """Let a person move something in the books of a server."""
    from rmfs_server.administration import Administration
    from rmfs_server.folder import open_books, read_server

    office = read_server(server)
    with open_books(server) as store:
        return move(Administration(store, office.credit_key, office.find_credit_key))

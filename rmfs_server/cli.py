"""`rmfs server` and `rmfs evidence`: make a server, keep it, prove what it did."""

import json
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


def _licence(text: str) -> "LicenceIdentifier":
    from protocol.values import parse_licence_identifier

    return parse_licence_identifier(text)


def _number(text: str) -> "LicenceNumber":
    from protocol.values import parse_licence_number

    return parse_licence_number(text)


LICENCE: Final = _Typed("LICENCE", _licence)
_NUMBER: Final = _Typed("NUMBER", _number)
_DATE: Final = _Typed("YYYY-MM-DD", date.fromisoformat)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
_STATES: Final = ("registered", "renewed", "blocked", "withheld", "cancelled")


def server_option(command: C) -> C:
    """Let a command say which server it is about: the argument ``server``."""
    return click.option(
        "--server",
        type=_FOLDER,
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


def add_commands(root: click.Group) -> None:
    """Bring the commands of the recharge server."""
    from hw.clock import SystemWallClock
    from rmfs_server import funds_cli, orders_cli, resolving_cli, run_cli
    from rmfs_server.folder import open_books

    if "import-funds" not in server_group.commands:
        funds_cli.add_commands(
            server_group, server_option, open_books, SystemWallClock()
        )
        run_cli.add_commands(server_group, server_option)
        orders_cli.add_commands(server_group)
        resolving_cli.add_commands(server_group)
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
    two_persons: bool,
) -> None:
    """Make a server in a new folder, with new keys and empty books."""
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy
    from protocol.keys import Realm
    from rmfs_server.folder import MAKER_KEY, PROVISIONING, Settings, create_server

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
    )
    click.echo(f"recharge server {name} is in {server}")
    click.echo(f"machines need {server / PROVISIONING}")
    if maker is None:
        click.echo(f"the maker's key is {server / MAKER_KEY}: keep it in the factory")


@server_group.command(
    epilog="\b\nExample:\n  rmfs server enrol office-1/provisioning.json "
    '--number KN0600065 --licensee "Asha Traders" --expires 2030-12-31'
)
@click.argument("file", type=FILE)
@server_option
@click.option("--number", type=_NUMBER, required=True, help="Licence number (CRN).")
@click.option("--licensee", required=True, help="Name of the licensee.")
@click.option(
    "--expires", type=_DATE, required=True, help="Last day of the licence, YYYY-MM-DD."
)
@click.option(
    "--kind", default="COMMERCIAL", show_default=True, help="Kind of the licence."
)
@click.option(
    "--credit-key",
    type=click.IntRange(0, 255),
    help="The credit key in the SERVER file that the machine was made with. Left out, "
    "the first one, or the newest that a PSD holds from an earlier life.",
)
@person_options("enrolment")
def enrol(
    *,
    file: Path,
    server: Path,
    number: "LicenceNumber",
    licensee: str,
    expires: date,
    kind: str,
    credit_key: int | None,
    person: str | None,
    reason: str,
) -> None:
    """Enrol the machine whose provisioning is FILE, and register its licence."""
    from rmfs_server.enrolling import NewLicence
    from rmfs_server.folder import read_server

    provisioning = read_server(server).read_enrolment(file)
    new = NewLicence(number, licensee, expires, kind)
    by = by_person(person, reason)
    machine = act(
        server, lambda office: office.enrol(provisioning, new, by, credit_key)
    )
    click.echo(f"{machine.licence} is enrolled")


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


@server_group.command(
    "licence",
    epilog="\b\nExample:\n  rmfs server licence N123456 --state blocked "
    '--reason "order of the DCR"',
)
@click.argument("licence", type=LICENCE)
@server_option
@click.option("--state", type=click.Choice(_STATES), help="Its new state.")
@click.option("--expires", type=_DATE, help="Its new last day, YYYY-MM-DD.")
@click.option(
    "--refund/--no-refund", default=None, help="Whether one refund is allowed."
)
@person_options()
def set_licence(
    *,
    licence: "LicenceIdentifier",
    server: Path,
    state: str | None,
    expires: date | None,
    person: str | None,
    reason: str,
    refund: bool | None,
) -> None:
    """Change a licence; cancelling it takes an outstanding voucher back, too."""
    from protocol.messages import LicenceState

    if state is None and expires is None and refund is None:
        message = "say what to change: --state, --expires or --refund"
        raise click.UsageError(message)
    by = by_person(person, reason)
    changed = act(
        server,
        lambda office: office.set_licence(
            licence,
            by,
            state=None if state is None else LicenceState[state.upper()],
            expires_on=expires,
            refund_allowed=refund,
        ),
    )
    click.echo(f"{licence} is {changed.state.name}, expires on {changed.expires_on}")


@server_group.command(
    epilog='\b\nExample:\n  rmfs server void N123456 --reason "asked by the licensee"'
)
@click.argument("licence", type=LICENCE)
@server_option
@person_options()
def void(
    licence: "LicenceIdentifier", server: Path, person: str | None, reason: str
) -> None:
    """Take the outstanding voucher back: from now on its VOID is sent.

    The funds stay reserved until the machine's control total tells which it applied.
    """
    by = by_person(person, reason)
    act(server, lambda office: office.void(licence, by))
    click.echo(f"a VOID waits for {licence}; its funds stay reserved until it dials in")


@server_group.command(
    epilog='\b\nExample:\n  rmfs server revoke N123456 --reason "machine stolen"'
)
@click.argument("licence", type=LICENCE)
@server_option
@person_options()
def revoke(
    licence: "LicenceIdentifier", server: Path, person: str | None, reason: str
) -> None:
    """Never believe this machine's keys again; this is final."""
    by = by_person(person, reason)
    act(server, lambda office: office.revoke(licence, by))
    click.echo(f"the credential of {licence} is revoked")


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


@click.command(
    epilog="\b\nExamples:\n  rmfs evidence N123456 7 --out evidence-7\n"
    "  rmfs evidence --verify evidence-7"
)
@click.argument("licence", type=LICENCE, required=False)
@click.argument("number", type=click.IntRange(1), required=False)
@server_option
@click.option("--out", type=_FOLDER, help="A new folder; else evidence-LICENCE-NUMBER.")
@click.option(
    "--verify",
    "verified",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Verify this folder of evidence instead; no server is needed.",
)
@json_option
def evidence(
    licence: "LicenceIdentifier | None",
    number: int | None,
    server: Path,
    out: Path | None,
    verified: Path | None,
    *,
    as_json: bool,
) -> int:
    """Export what was signed for recharge NUMBER of LICENCE, or for its last one.

    Exit 1 when evidence does not verify.
    """
    from rmfs_server.evidence import collect, describe, read_folder, write_folder
    from rmfs_server.folder import open_books

    if (licence is None) is (verified is None):
        message = "name a licence to export from, or a folder with --verify"
        raise click.UsageError(message)
    if verified is not None:
        return _check_evidence(read_folder(verified), str(verified), as_json=as_json)
    if licence is None:
        return EXIT_FAILED
    with open_books(server) as store, store.reading() as connection:
        files = collect(connection, licence, number)
    found = describe(files)["messages"]["voucher"]["recharge_number"]
    folder = out or Path(f"evidence-{licence}-{found}")
    write_folder(files, folder)
    return _check_evidence(files, str(folder), as_json=as_json)


def _check_evidence(files: dict[str, bytes], where: str, *, as_json: bool) -> int:
    from rmfs_server.evidence import describe, verify_evidence

    findings = verify_evidence(files)
    rows = [{"file": one.file, "detail": one.detail} for one in findings]
    said = {} if findings else describe(files)
    lines = [f"{row['file']}: {row['detail']}" for row in rows]
    if not findings:
        lines = [
            f"{where} verifies: {said['outcome']}",
            f"machine key {said['machine_key_fingerprint']}",
            f"credit key  {said['credit_key_fingerprint']}",
        ]
    tell({"folder": where, "findings": rows, **said}, lines, as_json=as_json)
    return EXIT_FAILED if findings else 0


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

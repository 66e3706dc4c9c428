"""Commands for licences and their machines: enrol, change, take back, revoke."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rmfs_server.options_cli import (
    DATE,
    FILE,
    LICENCE,
    NUMBER,
    act,
    by_person,
    person_options,
    server_option,
)

if TYPE_CHECKING:
    from protocol.values import LicenceIdentifier, LicenceNumber

_STATES: Final = ("registered", "renewed", "blocked", "withheld", "cancelled")


def add_commands(group: click.Group) -> None:
    """Add the commands to the group `rmfs server`."""
    for command in (enrol, set_licence, void, revoke):
        group.add_command(command)


@click.command(
    epilog="\b\nExample:\n  rmfs server enrol office-1/provisioning.json "
    '--number KN0600065 --licensee "Asha Traders" --expires 2030-12-31'
)
@click.argument("file", type=FILE)
@server_option
@click.option("--number", type=NUMBER, required=True, help="Licence number (CRN).")
@click.option("--licensee", required=True, help="Name of the licensee.")
@click.option(
    "--expires", type=DATE, required=True, help="Last day of the licence, YYYY-MM-DD."
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


@click.command(
    "licence",
    epilog="\b\nExample:\n  rmfs server licence N123456 --state blocked "
    '--reason "order of the DCR"',
)
@click.argument("licence", type=LICENCE)
@server_option
@click.option("--state", type=click.Choice(_STATES), help="Its new state.")
@click.option("--expires", type=DATE, help="Its new last day, YYYY-MM-DD.")
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


@click.command(
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


@click.command(
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

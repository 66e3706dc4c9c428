"""`rmfs dop licence`, `rmfs dop maker`: licences and makers at the gateway itself."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dop_gateway.options_cli import (
    by_command,
    gateway_option,
    json_option,
    opened,
    public_key_of,
    reason_option,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dop_gateway.licences.model import Licence

_STATES: Final = (
    *("REGISTERED", "RENEWED", "BLOCKED"),
    *("WITHHELD", "EXPIRED", "CANCELLED"),
)
_ROWS_MAX: Final = 100_000
_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.group("licence", epilog="\b\nExample:\n  rmfs dop licence list --state BLOCKED")
def licence_group() -> None:
    """Look at licences; what is done to them has a route, with its role."""


@licence_group.command(
    "list", epilog="\b\nExample:\n  rmfs dop licence list --maker N --json"
)
@gateway_option
@click.option("--maker", default="", help="Letter of the maker.")
@click.option("--state", type=click.Choice(_STATES), default=None, help="Only these.")
@click.option("--search", default="", help="A part of the name, or a number.")
@click.option(
    "--last",
    type=click.IntRange(1, _ROWS_MAX),
    default=50,
    show_default=True,
    help="At most so many.",
)
@json_option
def list_licences(
    *,
    gateway: Path,
    maker: str,
    state: str | None,
    search: str,
    last: int,
    as_json: bool,
) -> None:
    """List licences by their identifiers."""
    from sqlalchemy import true

    from dop_gateway.licences.list_store import licences_matching
    from protocol.messages import LicenceState

    with opened(gateway) as parts, parts.store.reading() as connection:
        matching = licences_matching(
            true(),
            words=search,
            maker=maker,
            state=None if state is None else LicenceState[state],
        )
        count = matching.count(connection)
        found = [
            _shown(one) for one in matching.page(connection, "identifier", 0, last)
        ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        click.echo(
            f"{one['identifier']}  {one['number']}  {one['state']:<10}  "
            f"{one['machine_state']:<11}  until {one['expires_on']}  {one['licensee']}"
        )
    click.echo(f"{len(found)} of {count} licences")


@licence_group.command(epilog="\b\nExample:\n  rmfs dop licence show N123456 --json")
@click.argument("identifier")
@gateway_option
@json_option
def show(*, identifier: str, gateway: Path, as_json: bool) -> None:
    """Show a licence, what happened to it, and what its maker was told."""
    from dop_gateway.licences import store

    with opened(gateway) as parts, parts.store.reading() as connection:
        told = _whole(connection, store.get(connection, identifier))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    history, lines = told.pop("history"), told.pop("told")
    for name, value in told.items():
        click.echo(f"{name}: {value}")
    for one in history:
        click.echo(
            f"{one['at']}  {one['axis']}  {one['move']} by {one['person']}: "
            f"{one['to_state']}"
        )
    for one in lines:
        where = one["file_id"] or "waits for its file"
        click.echo(f"line {one['id']} of {one['layout']}: {where} {one['outcome']}")


@licence_group.command(
    epilog="\b\nExample:\n  rmfs dop licence certificate N123456 certificate.pdf"
)
@click.argument("identifier")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@gateway_option
def certificate(*, identifier: str, file: Path, gateway: Path) -> None:
    """Write the certificate of a licence as PDF: four copies, as it is now."""
    from dop_gateway.licences import store
    from dop_gateway.licences.certificate import write_certificate
    from dop_gateway.offices import store as offices

    with opened(gateway) as parts, parts.store.reading() as connection:
        found = store.get(connection, identifier)
        octets = write_certificate(
            found,
            offices.get(connection, found.office),
            offices.get(connection, found.division),
            parts.clock.now(),
        )
    file.write_bytes(octets)
    click.echo(f"{file}: {len(octets)} octets")


@click.group("maker", epilog="\b\nExample:\n  rmfs dop maker list")
def maker_group() -> None:
    """Keep the makers of machines: their keys and their approved models."""


@maker_group.command("list", epilog="\b\nExample:\n  rmfs dop maker list --json")
@gateway_option
@json_option
def list_makers(*, gateway: Path, as_json: bool) -> None:
    """List the makers, with what is approved and which keys they sign with."""
    from dop_gateway.licences import makers, makers_store
    from dop_gateway.parameters import store as parameters
    from protocol.parameters import business_date

    with opened(gateway) as parts, parts.store.reading() as connection:
        known, today = parameters.table(connection), business_date(parts.clock.now())
        found = [
            {
                "letter": one.letter,
                "name": one.name,
                "open": makers.is_open(known, one.letter, today),
                "models": [
                    model.name
                    for model in makers_store.models(connection, [one.letter])
                    if model.is_approved(today)
                ],
                "keys": [
                    key.fingerprint
                    for key in makers_store.keys_in_use(
                        connection, one.letter, parts.clock.now()
                    )
                ],
            }
            for one in makers_store.makers(connection)
        ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for told in found:
        words = "gets new licences" if told["open"] else "gets no new licences"
        click.echo(f"{told['letter']}  {told['name']}: {words}")
        click.echo(f"   models: {told['models']}  keys: {told['keys']}")


@maker_group.command(
    epilog="\b\nExample:\n  rmfs dop maker add Q --name 'A maker' --reason 'letter of "
    "today'"
)
@click.argument("letter")
@gateway_option
@click.option("--name", required=True, help="The maker's name.")
@reason_option
def add(*, letter: str, gateway: Path, name: str, reason: str) -> None:
    """Take a maker in; the parameter oem.letters_open lets it get licences."""
    from dop_gateway.licences import makers

    with opened(gateway) as parts, parts.store.writing("add a maker") as connection:
        makers.add(connection, letter, name, by_command(parts, reason))


@maker_group.command(
    epilog="\b\nExample:\n  rmfs dop maker approve-model N FM-1 --from 2026-11-16 "
    "--reason 'circular 7'"
)
@click.argument("letter")
@click.argument("model")
@gateway_option
@click.option("--from", "approved_on", type=_DAY, required=True, help="First day.")
@reason_option
def approve_model(
    *, letter: str, model: str, gateway: Path, approved_on: datetime, reason: str
) -> None:
    """Approve a model of a maker from some day on."""
    from dop_gateway.licences import makers

    with opened(gateway) as parts, parts.store.writing("approve") as connection:
        by = by_command(parts, reason)
        makers.approve_model(connection, letter, model, approved_on.date(), by)


@maker_group.command(
    epilog="\b\nExample:\n  rmfs dop maker add-key N maker.public.pem --name Maker-N "
    "--realm TEST --reason 'handed over in person'"
)
@click.argument("letter")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@gateway_option
@click.option("--name", required=True, help="As in the maker's files.")
@click.option(
    "--realm",
    type=click.Choice(["TEST", "PRODUCTION"]),
    required=True,
    help="For which keys it signs.",
)
@reason_option
def add_key(
    *, letter: str, file: Path, gateway: Path, name: str, realm: str, reason: str
) -> None:
    """Let a maker sign the files of its machines with a key (PEM)."""
    from dop_gateway.licences import makers
    from protocol.keys import MakerPublicKey, Realm, VerifyingKey

    point = public_key_of(file, file.read_bytes())
    key = MakerPublicKey(name, Realm[realm], VerifyingKey(point))
    with opened(gateway) as parts, parts.store.writing("add a key") as connection:
        makers.add_key(connection, letter, key, by_command(parts, reason))
    click.echo(key.fingerprint)


def _shown(one: "Licence") -> dict[str, Any]:
    return {
        "identifier": one.identifier,
        "number": one.number,
        "maker": one.maker,
        "kind": one.kind.name,
        "licensee": one.licensee,
        "state": one.state.name,
        "machine_state": one.machine_state.name,
        "issued_on": one.issued_on.isoformat(),
        "expires_on": one.expires_on.isoformat(),
    }


def _whole(connection: "Connection", one: "Licence") -> dict[str, Any]:
    from dop_gateway.licences import changes, history, store
    from dop_gateway.licences.card import Card
    from dop_gateway.licences.changes_model import Axis
    from dop_gateway.licences.schemas import ChangeShown, MoveShown
    from dop_gateway.offices import store as offices

    credential = store.credential_of(connection, one.identifier)
    return {
        **_shown(one),
        "office": offices.get(connection, one.office).name,
        "division": offices.get(connection, one.division).code,
        "address": ", ".join((*one.holder.address, one.holder.pin)),
        "refund_allowed": one.refund_allowed,
        "replaces": one.replaces,
        "psd_serial": None if credential is None else credential.psd_serial,
        "card": Card(one.identifier, one.number).payload,
        "history": [
            MoveShown.of(axis.name, past).model_dump()
            for axis in (Axis.LICENCE, Axis.MACHINE)
            for past in history.of(connection, axis, one.identifier)
        ],
        "told": [
            ChangeShown.of(line).model_dump(mode="json")
            for line in changes.of_licence(connection, one.identifier)
        ],
    }

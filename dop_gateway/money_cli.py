"""`rmfs dop reconcile`, `verify`, `incident`: where every rupee is, what is wrong."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dop_gateway.options_cli import (
    EXIT_FAILED,
    acting_as,
    as_option,
    by_command,
    gateway_option,
    json_option,
    opened,
    reason_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dop_gateway.identity.model import By
    from dop_gateway.incidents.model import Incident, IncidentId

_ROWS_MAX = 1_000
_number = click.argument("number", type=click.IntRange(min=1))


@click.command(
    "reconcile", epilog="\b\nExample:\n  rmfs dop reconcile --licence N123456 --json"
)
@gateway_option
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="For which day it is kept; today where none is given.",
)
@click.option(
    "--licence", default=None, help="Of this one only: it is looked at, nothing kept."
)
@json_option
def reconcile_command(
    *, gateway: Path, day: datetime | None, licence: str | None, as_json: bool
) -> int:
    """Explain the money of every licence; ends with 1 when a rupee is not explained."""
    from dop_gateway.errors import NotFoundError
    from dop_gateway.money import reconciling, showing
    from protocol.parameters import business_date
    from protocol.values import parse_licence_identifier

    with opened(gateway) as parts:
        now = parts.clock.now()
        of_day = business_date(now) if day is None else day.date()
        if licence is not None:
            only = parse_licence_identifier(licence)
            with parts.store.reading() as connection:
                outcome = reconciling.Outcome(of_day)
                outcome.reports = list(reconciling.look(connection, now, only))
                if not outcome.reports:
                    raise NotFoundError(f"there is no licence {only}")
                outcome.licences = len(outcome.reports)
                outcome.unexplained_paise = sum(
                    one.unexplained_paise for one in outcome.reports
                )
        else:
            by = by_command(parts, "asked for")
            with parts.store.writing("reconcile") as connection:
                outcome = reconciling.reconcile(connection, of_day, by)
    if as_json:
        click.echo(json.dumps(showing.shown_outcome(outcome, now)))
    else:
        for report in outcome.reports:
            for line in showing.lines(report):
                click.echo(line)
        left = outcome.unexplained_paise
        click.echo(f"{outcome.licences} licences, {left} paise not explained")
    return EXIT_FAILED if outcome.unexplained_paise else 0


@click.command("verify", epilog="\b\nExample:\n  rmfs dop verify --json")
@gateway_option
@json_option
def verify_command(*, gateway: Path, as_json: bool) -> int:
    """Recompute the ledger, and what deposits say of it; ends with 1 on a mistake."""
    from dop_gateway.money import reconciling

    with opened(gateway) as parts, parts.store.reading() as connection:
        findings = list(reconciling.verify(connection))
    if as_json:
        found = [
            {"rule": one.rule, "subject": one.subject, "detail": one.detail}
            for one in findings
        ]
        click.echo(json.dumps({"findings": found}))
    else:
        for one in findings:
            click.echo(f"{one.subject}: {one.rule}: {one.detail}")
        click.echo(f"{len(findings)} findings")
    return EXIT_FAILED if findings else 0


@click.group("incident", epilog="\b\nExample:\n  rmfs dop incident list --state OPEN")
def incident_group() -> None:
    """Look into what is wrong: give it to somebody, act, close it."""


@incident_group.command(
    "list", epilog="\b\nExample:\n  rmfs dop incident list --state OPEN --json"
)
@gateway_option
@click.option(
    "--state",
    type=click.Choice(["OPEN", "ASSIGNED", "ACTED", "CLOSED"]),
    default=None,
    help="Only those in this state.",
)
@click.option(
    "--last",
    type=click.IntRange(1, _ROWS_MAX),
    default=20,
    show_default=True,
    help="So many, the latest first.",
)
@json_option
def list_incidents(
    *, gateway: Path, state: str | None, last: int, as_json: bool
) -> None:
    """List incidents, the latest first."""
    from dop_gateway.incidents import store
    from dop_gateway.incidents.model import IncidentState
    from dop_gateway.incidents.store import Wanted

    wanted = Wanted(states=() if state is None else (IncidentState[state],))
    with opened(gateway) as parts, parts.store.reading() as connection:
        found = store.list_incidents(connection, wanted, rows_max=last)
    if as_json:
        click.echo(json.dumps([_shown(one) for one in found]))
        return
    for one in found:
        click.echo(f"{one.id}  {one.state.name}  {one.kind.name}  {one.words}")


@incident_group.command("show", epilog="\b\nExample:\n  rmfs dop incident show 7")
@_number
@gateway_option
@json_option
def show_incident(*, number: int, gateway: Path, as_json: bool) -> int:
    """Show an incident with its history; ends with 1 if there is none."""
    from dop_gateway.incidents import store
    from dop_gateway.incidents.model import IncidentId

    with opened(gateway) as parts, parts.store.reading() as connection:
        found = store.get(connection, IncidentId(number))
        steps = store.history(connection, IncidentId(number))
    if found is None:
        click.echo(f"there is no incident {number}", err=True)
        return EXIT_FAILED
    history = [
        {
            "at": one.at,
            "person": one.login,
            "move": one.move,
            "to": one.to_state,
            "reason": one.reason,
        }
        for one in steps
    ]
    if as_json:
        click.echo(json.dumps({**_shown(found), "history": history}))
        return 0
    click.echo(f"{found.id}  {found.state.name}  {found.kind.name}: {found.kind.value}")
    click.echo(found.words)
    for step in history:
        click.echo(
            f"  {step['at']}  {step['person']}  {step['move']}  {step['reason']}"
        )
    return 0


@incident_group.command(
    epilog="\b\nExample:\n  rmfs dop incident assign 7 --to omar --as sunita "
    "--reason 'he knows the maker'"
)
@_number
@gateway_option
@click.option("--to", required=True, help="Login of who is to look into it.")
@as_option
@reason_option
@json_option
def assign(
    *, number: int, gateway: Path, to: str, login: str, reason: str, as_json: bool
) -> None:
    """Give an incident to somebody of the central resource."""
    from dop_gateway.incidents import service

    def act(connection: "Connection", of: "IncidentId", by: "By") -> "Incident":
        return service.assign(connection, of, to, by)

    _move(gateway, number, login, reason, act, as_json=as_json)


@incident_group.command(
    epilog="\b\nExample:\n  rmfs dop incident act 7 --action 'the maker sends the file "
    "again' --as omar --reason 'called them'"
)
@_number
@gateway_option
@click.option("--action", required=True, help="What was done.")
@as_option
@reason_option
@json_option
def act(
    *, number: int, gateway: Path, action: str, login: str, reason: str, as_json: bool
) -> None:
    """Say what was done about an incident."""
    from dop_gateway.incidents import service

    def done(connection: "Connection", of: "IncidentId", by: "By") -> "Incident":
        return service.act(connection, of, action, by)

    _move(gateway, number, login, reason, done, as_json=as_json)


@incident_group.command(
    epilog="\b\nExample:\n  rmfs dop incident close 7 --as sunita --reason 'it came'"
)
@_number
@gateway_option
@as_option
@reason_option
@json_option
def close(
    *, number: int, gateway: Path, login: str, reason: str, as_json: bool
) -> None:
    """Close an incident; where money is involved, not by who acted."""
    from dop_gateway.incidents import service

    _move(gateway, number, login, reason, service.close, as_json=as_json)


@incident_group.command(
    epilog="\b\nExample:\n  rmfs dop incident reopen 7 --as omar --reason 'it is back'"
)
@_number
@gateway_option
@as_option
@reason_option
@json_option
def reopen(
    *, number: int, gateway: Path, login: str, reason: str, as_json: bool
) -> None:
    """Open an incident again that was closed too early."""
    from dop_gateway.incidents import service

    _move(gateway, number, login, reason, service.reopen, as_json=as_json)


def _move(
    gateway: Path,
    number: int,
    login: str,
    reason: str,
    move: "Callable[[Connection, IncidentId, By], Incident]",
    *,
    as_json: bool,
) -> None:
    from dop_gateway.incidents.model import IncidentId

    with (
        opened(gateway) as parts,
        parts.store.writing("move an incident") as connection,
    ):
        by = acting_as(parts, connection, login, reason)
        found = move(connection, IncidentId(number), by)
    if as_json:
        click.echo(json.dumps(_shown(found)))
    else:
        click.echo(f"incident {found.id} is {found.state.name}")


def _shown(one: "Incident") -> dict[str, Any]:
    return {
        "number": one.id,
        "kind": one.kind.name,
        "subject": one.subject,
        "words": one.words,
        "amount_paise": one.amount_paise,
        "maker": one.maker,
        "licence": one.licence,
        "state": one.state.name,
        "found_at": one.found_at,
        "seen_at": one.seen_at,
        "owner": one.owner_login,
        "action": one.action,
        "closed_at": one.closed_at,
    }

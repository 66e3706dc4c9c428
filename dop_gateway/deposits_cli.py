"""`rmfs dop deposit` and `rmfs dop suspense`: what payments have come to."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dop_gateway.options_cli import EXIT_FAILED, gateway_option, json_option, opened
from dop_gateway.proposals_cli import approve, reject, settle

if TYPE_CHECKING:
    from dop_gateway.access import Permit
    from dop_gateway.deposits.list_store import Wanted
    from dop_gateway.deposits.model import Deposit

_ROWS_MAX: Final = 10_000
_STATES: Final = (
    "RECEIVED",
    "REALISED",
    "AUTHENTICATED",
    "SENT_TO_OEM",
    "ACKNOWLEDGED",
    "AVAILABLE",
    "PARTLY_DOWNLOADED",
    "DOWNLOADED",
    "SUSPENSE",
    "BOUNCED",
    "REVERSED",
    "RETURNED",
    "REFUNDED",
    "RECALLED_UNANSWERED",
    "RECALLED",
    "OWED",
    "PAID_AGAIN",
    "PAID_OWED",
)

_rows_option: Final = click.option(
    "--last",
    "rows_max",
    type=click.IntRange(1, _ROWS_MAX),
    default=20,
    show_default=True,
    help="So many at most.",
)
_licence_option: Final = click.option(
    "--licence", default="", help="Of this licence only, by its identifier."
)


@click.group("deposit", epilog="\b\nExample:\n  rmfs dop deposit list --state SUSPENSE")
def deposit_group() -> None:
    """Look deposits up: where each rupee is, how it came there, what is owed."""


@deposit_group.command(
    "list", epilog="\b\nExample:\n  rmfs dop deposit list --licence N123456 --json"
)
@gateway_option
@click.option("--state", type=click.Choice(_STATES), help="Those in this state only.")
@_licence_option
@click.option("--maker", default="", help="Of this maker only, by its letter.")
@click.option(
    "--from",
    "dated_from",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Paid on this day or later.",
)
@click.option(
    "--to",
    "dated_to",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Paid on this day or before.",
)
@_rows_option
@json_option
def list_deposits(
    *,
    gateway: Path,
    state: str | None,
    licence: str,
    maker: str,
    dated_from: datetime | None,
    dated_to: datetime | None,
    rows_max: int,
    as_json: bool,
) -> None:
    """List deposits, the newest first."""
    from dop_gateway.deposits.list_store import Wanted
    from dop_gateway.deposits.model import DepositState

    wanted = Wanted(
        state=None if state is None else DepositState[state],
        licence=licence,
        maker=maker,
        dated_from=None if dated_from is None else dated_from.date(),
        dated_to=None if dated_to is None else dated_to.date(),
    )
    _print(_found(gateway, wanted, "-id", rows_max), as_json=as_json)


@deposit_group.command(epilog="\b\nExample:\n  rmfs dop deposit show 42")
@click.argument("number", type=click.IntRange(min=1))
@gateway_option
@json_option
def show(*, number: int, gateway: Path, as_json: bool) -> int:
    """Show a deposit with every move it has made; ends with 1 if there is none."""
    from dop_gateway.deposits import proposals_store, store
    from dop_gateway.deposits.model import DepositId
    from dop_gateway.deposits.schemas import DepositShown, MoveShown, ProposalShown

    with opened(gateway) as parts, parts.store.reading() as connection:
        found = store.get(connection, DepositId(number))
        moves = store.history(connection, DepositId(number))
        proposed = proposals_store.of_deposit(connection, DepositId(number))
    if found is None:
        click.echo(f"there is no deposit {number}", err=True)
        return EXIT_FAILED
    told = [MoveShown.of(one) for one in moves]
    if as_json:
        shown = DepositShown.of(found).model_dump(mode="json")
        shown["moves"] = [one.model_dump(mode="json") for one in told]
        shown["proposals"] = [
            ProposalShown.of(one).model_dump(mode="json") for one in proposed
        ]
        click.echo(json.dumps(shown))
        return 0
    click.echo(_told(found))
    for one in told:
        click.echo(f"  {one.number} {one.at} {one.move} → {one.to_state}")
    for about in proposed:
        by = "" if about.paid_by is None else f" by deposit {about.paid_by}"
        click.echo(f"  {about.action.name}{by} {about.state.name}: {about.words}")
    return 0


@click.group("suspense", epilog="\b\nExample:\n  rmfs dop suspense list")
def suspense_group() -> None:
    """Look up what waits for a person's decision, and decide what was proposed."""


deposit_group.add_command(settle)
suspense_group.add_command(approve)
suspense_group.add_command(reject)


@suspense_group.command(
    "list", epilog="\b\nExample:\n  rmfs dop suspense list --licence N123456"
)
@gateway_option
@_licence_option
@_rows_option
@json_option
def list_suspense(*, gateway: Path, licence: str, rows_max: int, as_json: bool) -> None:
    """List deposits in suspense, the oldest first."""
    from dop_gateway.deposits.list_store import Wanted
    from dop_gateway.deposits.model import DepositState

    wanted = Wanted(state=DepositState.SUSPENSE, licence=licence)
    _print(_found(gateway, wanted, "suspended_at", rows_max), as_json=as_json)


def _found(
    gateway: Path, wanted: "Wanted", sort: str, rows_max: int
) -> list["Deposit"]:
    from dop_gateway.deposits import list_store

    with opened(gateway) as parts, parts.store.reading() as connection:
        matching = list_store.matching(connection, _everything(), wanted)
        return matching.page(connection, sort, 0, rows_max)


def _everything() -> "Permit":
    """Let who is at the gateway's own computer see all."""
    from dop_gateway.access import Permit
    from dop_gateway.identity.model import GATEWAY, Grant, Role, ScopeKind

    return Permit(GATEWAY, (Grant(Role.AUDITOR, ScopeKind.EVERYTHING),))


def _print(found: list["Deposit"], *, as_json: bool) -> None:
    from dop_gateway.deposits.schemas import DepositShown

    if as_json:
        shown: list[Any] = [
            DepositShown.of(one).model_dump(mode="json") for one in found
        ]
        click.echo(json.dumps(shown))
        return
    for one in found:
        click.echo(_told(one))
    click.echo(f"{len(found)} deposits")


def _told(one: "Deposit") -> str:
    from protocol.values import show_rupees

    payment = one.payment
    licence = one.licence or payment.licence or "no licence"
    due = f", available from {one.available_from}" if one.available_from else ""
    against = one.objection
    why = "" if against is None else f": {against.code} {against.words}"
    return (
        f"{one.id} {one.state.name} {show_rupees(one.amount_paise)} {licence} "
        f"{payment.mode.name} {payment.reference} of {payment.value_date}{due}{why}"
    )

"""`rmfs dop deposit settle`, `rmfs dop suspense approve` and `reject`: two decide."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dop_gateway.options_cli import (
    acting_as,
    as_option,
    gateway_option,
    json_option,
    opened,
    reason_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dop_gateway.deposits.proposals_store import Proposal
    from dop_gateway.identity.model import By

_number = click.argument("number", type=click.IntRange(min=1))


@click.command(
    epilog="\b\nExample:\n  rmfs dop deposit settle 17 --by 23 --as omar "
    "--reason 'letter of the licensee'"
)
@_number
@click.option(
    "--by",
    "payment",
    type=click.IntRange(min=1),
    required=True,
    help="Number of the deposit that pays it.",
)
@gateway_option
@as_option
@reason_option
@json_option
def settle(
    *,
    number: int,
    payment: int,
    gateway: Path,
    login: str,
    reason: str,
    as_json: bool,
) -> None:
    """Propose that another payment settles what is owed; somebody else decides."""
    from dop_gateway.access import Access, permit
    from dop_gateway.deposits import desk
    from dop_gateway.deposits.model import Action, DepositId
    from dop_gateway.identity.model import Role

    operators = Access("POST", "/deposits", frozenset({Role.DCR_OPERATOR}))

    def propose(connection: "Connection", by: "By") -> "Proposal":
        permit(by.actor, (), operators)
        paid_by = DepositId(payment)
        of = DepositId(number)
        return desk.propose(connection, of, Action.SETTLE, by, payment=paid_by)

    _do(gateway, login, reason, propose, as_json=as_json)


@click.command(
    epilog="\b\nExample:\n  rmfs dop suspense approve 5 --as sunita --reason 'seen'"
)
@_number
@gateway_option
@as_option
@reason_option
@json_option
def approve(
    *, number: int, gateway: Path, login: str, reason: str, as_json: bool
) -> None:
    """Agree to a proposal, by its number, that somebody else has made."""
    from dop_gateway.deposits import desk
    from dop_gateway.deposits import proposals_store as proposals
    from dop_gateway.deposits.proposals_store import ProposalId
    from dop_gateway.errors import NotFoundError

    def agree(connection: "Connection", by: "By") -> "Proposal":
        desk.approve(connection, ProposalId(number), by)
        done = proposals.lock(connection, ProposalId(number))
        if done is None:
            raise NotFoundError(f"there is no proposal {number}")
        return done

    _do(gateway, login, reason, agree, as_json=as_json)


@click.command(
    epilog="\b\nExample:\n  rmfs dop suspense reject 5 --as sunita --reason 'no'"
)
@_number
@gateway_option
@as_option
@reason_option
@json_option
def reject(
    *, number: int, gateway: Path, login: str, reason: str, as_json: bool
) -> None:
    """Do not agree to a proposal that somebody else has made."""
    from dop_gateway.deposits import desk
    from dop_gateway.deposits.proposals_store import ProposalId

    def refuse(connection: "Connection", by: "By") -> "Proposal":
        return desk.reject(connection, ProposalId(number), by)

    _do(gateway, login, reason, refuse, as_json=as_json)


def _do(
    gateway: Path,
    login: str,
    reason: str,
    act: "Callable[[Connection, By], Proposal]",
    *,
    as_json: bool,
) -> None:
    from dop_gateway.deposits.schemas import ProposalShown

    with (
        opened(gateway) as parts,
        parts.store.writing("decide about a deposit") as connection,
    ):
        done = act(connection, acting_as(parts, connection, login, reason))
    if as_json:
        click.echo(json.dumps(ProposalShown.of(done).model_dump(mode="json")))
        return
    about = f"{done.action.name} of deposit {done.deposit}"
    click.echo(f"proposal {done.id}, {about}: {done.state.name}")

"""The account confirms payments, and cheques are paid: then money moves.

A cheque that is confirmed before it is realised waits for that; one that is realised
before it is confirmed waits too. What is confirmed twice is confirmed once.

Source: RMFS-10, RMFS-15; domain notes, section 7.4.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from dop_gateway.deposits import store
from dop_gateway.deposits.authenticating import Desk, authenticate, open_desk
from dop_gateway.deposits.model import (
    CHEQUES,
    Deposit,
    DepositEvent,
    DepositState,
)
from dop_gateway.deposits.steps import Steps
from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.ledger import Source
from dop_gateway.moves import Objection

_UNCONFIRMED = frozenset({DepositState.RECEIVED, DepositState.REALISED})


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of payments that the account confirms.

    Attributes:
        authenticated: References of those that go into the next fund file.
        suspended: Why others wait in suspense, by reference.
        waiting: Cheques that are not realised yet.
        unknown: References that nobody has told of.
    """

    authenticated: tuple[str, ...]
    suspended: dict[str, Objection]
    waiting: tuple[str, ...]
    unknown: tuple[str, ...]


def verified(
    connection: Connection, source: Source, references: Iterable[str], by: By
) -> Verified:
    """Take over what the account of a source confirms.

    Args:
        connection: A writing transaction.
        source: Whose account.
        references: Of the payments.
        by: Who compared them.
    """
    wanted = list(dict.fromkeys(references))
    found = store.lock_references(connection, source, wanted)
    moving = [one for one in found if one.state in _UNCONFIRMED]
    desk = open_desk(connection, (one.payment for one in moving), by.now)
    steps = Steps(by)
    ends = [_confirm(desk, steps, one) for one in moving]
    steps.write(connection, "verify payments")
    known = {one.payment.reference for one in found}
    return Verified(
        tuple(
            one.payment.reference
            for one in ends
            if one.state is DepositState.AUTHENTICATED
        ),
        {
            one.payment.reference: one.objection
            for one in ends
            if one.state is DepositState.SUSPENSE and one.objection is not None
        },
        tuple(one.payment.reference for one in ends if one.state in _UNCONFIRMED),
        tuple(one for one in wanted if one not in known),
    )


def realise(
    connection: Connection, source: Source, reference: str, on: date, by: By
) -> Deposit:
    """Say that a cheque was paid; again changes nothing.

    Raises:
        NotFoundError: Nobody has told of such a payment.
    """
    found = store.lock_reference(connection, source, reference)
    if found is None:
        raise NotFoundError(f"there is no payment {reference} of {source.value}")
    if found.payment.mode not in CHEQUES or found.state is not DepositState.RECEIVED:
        return found
    steps = Steps(by)
    realised = _realise(steps, found, found.payment.realised_on or on)
    if realised.confirmed_at is not None:
        desk = open_desk(connection, [realised.payment], by.now)
        realised = authenticate(desk, steps, realised)
    steps.write(connection, "realise cheque")
    return realised


def _confirm(desk: Desk, steps: Steps, deposit: Deposit) -> Deposit:
    if deposit.payment.waits_for_realisation:
        return steps.note(deposit, confirmed_at=steps.by.now)
    realised_on = deposit.payment.realised_on
    if deposit.state is DepositState.RECEIVED and realised_on is not None:
        deposit = _realise(steps, deposit, realised_on)
    return authenticate(desk, steps, deposit)


def _realise(steps: Steps, deposit: Deposit, on: date) -> Deposit:
    payment = replace(deposit.payment, realised_on=on)
    return steps.move(deposit, DepositEvent.REALISED, payment=payment)

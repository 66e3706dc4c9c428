"""Notional credit of departmental licences: nobody pays, the Department says so.

One person enters it by its sanction, another confirms it (GW-03). It is a payment of
the source NOTIONAL, and judged like any other.

Source: domain notes, sections 6.1 and 23 no. 10.
"""

from sqlalchemy import Connection

from dop_gateway.deposits import store
from dop_gateway.deposits.authenticating import open_desk
from dop_gateway.deposits.model import Deposit, DepositId, DepositState, Payment
from dop_gateway.deposits.receiving import receive
from dop_gateway.deposits.verifying import verified
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.identity.model import By
from dop_gateway.ledger import Source
from dop_gateway.licences import store as licences
from dop_gateway.moves import ObjectionError
from protocol.exchange import PaymentMode
from protocol.parameters import business_date
from protocol.values import Paise


def enter(
    connection: Connection, identifier: str, amount_paise: Paise, reference: str, by: By
) -> Deposit:
    """Enter credit for a departmental licence; it counts once it is confirmed.

    Args:
        connection: A writing transaction.
        identifier: The licence.
        amount_paise: How much; as deposits must be.
        reference: Of the sanction.
        by: Who enters it.

    Raises:
        InvalidError: There is no such licence, or the amount cannot be.
        ConflictError: The sanction was used already.
        ObjectionError: The licence is not departmental, or the amount breaks a rule.
    """
    licence = licences.find(connection, identifier)
    if licence is None:
        words = f"there is no licence {identifier!r}"
        raise InvalidError([FieldFinding("/licence", "unknown", words)])
    if amount_paise <= 0:
        words = "more than nothing is needed"
        raise InvalidError([FieldFinding("/amount", "too_small", words)])
    if store.find(connection, Source.NOTIONAL, reference) is not None:
        raise ConflictError(f"the sanction {reference} was used already")
    payment = Payment(
        Source.NOTIONAL,
        reference,
        licence.identifier,
        licence.number,
        licence.licensee,
        amount_paise,
        PaymentMode.NOTIONAL,
        business_date(by.now),
    )
    against = open_desk(connection, [payment], by.now).judge(payment, licence)
    if against is not None:
        raise ObjectionError(against)
    receive(connection, [payment], by)
    return _must_find(connection, reference)


def confirm(connection: Connection, deposit_id: DepositId, by: By) -> Deposit:
    """Confirm credit that somebody else entered.

    Raises:
        NotFoundError: No such credit was entered.
        SamePersonError: Whoever entered it confirms it.
        ConflictError: It is confirmed already.
    """
    found = store.lock(connection, deposit_id)
    if found is None or found.payment.source is not Source.NOTIONAL:
        raise NotFoundError(f"there is no notional credit {deposit_id}")
    if found.state is not DepositState.RECEIVED:
        raise ConflictError(f"it is {found.state.name} already")
    entered = store.history(connection, deposit_id)[0]
    if entered.person == by.actor.person:
        raise SamePersonError("who entered it cannot confirm it: ask a colleague")
    reference = found.payment.reference
    verified(connection, Source.NOTIONAL, [reference], by)
    return _must_find(connection, reference)


def _must_find(connection: Connection, reference: str) -> Deposit:
    found = store.find(connection, Source.NOTIONAL, reference)
    if found is None:
        raise NotFoundError(f"there is no notional credit {reference}")
    return found

"""Notional credit of departmental licences: nobody pays, the Department says so.

It is entered as a payment of the source NOTIONAL and judged like any other.

Source: domain notes, sections 6.1 and 23 no. 10.
"""

from sqlalchemy import Connection

from dop_gateway.deposits import store
from dop_gateway.deposits.authenticating import open_desk
from dop_gateway.deposits.model import Deposit, Payment
from dop_gateway.deposits.receiving import receive
from dop_gateway.deposits.verifying import verified
from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.identity.model import By
from dop_gateway.ledger import Source
from dop_gateway.licences import store as licences
from dop_gateway.moves import ObjectionError
from protocol.errors import InvariantError
from protocol.exchange import PaymentMode
from protocol.parameters import business_date
from protocol.values import Paise


def give(
    connection: Connection, identifier: str, amount_paise: Paise, reference: str, by: By
) -> Deposit:
    """Give a departmental licence credit.

    Args:
        connection: A writing transaction.
        identifier: The licence.
        amount_paise: How much; as deposits must be.
        reference: Of the sanction; the same again is the same credit.
        by: Who gives it.

    Raises:
        InvalidError: There is no such licence.
        ObjectionError: It is not departmental, or the amount is not as it must be.
    """
    licence = licences.find(connection, identifier)
    if licence is None:
        words = f"there is no licence {identifier!r}"
        raise InvalidError([FieldFinding("/licence", "unknown", words)])
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
    if store.find(connection, Source.NOTIONAL, reference) is None:
        against = open_desk(connection, [payment], by.now).judge(payment, licence)
        if against is not None:
            raise ObjectionError(against)
    receive(connection, [payment], by)
    verified(connection, Source.NOTIONAL, [reference], by)
    found = store.find(connection, Source.NOTIONAL, reference)
    if found is None:
        raise InvariantError(f"{reference} was given and is not there")
    return found

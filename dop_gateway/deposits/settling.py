"""What a licensee owes for a payment that was taken back is settled by another payment.

The other payment is in suspense, or is authenticated and in no fund file yet; it has
exactly the amount that is owed. Its money meets the claim: on the account of the
licence it comes into ``deposited:`` and leaves it for ``suspense``, so that a statement
of account shows it. No machine gets credit for it, and no maker is told: what the first
payment brought is with the licence since.

If the other payment is taken back as well, the licensee owes the first one again
(`dop_gateway.deposits.bouncing`).

No rule of the Department's says how such a debt is paid: this is this product's.
"""

from functools import partial
from typing import Final

from sqlalchemy import Connection

from dop_gateway.deposits import fund_lines, store
from dop_gateway.deposits import proposals_store as proposals
from dop_gateway.deposits.bouncing import first_told
from dop_gateway.deposits.fund_lines import NewLine
from dop_gateway.deposits.model import (
    Deposit,
    DepositEvent,
    DepositId,
    DepositState,
    LineKind,
)
from dop_gateway.deposits.steps import Steps
from dop_gateway.errors import ConflictError, FieldFinding, InvalidError
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import Movement, MovementOf, Source, movements
from protocol.errors import InvariantError
from protocol.values import show_rupees

_S: Final = DepositState
_PAYS: Final = frozenset({_S.SUSPENSE, _S.AUTHENTICATED})


def check(connection: Connection, owed: Deposit, number: DepositId) -> Deposit:
    """Find the payment that is to settle what is owed.

    Args:
        connection: A writing transaction.
        owed: The deposit that was taken back.
        number: Of the other payment.

    Raises:
        InvalidError: There is no such payment.
        ConflictError: It cannot settle that; the words say why.
    """
    payment = store.lock(connection, number)
    if payment is None:
        words = f"there is no deposit {number}"
        raise InvalidError([FieldFinding("/payment", "unknown", words)])
    against = _against(owed, payment)
    if against:
        raise ConflictError(f"deposit {number} {against}")
    return payment


def settle(
    connection: Connection, owed: Deposit, number: DepositId, why: str, by: By
) -> Deposit:
    """Settle what is owed, after two people agreed.

    Args:
        connection: A writing transaction, in which the deposit is locked.
        owed: The deposit that was taken back.
        number: Of the payment that settles it.
        why: For the ledger.
        by: Who agreed.

    Raises:
        IllegalMoveError: Nothing is owed any more.
        ConflictError: The other payment cannot settle it any more.
    """
    payment = check(connection, owed, number)
    steps = Steps(by)
    settled = steps.move(owed, DepositEvent.PAID_AGAIN)
    fund_lines.drop(connection, payment.id)
    clear_at_maker(connection, steps, payment)
    if payment.state is _S.SUSPENSE:
        payment = steps.move(
            payment,
            DepositEvent.RELEASED,
            partial(_moved, movements.released, owed, why),
            licence=owed.licence,
            objection=None,
            suspended_at=None,
        )
    met = partial(_moved, movements.met_unanswered, owed, why)
    steps.move(payment, DepositEvent.PAID_OWED, met)
    steps.write(connection, "settle what is owed")
    proposals.overtake(connection, payment.id, by)
    words = f"paid by deposit {payment.id}, {payment.payment.reference}"
    kind = IncidentKind.DEPOSIT_BOUNCED_AFTER_USE
    incidents.over(connection, kind, f"deposit {owed.id}", words, by)
    return settled


def clear_at_maker(connection: Connection, steps: Steps, deposit: Deposit) -> None:
    """Take back the line of a deposit that waits in suspense at the maker, if any."""
    first = first_told(connection, deposit)
    if first is not None and deposit.licence is not None:
        kind, told = LineKind.TAKE_BACK, -deposit.amount_paise
        steps.line(NewLine(deposit.id, deposit.licence, kind, 0, told, first.id))


def _against(owed: Deposit, payment: Deposit) -> str:
    """Say why a payment cannot settle what is owed; empty if it can."""
    if payment.state not in _PAYS:
        return f"is {payment.state.name}: a debt is paid by what has reached no maker"
    if payment.payment.source is Source.NOTIONAL:
        return "is notional credit, which is no money"
    if payment.state is _S.AUTHENTICATED and payment.licence != owed.licence:
        return f"is a deposit of {payment.licence}"
    if payment.amount_paise != owed.amount_paise:
        has, wanted = map(show_rupees, (payment.amount_paise, owed.amount_paise))
        return f"is {has}, and {wanted} are owed: no more and no less settles it"
    return ""


def _moved(of: MovementOf, owed: Deposit, why: str, key: str) -> Movement:
    if owed.licence is None:
        raise InvariantError(f"deposit {owed.id} is owed by no licence")
    reason = f"owed for {owed.payment.reference}: {why}"
    return of(owed.licence, owed.amount_paise, key, reason)

"""Payments come in: kept once, judged at once, waiting for the account to confirm them.

What is judged here is told to whoever brought the file; the judgement that counts is
made when the account confirms the payment, and money moves in the ledger then.

Source: RMFS-13 to RMFS-17; requirements, section 12.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dop_gateway.deposits import store
from dop_gateway.deposits.authenticating import open_desk
from dop_gateway.deposits.model import Payment
from dop_gateway.deposits.steps import Steps
from dop_gateway.identity.model import By
from dop_gateway.ledger import Source
from dop_gateway.moves import Objection


@dataclass(frozen=True, slots=True)
class Received:
    """What became of payments.

    Attributes:
        taken: Those that are new, in their order.
        objections: What speaks against some of them, by reference: they go to suspense
            when the account confirms them.
        repeated: References of payments that were known already.
        contradicting: Payments whose reference is known with another content: nothing
            is changed, somebody has to ask the source which one holds.
    """

    taken: tuple[Payment, ...]
    objections: dict[tuple[Source, str], Objection]
    repeated: tuple[str, ...]
    contradicting: tuple[Payment, ...]

    @property
    def taken_paise(self) -> int:
        """Sum of those that are new."""
        return sum(one.amount_paise for one in self.taken)


def receive(connection: Connection, payments: Sequence[Payment], by: By) -> Received:
    """Keep payments that a source tells of; each reference once.

    Args:
        connection: A writing transaction.
        payments: In the order of their file.
        by: Who brought them.
    """
    known = _known(connection, payments)
    new: dict[tuple[Source, str], Payment] = {}
    repeated, contradicting = [], []
    for payment in payments:
        key = (payment.source, payment.reference)
        before = known.get(key, new.get(key))
        if before is None:
            new[key] = payment
        elif _same(before, payment):
            repeated.append(payment.reference)
        else:
            contradicting.append(payment)
    desk = open_desk(connection, new.values(), by.now)
    judged = [
        (payment, desk.judge(payment, desk.licence_of(payment)))
        for payment in new.values()
    ]
    steps = Steps(by)
    steps.begin(store.insert_payments(connection, judged, by))
    steps.write(connection, "receive payments")
    return Received(
        tuple(new.values()),
        {
            (payment.source, payment.reference): against
            for payment, against in judged
            if against is not None
        },
        tuple(repeated),
        tuple(contradicting),
    )


def _known(
    connection: Connection, payments: Iterable[Payment]
) -> dict[tuple[Source, str], Payment]:
    by_source: dict[Source, list[str]] = {}
    for one in payments:
        by_source.setdefault(one.source, []).append(one.reference)
    return {
        (source, found.payment.reference): found.payment
        for source, references in by_source.items()
        for found in store.lock_references(connection, source, references)
    }


def _same(known: Payment, told: Payment) -> bool:
    """Say whether two tell of the same; where and when a cheque was paid may differ."""
    plain = replace(told, realised_on=None, file_id=None, line_id=None)
    return plain == replace(known, realised_on=None, file_id=None, line_id=None)

"""What the bank's files cause, carried to deposits and incidents of the gateway."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from dop_gateway.bank.judging import Named
from dop_gateway.bank.neighbours import Paid, Realised, TakenBack
from dop_gateway.deposits import bouncing, receiving, verifying
from dop_gateway.deposits.model import Payment
from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import Source
from protocol.exchange import PaymentMode
from protocol.values import Paise

_LINE: Final = IncidentKind.LINE_REFUSED


class GatewayNeighbours:
    """Deposits and incidents of this gateway.

    What is in doubt is received without its licence: so it waits in suspense for a
    person, and the incident tells what the bank captured.
    """

    def receive(
        self, connection: Connection, paid: Sequence[Paid], by: By
    ) -> Sequence[Named]:
        """Take money that the account confirms; what is wrong with it is named."""
        received = receiving.receive(connection, [_payment(one) for one in paid], by)
        named = [_contradicting(one) for one in received.contradicting]
        other = {(one.source, one.reference) for one in received.contradicting}
        references: dict[Source, list[str]] = {}
        for one in paid:
            if (one.source, one.reference) not in other:
                references.setdefault(one.source, []).append(one.reference)
        for source, some in references.items():
            verifying.verified(connection, source, some, by)
        return named

    def realise(
        self, connection: Connection, realised: Sequence[Realised], by: By
    ) -> None:
        """Say of cheques of post offices that they are money now."""
        for one in realised:
            source = Source.POST_OFFICE
            verifying.realise(connection, source, one.reference, one.on, by)

    def take_back(
        self, connection: Connection, back: Sequence[TakenBack], by: By
    ) -> Sequence[Named]:
        """Say of payments that they are money no more."""
        named = []
        for one in back:
            try:
                bouncing.bounce(
                    connection, one.source, one.reference, one.on, one.words, by
                )
            except NotFoundError as error:
                words = f"{one.reference} is taken back: {error}"
                subject = f"{one.reference} returned"
                named.append(Named(_LINE, subject, words, Paise(0)))
        return named

    def name(self, connection: Connection, named: Sequence[Named], by: By) -> None:
        """Report what is wrong."""
        for one in named:
            incidents.report(
                connection,
                one.kind,
                one.subject,
                one.words,
                by,
                amount_paise=one.amount_paise,
            )

    def over(self, connection: Connection, named: Sequence[Named], by: By) -> None:
        """Say that it is not wrong any more."""
        for one in named:
            incidents.over(connection, one.kind, one.subject, one.words, by)


def _payment(one: Paid) -> Payment:
    sure = not one.doubt
    return Payment(
        source=one.source,
        reference=one.reference,
        licence=one.licence if sure else "",
        licence_number=one.licence_number if sure else "",
        licensee=one.licensee,
        amount_paise=one.amount_paise,
        mode=PaymentMode[one.mode],
        value_date=one.value_date,
        instrument=one.instrument,
        realised_on=one.realised_on,
        file_id=one.file_id,
        line_id=one.line_id,
    )


def _contradicting(payment: Payment) -> Named:
    words = (
        f"{payment.reference} is known with another content: ask "
        f"{payment.source.value} which one holds"
    )
    subject = f"{payment.reference} {payment.line_id}"
    return Named(_LINE, subject, words, payment.amount_paise)

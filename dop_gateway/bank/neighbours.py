"""What the bank's files cause elsewhere: deposits and incidents.

A port, so that what a bank handed over can be judged without either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import Connection

from dop_gateway.bank.judging import Named
from dop_gateway.identity.model import By
from dop_gateway.ledger import Source
from protocol.values import Paise


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that is there, with what was captured of its payer.

    Attributes:
        reference: Of the bank, or number of the receipt.
        licence: As captured, as all that follows; blank where nothing was.
        mode: Name as in the layouts.
        realised_on: Of a cheque; None while it is not money.
        doubt: Why a person has to look at it before it counts; empty: none.
        file_id: As the header says of the file that tells it.
    """

    source: Source
    reference: str
    licence: str
    licence_number: str
    licensee: str
    amount_paise: Paise
    mode: str
    instrument: str
    value_date: date
    realised_on: date | None
    doubt: str
    file_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A payment that is taken back: a cheque that bounced, a transfer returned."""

    source: Source
    reference: str
    on: date
    words: str


@dataclass(frozen=True, slots=True)
class Realised:
    """A cheque of a post office has become money."""

    reference: str
    on: date


class Neighbours(Protocol):
    """Deposits and incidents, as the bank's files need them."""

    def receive(
        self, connection: Connection, paid: Sequence[Paid], by: By
    ) -> Sequence[Named]:
        """Take money that the account confirms; what is wrong with it is named."""

    def realise(
        self, connection: Connection, realised: Sequence[Realised], by: By
    ) -> None:
        """Say of cheques that they are money now."""

    def take_back(
        self, connection: Connection, back: Sequence[TakenBack], by: By
    ) -> Sequence[Named]:
        """Say of payments that they are money no more; what is wrong is named."""

    def name(self, connection: Connection, named: Sequence[Named], by: By) -> None:
        """Report what is wrong."""

    def over(self, connection: Connection, named: Sequence[Named], by: By) -> None:
        """Say that it is not wrong any more."""

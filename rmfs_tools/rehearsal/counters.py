"""Counters of post offices that are the gateway's own, and the people at them.

Who pays brings the licence card; the assistant scans it and gives a receipt. In the
evening the treasurer takes cheques and drafts in, and says of earlier ones whether the
bank has paid; the postmaster ends the day. At night all of that goes to the Department
in the day's file (RMFS-24), made and taken as the gateway itself does it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Final

from dop_gateway.bank import own_counters
from dop_gateway.bank.model import FileState
from dop_gateway.bank.nightly import NEIGHBOURS
from dop_gateway.bank.work import Rules
from dop_gateway.counter import service
from dop_gateway.counter.checking import payee_of
from dop_gateway.counter.model import INSTRUMENTS, Form, Instrument, Tender
from dop_gateway.licences.card import Card
from dop_gateway.licences.model import Licence
from dop_gateway.offices.model import Office, OfficeId
from protocol.errors import InvariantError
from protocol.exchange import PaymentMode
from protocol.values import LicenceNumber, Paise
from rmfs_tools.rehearsal.department import Department


class CounterMistake(Enum):
    """What goes wrong with what is tendered, by the name that reports use."""

    CHEQUE_BOUNCED = "counter-cheque-bounced"
    DRAFT_BOUNCED = "counter-draft-bounced"


CLEARS: Final = timedelta(days=2)
"""Until the bank has paid a cheque or draft, or not."""
_BANK: Final = "Canara Bank"
_NOT_PAID: Final = "funds insufficient"


@dataclass(frozen=True, slots=True)
class Payer:
    """Somebody who pays at the counter where the mail is tendered.

    Attributes:
        division: Whose people work there.
    """

    licence: Licence
    office: Office
    division: Office

    @property
    def card(self) -> str:
        """What is scanned of the licence card."""
        number = LicenceNumber(self.licence.number)
        return Card(self.licence.identifier, number).payload


@dataclass(frozen=True, slots=True)
class _Paper:
    """A cheque or draft on its way to the bank.

    Attributes:
        number: Of the receipt.
        division: Code, as in the logins of its people.
        bounces: Whether the bank will not pay it.
    """

    number: str
    division: str
    due: date
    bounces: bool


class Counters:
    """The counters of some Divisions."""

    def __init__(self, department: Department) -> None:
        """Begin with nothing taken."""
        self._department = department
        self._papers: list[_Paper] = []
        self._written = 0
        self._took: dict[OfficeId, str] = {}

    def take(
        self,
        payer: Payer,
        amount: Paise,
        mode: PaymentMode,
        day: date,
        *,
        bounces: bool = False,
    ) -> str:
        """Take a deposit.

        Args:
            payer: Who pays, and where.
            amount: In paise; the form says the same.
            mode: Cash, cheque or draft of a post office.
            day: Today.
            bounces: The bank will not pay the cheque or draft.

        Returns:
            Number of the receipt.
        """
        code = str(payer.division.code).lower()
        by = self._department.by(f"counter-{code}")
        licence, office = payer.licence, payer.office.office_id
        with self._department.parts.store.writing("take at a counter") as connection:
            payee = payee_of(connection, payer.office)
            if payee is None:
                raise InvariantError(f"{payer.office.name} has no accounts office")
            receipt = service.take(
                connection,
                office,
                by,
                card=payer.card,
                form=Form(
                    licence.licensee,
                    "1, Head Office Road",
                    licence.identifier,
                    licence.number,
                    amount,
                    "A messenger",
                ),
                tender=Tender(amount, mode, self._paper(mode, payee, day)),
            )
        self._took[office] = code
        if mode in INSTRUMENTS:
            paper = _Paper(receipt.number, code, day + CLEARS, bounces)
            self._papers.append(paper)
        return receipt.number

    def end(self, day: date) -> None:
        """Let treasurers and postmasters do what they do at the end of a day."""
        for one in [one for one in self._papers if one.due <= day]:
            self._settle(one, day)
            self._papers.remove(one)
        for one in self._papers:
            if one.due == day + CLEARS:
                self._take_in(one)
        for office, code in self._took.items():
            by = self._department.by(f"postmaster-{code}")
            with self._department.parts.store.writing("end a day") as connection:
                service.end_day(connection, office, day, by)
        self._took.clear()

    def hand_over(self) -> None:
        """Make and take the file of the day, as the nightly run does.

        Raises:
            InvariantError: The gateway does not take what it has made itself.
        """
        parts, by = self._department.parts, self._department.program
        ours = parts.exchange
        rules = Rules(ours.layouts, ours.realm, NEIGHBOURS)
        with parts.store.writing("hand over our own counters") as connection:
            file = own_counters.hand_over(
                connection, by.now, by, rules=rules, ours=ours
            )
        if file is not None and file.state is not FileState.TAKEN:
            raise InvariantError(f"{file.name} of our own counters: {file.words}")

    def _paper(self, mode: PaymentMode, payee: Office, day: date) -> Instrument | None:
        if mode not in INSTRUMENTS:
            return None
        self._written += 1
        return Instrument(f"{self._written:06d}", _BANK, day, payee.office_id)

    def _take_in(self, one: _Paper) -> None:
        by = self._department.by(f"treasurer-{one.division}")
        with self._department.parts.store.writing("take in") as connection:
            service.take_in(connection, one.number, by)

    def _settle(self, one: _Paper, day: date) -> None:
        by = self._department.by(f"treasurer-{one.division}")
        with self._department.parts.store.writing("the bank has answered") as found:
            if one.bounces:
                service.bounce(found, one.number, day, _NOT_PAID, by)
            else:
                service.realise(found, one.number, day, by)

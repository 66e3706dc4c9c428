"""A deposit at a counter of a post office, its cheque, and the day of the office.

The deposit form is Annexure U of the Department's 2010 procedure, whose text is not
public: its fields are those that the procedure names (RMFS-20), the form is OURS.

Source: RMFS-18 to RMFS-24; domain notes, sections 7.3 and 22 no. 8.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from dop_gateway.identity.model import PersonId
from dop_gateway.offices.model import OfficeId
from protocol.exchange import PaymentMode
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
)


class ReceiptState(Enum):
    """Where what was tendered is."""

    TAKEN = "at the counter"
    WITH_TREASURER = "cheque or draft with the treasurer, on its way to the bank"
    REALISED = "cheque or draft paid by the bank"
    BOUNCED = "cheque or draft not paid"
    CANCELLED = "given back before the day ended"


class ReceiptEvent(Enum):
    """What happens to it."""

    TAKEN = "an assistant takes it"
    TAKEN_IN = "the treasurer takes the cheque or draft in"
    REALISED = "the bank paid it"
    BOUNCED = "the bank did not pay it"
    CANCELLED = "the postmaster cancels the receipt"


class DayState(Enum):
    """Whether more can be taken on a day of an office."""

    OPEN = "more can be taken"
    CLOSED = "its receipts are with the DCR"


INSTRUMENTS: Final = frozenset({PaymentMode.PO_CHEQUE, PaymentMode.PO_DRAFT})
"""A piece of paper that goes to the treasurer."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A cheque or a draft.

    Attributes:
        number: As printed.
        bank: On which it is drawn.
        dated: Its date.
        payee: Office of the Postmaster in whose favour it is.
    """

    number: str
    bank: str
    dated: date
    payee: OfficeId


@dataclass(frozen=True, slots=True)
class Form:
    """The deposit form, as the licensee or a messenger has filled it in.

    Attributes:
        licensee: Name of the licensee.
        address: Of the licensee.
        licence: License Identifier.
        licence_number: CRN.
        amount_paise: In figures.
        depositor: Who brings it.
        mobile: Of who brings it; may be empty.
    """

    licensee: str
    address: str
    licence: str
    licence_number: str
    amount_paise: Paise
    depositor: str
    mobile: str = ""


@dataclass(frozen=True, slots=True)
class Tender:
    """What lies on the counter.

    Attributes:
        amount_paise: Counted, or as the cheque or draft says.
        mode: ``PO_CASH``, ``PO_CHEQUE`` or ``PO_DRAFT``.
        instrument: None of cash.
    """

    amount_paise: Paise
    mode: PaymentMode
    instrument: Instrument | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was given to who paid, and what became of the tender.

    Attributes:
        number: Ours: facility id of the office, day, serial of that day.
        payee_name: Of the office in whose favour a cheque or draft is; empty of cash.
        outcome_on: Day on which a cheque or draft was paid, or not.
        outcome: In words: why not.
    """

    number: str
    office: OfficeId
    office_name: str
    day: date
    serial: int
    state: ReceiptState
    form: Form
    licence: LicenceIdentifier
    licence_number: LicenceNumber
    tender: Tender
    payee_name: str
    taken_at: EpochSeconds
    taken_by: PersonId
    outcome_on: date | None
    outcome: str


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """A day of the counters of an office.

    Attributes:
        receipts: How many count, cancelled ones left out.
        total_paise: What they sum to.
    """

    office: OfficeId
    day: date
    state: DayState
    receipts: int
    total_paise: Paise
    closed_by: PersonId | None
    closed_at: EpochSeconds | None

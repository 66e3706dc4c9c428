"""Statements of mailing, and claims on money: rebates and refunds.

The number of a statement is that which our machines print: licence identifier and a
running number, ``N123456-000017``. It is ours, as are the numbers of claims and the
forms: those of India Post are not public.

Source: domain notes, sections 11, 12 and 22 (no. 8 and 10).
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NewType

from dop_gateway.identity.model import PersonId
from dop_gateway.offices.model import OfficeId
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

MailingId = NewType("MailingId", int)
ClaimId = NewType("ClaimId", int)

COPIES: Final = 2
"""One for the Customer Record Book, one handed in."""

_NOTHING: Final = Paise(0)
_SOM_NUMBER: Final = re.compile(r"([A-Z][0-9]{6})-([0-9]{6})", re.ASCII)
_CLAIM_NUMBER: Final = re.compile(r"([A-Z]{2})([0-9]{8})", re.ASCII)


class MailingState(Enum):
    """Whether a statement of mailing counts."""

    CAPTURED = "it counts"
    VOIDED = "it was typed wrong, and counts no more"


class MailingEvent(Enum):
    """What happens to a statement of mailing."""

    CAPTURED = "it was captured at the designated office"
    VOIDED = "somebody else found that it was typed wrong"


class ClaimKind(Enum):
    """What is claimed; the value begins the number of a claim."""

    REBATE = "RB"
    SPOILED = "SP"
    UNUSED = "UC"


class ClaimState(Enum):
    """How far a claim is."""

    PROPOSED = "it was claimed, and waits"
    CONFIRMED = "the maker has confirmed what remains with it"
    SANCTIONED = "it may be paid"
    PAID = "it is paid, and has its receipt"
    REFUSED = "it is not paid"


class ClaimEvent(Enum):
    """What happens to a claim."""

    PROPOSED = "it was claimed"
    CONFIRMED = "the maker confirms what remains with it"
    SANCTIONED = "somebody else than who proposed it sanctions it"
    PAID = "it is paid out"
    REFUSED = "it is refused"


class PaidBy(Enum):
    """How a claim is paid."""

    CASH = "cash"
    CHEQUE = "cheque"


@dataclass(frozen=True, slots=True)
class MailingLine:
    """Franks of one class.

    Attributes:
        product_class: 1 to 255.
        is_registered: Articles that are accounted for one by one: their frank may be
            of a day before.
        items: How many.
        amount_paise: Their postage.
    """

    product_class: int
    is_registered: bool
    items: int
    amount_paise: Paise


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMailing:
    """A statement of mailing as somebody types it from the paper.

    Attributes:
        number: As it is printed.
        mail_dated: The date on the franks.
        closed_at: When the machine closed it; None if it is not legible.
        opening_ascending_paise: AR before.
        opening_descending_paise: DR before.
        closing_ascending_paise: AR after.
        closing_descending_paise: DR after.
        lines: Franks by class.
        customer: Of a commercial licensee, for whom it franked; empty for all others.
        is_sorted: The mail came sorted by PIN code.
        copies: How many copies came.
        shortage_due_paise: What the franks were short of the postage.
        shortage_collected_paise: What of it was collected.
    """

    number: str
    mail_dated: date
    closed_at: EpochSeconds | None
    opening_ascending_paise: Paise
    opening_descending_paise: Paise
    closing_ascending_paise: Paise
    closing_descending_paise: Paise
    lines: tuple[MailingLine, ...]
    customer: str = ""
    is_sorted: bool = False
    copies: int = COPIES
    shortage_due_paise: Paise = _NOTHING
    shortage_collected_paise: Paise = _NOTHING

    @property
    def amount_paise(self) -> Paise:
        """Postage of all classes."""
        return Paise(sum(line.amount_paise for line in self.lines))

    @property
    def items(self) -> int:
        """Franks of all classes."""
        return sum(line.items for line in self.lines)

    @property
    def rise_paise(self) -> int:
        """What the machine franked between both closings, for whomever."""
        return self.closing_ascending_paise - self.opening_ascending_paise

    @property
    def funds_change_paise(self) -> int:
        """What vouchers added in between; below 0 where some was given back."""
        return (
            self.closing_ascending_paise
            + self.closing_descending_paise
            - self.opening_ascending_paise
            - self.opening_descending_paise
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing(NewMailing):
    """A statement of mailing that was captured.

    Attributes:
        presented_on: The day on which it was handed in.
        stated_paise: Its postage, also where the lines are not at hand.
    """

    id: MailingId
    licence: LicenceIdentifier
    office: OfficeId
    presented_on: date
    state: MailingState
    stated_paise: Paise
    captured_by: PersonId
    captured_at: EpochSeconds

    @property
    def running(self) -> int:
        """Its running number."""
        return parse_som_number(self.number)[1]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on money.

    Attributes:
        gross_paise: What it is about.
        deduction_paise: What of it is kept.
        paid_by: How it was paid; None while it is not.
        schedule_on: The day on whose schedule it stands.
        made_by: Who made each of its moves last.
    """

    id: ClaimId
    kind: ClaimKind
    licence: LicenceIdentifier
    office: OfficeId
    state: ClaimState
    claimed_on: date
    gross_paise: Paise
    deduction_paise: Paise
    paid_by: PaidBy | None
    schedule_on: date | None
    proposed_at: EpochSeconds
    made_by: dict[ClaimEvent, PersonId]

    @property
    def number(self) -> str:
        """Its number, and that of its receipt."""
        return claim_number(self.kind, self.id)

    @property
    def payable_paise(self) -> Paise:
        """What is paid."""
        return Paise(self.gross_paise - self.deduction_paise)


def parse_som_number(text: str) -> tuple[LicenceIdentifier, int]:
    """Read the number of a statement of mailing.

    Returns:
        The licence identifier, and the running number, from 1.

    Raises:
        LocalProtocolError: It has another form.
    """
    found = _SOM_NUMBER.fullmatch(text)
    if found is None or int(found[2]) == 0:
        message = f"{text!r} is no number of a statement of mailing: "
        raise LocalProtocolError(f"{message}it is printed as in N123456-000017")
    return LicenceIdentifier(found[1]), int(found[2])


def claim_number(kind: ClaimKind, claim: ClaimId) -> str:
    """Give the number of a claim: two letters, eight digits."""
    return f"{kind.value}{claim:08d}"


def parse_claim_number(text: str) -> tuple[ClaimKind, ClaimId]:
    """Read the number of a claim.

    Raises:
        LocalProtocolError: It has another form.
    """
    found = _CLAIM_NUMBER.fullmatch(text)
    kinds = {kind.value: kind for kind in ClaimKind}
    if found is None or found[1] not in kinds:
        message = f"{text!r} is no number of a claim: it is as in RB00000017"
        raise LocalProtocolError(message)
    return kinds[found[1]], ClaimId(int(found[2]))

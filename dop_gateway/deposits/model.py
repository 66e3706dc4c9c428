"""A deposit: what somebody paid for a machine, and how far it is on its way there.

The names of the states are those of RMFS-39 with what lies beside them. In the words of
the Department's former system SENT_TO_OEM is "Open", ACKNOWLEDGED "Completed", and a
line that a maker refuses is "Error".

Source: RMFS-01 to RMFS-26, RMFS-39; domain notes, section 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NewType

from dop_gateway.ledger import Source
from dop_gateway.moves import Objection
from protocol.errors import LocalProtocolError
from protocol.exchange import PaymentMode
from protocol.values import (
    AMOUNT_PAISE_MAX,
    EpochSeconds,
    LicenceIdentifier,
    Paise,
)

DepositId = NewType("DepositId", int)

REFERENCE_CHARACTERS_MAX: Final = 64
_NOTHING: Final = Paise(0)

MODES_OF_SOURCES: Final[Mapping[Source, frozenset[PaymentMode]]] = {
    Source.BANK: frozenset(
        {
            PaymentMode.NETBANKING,
            PaymentMode.SBI_CASH,
            PaymentMode.SBI_CHEQUE,
            PaymentMode.SBI_DRAFT,
        }
    ),
    Source.POST_OFFICE: frozenset(
        {PaymentMode.PO_CASH, PaymentMode.PO_CHEQUE, PaymentMode.PO_DRAFT}
    ),
    Source.NOTIONAL: frozenset({PaymentMode.NOTIONAL}),
    Source.PORTAL: frozenset({PaymentMode.PORTAL_UPI}),
}
"""How somebody can pay where."""

CHEQUES: Final = frozenset({PaymentMode.SBI_CHEQUE, PaymentMode.PO_CHEQUE})
"""These are worth nothing before they are realised (RMFS-10)."""


class DepositState(Enum):
    """How far a deposit is."""

    RECEIVED = "told of; the account has not confirmed it"
    REALISED = "a cheque that the bank has paid"
    VERIFIED = "the account confirms it"
    AUTHENTICATED = "it fits its licence, and goes into the next fund file"
    SENT_TO_OEM = "in a fund file that the maker has not answered"
    ACKNOWLEDGED = "in the funds at the maker's server"
    AVAILABLE = "a machine may ask for it"
    PARTLY_DOWNLOADED = "a part of it is in the machine"
    DOWNLOADED = "all of it is in the machine"
    SUSPENSE = "it does not fit: a person decides"
    BOUNCED = "the bank took it back"
    REVERSED = "the Department took it back"
    RETURNED = "given back to who paid, from suspense"
    REFUNDED = "what was left of it was paid back"
    RECALLED_UNANSWERED = "taken back, while the maker's answer to it is awaited"
    RECALLED = "taken back; the maker is asked to give it back"
    OWED = "taken back, and the maker cannot give it back: the licensee owes it"
    PAID_AGAIN = "taken back and owed, and another payment paid what was owed"
    PAID_OWED = "it paid what the licensee owed for another one"


class DepositEvent(Enum):
    """What happens to a deposit."""

    RECEIVED = "somebody told of it"
    REALISED = "the cheque is paid"
    VERIFIED = "the account confirms it"
    AUTHENTICATED = "it fits"
    SUSPENDED = "it does not fit"
    RELEASED = "it fits with what a person found out"
    RETURNED = "it is given back to who paid"
    SENT = "it is in a fund file"
    ACKNOWLEDGED = "the maker took it"
    REFUSED = "the maker refused it"
    CAME_DUE = "the days of clearance are over"
    DOWNLOADED_PARTLY = "a machine took a part of it"
    DOWNLOADED_WHOLLY = "a machine took all that was left of it"
    GIVEN_BACK_PARTLY = "a machine gave a part of it back"
    GIVEN_BACK_WHOLLY = "a machine gave all of it back"
    REFUNDED = "what was left was paid back"
    BOUNCED = "the bank took it back"
    REVERSED = "the Department took it back"
    RECALL_BOUNCED = "the maker gave back what the bank took"
    RECALL_REVERSED = "the maker gave back what the Department took"
    RECALL_REFUSED = "the maker cannot give back what the bank took"
    KEPT = "the maker cannot give it back: it stays with the licence"
    PAID_AGAIN = "another payment paid what was owed"
    PAID_OWED = "it pays what the licensee owes for another one"
    OWED_AGAIN = "what had paid it was taken back too"


IN_DEPOSITED: Final = frozenset(
    {
        DepositState.AUTHENTICATED,
        DepositState.SENT_TO_OEM,
        DepositState.RECALLED_UNANSWERED,
    }
)
"""Their money is in the account ``deposited:``."""
IN_REMAINING: Final = frozenset(
    {
        DepositState.ACKNOWLEDGED,
        DepositState.AVAILABLE,
        DepositState.PARTLY_DOWNLOADED,
        DepositState.DOWNLOADED,
        DepositState.REFUNDED,
        DepositState.RECALLED,
        DepositState.OWED,
        DepositState.PAID_AGAIN,
    }
)
"""What is neither downloaded nor refunded of them is in ``remaining:``."""
CLAIMED: Final = frozenset(
    {
        DepositState.RECALLED_UNANSWERED,
        DepositState.RECALLED,
        DepositState.OWED,
    }
)
"""Where the bank took them back, its money is claimed: nobody has given it back yet."""
WITH_WHO_PAID: Final = frozenset(
    {
        DepositState.BOUNCED,
        DepositState.REVERSED,
        DepositState.RETURNED,
        DepositState.PAID_AGAIN,
    }
)
"""Their money is where it came from; what paid one again counts in its stead."""
MAYBE_OF_NO_LICENCE: Final = frozenset(
    {
        DepositState.RECEIVED,
        DepositState.REALISED,
        DepositState.VERIFIED,
        DepositState.SUSPENSE,
        DepositState.BOUNCED,
        DepositState.RETURNED,
    }
)
"""Of these it may not be known to which licence they belong."""
COUNTS_AS_FIRST: Final = IN_DEPOSITED | IN_REMAINING
"""A licence that has such a deposit has its first setting behind it (RMFS-02)."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it was captured where it was made.

    Attributes:
        reference: Unique for ever at its source; the same again is the same payment.
        licence: Licence identifier as captured; may be wrong, or empty.
        licence_number: Licence number as captured; likewise.
        licensee: Name as captured; likewise.
        amount_paise: More than 0.
        instrument: Number of cheque or draft; empty if there is none.
        value_date: Day of the payment.
        realised_on: Day on which a cheque was paid; None before, and of others.
        file_id: The file that told of it.
        line_id: Its line there.

    Raises:
        LocalProtocolError: Its amount, reference or mode cannot be.
    """

    source: Source
    reference: str
    licence: str
    licence_number: str
    licensee: str
    amount_paise: Paise
    mode: PaymentMode
    value_date: date
    instrument: str = ""
    realised_on: date | None = None
    file_id: str | None = None
    line_id: str | None = None

    def __post_init__(self) -> None:
        """Check what is no matter of judgement."""
        if not 0 < self.amount_paise <= AMOUNT_PAISE_MAX:
            raise LocalProtocolError(f"{self.amount_paise} paise are no payment")
        if not 0 < len(self.reference) <= REFERENCE_CHARACTERS_MAX:
            message = f"{self.reference!r} is no reference: 1 to 64 characters"
            raise LocalProtocolError(message)
        if self.mode not in MODES_OF_SOURCES[self.source]:
            message = f"nobody pays by {self.mode.name} at {self.source.name}"
            raise LocalProtocolError(message)

    @property
    def waits_for_realisation(self) -> bool:
        """Whether it is a cheque that is not paid yet."""
        return self.mode in CHEQUES and self.realised_on is None


@dataclass(frozen=True, slots=True)
class Deposit:
    """A payment on its way into a machine.

    Attributes:
        payment: As it was captured; never changed but for `realised_on`.
        state: How far it is.
        steps: How many moves it has made; the last one has this number.
        licence: To which it belongs; None while that is not known.
        available_from: First day on which a machine may ask for it.
        confirmed_at: When the account confirmed it.
        suspended_at: When it came into suspense last.
        objection: Why it is in suspense, or would be; None where nothing is wrong.
        downloaded_paise: What machines took of it.
        refunded_paise: What was paid back of it.
        recalled_for: ``BOUNCED`` or ``REVERSED`` of one that is taken back.
    """

    id: DepositId
    payment: Payment
    state: DepositState
    steps: int
    received_at: EpochSeconds
    changed_at: EpochSeconds
    licence: LicenceIdentifier | None = None
    available_from: date | None = None
    confirmed_at: EpochSeconds | None = None
    suspended_at: EpochSeconds | None = None
    objection: Objection | None = None
    downloaded_paise: Paise = _NOTHING
    refunded_paise: Paise = _NOTHING
    recalled_for: DepositState | None = None

    @property
    def amount_paise(self) -> Paise:
        """What was paid."""
        return self.payment.amount_paise

    @property
    def rest_paise(self) -> Paise:
        """What is neither downloaded nor refunded of it."""
        return Paise(self.amount_paise - self.downloaded_paise - self.refunded_paise)


class LineKind(Enum):
    """What a line of a fund file does about a deposit."""

    DEPOSIT = "brings it"
    AGAIN = "brings it after the maker refused it, with other names"
    TAKE_BACK = "takes it back"


class LineState(Enum):
    """How far a line of a fund file is."""

    WAITING = "goes into the next fund file"
    SENT = "is in a fund file"
    TAKEN = "the maker carried it out"
    REFUSED = "the maker did not"
    DROPPED = "was never sent, and never will be"


class Action(Enum):
    """What an operator proposes about a deposit, and a supervisor decides."""

    RELEASE = "out of suspense, to a licence"
    RETURN = "out of suspense, back to who paid"
    REVERSE = "take it back from its licence, and give it back to who paid"
    SETTLE = "what is owed for it is paid by another payment"


class ProposalState(Enum):
    """How far a proposal is."""

    PROPOSED = "waits for somebody else"
    APPROVED = "carried out"
    REJECTED = "not carried out"
    WITHDRAWN = "taken back, or overtaken by what happened"


class ProposalEvent(Enum):
    """What happens to a proposal."""

    PROPOSED = "an operator proposes"
    APPROVED = "a supervisor agrees"
    REJECTED = "a supervisor does not"
    WITHDRAWN = "whoever proposed takes it back, or the deposit has moved"

"""An incident: something that is wrong, and that somebody of the Department looks into.

Which kinds there are grows with what can go wrong; a kind is kept by its name.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from dop_gateway.identity.model import PersonId
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

IncidentId = NewType("IncidentId", int)


class IncidentKind(Enum):
    """What is wrong, in words for a list."""

    FILE_MISSING = "a file did not come in its window"
    NOT_ACKNOWLEDGED = "a file that was given was not acknowledged"
    FILE_REFUSED = "a file that came was refused whole"
    FILE_REPLACED = "a file came again with other octets"
    FILE_STUCK = "a file that came cannot be applied"
    SEQUENCE_GAP = "files of a sender are not numbered without gaps"
    LINE_REFUSED = "a line of a file was refused"
    BANK_TOTAL = "a file of a bank does not add up"
    BANK_NOT_IN_ACCOUNT = "the bank told of a payment that its account does not have"
    BANK_NOT_IN_FILE = "the account has a payment that no file told of"
    BANK_AMOUNT = "file and account of a bank have different amounts"
    DEPOSIT_BOUNCED_AFTER_USE = "a payment bounced whose money a machine has already"
    CREDIT_NOT_SIGNED = "a maker told of a credit that no machine signed"
    CREDIT_ALTERED = "a maker told of a credit otherwise than the machine signed it"
    CREDIT_OUT_OF_TURN = "a credit does not follow the one before it"
    CREDIT_BEYOND_FUNDS = "a maker gave a machine more than there was"
    CREDIT_NOT_REPORTED = "a machine has a credit that its maker told nothing of"
    CREDIT_NOT_OURS = "a maker told of a credit of a licence that it has not"
    USAGE_NOT_SIGNED = "a maker told of usage that no machine signed"
    USAGE_NOT_REPORTED = "a machine franked, and its maker told nothing of it"
    REGISTERS_DISAGREE = "registers of a machine do not follow those before"
    SNAPSHOT_WRONG = "a maker's remaining funds are not what they have to be"
    DISCREPANCY = "a maker's server refused a machine over its registers"
    UNEXPLAINED = "balances differ, and nothing explains it"
    LEDGER = "the ledger does not hold its rules"
    JOB_GIVEN_UP = "a job failed for good"

    @property
    def is_money(self) -> bool:
        """Whether somebody else than who acted has to close it, whatever its amount."""
        return self in _MONEY


_MONEY: Final = frozenset(
    {
        IncidentKind.BANK_TOTAL,
        IncidentKind.BANK_NOT_IN_ACCOUNT,
        IncidentKind.BANK_NOT_IN_FILE,
        IncidentKind.BANK_AMOUNT,
        IncidentKind.DEPOSIT_BOUNCED_AFTER_USE,
        IncidentKind.CREDIT_NOT_SIGNED,
        IncidentKind.CREDIT_ALTERED,
        IncidentKind.CREDIT_OUT_OF_TURN,
        IncidentKind.CREDIT_BEYOND_FUNDS,
        IncidentKind.CREDIT_NOT_REPORTED,
        IncidentKind.CREDIT_NOT_OURS,
        IncidentKind.SNAPSHOT_WRONG,
        IncidentKind.DISCREPANCY,
        IncidentKind.UNEXPLAINED,
        IncidentKind.LEDGER,
    }
)


class IncidentState(Enum):
    """How far an incident is."""

    OPEN = "nobody looks into it yet"
    ASSIGNED = "somebody looks into it"
    ACTED = "something was done about it, which waits for being checked"
    CLOSED = "it is over"


class IncidentEvent(Enum):
    """What happens to an incident."""

    REPORTED = "somebody or a program has found it"
    ASSIGNED = "it is given to somebody"
    ACTED = "something was done about it"
    CLOSED = "it is closed"
    APPROVED = "somebody else than who acted closes it: money is involved"
    REOPENED = "it was closed too early"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that is wrong.

    Attributes:
        kind: What.
        subject: To which thing it happened, as its kind names things: a file, a line, a
            licence. One incident of a kind and a subject is open at a time.
        words: What was found, as it was told last.
        amount_paise: How much money it is about; 0 where none.
        maker: Letter of the maker that it concerns; empty where none.
        licence: The licence that it concerns, if there is one; it may be one that the
            Department does not know.
        found_at: When it was found first, and last: ``seen_at``.
        owner: Who looks into it.
        action: What was done about it.
        acted_by: Who did that; the gateway itself where it mended by itself.
        closed_at: When it was closed; None while it is not.
    """

    id: IncidentId
    kind: IncidentKind
    subject: str
    words: str
    amount_paise: Paise
    maker: str
    licence: LicenceIdentifier | None
    state: IncidentState
    found_at: EpochSeconds
    seen_at: EpochSeconds
    owner: PersonId | None
    owner_login: str | None
    action: str
    acted_by: PersonId | None
    closed_at: EpochSeconds | None

    @property
    def is_money(self) -> bool:
        """Whether somebody else than who acted has to close it."""
        return self.amount_paise != 0 or self.kind.is_money


@dataclass(frozen=True, slots=True)
class Step:
    """One step in the history of an incident, as the audit trail has it."""

    at: EpochSeconds
    login: str
    move: str
    from_state: str
    to_state: str
    reason: str
    detail: str

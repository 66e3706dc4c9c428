"""What rows say of themselves in words: kinds and states, kept by name."""

from enum import Enum
from typing import Final


class AccountKind(Enum):
    """What an account holds."""

    DEPARTMENT = "value that came from, or went back to, the Department; pooled"
    SUSPENSE = "value that belongs to no account yet; pooled"
    FUNDS = "funds of a licence remaining at this server"
    RESERVED = "funds that a voucher under way holds"
    MACHINE = "value put into the machine: its control total"


POOLED: Final = frozenset({AccountKind.DEPARTMENT, AccountKind.SUSPENSE})


class JournalKind(Enum):
    """Why value moved."""

    ENROL = "control total of a machine at its enrolment"
    DEPOSIT = "a line of a fund file"
    CORRECTION = "the difference that a correcting line of a fund file makes"
    RESERVE = "funds reserved for a voucher"
    POST = "a voucher was applied"
    VOID = "a voucher was taken back"
    RESTORE = "a voucher that these books had lost was posted again"
    ADOPT = "the registers of a machine were adopted by a person"
    REVERSAL = "a journal was reversed"


class CredentialState(Enum):
    """Whether a machine may still prove itself with a credential."""

    ACTIVE = "in use"
    REVOKED = "never again"


class RechargeState(Enum):
    """Where a recharge stands; RESERVED and FROZEN are open."""

    RESERVED = "voucher stored, not settled"
    FROZEN = "registers do not fit: a person decides"
    POSTED = "applied by the machine"
    VOIDED = "taken back before it was applied"
    REVERSED = "taken back by a person"


class SettledBy(Enum):
    """What showed how a recharge ended."""

    CONFIRMATION = "the CONFIRMATION of the same call"
    STATEMENT = "the next STATEMENT"
    PERSON = "a person's decision"


class SignedKind(Enum):
    """Which message a machine signed."""

    STATEMENT = "STATEMENT"
    CONFIRMATION = "CONFIRMATION"


class Direction(Enum):
    """Which way a file goes."""

    IN = "from the Department"
    OUT = "to the Department"


class ReceivedState(Enum):
    """What became of a file of the Department."""

    WAITING = "kept, not judged yet; a file before it may be missing"
    TAKEN = "carried out"
    TAKEN_IN_PART = "carried out but for the lines that were refused"
    REFUSED = "nothing of it was carried out"


class SentState(Enum):
    """What is known of a file that goes to the Department."""

    OFFERED = "goes until it is answered"
    TAKEN = "the Department has taken it"
    TAKEN_IN_PART = "taken but for the lines that were refused"
    REFUSED = "refused whole: what it told is told again"


class TellingKind(Enum):
    """What happened that the Department is to be told."""

    RECHARGE = "a voucher was settled"
    STATEMENT = "a machine dialled in"
    FOUND = "something did not fit"
    RESOLVED = "a person ended what did not fit"

"""What is known of the money of a licence, and how a difference is explained.

The three balances are never added: what is deposited here, what remains at the maker's
server, what the machine holds. Each is held against what somebody else tells of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from dop_gateway.downloads.model import DownloadState
from dop_gateway.ledger import Balances
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, RechargeNumber

DAY_S: Final = 86_400


class Cause(Enum):
    """Why two balances differ, in words for a report."""

    IN_FLIGHT = "a file is on its way, and is not due yet"
    CLEARANCE = "a payment is not cleared or not confirmed by the account"
    SUSPENSE = "a payment waits for a person's decision"
    CLAIM = "the bank took a payment back, and the maker is asked for it"
    REFUND = "it was paid back, and the maker still shows it"
    NOT_FETCHED = "the maker has not carried out a fund file in time"
    LOST_ACKNOWLEDGEMENT = "the maker carried a fund file out, and has not said so"
    NOT_REPORTED = "a machine has a credit that its maker has not told of"
    NOT_BELIEVED = "the maker told of a credit that no machine signed like that"
    USAGE_NOT_REPORTED = "a machine has franked, and its maker has not told of it"
    BEYOND_FUNDS = "the maker gave a machine more than the licence had"
    OEM_ERROR = "what the maker tells is not what it told and machines signed"
    MACHINE_DISCREPANCY = "registers of the machine do not follow those before"
    BANK_ERROR = "file and account of the bank do not agree"


class Balance(Enum):
    """Which balance is held against what."""

    DEPOSITED = "deposited here, against what waits for the maker's answer"
    REMAINING = "at the maker by our books, against what the maker tells"
    MACHINE = "in the machine by our books, against what the machine signed"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that causes a difference.

    Attributes:
        kind: As in ``fund line`` or ``recharge``.
        id: Which one.
    """

    kind: str
    id: str
    amount_paise: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A part of a difference, in a sentence, with what causes it.

    Attributes:
        amount_paise: Of the difference, with its sign.
        since: Since when.
    """

    cause: Cause
    words: str
    amount_paise: int
    since: EpochSeconds
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One balance against what is told of it.

    Attributes:
        ours_paise: By our ledger.
        told_paise: As somebody else tells it; None where nobody has yet.
        explanations: Their sum is the difference, but for what is not explained.
    """

    balance: Balance
    ours_paise: int
    told_paise: int | None
    explanations: tuple[Explanation, ...]

    @property
    def amount_paise(self) -> int:
        """What is told, less what our ledger has."""
        return (self.told_paise or 0) - self.ours_paise

    @property
    def unexplained_paise(self) -> int:
        """What no explanation accounts for; anything but 0 is a fault of our own."""
        explained = sum(one.amount_paise for one in self.explanations)
        return self.amount_paise - explained


@dataclass(frozen=True, slots=True)
class LicenceReport:
    """The money of one licence, explained."""

    licence: LicenceIdentifier
    maker: str
    balances: Balances
    differences: tuple[Difference, ...]

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """All of them."""
        return tuple(one for found in self.differences for one in found.explanations)

    @property
    def unexplained_paise(self) -> int:
        """The sum of what is not explained, without signs: none is hidden."""
        return sum(abs(one.unexplained_paise) for one in self.differences)


@dataclass(frozen=True, slots=True)
class Turn:
    """When a maker has made a file: in which window, or by hand."""

    day: date
    window: int
    made_at: EpochSeconds

    def is_after(self, other: "Turn") -> bool:
        """Whether it is of a later window; files of one window tell of one moment."""
        if self.window and other.window:
            return (self.day, self.window) > (other.day, other.window)
        return self.made_at > other.made_at


@dataclass(frozen=True, slots=True)
class FundLine:
    """A line of a fund file that the maker has not answered, or answered lately.

    Attributes:
        amount_paise: More than 0 where it brings money, less where it takes it back.
        file_id: None while it waits for the next file.
        file: Number of that file among those of the maker; 0 likewise.
        made_at: When the line was made.
        answer_by: Until when the maker has to answer; None if that is not known.
        answered_at: When it did; None while it has not.
        is_claimed: The bank has taken the payment back.
        is_deposited: Its money is in ``deposited:``.
    """

    id: str
    amount_paise: int
    file_id: str | None
    file: int
    made_at: EpochSeconds
    answer_by: EpochSeconds | None = None
    answered_at: EpochSeconds | None = None
    is_claimed: bool = False
    is_deposited: bool = True


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit that the maker told of and that is not in the ledger, or came lately.

    Attributes:
        effect_paise: What it does to CT.
        control_total_paise: CT after it.
        state: `TAKEN` for one that came lately.
        code: What is objected to it; empty if nothing is.
        reference: File and line that told of it.
    """

    number: RechargeNumber
    effect_paise: int
    control_total_paise: Paise
    state: DownloadState
    code: str
    reference: str
    turn: Turn


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a maker says that it still has of a licence.

    Attributes:
        remaining_paise: In no voucher.
        reserved_paise: In vouchers whose end is not known.
        control_total_paise: CT as the machine told the maker last; None if it has not.
        applied_at: When we took it.
    """

    remaining_paise: Paise
    reserved_paise: Paise
    number: RechargeNumber
    control_total_paise: Paise | None
    turn: Turn
    reference: str
    applied_at: EpochSeconds

    @property
    def held_paise(self) -> int:
        """All that is at the maker."""
        return self.remaining_paise + self.reserved_paise


@dataclass(frozen=True, slots=True)
class Word:
    """What a machine has said of its registers last.

    Attributes:
        number: Of the last voucher that it had applied; None where it is not told.
        is_signed: The machine has signed it; a Statement of Mailing was typed.
        turn: Of the file that it came in; of a statement, when it was captured.
        reference: In which document.
    """

    ascending_paise: Paise
    descending_paise: Paise
    control_total_paise: Paise
    number: RechargeNumber | None
    at: EpochSeconds
    is_signed: bool
    turn: Turn
    reference: str


@dataclass(frozen=True, slots=True)
class Documents:
    """What the documents of a licence add up to: the ledger has to be the same.

    Attributes:
        brought_paise: Of deposits that are in the maker's funds.
        answered_paise: Of fund lines that the maker said it took, what it gave back
            taken off: another sum while a payment is being taken back.
        credited_paise: Of credits that were taken, what machines gave back taken off.
        refunded_paise: Paid back out of what remained.
        given_up_paise: Paid back of what a cancelled machine still shows.
        used_paise: Of usage that was posted.
    """

    brought_paise: int
    answered_paise: int
    credited_paise: int
    refunded_paise: int
    given_up_paise: int
    used_paise: int


@dataclass(frozen=True, slots=True)
class MakerFiles:
    """The last file of each kind that was taken of a maker; None before the first."""

    downloads: Turn | None = None
    usage: Turn | None = None
    remaining: Turn | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """Registers of a machine when its licence was issued, and the number it had."""

    ascending_paise: Paise
    descending_paise: Paise
    control_total_paise: Paise
    number: RechargeNumber


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the money of a licence.

    Attributes:
        lines: Of fund files, by the order of their files: not answered, or answered
            since the snapshot was taken.
        held: Credits that are kept and not in the ledger, by number.
        refused: Credits that were refused, of numbers that are not taken, by number.
        lately: Credits in the ledger whose file is later than the snapshot.
        taken_number: Of the last credit in the ledger.
        taken_control_total_paise: CT after it.
        told_ascending_paise: The highest AR that usage was taken of.
        mailing: The last Statement of Mailing; None where there is none.
        discrepancies: What the maker's server has found wrong and not resolved.
    """

    licence: LicenceIdentifier
    maker: str
    balances: Balances
    documents: Documents
    registered: Registered
    taken_number: RechargeNumber
    taken_control_total_paise: Paise
    told_ascending_paise: Paise
    files: MakerFiles
    lines: tuple[FundLine, ...] = ()
    held: tuple[Credit, ...] = ()
    refused: tuple[Credit, ...] = ()
    lately: tuple[Credit, ...] = ()
    snapshot: Snapshot | None = None
    word: Word | None = None
    mailing: Word | None = None
    discrepancies: tuple[str, ...] = ()


class Age(Enum):
    """How old what is explained is, in days."""

    UP_TO_1 = (1, "0-1")
    UP_TO_3 = (3, "2-3")
    UP_TO_7 = (7, "4-7")
    UP_TO_30 = (30, "8-30")
    OLDER = (None, "over 30")

    @property
    def label(self) -> str:
        """As a report shows it."""
        label: str = self.value[1]
        return label


def age(since: EpochSeconds, now: EpochSeconds) -> Age:
    """Say how old something is."""
    days = (now - since) // DAY_S
    return next(one for one in Age if one.value[0] is None or days <= one.value[0])


def ageing(
    explanations: Iterable[Explanation], now: EpochSeconds
) -> dict[Cause, dict[Age, int]]:
    """Sum explanations by cause and age, in paise without signs."""
    sums: dict[Cause, dict[Age, int]] = {}
    for one in explanations:
        of_cause = sums.setdefault(one.cause, dict.fromkeys(Age, 0))
        of_cause[age(one.since, now)] += abs(one.amount_paise)
    return sums

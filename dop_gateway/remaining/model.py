"""A snapshot: what one licence has at its maker, and what can be wrong with a line."""

from dataclasses import dataclass
from datetime import date

from protocol.coded import Coded
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)


class RemainingFault(Coded):
    """Why a line of a remaining fund file is not taken."""

    NOT_OURS = (
        "RMN-10-001",
        "no machine of this maker has the licence: leave the line out",
    )
    OTHER_NUMBER = (
        "RMN-10-002",
        "the licence has another number: take it from the licence issue file",
    )
    TWICE = ("RMN-10-003", "the licence stands in the file twice: tell its funds once")


@dataclass(frozen=True, slots=True)
class Remaining:
    """One line of a remaining fund file.

    Attributes:
        remaining_paise: Funds that no voucher has taken.
        reserved_paise: In vouchers whose end is not known.
        number: Of the last voucher; 0 before the first.
        control_total_paise: CT as the machine told it last; None if it has not.
    """

    line_id: str
    licence: LicenceIdentifier
    licence_number: LicenceNumber
    remaining_paise: Paise
    reserved_paise: Paise
    number: RechargeNumber
    control_total_paise: Paise | None


@dataclass(frozen=True, slots=True)
class Kept:
    """The last snapshot of a licence.

    Attributes:
        file_id: Of the file that it came in.
        day: For which that file was made.
        window: Of that day; 0 for a file made by hand.
        made_at: When it was made.
        applied_at: When we took it.
    """

    maker: str
    file_id: str
    day: date
    window: int
    made_at: EpochSeconds
    applied_at: EpochSeconds
    told: Remaining

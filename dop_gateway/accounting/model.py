"""Heads of account, receipts of post offices, and the monthly schedule.

What post offices take for machines is accounted under a head of its own, on the receipt
side of every account from the sub office up to the cash book of the head office, and is
no part of what they collect for other billers. It is accounted on the day on which it
is money: cash and drafts when they are taken, a cheque when it is realised (ours).

Source: RMFS-22, RMFS-23; domain notes, section 14.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NewType

from dop_gateway.offices.model import OfficeId
from protocol.exchange import show_amount
from protocol.table import Row, Table
from protocol.values import EpochSeconds, Paise

HeadKey = NewType("HeadKey", str)
"""By which programs know a head, whatever its code in a deployment."""
ScheduleId = NewType("ScheduleId", int)

RMFS_E_PAYMENT: Final = HeadKey("RMFS_E_PAYMENT")
OTHER_BILLERS: Final = HeadKey("E_PAYMENT_OTHER_BILLERS")


class AccountSide(Enum):
    """On which side of an account a head stands."""

    RECEIPT = "receipt side"
    PAYMENT = "payment side"


@dataclass(frozen=True, slots=True)
class Head:
    """A head of account.

    Attributes:
        name: As the Department's orders name it.
        code: That the accounts know it by; empty until the deployment says it.
    """

    key: HeadKey
    name: str
    side: AccountSide
    code: str


SHIPPED: Final = (
    Head(
        RMFS_E_PAYMENT,
        "Revenue Realised in Cash on RMFS through E-payment",
        AccountSide.RECEIPT,
        "",
    ),
    Head(
        HeadKey("RMFS_SBI"),
        "Remotely Managed Franking: deposits through SBI",
        AccountSide.RECEIPT,
        "",
    ),
    Head(
        HeadKey("RMFS_LICENCE_FEE"),
        "Unclassified Receipts: licence and renewal fees of franking machines",
        AccountSide.RECEIPT,
        "",
    ),
    Head(
        HeadKey("REBATE_IN_CASH"),
        "Postal Revenue Refund in Cash",
        AccountSide.PAYMENT,
        "",
    ),
    Head(OTHER_BILLERS, "e-Payment: other billers", AccountSide.RECEIPT, ""),
)
"""Heads whose names are public, or ours; codes are data of a deployment."""


class Outcome(Enum):
    """What became of a cheque."""

    REALISED = "the bank has paid it"
    BOUNCED = "it has not"


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one office accounted on one day of one mode of payment.

    Attributes:
        count: Of receipts.
    """

    office: OfficeId
    day: date
    mode: str
    count: int
    amount_paise: Paise


class ScheduleState(Enum):
    """How far a monthly schedule is."""

    MADE = "is with the Postmaster"
    SENT = "is with the Postal Accounts Office, with the cash account"
    ACCEPTED = "the Postal Accounts Office has found it right"


class Remade:
    """The Postmaster makes it anew."""


class Sent:
    """The Postmaster sends it; it tallies."""


class Accepted:
    """The Postal Accounts Office accepts it."""


class SentBack:
    """The Postal Accounts Office sends it back."""


SCHEDULE: Final[Table[ScheduleState, type]] = Table(
    ScheduleState.MADE,
    (
        Row(ScheduleState.MADE, Remade, Remade, ScheduleState.MADE),
        Row(ScheduleState.MADE, Sent, Sent, ScheduleState.SENT),
        Row(ScheduleState.SENT, Accepted, Accepted, ScheduleState.ACCEPTED),
        Row(ScheduleState.SENT, SentBack, SentBack, ScheduleState.MADE),
    ),
)
"""The life of a monthly schedule."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule of one head of a head office for one month.

    Attributes:
        month: Its first day.
        made_by: Login of who made it last.
    """

    id: ScheduleId
    office: OfficeId
    month: date
    state: ScheduleState
    total_paise: Paise
    made_at: EpochSeconds
    made_by: str


@dataclass(frozen=True, slots=True)
class ScheduleDay:
    """One day of a schedule.

    Attributes:
        listed_paise: What the daily lists of that day gave when it was made.
        booked_paise: What the cash book of the head office says of that day.
    """

    day: date
    listed_paise: Paise
    booked_paise: Paise


@dataclass(frozen=True, slots=True)
class Difference:
    """A day on which schedule, cash book and daily lists are not the same.

    Attributes:
        now_paise: What the daily lists give now.
    """

    day: date
    listed_paise: Paise
    booked_paise: Paise
    now_paise: Paise

    @property
    def words(self) -> str:
        """Say it."""
        listed, booked, now = map(
            show_amount, (self.listed_paise, self.booked_paise, self.now_paise)
        )
        return f"{self.day}: schedule {listed}, cash book {booked}, daily lists {now}"

"""Who hands over files of payments, what was handed over, and what became of each item.

A bank hands over two files a day: the payments that it took ("funds received") and the
entries of the Department's account. What the one tells the other must hold: an item is
a payment, or a payment that is taken back, by the bank's reference; it is agreed once
both files tell the same amount of it (RMFS-15). The e-Payment Central Server of the
post offices hands over one file a day, in the same way.

Source: RMFS-11 to RMFS-17, RMFS-24; domain notes, sections 7.2 to 7.4.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NewType

from protocol.coded import Coded
from protocol.exchange import DEPARTMENT
from protocol.keys import Point
from protocol.table import Row, Table
from protocol.values import EpochSeconds, Paise

BankCode = NewType("BankCode", str)
"""As in ``SBI``; stands as the sender in its files."""
FileId = NewType("FileId", int)
"""Our number of a file that was handed over."""
ItemId = NewType("ItemId", int)

RECEIVER: Final = DEPARTMENT
FUNDS_RECEIVED: Final = "funds-received"
ACCOUNT_STATEMENT: Final = "account-statement"
E_PAYMENT_DAY: Final = "e-payment-day"


class BankKind(Enum):
    """What hands over files; its value are the layouts of each day."""

    BANK = (FUNDS_RECEIVED, ACCOUNT_STATEMENT)
    E_PAYMENT = (E_PAYMENT_DAY,)

    @property
    def layouts(self) -> tuple[str, ...]:
        """Which files it hands over every day, empty ones too."""
        layouts: tuple[str, ...] = self.value
        return layouts


@dataclass(frozen=True, slots=True)
class Address:
    """Where files are fetched, by SFTP.

    Attributes:
        user: The account that the bank has given us.
        host_key: The server's public key as OpenSSH writes it: no other is talked to.
        folder: Where the files stand.
    """

    host: str
    port: int
    user: str
    host_key: str
    folder: str


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank, or the e-Payment Central Server.

    Attributes:
        account: Number of the Department's account; empty at the Central Server.
        key_id: Of the key that signs its files.
        key: The public key.
        in_use: Whether it is asked at night.
    """

    code: BankCode
    kind: BankKind
    name: str
    account: str
    address: Address
    key_id: str
    key: Point
    in_use: bool


class FileState(Enum):
    """What became of a file that was handed over."""

    HELD = "waits for the file before it"
    TAKEN = "its lines count"
    REFUSED = "nothing of it counts"


class FileFault(Coded):
    """Why a file is refused or held, or what is strange about one that is taken."""

    NAME_REUSED = (
        "BNK-01-001",
        (
            "a file of this name was handed over before with other content: ask the "
            "bank which is right, and for a file with a name of its own"
        ),
    )
    NO_LAYOUT = ("BNK-01-002", "no layout has such a name: ask the bank what it is")
    UNREADABLE = (
        "BNK-01-003",
        "it cannot be read: ask the bank for it again under another file id",
    )
    NOT_THEIRS = (
        "BNK-01-004",
        "sender, receiver or account are others than registered: ask the bank",
    )
    ID_REUSED = (
        "BNK-01-005",
        "another file has this file id: ask the bank for a file id of its own",
    )
    SEQUENCE_REPEATED = (
        "BNK-01-006",
        "a file with this sequence number was taken already: ask the bank",
    )
    DAY_REPEATED = (
        "BNK-01-007",
        "a file for this day was taken already: ask the bank which one counts",
    )
    FROM_THE_FUTURE = ("BNK-01-008", "its business date has not come: ask the bank")
    DOES_NOT_FOLLOW = (
        "BNK-01-009",
        (
            "its opening balance is not the closing balance of the statement before: "
            "ask the bank for the statement between them"
        ),
    )
    UNSIGNED = ("BNK-01-010", "it is not signed by the key that is registered")


class Side(Enum):
    """Which way the money went."""

    CREDIT = "into the account"
    DEBIT = "out of it again"


class ItemState(Enum):
    """How the two files stand to each other about an item."""

    NEW = "neither tells it: never stored"
    TOLD = "the file of payments tells it; the account is not known yet"
    UNREALISED = "a cheque that is told before it was realised: it does not count"
    ENTERED = "the account has it; the file of payments is not known yet"
    AGREED = "both tell the same"
    DIFFERS = "both tell it with other amounts"
    NOT_IN_ACCOUNT = "the file of payments tells it, the account has none of it"
    NOT_IN_FILE = "the account has it, no file of payments tells it"


class Told:
    """A file of payments tells it."""


class ToldUnrealised:
    """A file of payments tells of a cheque that is not realised."""


class Entered:
    """The account has an entry of it."""


class AmountsAgree:
    """Both have told it: the amounts are the same."""


class AmountsDiffer:
    """Both have told it: the amounts are not the same."""


class DayClosed:
    """What the other side had to say of its day was said."""


def _rows() -> tuple[Row[ItemState, type], ...]:
    state = ItemState
    return (
        Row(state.NEW, Told, Told, state.TOLD),
        Row(state.NEW, ToldUnrealised, ToldUnrealised, state.UNREALISED),
        Row(state.NEW, Entered, Entered, state.ENTERED),
        Row(state.TOLD, AmountsAgree, AmountsAgree, state.AGREED),
        Row(state.TOLD, AmountsDiffer, AmountsDiffer, state.DIFFERS),
        Row(state.TOLD, DayClosed, DayClosed, state.NOT_IN_ACCOUNT),
        Row(state.UNREALISED, Told, Told, state.TOLD),
        Row(state.UNREALISED, Entered, Entered, state.ENTERED),
        Row(state.ENTERED, AmountsAgree, AmountsAgree, state.AGREED),
        Row(state.ENTERED, AmountsDiffer, AmountsDiffer, state.DIFFERS),
        Row(state.ENTERED, DayClosed, DayClosed, state.NOT_IN_FILE),
        # The account had it a day later than the file said.
        Row(state.NOT_IN_ACCOUNT, AmountsAgree, AmountsAgree, state.AGREED),
        Row(state.NOT_IN_ACCOUNT, AmountsDiffer, AmountsDiffer, state.DIFFERS),
        # Its money is in suspense: what is told now helps whoever releases it.
        Row(state.NOT_IN_FILE, Told, Told, state.NOT_IN_FILE),
    )


TABLE: Final = Table(ItemState.NEW, _rows())
"""The life of an item."""

STORED: Final = tuple(one for one in ItemState if one is not ItemState.NEW)


@dataclass(frozen=True, slots=True)
class Captured:
    """What the bank captured of a payment (RMFS-11); blank where it did not.

    Attributes:
        realised_on: Of a cheque.
        words: Of a payment that is taken back: why.
    """

    licence: str = ""
    licence_number: str = ""
    licensee: str = ""
    mode: str = ""
    branch: str = ""
    instrument: str = ""
    value_date: date | None = None
    realised_on: date | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Where something stands.

    Attributes:
        amount_paise: Positive, also of what went out.
        day: Business date of the file.
    """

    amount_paise: Paise
    file: FileId
    line_id: str
    day: date


@dataclass(frozen=True, slots=True)
class Item:
    """A payment, or one that is taken back, in both files.

    Attributes:
        id: None of one that is not stored yet.
        told: By a file of payments.
        entered: In the account.
    """

    id: ItemId | None
    reference: str
    side: Side
    state: ItemState
    captured: Captured
    told: Seen | None
    entered: Seen | None


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file that was handed over.

    Attributes:
        modified_at: When the bank's server says it was written.
        layout: Empty where no layout has such a name.
        file_id: As its header says; empty where it could not be read.
        opening_paise: Of a statement.
        closing_paise: Of a statement.
        code: Why it was not taken; empty if it was.
        words: Likewise, for people.
    """

    id: FileId
    bank: BankCode
    name: str
    modified_at: EpochSeconds
    octet_count: int
    sha256: str
    layout: str
    file_id: str
    sequence: int | None
    business_date: date | None
    line_count: int
    total_paise: int
    opening_paise: int | None
    closing_paise: int | None
    state: FileState
    code: str
    words: str
    received_at: EpochSeconds

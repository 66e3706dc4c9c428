"""Parties that files are exchanged with, and the files that went and came.

A file is kept with its octets before anything is done about it, in either direction.
What went is offered until it is acknowledged; what came is applied once, in the order
in which its sender numbered it.

Source: RMFS-14, RMFS-31 to RMFS-36.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NewType

from protocol.coded import Coded
from protocol.values import EpochSeconds

FileNumber = NewType("FileNumber", int)
"""Which file it is in our books; a file id is only unique for its sender."""

ACKNOWLEDGEMENT: Final = "acknowledgement"
OUTGOING: Final = ("license-issue", "license-modification", "fund", ACKNOWLEDGEMENT)
"""What is made for each maker in every window, empty or not (RMFS-34, RMFS-35)."""
EVERY_WINDOW: Final = ("credit-download", "usage", "remaining-fund", ACKNOWLEDGEMENT)
"""What each maker sends in every window, empty or not (RMFS-33, RMFS-35)."""


class PartyKind(Enum):
    """What a party is to the Department."""

    MAKER = "makes machines and runs their server (OEM)"
    BANK = "keeps the Department's account"
    E_PAYMENT = "the central server of payments at post offices"


TAKEN_FROM: Final[dict[PartyKind, frozenset[str]]] = {
    PartyKind.MAKER: frozenset({*EVERY_WINDOW, "discrepancy"}),
    PartyKind.BANK: frozenset({"funds-received", "account-statement"}),
    PartyKind.E_PAYMENT: frozenset({"e-payment-day"}),
}
"""Layouts of the files that each kind of party may send."""


class PartyState(Enum):
    """Whether files are exchanged with a party."""

    OPEN = "files go and come"
    CLOSED = "no file goes or comes any more; what did stays"


class Direction(Enum):
    """Which way a file went."""

    IN = "it came"
    OUT = "it is ours"


class FileState(Enum):
    """How far a file is."""

    OFFERED = "it lies in the drop"
    TAKEN = "its receiver has read it whole, and has not answered"
    ACKNOWLEDGED = "its receiver took every line"
    ACKNOWLEDGED_IN_PART = "its receiver took it, but for some lines"
    RECEIVED = "it came in its turn, and is to be applied"
    WAITING = "a file that is numbered before it has not come yet"
    APPLIED = "every line was taken"
    APPLIED_IN_PART = "it was taken, but for some lines"
    REFUSED = "nothing of it was taken"


OUT_STATES: Final = frozenset(
    {
        FileState.OFFERED,
        FileState.TAKEN,
        FileState.ACKNOWLEDGED,
        FileState.ACKNOWLEDGED_IN_PART,
    }
)
UNANSWERED: Final = frozenset({FileState.OFFERED, FileState.TAKEN})
"""States of a file of ours that its receiver has still to answer."""
ANSWERED: Final = frozenset(
    {FileState.APPLIED, FileState.APPLIED_IN_PART, FileState.REFUSED}
)
"""States of a file that came of which an acknowledgement can tell."""


class FileFault(Coded):
    """Why a file that came is refused whole."""

    UNKNOWN_NAME = (
        "EXC-02-001",
        "no file that is exchanged has such a name: see the layouts",
    )
    TOO_LARGE = ("EXC-02-002", "it has more octets than such a file may have")
    MALFORMED = ("EXC-02-003", "its structure is wrong: mend it and send a new file")
    WRONG_SENDER = (
        "EXC-02-004",
        "its header names another sender than whose drop it came to",
    )
    WRONG_RECEIVER = ("EXC-02-005", "its header names another receiver than us")
    NOT_FROM_YOU = ("EXC-02-006", "such files are not taken from this party")
    REPLACED = (
        "EXC-02-007",
        "a file of this id or name came with other octets before: make a new one",
    )
    NUMBER_USED = (
        "EXC-02-008",
        "a file of this kind with this number came before: number it anew",
    )
    NUMBER_OF_HAND = (
        "EXC-02-009",
        "a file without a number is made by hand, and belongs to no window",
    )
    NOT_APPLICABLE = ("EXC-02-010", "it cannot be applied as it is")


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody that files are exchanged with.

    Attributes:
        code: As headers of files name it; a maker's is its letter.
        since: No file was expected of it before.
    """

    code: str
    kind: PartyKind
    name: str
    state: PartyState
    since: EpochSeconds


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A public key that signs files of a party.

    Attributes:
        x: 32 octets; with ``y`` the point of P-256.
        valid_to: The last day; None if it has no end.
    """

    party: str
    key_id: str
    x: bytes
    y: bytes
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class PartyAccount:
    """The account of a party in our drop: it has one, and no password.

    Attributes:
        login: What it signs in as.
        key: The public key that it signs in with, in one line of OpenSSH.
    """

    party: str
    login: str
    key: str


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line of a file that was not taken.

    Attributes:
        line_id: As the file has it.
        code: Stable, for programs.
        words: For people, with what to do next.
    """

    line_id: str
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that went or came, without its octets.

    Attributes:
        layout: Empty where not even that could be said.
        file_id: As its header has it; None where that could not be read.
        name: Under which it was given or came.
        sequence: As its header; 0 in a file made by hand.
        window: Likewise.
        made_for: Moment of the job that made it; None for any other file.
        at: When it was made, if it is ours, or came.
        size: Octets.
        state_at: Since when it is in its state.
        code: Why it was refused, here or there.
        words: The same for people.
        lines: How many it has.
        refused: How many of them were refused.
        offers: How often it was put into the drop; of a file that came: how often.
        answer_by: Until then its receiver has to answer.
        is_owed: An acknowledgement has still to tell of it.
    """

    number: FileNumber
    direction: Direction
    party: str
    layout: str
    file_id: str | None
    name: str
    sequence: int | None
    business_date: date | None
    window: int | None
    made_for: EpochSeconds | None
    at: EpochSeconds
    sha256: bytes
    size: int
    state: FileState
    state_at: EpochSeconds
    code: str
    words: str
    lines: int
    refused: int
    offers: int
    answer_by: EpochSeconds | None
    is_owed: bool

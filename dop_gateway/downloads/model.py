"""A credit as a maker tells it, and what can be wrong with it."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import NewType, Protocol

from protocol.coded import Coded
from protocol.registers import VoucherKind, effect_paise
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)

DownloadId = NewType("DownloadId", int)


class DownloadFault(Coded):
    """Why a line of a credit download file is not taken; a stable code."""

    NOT_OURS = (
        "DWN-10-001",
        "no machine of this maker has the licence: leave the line out",
    )
    OTHER_NUMBER = (
        "DWN-10-002",
        "the licence has another number: take it from the licence issue file",
    )
    NO_KEY = (
        "DWN-10-003",
        "no signing key of the machine is registered: have it registered, send again",
    )
    NOT_READABLE = (
        "DWN-10-004",
        (
            "the octets are none of the messages that settle a voucher: send what the "
            "machine signed"
        ),
    )
    OTHER_MACHINE = (
        "DWN-10-005",
        "the message is of another machine: send that of this one",
    )
    NOT_SIGNED = (
        "DWN-10-006",
        "the machine has not signed it over this binding: send both as they came",
    )
    ALTERED = (
        "DWN-10-007",
        "the line says other than the machine signed: send what was signed",
    )
    OTHER_VOUCHER = (
        "DWN-10-008",
        "the voucher is not the one that the line tells of: send the one that it is",
    )
    UNBALANCED = ("DWN-10-009", "AR and DR are not CT: have the machine looked at")
    SAID_OTHERWISE = (
        "DWN-10-010",
        (
            "the same number was told with another voucher: there are two machines, or "
            "one whose memory was put back"
        ),
    )
    BROKEN = (
        "DWN-10-011",
        (
            "CT before it is not CT after the one before: have the machine looked at; "
            "the line is kept"
        ),
    )
    BEYOND_FUNDS = (
        "DWN-10-012",
        (
            "the licence had less funds than the machine was given: say where they "
            "come from; the line is kept, and taken once there are funds"
        ),
    )


class DownloadState(Enum):
    """What became of a line."""

    TAKEN = "it is in the ledger"
    WAITING = "it is genuine, and one before it is missing"
    UNPROVED = "a person at the maker settled it: the machine has yet to show it"
    UNFUNDED = "it is genuine, and there are no funds for it"
    BROKEN = "it is genuine, and does not follow the one before"
    REFUSED = "it is not what the machine signed"


HELD = (
    DownloadState.WAITING,
    DownloadState.UNPROVED,
    DownloadState.UNFUNDED,
    DownloadState.BROKEN,
)
"""Kept for later: none of these is in the ledger yet."""


@dataclass(frozen=True, slots=True)
class Download:
    """One line of a credit download file.

    Attributes:
        kind: What the voucher did.
        amount_paise: Of the voucher.
        at: When the machine's word came, as the maker says.
        control_total_before_paise: CT before it.
        control_total_after_paise: CT after it.
        ascending_paise: AR when the machine confirmed it.
        descending_paise: DR likewise.
        items: Franks with a value so far.
        message: Octets that the machine signed; empty where a person settled it.
        binding: 32 octets of the channel, signed with the message; empty likewise.
        voucher: Octets of the voucher.
    """

    line_id: str
    licence: LicenceIdentifier
    licence_number: LicenceNumber
    number: RechargeNumber
    kind: VoucherKind
    amount_paise: Paise
    at: EpochSeconds
    control_total_before_paise: Paise
    control_total_after_paise: Paise
    ascending_paise: Paise
    descending_paise: Paise
    items: int
    message: bytes
    binding: bytes
    voucher: bytes

    @property
    def effect_paise(self) -> int:
        """What it does to CT, with its sign."""
        return effect_paise(self.kind, self.amount_paise)


@dataclass(frozen=True, slots=True)
class Kept:
    """A line that is kept.

    Attributes:
        file_id: Of the file that it came in.
        day: For which that file was made.
        window: Of that day; 0 for a file made by hand.
        made_at: When the maker made that file.
        journal: That it was posted with; None if it is not in the ledger, or moved
            nothing.
    """

    id: DownloadId
    file_id: str
    maker: str
    day: date
    window: int
    made_at: EpochSeconds
    state: DownloadState
    code: str
    detail: str
    journal: int | None
    download: Download


@dataclass(frozen=True, slots=True)
class Chain:
    """How far the credits of a licence are known.

    Attributes:
        number: Of the last one taken, or that of the machine when it was registered.
        control_total_paise: CT after it.
    """

    number: RechargeNumber
    control_total_paise: Paise


@dataclass(frozen=True, slots=True)
class Objection:
    """One fault, and what was seen."""

    fault: DownloadFault
    detail: str

    @property
    def words(self) -> str:
        """What people read: what was seen, and what to do next."""
        return f"{self.detail}; {self.fault.words}"


class Signer(Protocol):
    """The public side of a machine, as `protocol.keys.MachineCredential` has it."""

    @property
    def licence_identifier(self) -> LicenceIdentifier:
        """Identifier of the licence."""

    @property
    def psd_serial(self) -> str:
        """Serial number of the PSD."""

    @property
    def credential_hash(self) -> bytes:
        """8 octets that name its credential in a voucher."""

    def verify(self, context: str, octets: bytes, signature: bytes) -> bool:
        """Check what the machine signed."""

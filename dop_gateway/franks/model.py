"""What is found about a scanned frank, and why it was scanned.

A verdict of `protocol.indicium` says whether a frank is what its machine made; a
`Breach` says that it should not be here, or not now, though it is genuine.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from dop_gateway.offices.model import OfficeId
from protocol.coded import Coded
from protocol.indicium import SignedIndicium, Unchecked, Verdict
from protocol.values import EpochSeconds


class Purpose(Enum):
    """Why a frank is scanned."""

    MAIL = "mail that is handed in: from now on it was seen"
    SPOILED = "an impression that is surrendered for a refund: likewise"
    CHECK = "somebody looks: nothing is remembered"


class Breach(Coded):
    """What is wrong with a genuine frank, the worst first."""

    REFUNDED = (
        "FRK-20-001",
        "keep the mail piece: its value was claimed back, and it pays nothing",
    )
    AGAINST_DIAL_IN = (
        "FRK-20-002",
        "keep the mail piece and tell DCR: the machine's memory was put back",
    )
    LICENCE_OUT_OF_FORCE = (
        "FRK-20-003",
        "refuse the mail: the licence was not in force on the day of the frank",
    )
    MACHINE_OUT_OF_SERVICE = (
        "FRK-20-004",
        "refuse the mail: the machine is not in service",
    )
    WRONG_OFFICE = ("FRK-20-005", "send the sender to the designated office")
    WRONG_PIN_CODE = (
        "FRK-20-006",
        "ask for the machine to be set to the PIN code of its designated office",
    )
    PAYS_NOTHING = ("FRK-20-007", "treat the mail piece as unpaid")


@dataclass(frozen=True, slots=True)
class FrankFinding:
    """One thing that was found.

    Attributes:
        code: Stable, for programs.
        name: Of the verdict or the breach.
        detail: What was seen.
        advice: What to do next.
    """

    code: str
    name: str
    detail: str
    advice: str


_ORDER: Final[tuple[Coded, ...]] = (
    Verdict.FORGED,
    Verdict.CLONED,
    Verdict.ROLLED_BACK,
    Breach.AGAINST_DIAL_IN,
    Verdict.ALTERED,
    Breach.REFUNDED,
    Verdict.COPIED,
    Verdict.WRONG_REALM,
    Verdict.UNKNOWN_MACHINE,
    Verdict.MALFORMED,
    Verdict.NOT_READABLE,
    Breach.LICENCE_OUT_OF_FORCE,
    Breach.MACHINE_OUT_OF_SERVICE,
    Breach.PAYS_NOTHING,
    Breach.WRONG_OFFICE,
    Breach.WRONG_PIN_CODE,
    Verdict.NOT_YET,
    Verdict.STALE,
)


def finding(what: Coded, detail: str) -> FrankFinding:
    """Make a finding of a verdict or a breach."""
    return FrankFinding(what.code, what.name, detail, what.words)


def worst_first(findings: list[FrankFinding]) -> tuple[FrankFinding, ...]:
    """Put findings into the order in which people should read them."""
    places = {what.code: place for place, what in enumerate(_ORDER)}
    return tuple(sorted(findings, key=lambda one: places[one.code]))


@dataclass(frozen=True, slots=True)
class Seen:
    """A frank that was seen before.

    Attributes:
        number: Of its row.
        purpose: Why it was scanned first.
        office: Where.
        claim: The claim that its value is claimed back with; None where none is.
    """

    number: int
    purpose: Purpose
    office: OfficeId
    seen_on: date
    seen_at: EpochSeconds
    claim: int | None


@dataclass(frozen=True, slots=True)
class FrankVerdict:
    """What came of verifying one frank.

    Attributes:
        findings: All, the worst first; empty where it is genuine and may be here.
        signed: What its barcode says; of a forged one it means nothing.
        is_believed: Whether its machine signed it.
        unchecked: What was not looked at.
        number: Of its row among the franks seen; None where none is kept.
        before: What was known of it before; None if it was never seen.
    """

    findings: tuple[FrankFinding, ...]
    signed: SignedIndicium | None
    is_believed: bool
    unchecked: tuple[Unchecked, ...]
    number: int | None = None
    before: Seen | None = None

    @property
    def is_genuine(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def code(self) -> str:
        """Of the worst finding; that of GENUINE without one."""
        return self.findings[0].code if self.findings else Verdict.GENUINE.code

    @property
    def name(self) -> str:
        """Likewise."""
        return self.findings[0].name if self.findings else Verdict.GENUINE.name

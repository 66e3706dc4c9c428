"""An application: what is asked for, by whom, what was checked, and how it ended.

Annexures A (application) and B (check-list) of the Department's procedure are not
public: fields and check-list are OURS, with the data that is known to be in them.

Source: domain notes, sections 5, 6.2 to 6.4 and 13.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NewType

from dop_gateway.identity.model import PersonId
from dop_gateway.licences.model import (
    CancelReason,
    CommercialAs,
    Holder,
    LicenceKind,
)
from dop_gateway.offices.model import OfficeId
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

ApplicationId = NewType("ApplicationId", int)

RECEIPT_NUMBER: Final = re.compile(r"FM[0-9]{19}", re.ASCII)
"""Number of a receipt ACG-67 for a licence fee; one example is public."""


class ApplicationKind(Enum):
    """What is asked for."""

    ISSUE = "a new licence"
    RENEWAL = "another period"
    ADDRESS = "another address, with the same designated office"
    MACHINE = "another machine: a new licence in place of the old one"
    OFFICE = "another designated office"
    CANCELLATION = "the end of the licence"


NEW_LICENCE: Final = frozenset({ApplicationKind.ISSUE, ApplicationKind.MACHINE})
"""Kinds upon which a licence is issued, for a machine that comes with its keys."""
WITH_FEE: Final = frozenset({ApplicationKind.ISSUE, ApplicationKind.RENEWAL})


class Scenario(Enum):
    """How an application comes in."""

    NEW = "the office enters it from paper"
    OPEN = "the maker or the licensee raises it; its papers come separately"


class ApplicationState(Enum):
    """Where an application stands."""

    ENTERED = "waits for the check-list"
    CHECKED = "the check-list is done"
    IN_THE_FIELD = "somebody was sent to look"
    VERIFIED = "was found right in the field"
    OBJECTED = "was found wanting in the field"
    APPROVED = "done"
    REJECTED = "refused, with the reason"
    WITHDRAWN = "taken back by who brought it"


ENDED: Final = frozenset(
    {
        ApplicationState.APPROVED,
        ApplicationState.REJECTED,
        ApplicationState.WITHDRAWN,
    }
)
IN_VAIN: Final = frozenset({ApplicationState.REJECTED, ApplicationState.WITHDRAWN})
"""Their receipt may be used once more."""


class CheckItem(Enum):
    """A line of the check-list."""

    GENUINENESS = "the application is genuine, and signed by who may"
    ORIGINALS = "the original papers were seen"
    MODEL = "the machine is of an approved model"
    FEE = "the original receipt of the fee was seen"
    CLIENTS = "each client of the list has consented in writing"
    OFFICE = "the designated office is at least double-handed"
    PREMISES = "the premises stand in the jurisdiction"
    LAST_STATEMENT = "the Statement of Mailing that is attached is the last one"
    OUT_OF_USE = "the machine has called and is out of use; registers were compared"


_ITEMS: Final = {
    ApplicationKind.ISSUE: (
        CheckItem.GENUINENESS,
        CheckItem.ORIGINALS,
        CheckItem.MODEL,
        CheckItem.FEE,
        CheckItem.CLIENTS,
        CheckItem.OFFICE,
        CheckItem.PREMISES,
    ),
    ApplicationKind.RENEWAL: (CheckItem.ORIGINALS, CheckItem.FEE, CheckItem.CLIENTS),
    ApplicationKind.ADDRESS: (
        CheckItem.GENUINENESS,
        CheckItem.ORIGINALS,
        CheckItem.PREMISES,
    ),
    ApplicationKind.MACHINE: (
        CheckItem.GENUINENESS,
        CheckItem.ORIGINALS,
        CheckItem.MODEL,
        CheckItem.LAST_STATEMENT,
        CheckItem.OUT_OF_USE,
    ),
    ApplicationKind.OFFICE: (
        CheckItem.GENUINENESS,
        CheckItem.ORIGINALS,
        CheckItem.OFFICE,
    ),
    ApplicationKind.CANCELLATION: (
        CheckItem.GENUINENESS,
        CheckItem.ORIGINALS,
        CheckItem.LAST_STATEMENT,
        CheckItem.OUT_OF_USE,
    ),
}
_ALWAYS_IN_THE_FIELD: Final = frozenset(
    {ApplicationKind.ADDRESS, ApplicationKind.CANCELLATION}
)


class CheckResult(Enum):
    """What a check found; there is no third."""

    SATISFIED = "satisfied"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the check-list that was marked."""

    item: CheckItem
    result: CheckResult
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The fee that was paid at a post office (ACG-67).

    Attributes:
        number: ``FM`` and 19 digits.
        paid_on: The day on the receipt.
    """

    number: str
    amount_paise: Paise
    paid_on: date


@dataclass(frozen=True, slots=True)
class Client:
    """A client of a commercial licensee.

    Attributes:
        consent: Reference of the client's letter of consent.
    """

    name: str
    address: str
    consent: str
    consented_on: date


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody hands in; what is None is as the licence has it.

    Attributes:
        identifier: Of the machine that the licence is to be for; the licence's own
            where another machine is not asked for.
        licence: The licence that something is asked for; None for a new one.
        provisioning: The maker's file of the machine, as it was signed.
        cancel: Why the licence is to end.
    """

    kind: ApplicationKind
    scenario: Scenario
    identifier: str
    licence: str | None = None
    holder: Holder | None = None
    licence_kind: LicenceKind | None = None
    commercial_as: CommercialAs | None = None
    clients: tuple[Client, ...] = ()
    office: OfficeId | None = None
    receipt: Receipt | None = None
    provisioning: bytes | None = None
    cancel: CancelReason | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """An application that was entered, whole: what it does not change is repeated.

    Attributes:
        licence: The licence that something is asked for; None for a new one.
        applied_on: The day from which fee and clock are counted.
        due_on: After that day a warning is given, with the reason to the applicant.
        delay: The reason that the applicant was given; empty if none was.
        ended_on: None while it waits.
    """

    id: ApplicationId
    kind: ApplicationKind
    scenario: Scenario
    state: ApplicationState
    maker: str
    identifier: LicenceIdentifier
    licence: LicenceIdentifier | None
    holder: Holder
    licence_kind: LicenceKind
    commercial_as: CommercialAs | None
    office: OfficeId
    division: OfficeId
    receipt: Receipt | None
    provisioning: bytes | None
    cancel: CancelReason | None
    applied_on: date
    due_on: date
    entered_by: PersonId
    entered_at: EpochSeconds
    delay: str
    warned_on: date | None
    ended_on: date | None

    @property
    def items(self) -> tuple[CheckItem, ...]:
        """The lines of its check-list."""
        return _ITEMS[self.kind]

    @property
    def is_verified_in_the_field(self) -> bool:
        """Whether somebody has to go and look."""
        if self.kind is ApplicationKind.ISSUE:
            return self.holder.body.is_verified_in_the_field
        return self.kind in _ALWAYS_IN_THE_FIELD

    @property
    def may_be_left_out(self) -> frozenset[CheckItem]:
        """The lines that may be marked as not applicable."""
        left_out = set()
        if self.scenario is Scenario.NEW:
            # Whoever entered it had the papers.
            left_out.add(CheckItem.ORIGINALS)
        if self.licence_kind is not LicenceKind.COMMERCIAL:
            left_out.add(CheckItem.CLIENTS)
        return frozenset(left_out)

"""A licence, who holds it, and the machine that it is for.

A licence stands on two axes that are kept apart: what the authority has decided
(`LicenceState`, of the protocol) and in what situation the machine is, as files of its
maker tell (`MachineState`). A recharge needs both.

Source: domain notes, sections 4, 6 and 23; what is marked OURS is not public.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from dop_gateway.offices.model import OfficeId
from protocol.keys import MachineCredential, MachineProvisioning, VerifyingKey
from protocol.messages import LicenceState
from protocol.values import LicenceIdentifier, LicenceNumber


class LicenceKind(Enum):
    """What a licence is for; the four of the layouts of licence files."""

    INDIVIDUAL = "own mail, or that of sister concerns"
    COMMERCIAL = "mail of others"
    DEPARTMENTAL = "mail of the Department"
    CLICK_CHARGE = "departmental, the machine paid for by use"

    @property
    def has_notional_credit(self) -> bool:
        """Whether its credit is notional: nobody pays it in."""
        return self in _DEPARTMENTAL


_DEPARTMENTAL: Final = frozenset({LicenceKind.DEPARTMENTAL, LicenceKind.CLICK_CHARGE})


class CommercialAs(Enum):
    """In whose name a commercial licensee posts."""

    MAILING_AGENT = "for a third party, in the third party's name"
    REGISTRAR = "for a third party, in its own name"


class Body(Enum):
    """What a licensee is; some are not verified in the field."""

    PRIVATE = "a person, a firm or a company"
    POSTS = "the Department of Posts itself"
    GOVERNMENT = "a government"
    QUASI_GOVERNMENT = "a quasi-government body"
    LOCAL_AUTHORITY = "a local authority"
    PUBLIC_SECTOR = "a public sector undertaking"
    CORPORATION = "a statutory corporation"
    NATIONALISED_BANK = "a nationalised bank"
    COOPERATIVE_BANK = "a co-operative bank"

    @property
    def is_verified_in_the_field(self) -> bool:
        """Whether somebody goes and looks before a licence is issued to it."""
        return self is Body.PRIVATE


class MachineState(Enum):
    """Situation of a machine, as the files of its maker tell it; the names are OURS."""

    UNINSTALLED = "delivered, not set up"
    INSTALLED = "set up, has not franked"
    IN_SERVICE = "in use"
    BLOCKED = "has not called in time; a complete call frees it"
    LOCKED_OUT = "locked by itself or by an order"
    FAULT = "out of order"
    WITHDRAWN = "taken out of service"
    CANCELLED = "its licence is cancelled; final"


RECHARGED: Final = frozenset({LicenceState.REGISTERED, LicenceState.RENEWED})
"""A recharge needs a licence in one of these ..."""
RECHARGING: Final = frozenset({MachineState.INSTALLED, MachineState.IN_SERVICE})
"""... and a machine in one of these."""


class CancelReason(Enum):
    """Why a licence was cancelled; the last two are OURS."""

    FM_CANCELLATION = "FM Cancellation"
    PSD_FAULTY = "PSD Faulty"
    MISUSE = "misuse"
    NOT_RENEWED = "not renewed after expiry"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a licence, and where the machine stands.

    Attributes:
        name: Of the licensee, as files and certificates have it.
        name_hi: The same in Hindi, where it was given.
        address: One to three lines.
        pin: PIN code of the premises.
        contact: Person to ask for; empty if none was named.
        telephone: Empty if none was named.
        email: Empty if none was named.
    """

    name: str
    body: Body
    address: tuple[str, ...]
    pin: str
    name_hi: str | None = None
    contact: str = ""
    telephone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence.

    Attributes:
        identifier: Given by the maker; the common key of all files.
        number: The licence number (CRN), given by the Department.
        maker: Letter of the maker.
        office: Where franked mail is tendered; exactly one.
        division: Whose head is the licensing authority.
        issued_on: First day of the first period.
        expires_on: Last day of the current period.
        periods: 1 when it was issued, one more with each renewal.
        refund_allowed: The machine may give back what it holds.
        cancelled: Why; None while it is not.
        replaces: The licence in whose place it was issued, upon a change of machine.
        application: The application that it was issued on.
    """

    identifier: LicenceIdentifier
    number: LicenceNumber
    maker: str
    kind: LicenceKind
    commercial_as: CommercialAs | None
    holder: Holder
    office: OfficeId
    division: OfficeId
    state: LicenceState
    machine_state: MachineState
    issued_on: date
    expires_on: date
    periods: int
    refund_allowed: bool
    cancelled: CancelReason | None
    cancelled_on: date | None
    replaces: LicenceIdentifier | None
    application: int

    @property
    def licensee(self) -> str:
        """Name of the licensee."""
        return self.holder.name

    @property
    def is_recharged(self) -> bool:
        """Whether both axes let the machine be recharged."""
        return self.state in RECHARGED and self.machine_state in RECHARGING

    def is_expired(self, on: date) -> bool:
        """Whether its period is over on a day."""
        return self.expires_on < on


@dataclass(frozen=True, slots=True)
class Credential:
    """What is registered of a machine's PSD when its licence is issued.

    Attributes:
        provisioning: All that the maker has signed of the machine.
        retired: The licence is cancelled: the PSD may have another life.
    """

    provisioning: MachineProvisioning
    retired: bool

    @property
    def machine(self) -> MachineCredential:
        """The public side of the machine: verifies what it signs."""
        return self.provisioning.credential

    @property
    def signing(self) -> VerifyingKey:
        """The key that checks STATEMENT and CONFIRMATION."""
        return self.machine.signing

    @property
    def octets(self) -> bytes:
        """The credential of EDHOC (CCS), as the License Issue file tells it."""
        return self.machine.ccs

    @property
    def psd_serial(self) -> str:
        """Serial number of the security device."""
        return self.machine.psd_serial

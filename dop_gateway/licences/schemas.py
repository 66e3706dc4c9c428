"""What is said about licences over HTTP."""

from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field

from dop_gateway.identity.model import Grant, Role
from dop_gateway.licences.changes_model import Change, ChangeOutcome
from dop_gateway.licences.history import Past
from dop_gateway.licences.model import (
    Body as Holding,
)
from dop_gateway.licences.model import (
    CancelReason,
    CommercialAs,
    Credential,
    Holder,
    Licence,
    LicenceKind,
    MachineState,
)
from dop_gateway.licences.texts import ADDRESS_LINES_MAX, CHARACTERS_MAX
from dop_gateway.offices.model import Office
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.lists import ListQuery
from protocol.messages import LicenceState

LicenceKindName = Annotated[LicenceKind, ByName(LicenceKind)]
CommercialName = Annotated[CommercialAs, ByName(CommercialAs)]
HoldingName = Annotated[Holding, ByName(Holding)]
LicenceStateName = Annotated[LicenceState, ByName(LicenceState)]
MachineStateName = Annotated[MachineState, ByName(MachineState)]
CancelName = Annotated[CancelReason, ByName(CancelReason)]
OutcomeName = Annotated[ChangeOutcome, ByName(ChangeOutcome)]
Text = Annotated[str, Field(max_length=CHARACTERS_MAX)]
Letter = Annotated[str, Field(pattern=r"^[A-Z]$")]
Facility = Annotated[str, Field(pattern=r"^F[0-9]{9}$")]
Identifier = Annotated[str, Field(max_length=20)]

SEES_CONTACTS: Final = frozenset(
    {
        Role.LICENSING_OPERATOR,
        Role.LICENSING_AUTHORITY,
        Role.VERIFIER,
        Role.DCR_OPERATOR,
        Role.DCR_SUPERVISOR,
        Role.MAKER_OFFICER,
        Role.LICENSEE,
    }
)
"""Everybody else is shown a few characters of who can be called or written to."""


class LicencesQuery(ListQuery):
    """Which licences; `under` is the facility id of an office."""

    search: Annotated[str, Field(max_length=80)] = ""
    maker: Letter | Literal[""] = ""
    kind: LicenceKindName | None = None
    state: LicenceStateName | None = None
    machine_state: MachineStateName | None = None
    under: Facility | Literal[""] = ""
    ends_before: date | None = None
    sort: Literal[
        "identifier",
        "-identifier",
        "number",
        "-number",
        "licensee",
        "-licensee",
        "issued_on",
        "-issued_on",
        "expires_on",
        "-expires_on",
    ] = "identifier"


class HolderBody(Body):
    """Who holds a licence, and where the machine stands."""

    name: Text
    name_hi: Text | None = None
    body: HoldingName
    address: Annotated[list[Text], Field(max_length=ADDRESS_LINES_MAX)]
    pin: Annotated[str, Field(max_length=6)]
    contact: Text = ""
    telephone: Annotated[str, Field(max_length=16)] = ""
    email: Annotated[str, Field(max_length=254)] = ""

    def holder(self) -> Holder:
        """Give the holder."""
        return Holder(
            name=self.name,
            body=self.body,
            address=tuple(self.address),
            pin=self.pin,
            name_hi=self.name_hi,
            contact=self.contact,
            telephone=self.telephone,
            email=self.email,
        )


class HolderShown(BaseModel):
    """Who holds a licence, and where the machine stands."""

    name: str
    name_hi: str | None
    body: HoldingName
    address: list[str]
    pin: str
    contact: str
    telephone: str
    email: str

    @classmethod
    def of(cls, one: Holder, grants: tuple[Grant, ...]) -> Self:
        """Tell of a holder, as somebody with these roles may know it."""
        whole = any(grant.role in SEES_CONTACTS for grant in grants)
        return cls(
            name=one.name,
            name_hi=one.name_hi,
            body=one.body,
            address=list(one.address),
            pin=one.pin,
            contact=one.contact if whole else _masked(one.contact, 1),
            telephone=one.telephone if whole else _masked_end(one.telephone),
            email=one.email if whole else _masked_email(one.email),
        )


class OfficeNamed(BaseModel):
    """An office that something is tendered at, or licensed by."""

    facility: str
    name: str
    name_hi: str | None
    pin: str | None
    code: str | None

    @classmethod
    def of(cls, one: Office) -> Self:
        """Name an office."""
        return cls(
            facility=one.facility,
            name=one.name,
            name_hi=one.name_hi,
            pin=one.pin,
            code=one.code,
        )


class LicenceShown(BaseModel):
    """A licence in a list.

    `recharged`: both axes let the machine be recharged.
    """

    identifier: str
    number: str
    maker: str
    kind: LicenceKindName
    licensee: str
    office: OfficeNamed
    state: LicenceStateName
    machine_state: MachineStateName
    issued_on: date
    expires_on: date
    recharged: bool

    @classmethod
    def of(cls, one: Licence, office: Office) -> Self:
        """Tell of a licence."""
        return cls(
            identifier=one.identifier,
            number=one.number,
            maker=one.maker,
            kind=one.kind,
            licensee=one.licensee,
            office=OfficeNamed.of(office),
            state=one.state,
            machine_state=one.machine_state,
            issued_on=one.issued_on,
            expires_on=one.expires_on,
            recharged=one.is_recharged,
        )


class CredentialShown(BaseModel):
    """What is registered of the machine's security device; public keys only."""

    psd_serial: str
    model: str
    realm: str
    generation: int
    signing_key: str
    credential: str
    retired: bool

    @classmethod
    def of(cls, one: Credential) -> Self:
        """Tell of a credential; keys and CCS are in hex."""
        point = one.signing.point
        return cls(
            psd_serial=one.psd_serial,
            model=one.provisioning.model,
            realm=one.machine.realm.name,
            generation=one.machine.generation,
            signing_key=f"{point.x.hex()}{point.y.hex()}",
            credential=one.octets.hex(),
            retired=one.retired,
        )


class LicenceInFull(LicenceShown):
    """A licence with all that is kept of it; `moves` are open to whoever asks now."""

    commercial_as: CommercialName | None
    holder: HolderShown
    division: OfficeNamed
    periods: int
    refund_allowed: bool
    cancelled: CancelName | None
    cancelled_on: date | None
    replaces: str | None
    application: int
    card: str
    credential: CredentialShown
    moves: list[str]


class MoveShown(BaseModel):
    """A move that was made."""

    axis: str
    move: str
    from_state: str
    to_state: str
    person: str
    at: str
    reason: str

    @classmethod
    def of(cls, axis: str, one: Past) -> Self:
        """Tell of a move."""
        return cls(
            axis=axis,
            move=one.move,
            from_state=one.from_state,
            to_state=one.to_state,
            person=one.login,
            at=show_moment(one.at),
            reason=one.reason,
        )


class ChangeShown(BaseModel):
    """A line that the maker was or is to be told."""

    id: int
    layout: str
    status: str | None
    made_at: str
    file_id: str | None
    outcome: OutcomeName | None
    code: str
    words: str

    @classmethod
    def of(cls, one: Change) -> Self:
        """Tell of a line."""
        status = one.values.get("status")
        return cls(
            id=one.id,
            layout=one.layout.value,
            status=None if status is None else str(status),
            made_at=show_moment(one.made_at),
            file_id=one.file_id,
            outcome=one.outcome,
            code=one.code,
            words=one.words,
        )


class LicencePast(BaseModel):
    """All that happened to a licence and its machine, and what the maker was told."""

    moves: list[MoveShown]
    told: list[ChangeShown]


class CardShown(BaseModel):
    """What the licence card holds; the form is this product's own."""

    identifier: str
    number: str
    payload: str


class HoldBody(Body):
    """Why a licence is held or released."""

    reason: Reason


class RevokeBody(Body):
    """Why the authority ends a licence without being asked."""

    why: Literal["MISUSE", "NOT_RENEWED"]
    refund_allowed: bool
    reason: Reason


def _masked(told: str, kept: int) -> str:
    return told[:kept] + "*" * len(told[kept:])


def _masked_end(told: str) -> str:
    return "*" * len(told[:-4]) + told[-4:]


def _masked_email(told: str) -> str:
    name, sign, host = told.partition("@")
    return f"{_masked(name, 1)}{sign}{host}"

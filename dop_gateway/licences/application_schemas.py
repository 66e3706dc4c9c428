"""What is said about applications and makers over HTTP."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from dop_gateway.licences.application import (
    Application,
    ApplicationKind,
    ApplicationState,
    Check,
    CheckItem,
    CheckResult,
    Client,
    Form,
    Receipt,
    Scenario,
)
from dop_gateway.licences.judging import CLIENTS_MAX
from dop_gateway.licences.makers_store import Key, Maker, Model
from dop_gateway.licences.schemas import (
    CancelName,
    CommercialName,
    Facility,
    HolderBody,
    HolderShown,
    Identifier,
    Letter,
    LicenceKindName,
    MoveShown,
    OfficeNamed,
    Text,
)
from dop_gateway.offices.model import Office, OfficeId
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.lists import ListQuery
from protocol.exchange import show_amount
from protocol.keys.provisioning import FILE_OCTETS_MAX
from protocol.values import Paise

ApplicationKindName = Annotated[ApplicationKind, ByName(ApplicationKind)]
ApplicationStateName = Annotated[ApplicationState, ByName(ApplicationState)]
ScenarioName = Annotated[Scenario, ByName(Scenario)]
ItemName = Annotated[CheckItem, ByName(CheckItem)]
ResultName = Annotated[CheckResult, ByName(CheckResult)]


class ApplicationsQuery(ListQuery):
    """Which applications; `waiting`: those that are not decided, or those that are."""

    search: Annotated[str, Field(max_length=80)] = ""
    maker: Letter | Literal[""] = ""
    kind: ApplicationKindName | None = None
    state: ApplicationStateName | None = None
    waiting: bool | None = None
    under: Facility | Literal[""] = ""
    due_before: date | None = None
    sort: Literal["id", "-id", "due_on", "-due_on", "licensee", "-licensee"] = "id"


class ReceiptBody(Body):
    """A receipt ACG-67."""

    number: Annotated[str, Field(max_length=21)]
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,9}\.[0-9]{2}$")]
    paid_on: date

    def receipt(self) -> Receipt:
        """Give the receipt."""
        amount_paise = Paise(int(self.amount.replace(".", "")))
        return Receipt(self.number, amount_paise, self.paid_on)


class ClientBody(Body):
    """A client of a commercial licensee, with the letter of consent."""

    name: Text
    address: Text
    consent: Text
    consented_on: date

    def client(self) -> Client:
        """Give the client."""
        return Client(self.name, self.address, self.consent, self.consented_on)


class ApplicationBody(Body):
    """What is applied for; which fields a kind needs, docs/licences.md says.

    `provisioning` is the maker's file of the machine, as it was signed.
    """

    kind: ApplicationKindName
    scenario: ScenarioName
    identifier: Identifier
    licence: Identifier | None = None
    holder: HolderBody | None = None
    licence_kind: LicenceKindName | None = None
    commercial_as: CommercialName | None = None
    clients: Annotated[tuple[ClientBody, ...], Field(max_length=CLIENTS_MAX)] = ()
    office: Facility | None = None
    receipt: ReceiptBody | None = None
    provisioning: Annotated[str, Field(max_length=FILE_OCTETS_MAX)] | None = None
    cancel: CancelName | None = None
    reason: Reason

    def form(self, office: OfficeId | None) -> Form:
        """Give the form, with the office that was named."""
        file = self.provisioning
        return Form(
            kind=self.kind,
            scenario=self.scenario,
            identifier=self.identifier,
            licence=self.licence,
            holder=None if self.holder is None else self.holder.holder(),
            licence_kind=self.licence_kind,
            commercial_as=self.commercial_as,
            clients=tuple(one.client() for one in self.clients),
            office=office,
            receipt=None if self.receipt is None else self.receipt.receipt(),
            provisioning=None if file is None else file.encode(),
            cancel=self.cancel,
        )


class CheckBody(Body):
    """A line of the check-list."""

    item: ItemName
    result: ResultName
    remark: Annotated[str, Field(max_length=200)] = ""

    def check(self) -> Check:
        """Give the line."""
        return Check(self.item, self.result, self.remark)


class ChecksBody(Body):
    """The check-list: every line of it."""

    checks: Annotated[list[CheckBody], Field(max_length=len(CheckItem))]
    reason: Reason


class DecisionBody(Body):
    """Why something is done with an application."""

    reason: Reason


class ApprovalBody(Body):
    """An approval; upon the end of a licence, whether its machine gives back."""

    refund_allowed: bool = False
    reason: Reason


class ApplicationShown(BaseModel):
    """An application in a list; `due_on`: after that day a warning is given."""

    id: int
    kind: ApplicationKindName
    scenario: ScenarioName
    state: ApplicationStateName
    maker: str
    identifier: str
    licence: str | None
    licensee: str
    office: OfficeNamed
    applied_on: date
    due_on: date
    ended_on: date | None
    is_late: bool
    delay: str

    @classmethod
    def of(cls, one: Application, office: Office) -> Self:
        """Tell of an application."""
        return cls(
            id=one.id,
            kind=one.kind,
            scenario=one.scenario,
            state=one.state,
            maker=one.maker,
            identifier=one.identifier,
            licence=one.licence,
            licensee=one.holder.name,
            office=OfficeNamed.of(office),
            applied_on=one.applied_on,
            due_on=one.due_on,
            ended_on=one.ended_on,
            is_late=one.warned_on is not None,
            delay=one.delay,
        )


class LineShown(BaseModel):
    """A line of the check-list, marked or not."""

    item: ItemName
    words: str
    result: ResultName | None
    remark: str
    may_be_left_out: bool


class ReceiptShown(BaseModel):
    """A receipt ACG-67."""

    number: str
    amount: str
    paid_on: date

    @classmethod
    def of(cls, one: Receipt) -> Self:
        """Tell of a receipt."""
        amount = show_amount(one.amount_paise)
        return cls(number=one.number, amount=amount, paid_on=one.paid_on)


class ClientShown(BaseModel):
    """A client of a commercial licensee."""

    name: str
    address: str
    consent: str
    consented_on: date


class ApplicationInFull(ApplicationShown):
    """An application with all that belongs to it; `moves` are open to whoever asks."""

    holder: HolderShown
    licence_kind: LicenceKindName
    commercial_as: CommercialName | None
    division: OfficeNamed
    receipt: ReceiptShown | None
    cancel: CancelName | None
    in_the_field: bool
    checks: list[LineShown]
    clients: list[ClientShown]
    history: list[MoveShown]
    moves: list[str]


class Approved(BaseModel):
    """What an approval has done: to which licence."""

    application: ApplicationShown
    licence: str
    number: str


class MakerShown(BaseModel):
    """A maker of machines; `open`: its machines get new licences today."""

    letter: str
    name: str
    open: bool
    models: list["ModelShown"]
    keys: list["KeyShown"]

    @classmethod
    def of(
        cls, one: Maker, models: list[Model], keys: list[Key], *, open_: bool
    ) -> Self:
        """Tell of a maker."""
        return cls(
            letter=one.letter,
            name=one.name,
            open=open_,
            models=[
                ModelShown(
                    name=model.name,
                    approved_on=model.approved_on,
                    withdrawn_on=model.withdrawn_on,
                )
                for model in models
                if model.maker == one.letter
            ],
            keys=[KeyShown.of(key) for key in keys],
        )


class ModelShown(BaseModel):
    """An approved model; from `withdrawn_on` on it is approved no more."""

    name: str
    approved_on: date
    withdrawn_on: date | None


class KeyShown(BaseModel):
    """A public key that a maker signs files of its machines with."""

    fingerprint: str
    name: str
    realm: str
    added_at: str
    ended_at: str | None

    @classmethod
    def of(cls, one: Key) -> Self:
        """Tell of a key."""
        return cls(
            fingerprint=one.public.fingerprint,
            name=one.public.name,
            realm=one.public.realm.name,
            added_at=show_moment(one.added_at),
            ended_at=None if one.ended_at is None else show_moment(one.ended_at),
        )


class MakerBody(Body):
    """A maker that is taken in, or called otherwise."""

    letter: Letter
    name: Text
    reason: Reason


class ModelBody(Body):
    """A model that is approved from some day on."""

    name: Annotated[str, Field(max_length=16)]
    approved_on: date
    reason: Reason


class WithdrawnBody(Body):
    """A model that is approved no more from some day on."""

    withdrawn_on: date
    reason: Reason


class KeyBody(Body):
    """A public key: the PEM text that the maker hands out."""

    name: Annotated[str, Field(min_length=1, max_length=16)]
    realm: Literal["TEST", "PRODUCTION"]
    public_key: Annotated[str, Field(max_length=2_000)]
    reason: Reason

"""What is said about statements of mailing, claims and franks over HTTP."""

from datetime import date
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, Field

from dop_gateway.franks.model import FrankFinding, FrankVerdict, Purpose
from dop_gateway.posting.model import (
    COPIES,
    Claim,
    ClaimEvent,
    ClaimKind,
    ClaimState,
    Mailing,
    MailingLine,
    MailingState,
    NewMailing,
    PaidBy,
)
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.money import Rupees
from protocol.indicium import FrankKind, Indicium, PrintedFacts
from protocol.keys import Realm
from protocol.values import U32_MAX, EpochSeconds, Paise

KindName = Annotated[ClaimKind, ByName(ClaimKind)]
ClaimStateName = Annotated[ClaimState, ByName(ClaimState)]
ClaimEventName = Annotated[ClaimEvent, ByName(ClaimEvent)]
MailingStateName = Annotated[MailingState, ByName(MailingState)]
PaidByName = Annotated[PaidBy, ByName(PaidBy)]
PurposeName = Annotated[Purpose, ByName(Purpose)]
FrankKindName = Annotated[FrankKind, ByName(FrankKind)]
RealmName = Annotated[Realm, ByName(Realm)]
FacilityText = Annotated[str, Field(pattern=r"^F[0-9]{9}$")]
SomNumber = Annotated[str, Field(pattern=r"^[A-Z][0-9]{6}-[0-9]{6}$")]
ProductClass = Annotated[int, Field(ge=1, le=255)]
Scan = Annotated[str, Field(min_length=1, max_length=4_096)]
_NOTHING = Paise(0)


class LineBody(Body):
    """Franks of one class on a statement of mailing."""

    product_class: ProductClass
    registered: bool = False
    items: Annotated[int, Field(ge=1, le=U32_MAX)]
    amount: Rupees

    @classmethod
    def of(cls, line: MailingLine) -> Self:
        """Tell of a line."""
        return cls(
            product_class=line.product_class,
            registered=line.is_registered,
            items=line.items,
            amount=line.amount_paise,
        )

    def line(self) -> MailingLine:
        """Give the line."""
        return MailingLine(self.product_class, self.registered, self.items, self.amount)


class MailingBody(Body):
    """A statement of mailing as it stands on the paper, and where it is handed in."""

    facility: FacilityText
    number: SomNumber
    mail_dated: date
    closed_at: AwareDatetime | None = None
    opening_ascending: Rupees
    opening_descending: Rupees
    closing_ascending: Rupees
    closing_descending: Rupees
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=510)]
    customer: Annotated[str, Field(max_length=120)] = ""
    is_sorted: bool = False
    copies: Annotated[int, Field(ge=0, le=99)] = COPIES
    shortage_due: Rupees = _NOTHING
    shortage_collected: Rupees = _NOTHING

    def mailing(self) -> NewMailing:
        """Give the statement."""
        closed = self.closed_at
        return NewMailing(
            number=self.number,
            mail_dated=self.mail_dated,
            closed_at=None if closed is None else EpochSeconds(int(closed.timestamp())),
            opening_ascending_paise=self.opening_ascending,
            opening_descending_paise=self.opening_descending,
            closing_ascending_paise=self.closing_ascending,
            closing_descending_paise=self.closing_descending,
            lines=tuple(line.line() for line in self.lines),
            customer=self.customer,
            is_sorted=self.is_sorted,
            copies=self.copies,
            shortage_due_paise=self.shortage_due,
            shortage_collected_paise=self.shortage_collected,
        )


class MailingShown(BaseModel):
    """A statement of mailing that was captured; in a list without its lines."""

    number: str
    licence: str
    state: MailingStateName
    presented_on: date
    mail_dated: date
    opening_ascending: Rupees
    opening_descending: Rupees
    closing_ascending: Rupees
    closing_descending: Rupees
    amount: Rupees
    customer: str
    is_sorted: bool
    shortage_collected: Rupees
    captured_at: str
    lines: list[LineBody]

    @classmethod
    def of(cls, one: Mailing) -> Self:
        """Tell of a statement."""
        return cls(
            number=one.number,
            licence=one.licence,
            state=one.state,
            presented_on=one.presented_on,
            mail_dated=one.mail_dated,
            opening_ascending=one.opening_ascending_paise,
            opening_descending=one.opening_descending_paise,
            closing_ascending=one.closing_ascending_paise,
            closing_descending=one.closing_descending_paise,
            amount=one.amount_paise,
            customer=one.customer,
            is_sorted=one.is_sorted,
            shortage_collected=one.shortage_collected_paise,
            captured_at=show_moment(one.captured_at),
            lines=[LineBody.of(line) for line in one.lines],
        )


class ReasonBody(Body):
    """Why something is done."""

    reason: Reason


class RebateBody(Body):
    """Both statements of a rebate; before the first one there is no earlier one."""

    from_number: SomNumber | None = None
    to_number: SomNumber


class SpoiledBody(Body):
    """Spoiled impressions, each as a scanner has read it: hex or Base64."""

    scans: Annotated[list[Scan], Field(min_length=1, max_length=200)]


class ConfirmBody(Body):
    """What remains with a maker of a cancelled licence."""

    remaining: Rupees
    reason: Reason


class PayBody(Body):
    """How a claim is paid."""

    paid_by: PaidByName


class ClaimShown(BaseModel):
    """A claim on money."""

    number: str
    kind: KindName
    licence: str
    state: ClaimStateName
    claimed_on: date
    gross: Rupees
    deduction: Rupees
    payable: Rupees
    paid_by: PaidByName | None
    paid_on: date | None
    proposed_at: str

    @classmethod
    def of(cls, one: Claim) -> Self:
        """Tell of a claim."""
        return cls(
            number=one.number,
            kind=one.kind,
            licence=one.licence,
            state=one.state,
            claimed_on=one.claimed_on,
            gross=one.gross_paise,
            deduction=one.deduction_paise,
            payable=one.payable_paise,
            paid_by=one.paid_by,
            paid_on=one.schedule_on,
            proposed_at=show_moment(one.proposed_at),
        )


class PrintedBody(Body):
    """What somebody has read beside the barcode."""

    value: Rupees | None = None
    printed_on: date | None = None
    item: Annotated[int, Field(ge=1, le=U32_MAX)] | None = None
    licence: Annotated[str, Field(max_length=7)] | None = None
    pin_code: Annotated[int, Field(ge=100_000, le=999_999)] | None = None
    product_class: ProductClass | None = None

    def facts(self) -> PrintedFacts:
        """Give the facts."""
        return PrintedFacts(
            self.value,
            self.printed_on,
            self.item,
            self.licence,
            self.pin_code,
            self.product_class,
        )


class FrankBody(Body):
    """A frank that was scanned at an office: hex or Base64 of its barcode."""

    facility: FacilityText
    scan: Scan
    purpose: PurposeName = Purpose.CHECK
    registered: bool = False
    printed: PrintedBody | None = None


class FindingShown(BaseModel):
    """One thing that is wrong with a frank, and what to do."""

    code: str
    name: str
    detail: str
    advice: str

    @classmethod
    def of(cls, one: FrankFinding) -> Self:
        """Tell of a finding."""
        return cls(code=one.code, name=one.name, detail=one.detail, advice=one.advice)


class IndiciumShown(BaseModel):
    """What a barcode says; of one that its machine did not sign it means nothing."""

    kind: FrankKindName
    realm: RealmName
    licence: str
    item: int
    value: Rupees
    product_class: int
    printed_on: date
    made_at: str
    pin_code: int
    weight_g: int
    ascending: Rupees
    descending: Rupees

    @classmethod
    def of(cls, one: Indicium) -> Self:
        """Tell of a barcode."""
        return cls(
            kind=one.kind,
            realm=one.realm,
            licence=one.licence,
            item=one.item,
            value=one.value_paise,
            product_class=one.product_class,
            printed_on=one.printed_on,
            made_at=show_moment(one.time),
            pin_code=one.pin_code,
            weight_g=one.weight_g,
            ascending=one.ascending_paise,
            descending=one.descending_paise,
        )


class VerdictShown(BaseModel):
    """What came of verifying a frank: every finding, the worst first."""

    verdict: str
    code: str
    genuine: bool
    signed: bool
    findings: list[FindingShown]
    unchecked: list[str]
    says: IndiciumShown | None

    @classmethod
    def of(cls, one: FrankVerdict) -> Self:
        """Tell of a verdict."""
        signed = one.signed
        return cls(
            verdict=one.name,
            code=one.code,
            genuine=one.is_genuine,
            signed=one.is_believed,
            findings=[FindingShown.of(each) for each in one.findings],
            unchecked=[each.name for each in one.unchecked],
            says=None if signed is None else IndiciumShown.of(signed.indicium),
        )


class UsageShown(BaseModel):
    """What one machine franked of one class, as it told on one day."""

    day: date
    licence: str
    licence_number: str
    licensee: str
    product_class: int
    items: int
    amount: Rupees

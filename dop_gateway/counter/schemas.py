"""What is said about counters over HTTP."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, Field

from dop_gateway.counter.model import (
    DayState,
    Form,
    Instrument,
    OfficeDay,
    Receipt,
    ReceiptState,
    Tender,
)
from dop_gateway.licences.model import Licence
from dop_gateway.offices.model import OfficeId
from dop_gateway.web.fields import Body, ByName, Words, show_moment
from dop_gateway.web.money import Rupees
from protocol.exchange import PaymentMode

DayStateName = Annotated[DayState, ByName(DayState)]
ReceiptStateName = Annotated[ReceiptState, ByName(ReceiptState)]
ModeName = Annotated[PaymentMode, ByName(PaymentMode)]
_Card = Annotated[str, Field(max_length=64)]
_OfficeId = Annotated[int, Field(ge=1, le=2**53 - 1)]


class CardBody(Body):
    """What the scanner gives of a licence card."""

    card: _Card


class CardShown(BaseModel):
    """The licence of a card, as the assistant compares it with the form."""

    licence: str
    licence_number: str
    licensee: str
    address: list[str]
    pin: str
    state: str
    expires_on: date

    @classmethod
    def of(cls, one: Licence) -> Self:
        """Tell of a licence."""
        return cls(
            licence=one.identifier,
            licence_number=one.number,
            licensee=one.licensee,
            address=list(one.holder.address),
            pin=one.holder.pin,
            state=one.state.name,
            expires_on=one.expires_on,
        )


class FormBody(Body):
    """The deposit form, as it was filled in."""

    licensee: Words
    address: Words
    licence: Words
    licence_number: Words
    amount: Rupees
    depositor: Words
    mobile: Annotated[str, Field(pattern=r"^([6-9][0-9]{9})?$")] = ""

    def form(self) -> Form:
        """Give the form."""
        return Form(
            self.licensee,
            self.address,
            self.licence,
            self.licence_number,
            self.amount,
            self.depositor,
            self.mobile,
        )


class InstrumentBody(Body):
    """A cheque or draft; `payee` is the id of the Postmaster's office."""

    number: Words
    bank: Words
    dated: date
    payee: _OfficeId


class TenderBody(Body):
    """What lies on the counter."""

    amount: Rupees
    mode: ModeName
    instrument: InstrumentBody | None = None

    def tender(self) -> Tender:
        """Give the tender."""
        one = self.instrument
        instrument = None
        if one is not None:
            payee = OfficeId(one.payee)
            instrument = Instrument(one.number, one.bank, one.dated, payee)
        return Tender(self.amount, self.mode, instrument)


class ReceiptBody(Body):
    """A deposit at a counter."""

    card: _Card
    form: FormBody
    tender: TenderBody


class OutcomeBody(Body):
    """What became of a cheque or draft."""

    on: date
    words: Words = ""


class ReceiptShown(BaseModel):
    """A receipt; `payee` is the office in whose favour a cheque or draft is."""

    number: str
    office: int
    office_name: str
    day: date
    state: ReceiptStateName
    licence: str
    licence_number: str
    licensee: str
    address: str
    depositor: str
    amount: Rupees
    mode: ModeName
    instrument: str
    instrument_bank: str
    instrument_dated: date | None
    payee: str
    taken_at: str
    outcome_on: date | None
    outcome: str

    @classmethod
    def of(cls, one: Receipt) -> Self:
        """Tell of a receipt."""
        cheque = one.tender.instrument
        return cls(
            number=one.number,
            office=one.office,
            office_name=one.office_name,
            day=one.day,
            state=one.state,
            licence=one.licence,
            licence_number=one.licence_number,
            licensee=one.form.licensee,
            address=one.form.address,
            depositor=one.form.depositor,
            amount=one.tender.amount_paise,
            mode=one.tender.mode,
            instrument="" if cheque is None else cheque.number,
            instrument_bank="" if cheque is None else cheque.bank,
            instrument_dated=None if cheque is None else cheque.dated,
            payee=one.payee_name,
            taken_at=show_moment(one.taken_at),
            outcome_on=one.outcome_on,
            outcome=one.outcome,
        )


class DayShown(BaseModel):
    """A day of the counters of an office; cancelled receipts do not count."""

    office: int
    day: date
    state: DayStateName
    receipts: int
    total: Rupees
    closed_at: str | None

    @classmethod
    def of(cls, one: OfficeDay) -> Self:
        """Tell of a day."""
        closed = one.closed_at
        return cls(
            office=one.office,
            day=one.day,
            state=one.state,
            receipts=one.receipts,
            total=one.total_paise,
            closed_at=None if closed is None else show_moment(closed),
        )

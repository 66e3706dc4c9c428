"""What routes of banks are asked and answer."""

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, Field

from dop_gateway.bank.model import (
    Address,
    Bank,
    BankCode,
    BankFile,
    BankKind,
    FileState,
    Item,
    ItemState,
    Side,
)
from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from protocol.exchange import show_amount
from protocol.keys import KeyMaterialError, read_public_key, write_public_key

KindName = Annotated[BankKind, ByName(BankKind)]
FileStateName = Annotated[FileState, ByName(FileState)]
SideName = Annotated[Side, ByName(Side)]
ItemStateName = Annotated[ItemState, ByName(ItemState)]
_PEM_MAX: Final = 4_096
_WORD_MAX: Final = 255


class BankBody(Body):
    """A bank as it is registered; `key` is PEM, `host_key` as OpenSSH writes it."""

    kind: KindName = BankKind.BANK
    name: Annotated[str, Field(min_length=1, max_length=80)]
    account: Annotated[str, Field(max_length=35)] = ""
    host: Annotated[str, Field(min_length=1, max_length=_WORD_MAX)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 22
    user: Annotated[str, Field(min_length=1, max_length=_WORD_MAX)]
    folder: Annotated[str, Field(min_length=1, max_length=_WORD_MAX)] = "/"
    host_key: Annotated[str, Field(min_length=1, max_length=_PEM_MAX)]
    key_id: Annotated[str, Field(min_length=1, max_length=32)]
    key: Annotated[str, Field(min_length=1, max_length=_PEM_MAX)]
    in_use: bool = True
    reason: Reason

    def bank(self, code: str) -> Bank:
        """Make a bank of it.

        Raises:
            InvalidError: The key is none.
        """
        try:
            key = read_public_key(self.key.encode())
        except KeyMaterialError as error:
            finding = FieldFinding("/key", "wrong_form", str(error))
            raise InvalidError([finding]) from error
        address = Address(
            self.host, self.port, self.user, self.host_key.strip(), self.folder
        )
        return Bank(
            BankCode(code),
            self.kind,
            self.name,
            self.account,
            address,
            self.key_id,
            key,
            self.in_use,
        )


class BankShown(BaseModel):
    """A bank."""

    code: str
    kind: KindName
    name: str
    account: str
    host: str
    port: int
    user: str
    folder: str
    host_key: str
    key_id: str
    key: str
    in_use: bool

    @classmethod
    def of(cls, one: Bank) -> "BankShown":
        """Show it."""
        at = one.address
        return cls(
            code=one.code,
            kind=one.kind,
            name=one.name,
            account=one.account,
            host=at.host,
            port=at.port,
            user=at.user,
            folder=at.folder,
            host_key=at.host_key,
            key_id=one.key_id,
            key=write_public_key(one.key),
            in_use=one.in_use,
        )


class BankFileShown(BaseModel):
    """A file that was handed over, and what became of it."""

    number: int
    bank: str
    name: str
    layout: str
    file_id: str
    sequence: int | None
    business_date: date | None
    lines: int
    total: str
    opening: str | None
    closing: str | None
    state: FileStateName
    code: str
    words: str
    octets: int
    sha256: str
    received_at: str

    @classmethod
    def of(cls, one: BankFile) -> "BankFileShown":
        """Show it."""
        opening, closing = one.opening_paise, one.closing_paise
        return cls(
            number=one.id,
            bank=one.bank,
            name=one.name,
            layout=one.layout,
            file_id=one.file_id,
            sequence=one.sequence,
            business_date=one.business_date,
            lines=one.line_count,
            total=show_amount(one.total_paise),
            opening=None if opening is None else show_amount(opening),
            closing=None if closing is None else show_amount(closing),
            state=one.state,
            code=one.code,
            words=one.words,
            octets=one.octet_count,
            sha256=one.sha256,
            received_at=show_moment(one.received_at),
        )


class ItemShown(BaseModel):
    """A payment, or one that is taken back, as both files tell it."""

    number: int
    reference: str
    side: SideName
    state: Annotated[ItemState, ByName(ItemState)]
    licence: str
    licence_number: str
    licensee: str
    mode: str
    instrument: str
    value_date: date | None
    told: str | None
    told_on: date | None
    entered: str | None
    entered_on: date | None
    words: str

    @classmethod
    def of(cls, one: Item) -> "ItemShown":
        """Show it."""
        captured, told, entered = one.captured, one.told, one.entered
        return cls(
            number=one.id or 0,
            reference=one.reference,
            side=one.side,
            state=one.state,
            licence=captured.licence,
            licence_number=captured.licence_number,
            licensee=captured.licensee,
            mode=captured.mode,
            instrument=captured.instrument,
            value_date=captured.value_date,
            told=None if told is None else show_amount(told.amount_paise),
            told_on=None if told is None else told.day,
            entered=None if entered is None else show_amount(entered.amount_paise),
            entered_on=None if entered is None else entered.day,
            words=captured.words,
        )

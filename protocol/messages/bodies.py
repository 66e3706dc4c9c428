"""The messages as values: what a record carries, typed and checked.

Decoding gives a value or raises `RemoteProtocolError`; there is no half-read message.
A message that a machine or a server signs keeps its octets beside the value where they
are needed again (evidence, re-sending): re-encoding is never used for a signature.
"""

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from operator import attrgetter
from typing import Any, ClassVar, Final, Self

from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.messages import tables
from protocol.messages.codec import FieldValue, decode_fields, encode_fields
from protocol.messages.orders import (
    CONTENT_OCTETS_MAX,
    CONTENT_PART_OCTETS,
    OrderKind,
)
from protocol.messages.tables import (
    Disposition,
    Field,
    Kind,
    LicenceState,
    MessageTable,
    MessageType,
    RefusalCode,
)
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.values import (
    AMOUNT_PAISE_MAX,
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
    parse_licence_identifier,
)

_REGISTER_NAMES = tuple(field.name for field in dataclass_fields(Registers))


def _malformed(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(message, clause="DLG-2", code=ErrorCode.MALFORMED)


def _typed(table: MessageTable, field: Field, value: FieldValue) -> Any:
    if isinstance(value, bytes):
        if field.kind is not Kind.LICENCE:
            return value
        try:
            return parse_licence_identifier(value.decode("ascii"))
        except (UnicodeDecodeError, LocalProtocolError) as error:
            raise _malformed(f"{table.type.name}: {error}") from error
    if field.kind is Kind.AMOUNT and value > AMOUNT_PAISE_MAX:
        raise _malformed(f"{table.type.name}.{field.name} is {value} paise")
    if field.values is None:
        return value
    try:
        return field.values(value)
    except ValueError as error:
        raise _malformed(f"{table.type.name}.{field.name} is {value}") from error


def _is_plain(field: Field) -> bool:
    """Whether the value of a field is what the octets say, whatever they say."""
    return field.kind not in (Kind.LICENCE, Kind.AMOUNT) and field.values is None


_NOT_PLAIN: Final = {
    table.type: tuple(field for field in table.fields if not _is_plain(field))
    for table in tables.TABLES
}


class Message:
    """A message body: `encode` and `decode` follow `TABLE` to the octet."""

    TABLE: ClassVar[MessageTable]
    _NAMES: ClassVar[tuple[str, ...]]
    _VALUES: ClassVar["attrgetter[tuple[Any, ...]]"]

    def __init_subclass__(cls) -> None:
        """Know the fields of the table, and where their values lie."""
        names = [field.name for field in cls.TABLE.fields]
        cls._NAMES = ("message_type", *names)
        in_registers = _REGISTER_NAMES if "registers" in cls.__annotations__ else ()
        cls._VALUES = attrgetter(
            "TABLE.type",
            *(f"registers.{name}" if name in in_registers else name for name in names),
        )

    def encode(self) -> bytes:
        """Pack the message.

        Raises:
            LocalProtocolError: A value does not fit its field.
        """
        return encode_fields(self.TABLE, self._to_fields())

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Unpack a message of exactly this type.

        Raises:
            RemoteProtocolError: MALFORMED: length, type, or a value out of range.
        """
        table = cls.TABLE
        fields: dict[str, Any] = decode_fields(table, octets)
        for field in _NOT_PLAIN[table.type]:
            fields[field.name] = _typed(table, field, fields[field.name])
        return cls._from_fields(fields)

    def _to_fields(self) -> dict[str, FieldValue]:
        fields: dict[str, Any] = dict(zip(self._NAMES, self._VALUES(self), strict=True))
        if "licence" in fields:
            fields["licence"] = fields["licence"].encode("ascii")
        return fields

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        if "ascending_paise" in fields:
            registers = Registers(
                **{name: fields.pop(name) for name in _REGISTER_NAMES}
            )
            return cls(registers=registers, **fields)  # type: ignore[call-arg]
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Statement(Message):
    """What a machine says of itself, signed, and what it asks for (DLG-4)."""

    TABLE: ClassVar[MessageTable] = tables.STATEMENT

    version: int
    capabilities: int
    licence: LicenceIdentifier
    psd_serial: bytes
    firmware_major: int
    firmware_minor: int
    firmware_patch: int
    state: MachineState
    registers: Registers
    recharge_number: RechargeNumber
    order_serial: OrderSerial
    mark: bytes
    usage_digest: bytes
    time: EpochSeconds
    dial_in: int
    request: RequestKind
    amount_paise: Paise
    signature: bytes


@dataclass(frozen=True, slots=True)
class Confirmation(Message):
    """The registers after a voucher was applied, signed (DLG-6)."""

    TABLE: ClassVar[MessageTable] = tables.CONFIRMATION

    licence: LicenceIdentifier
    recharge_number: RechargeNumber
    registers: Registers
    state: MachineState
    signature: bytes


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Items and postage of one product class since the life of the PSD began."""

    product_class: int
    items: int
    amount_paise: Paise


@dataclass(frozen=True, slots=True)
class Usage(Message):
    """One part of the usage table: the rows that changed since the last ACK (DLG-9)."""

    TABLE: ClassVar[MessageTable] = tables.USAGE

    dial_in: int
    part: int
    parts: int
    rows: tuple[UsageRow, ...]

    def _to_fields(self) -> dict[str, FieldValue]:
        if len(self.rows) > tables.USAGE_ROWS:
            raise LocalProtocolError(
                f"{len(self.rows)} rows in a USAGE", clause="DLG-9"
            )
        fields: dict[str, FieldValue] = {
            "dial_in": self.dial_in,
            "part": self.part,
            "parts": self.parts,
        }
        empty = UsageRow(0, 0, Paise(0))
        padding = (empty,) * (tables.USAGE_ROWS - len(self.rows))
        for index, row in enumerate((*self.rows, *padding), start=1):
            fields[f"class_{index}"] = row.product_class
            fields[f"items_{index}"] = row.items
            fields[f"amount_{index}_paise"] = row.amount_paise
        return fields

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        rows = [
            UsageRow(
                fields[f"class_{index}"],
                fields[f"items_{index}"],
                fields[f"amount_{index}_paise"],
            )
            for index in range(1, tables.USAGE_ROWS + 1)
        ]
        used = [row for row in rows if row.product_class]
        if rows[: len(used)] != used or any(
            row.items or row.amount_paise for row in rows[len(used) :]
        ):
            raise _malformed("USAGE: an empty row is not all zeros at the end")
        return cls(fields["dial_in"], fields["part"], fields["parts"], tuple(used))


@dataclass(frozen=True, slots=True)
class Goodbye(Message):
    """The machine's last word: the mark it stored and the orders it applied (DLG-7)."""

    TABLE: ClassVar[MessageTable] = tables.GOODBYE

    mark: bytes
    order_serial: OrderSerial


@dataclass(frozen=True, slots=True)
class Voucher(Message):
    """What the PSD applies: signed by the credit key, sent as stored (DLG-5)."""

    TABLE: ClassVar[MessageTable] = tables.VOUCHER

    kind: VoucherKind
    licence: LicenceIdentifier
    credential_hash: bytes
    recharge_number: RechargeNumber
    amount_paise: Paise
    control_total_before_paise: Paise
    control_total_after_paise: Paise
    time: EpochSeconds
    credit_key: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class LastVoucher(Message):
    """The voucher applied last, presented when the server is behind (DLG-8.3)."""

    TABLE: ClassVar[MessageTable] = tables.LAST_VOUCHER

    voucher: bytes


@dataclass(frozen=True, slots=True)
class Refusal(Message):
    """Why the request is refused; no balance, register or voucher changes (DLG-8)."""

    TABLE: ClassVar[MessageTable] = tables.REFUSAL

    recharge_number: RechargeNumber
    code: RefusalCode
    disposition: Disposition
    allowed_paise: Paise
    receipt_follows: int


@dataclass(frozen=True, slots=True)
class Receipt(Message):
    """The server's books are closed on this dial-in (DLG-7)."""

    TABLE: ClassVar[MessageTable] = tables.RECEIPT

    recharge_number: RechargeNumber
    mark: bytes
    time: EpochSeconds
    funds_paise: Paise
    licence_state: LicenceState
    orders: int


@dataclass(frozen=True, slots=True)
class Ack(Message):
    """Something the machine sent is committed (DLG-9)."""

    TABLE: ClassVar[MessageTable] = tables.ACK

    of_type: MessageType
    number: int


@dataclass(frozen=True, slots=True)
class Order(Message):
    """Something that the machine is to do, once (DLG-10)."""

    TABLE: ClassVar[MessageTable] = tables.ORDER

    order_serial: OrderSerial
    order: OrderKind
    value: int


@dataclass(frozen=True, slots=True)
class Want(Message):
    """What the machine still misses of a content that an order named (DLG-16)."""

    TABLE: ClassVar[MessageTable] = tables.WANT

    content_id: int
    offset: int


@dataclass(frozen=True, slots=True)
class ContentPart(Message):
    """One part of a content, or the word that it is not here (DLG-16).

    Attributes:
        content_id: As in the WANT.
        offset: As in the WANT.
        total: Octets of the whole content; 0 when the server has no such part.
        data: The octets of this part, without the zeros that fill it up on the line.
    """

    TABLE: ClassVar[MessageTable] = tables.CONTENT

    content_id: int
    offset: int
    total: int
    data: bytes

    @classmethod
    def cut(cls, content_id: int, offset: int, content: bytes | None) -> Self:
        """Answer a WANT from the whole content, or from None where there is none.

        Args:
            content_id: As in the WANT.
            offset: As in the WANT; one where no part begins finds nothing.
            content: The signed octets, which may end in zeros.

        Raises:
            LocalProtocolError: The content is larger than a content may be.
        """
        total = 0 if content is None else len(content)
        if total > CONTENT_OCTETS_MAX:
            raise LocalProtocolError(f"a content of {total} octets", clause="DLG-16.1")
        if content is None or _part_octets(offset, total) is None:
            return cls(content_id, offset, 0, b"")
        data = content[offset : offset + CONTENT_PART_OCTETS]
        return cls(content_id, offset, total, data)

    def _to_fields(self) -> dict[str, FieldValue]:
        if len(self.data) != _part_octets(self.offset, self.total):
            message = (
                f"{len(self.data)} octets of a CONTENT at {self.offset} of {self.total}"
            )
            raise LocalProtocolError(message, clause="DLG-16.3")
        return {
            "content_id": self.content_id,
            "offset": self.offset,
            "total": self.total,
            "data": self.data.ljust(CONTENT_PART_OCTETS, b"\0"),
        }

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        offset, total = fields["offset"], fields["total"]
        octets = _part_octets(offset, total)
        padded: bytes = fields["data"]
        if octets is None or any(padded[octets:]):
            raise _malformed(f"CONTENT: no part at {offset} of {total} octets")
        return cls(fields["content_id"], offset, total, padded[:octets])


def _part_octets(offset: int, total: int) -> int | None:
    """Say how many octets a part holds, or None where there can be no such part."""
    if total == 0:
        return 0
    if total > CONTENT_OCTETS_MAX or offset >= total or offset % CONTENT_PART_OCTETS:
        return None
    return min(CONTENT_PART_OCTETS, total - offset)


MESSAGES: dict[MessageType, type[Message]] = {
    message.TABLE.type: message
    for message in (
        Statement,
        Confirmation,
        Usage,
        Goodbye,
        Voucher,
        LastVoucher,
        Refusal,
        Receipt,
        Ack,
        Order,
        Want,
        ContentPart,
    )
}

ELECTIVE = range(0x40, 0x80)
"""Types that who does not know them ignores (DLG-2.2)."""


def decode_message(octets: bytes) -> Message | None:
    """Unpack a message of any type that this side knows.

    Returns:
        The message, or None for an elective type (0x40 to 0x7F), which is ignored.

    Raises:
        RemoteProtocolError: MALFORMED, or UNEXPECTED for a type that is not known.
    """
    if not octets:
        raise _malformed("a record without a message")
    if octets[0] in ELECTIVE:
        return None
    message = MESSAGES.get(octets[0])  # type: ignore[call-overload]
    if message is None:
        raise RemoteProtocolError(
            f"message type 0x{octets[0]:02x} is not known",
            clause="DLG-2.2",
            code=ErrorCode.UNEXPECTED,
        )
    return message.decode(octets)  # type: ignore[no-any-return]

"""The octet tables of all messages: the one source of codec, SPEC.md and vectors.

Every message is flat and has one fixed length. Numbers are big-endian and unsigned,
amounts are paise in 64 bits, times are seconds since 1970 UTC in 32 bits. A message
that its sender signs ends in 64 octets of signature (r, then s) over all octets before
it, with the context of its name and the channel binding where DLG-3 says so.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cached_property
from typing import Final

from protocol.messages.orders import CONTENT_PART_OCTETS, OrderKind
from protocol.registers import MachineState, RequestKind, VoucherKind


class MessageType(IntEnum):
    """First octet of a message body (DLG-2).

    Types 0x40 to 0x7F are elective: who does not know one ignores it. Any other type
    that is not listed here is answered with ERROR UNEXPECTED.
    """

    STATEMENT = 0x10
    CONFIRMATION = 0x11
    USAGE = 0x12
    EVENT_LOG = 0x13
    GOODBYE = 0x14
    LAST_VOUCHER = 0x15
    WANT = 0x16
    VOUCHER = 0x20
    REFUSAL = 0x21
    RECEIPT = 0x22
    ACK = 0x23
    ORDER = 0x24
    CONTENT = 0x25


class RefusalCode(IntEnum):
    """Why a request is refused (DLG-8); from 32 on a discrepancy, which freezes."""

    AMOUNT_STEP = 1
    FUNDS_SHORT = 2
    FUNDS_NOT_YET_AVAILABLE = 3
    AMOUNT_LIMIT = 4
    LICENCE_BLOCKED = 5
    LICENCE_WITHHELD = 6
    LICENCE_CANCELLED = 7
    LICENCE_EXPIRED = 8
    MACHINE_STATE = 9
    KIND_NOT_OFFERED = 10
    CONTROL_TOTAL_SUM = 32
    CONTROL_TOTAL_HISTORY = 33
    ASCENDING_BACK = 34
    ITEMS_BACK = 35
    MARK_WRONG = 36
    NUMBER_AHEAD = 37
    NUMBER_BEHIND = 38
    USAGE_MISMATCH = 39
    ACCOUNT_FROZEN = 40

    @property
    def is_discrepancy(self) -> bool:
        """Whether this code freezes the machine's account."""
        return self >= RefusalCode.CONTROL_TOTAL_SUM


class Disposition(IntEnum):
    """What becomes of the machine's pending request after a REFUSAL (DLG-8)."""

    CLEARED = 0
    """Nothing is outstanding: the request is forgotten and another may be made."""
    KEPT = 1
    """A voucher is outstanding: the request stands as it is."""


class Follows(IntEnum):
    """What comes behind a REFUSAL (DLG-8.2)."""

    NOTHING = 0
    RECEIPT = 1


class LicenceState(IntEnum):
    """State of the licence as the server knows it, told in each RECEIPT (DLG-7)."""

    REGISTERED = 1
    RENEWED = 2
    BLOCKED = 3
    WITHHELD = 4
    EXPIRED = 5
    CANCELLED = 6


class Kind(Enum):
    """How the octets of a field are read."""

    UINT = "unsigned"
    AMOUNT = "paise"
    TIME = "seconds"
    LICENCE = "licence identifier"
    OCTETS = "octets"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its width in octets, how it is read, what it means."""

    name: str
    octets: int
    kind: Kind
    meaning: str
    values: type[IntEnum] | None = None


@dataclass(frozen=True)
class MessageTable:
    """The layout of one message type; the type octet at offset 0 is not listed."""

    type: MessageType
    sender: str
    fields: tuple[Field, ...]

    @cached_property
    def octets(self) -> int:
        """Length of the whole message, type octet included."""
        return 1 + sum(field.octets for field in self.fields)

    @property
    def is_signed(self) -> bool:
        """Whether the last field is a signature over everything before it."""
        return self.fields[-1].kind is Kind.SIGNATURE


SIGNATURE_OCTETS: Final = 64
MARK_OCTETS: Final = 8
USAGE_ROWS: Final = 4
"""Class rows in one USAGE part: 59 octets hold a usual day of a small office."""


def _uint(
    name: str, octets: int, meaning: str, values: type[IntEnum] | None = None
) -> Field:
    return Field(name, octets, Kind.UINT, meaning, values)


def _amount(name: str, meaning: str) -> Field:
    return Field(name, 8, Kind.AMOUNT, meaning)


def _registers() -> tuple[Field, ...]:
    return (
        _amount("ascending_paise", "AR"),
        _amount("descending_paise", "DR"),
        _amount("control_total_paise", "CT"),
        _uint("items", 4, "item counter without zero imprints"),
        _uint("items_with_zero", 4, "item counter with zero imprints"),
    )


_LICENCE = Field("licence", 7, Kind.LICENCE, "licence identifier, ASCII")
_SIGNATURE = Field("signature", SIGNATURE_OCTETS, Kind.SIGNATURE, "r, s")
_MARK = Field("mark", MARK_OCTETS, Kind.OCTETS, "mark")

STATEMENT = MessageTable(
    MessageType.STATEMENT,
    "machine",
    (
        _uint("version", 1, "protocol version, 1"),
        _uint("capabilities", 2, "capability bits, DLG-11"),
        _LICENCE,
        Field("psd_serial", 8, Kind.OCTETS, "serial of the PSD, ASCII"),
        _uint("firmware_major", 1, "firmware version, first part"),
        _uint("firmware_minor", 1, "firmware version, second part"),
        _uint("firmware_patch", 1, "firmware version, third part"),
        _uint("state", 1, "machine state", MachineState),
        *_registers(),
        _uint("recharge_number", 4, "number of the last voucher applied"),
        _uint("order_serial", 4, "serial of the highest order applied"),
        Field("mark", MARK_OCTETS, Kind.OCTETS, "mark stored last"),
        Field("usage_digest", 8, Kind.OCTETS, "digest of the usage table, DLG-9"),
        Field("time", 4, Kind.TIME, "clock of the machine, 0 when not set"),
        _uint("dial_in", 4, "number of this dial-in, rises by 1"),
        _uint("request", 1, "what is asked for", RequestKind),
        _amount("amount_paise", "amount asked for, 0 for an inspection"),
        _SIGNATURE,
    ),
)

CONFIRMATION = MessageTable(
    MessageType.CONFIRMATION,
    "machine",
    (
        _LICENCE,
        _uint("recharge_number", 4, "number of the voucher just applied"),
        *_registers(),
        _uint("state", 1, "machine state after it", MachineState),
        _SIGNATURE,
    ),
)

USAGE = MessageTable(
    MessageType.USAGE,
    "machine",
    (
        _uint("dial_in", 4, "number of the dial-in whose STATEMENT holds the digest"),
        _uint("part", 1, "this part, from 1"),
        _uint("parts", 1, "number of parts"),
        *(
            field
            for row in range(1, USAGE_ROWS + 1)
            for field in (
                _uint(f"class_{row}", 1, f"row {row}: product class, 0 for no row"),
                _uint(f"items_{row}", 4, f"row {row}: items of the class, ever"),
                _amount(
                    f"amount_{row}_paise", f"row {row}: postage of the class, ever"
                ),
            )
        ),
    ),
)

GOODBYE = MessageTable(
    MessageType.GOODBYE,
    "machine",
    (_MARK, _uint("order_serial", 4, "serial of the highest order applied")),
)

VOUCHER = MessageTable(
    MessageType.VOUCHER,
    "server",
    (
        _uint("kind", 1, "what it does", VoucherKind),
        _LICENCE,
        Field("credential_hash", 8, Kind.OCTETS, "hash of the machine's CCS, KEY-6"),
        _uint("recharge_number", 4, "its number"),
        _amount("amount_paise", "its amount"),
        _amount("control_total_before_paise", "CT before"),
        _amount("control_total_after_paise", "CT after"),
        Field("time", 4, Kind.TIME, "time of issue"),
        _uint("credit_key", 1, "id of the credit key that signs"),
        _SIGNATURE,
    ),
)

LAST_VOUCHER = MessageTable(
    MessageType.LAST_VOUCHER,
    "machine",
    (Field("voucher", VOUCHER.octets, Kind.OCTETS, "the VOUCHER applied last"),),
)

REFUSAL = MessageTable(
    MessageType.REFUSAL,
    "server",
    (
        _uint("recharge_number", 4, "number that the voucher would have had"),
        _uint("code", 1, "why", RefusalCode),
        _uint("disposition", 1, "what becomes of the request", Disposition),
        _amount("allowed_paise", "amount that may be asked now"),
        _uint("receipt_follows", 1, "1 when a RECEIPT follows, else 0", Follows),
    ),
)

RECEIPT = MessageTable(
    MessageType.RECEIPT,
    "server",
    (
        _uint("recharge_number", 4, "number of the last voucher settled"),
        Field("mark", MARK_OCTETS, Kind.OCTETS, "mark to be stored"),
        Field("time", 4, Kind.TIME, "time at the server"),
        _amount("funds_paise", "funds remaining at the server"),
        _uint("licence_state", 1, "state of the licence", LicenceState),
        _uint("orders", 1, "number of ORDER messages that follow"),
    ),
)

ACK = MessageTable(
    MessageType.ACK,
    "server",
    (
        _uint("of_type", 1, "type of what is acknowledged", MessageType),
        _uint("number", 4, "its number: the dial-in of a USAGE, else 0"),
    ),
)

ORDER = MessageTable(
    MessageType.ORDER,
    "server",
    (
        _uint("order_serial", 4, "its serial, without gaps"),
        _uint("order", 1, "what to do", OrderKind),
        _uint("value", 8, "time, amount, number or content id, as the kind says"),
    ),
)

_CONTENT_ID = _uint("content_id", 8, "content id, from the ORDER")

WANT = MessageTable(
    MessageType.WANT,
    "machine",
    (_CONTENT_ID, _uint("offset", 4, "first octet that is wanted")),
)

CONTENT = MessageTable(
    MessageType.CONTENT,
    "server",
    (
        _CONTENT_ID,
        _uint("offset", 4, "offset of the first octet in the content, from the WANT"),
        _uint("total", 4, "octets of the whole content; 0 when it is not here"),
        Field("data", CONTENT_PART_OCTETS, Kind.OCTETS, "octets, then zeros"),
    ),
)

TABLES: Final = (
    STATEMENT,
    CONFIRMATION,
    USAGE,
    GOODBYE,
    LAST_VOUCHER,
    WANT,
    VOUCHER,
    REFUSAL,
    RECEIPT,
    ACK,
    ORDER,
    CONTENT,
)
"""Every message that is built; EVENT_LOG is reserved (DLG-12)."""

TABLE_OF: Final = {table.type: table for table in TABLES}

"""The bench as a server: its keys, and its book of the machine under test.

The book is filled from what the machine states. It grants what a case says, and nothing
else; between cases it serves as an honest server would, and grants nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hw.clock import WallClock
from hw.lab.side import (
    Breach,
    Fields,
    blank,
    fields_of,
    number,
    octets,
    registers_of,
    unsigned,
)
from protocol.errors import RemoteProtocolError
from protocol.keys import CreditKey, MachineProvisioning, ServerIdentity
from protocol.messages import (
    CONTENT_PART_OCTETS,
    SIGNATURE_OCTETS,
    TABLE_OF,
    Disposition,
    LicenceState,
    MessageTable,
    MessageType,
    OrderKind,
    UsageRow,
    Voucher,
)
from protocol.messages.codec import FieldValue, decode_fields
from protocol.messages.tables import MARK_OCTETS, USAGE_ROWS
from protocol.ports import Entropy
from protocol.registers import (
    Registers,
    RequestKind,
    VoucherKind,
    after_voucher,
    effect_paise,
)
from protocol.usage import usage_digest
from protocol.values import Paise, RechargeNumber
from protocol.vouchers import VOUCHER_CONTEXT, VoucherHolder, check_voucher

_VOUCHER_FOR: Final = {
    RequestKind.INSPECTION: VoucherKind.RECHARGE,
    RequestKind.RECHARGE: VoucherKind.RECHARGE,
    RequestKind.WITHDRAWAL: VoucherKind.WITHDRAWAL,
    RequestKind.REFUND: VoucherKind.REFUND,
}
_UNASKED_PAISE: Final = 10_000
"""What a voucher brings that nobody asked for: Rs 100."""
_NUMBER_MAX: Final = 2**32 - 1


@dataclass(slots=True)
class Book:
    """What the bench knows of the machine.

    Attributes:
        registers: As stated last; at first those of the provisioning file.
        recharge_number: The number that the machine has applied, as far as is known.
        dial_in: Of the last STATEMENT.
        order_serial: The highest that the machine has named.
        marks: Those that the machine may return: acknowledged, and issued last.
        rows: The usage table, by class.
        outstanding: A voucher that was sent and may be applied or not.
        voucher: The voucher that was sent last, whatever became of it.
        contents: Contents on hand, by their ids.
    """

    registers: Registers
    recharge_number: int
    dial_in: int = 0
    order_serial: int = 0
    marks: tuple[bytes, ...] = (bytes(MARK_OCTETS),)
    rows: dict[int, UsageRow] = field(default_factory=dict)
    outstanding: bytes = b""
    voucher: bytes = b""
    contents: dict[int, bytes] = field(default_factory=dict)


class ServerSide:
    """Fills in and signs what a server says.

    Attributes:
        identity: The bench's channel key.
        machine: The machine under test, as its maker provisioned it.
        book: What is known of it.
        statement: The fields of its STATEMENT in this dialogue.
    """

    def __init__(
        self,
        identity: ServerIdentity,
        credit_key: CreditKey,
        machine: MachineProvisioning,
        *,
        clock: WallClock,
        entropy: Entropy,
    ) -> None:
        """Open a book.

        Args:
            identity: The bench's channel key.
            credit_key: Signs vouchers.
            machine: The machine under test.
            clock: Tells the time for RECEIPTs and vouchers.
            entropy: Draws marks.
        """
        self.identity = identity
        self.machine = machine
        items = machine.items
        self.book = Book(
            Registers(
                machine.ascending_paise,
                machine.descending_paise,
                machine.control_total_paise,
                items,
                items + machine.zero_items,
            ),
            machine.recharge_number,
        )
        self.statement: Mapping[str, FieldValue] = {}
        self._credit_key = credit_key
        self._clock = clock
        self._entropy = entropy
        self._answers = 0
        self._serial_said = 0
        self._want: Mapping[str, FieldValue] = {}
        self._usage: list[UsageRow] = []
        self._usage_next = 1

    # What is said.

    def right(self, table: MessageTable, wish: Mapping[str, FieldValue]) -> Fields:
        """Fill a message in as an honest server would.

        Args:
            table: Of a message of either side; a machine's own gives what is expected.
            wish: What the case says of some fields; others follow from it.
        """
        fields = blank(table)
        match table.type:
            case MessageType.VOUCHER:
                fields |= self._voucher(wish)
            case MessageType.REFUSAL:
                fields |= self._refusal(wish)
            case MessageType.RECEIPT:
                fields |= {
                    "recharge_number": self._answers,
                    "mark": self._entropy.octets(MARK_OCTETS),
                    "time": self._clock.now(),
                    "licence_state": int(LicenceState.REGISTERED),
                }
            case MessageType.ORDER:
                fields |= {
                    "order_serial": self._serial_said + 1,
                    "order": int(OrderKind.NOTHING),
                }
            case MessageType.ACK:
                fields |= {
                    "of_type": int(MessageType.USAGE),
                    "number": self.book.dial_in,
                }
            case MessageType.CONTENT:
                fields |= self._content()
            case MessageType.CONFIRMATION:
                fields |= self._confirmation()
            case MessageType.GOODBYE:
                fields |= {
                    "mark": self.book.marks[-1],
                    "order_serial": self._serial_said,
                }
            case _:
                pass
        return fields

    def sign(self, table: MessageTable, fields: Mapping[str, FieldValue]) -> bytes:
        """Write a message, and sign it where it is a VOUCHER."""
        covered = unsigned(table, fields)
        return covered + self._credit_key.sign(VOUCHER_CONTEXT, covered)

    def said(
        self, table: MessageTable, fields: Mapping[str, FieldValue], body: bytes
    ) -> None:
        """Note what was sent."""
        if table.type is MessageType.VOUCHER:
            self.book.voucher = body
            if self._can_be_applied(body):
                self.book.outstanding = body
        elif table.type is MessageType.RECEIPT:
            self.book.marks = (self.book.marks[0], octets(fields, "mark"))
            self._serial_said = self.book.order_serial
        elif table.type is MessageType.ORDER:
            self._serial_said = number(fields, "order_serial")

    def _can_be_applied(self, body: bytes) -> bool:
        """Whether a voucher passes all checks of REG-6, so that it may be applied."""
        try:
            voucher = Voucher.decode(body)
        except RemoteProtocolError:
            return False
        key = self._credit_key
        holder = VoucherHolder(
            self.machine.credential,
            self.identity.credential.with_credit_key(key.key_id, key.signing.public),
            self.book.registers,
            RechargeNumber(self.book.recharge_number),
        )
        return isinstance(check_voucher(voucher, body, holder), Registers)

    def _voucher(self, wish: Mapping[str, FieldValue]) -> Fields:
        request = (
            RequestKind(number(self.statement, "request")) if self.statement else 0
        )
        kind = VoucherKind(_VOUCHER_FOR[RequestKind(request)])
        amount = number(self.statement, "amount_paise") if self.statement else 0
        if request == RequestKind.INSPECTION:
            amount = _UNASKED_PAISE
        kind = _known_kind(wish.get("kind", kind), kind)
        amount = 0 if kind is VoucherKind.VOID else amount
        paise = wish.get("amount_paise", amount)
        effect = effect_paise(kind, Paise(paise if isinstance(paise, int) else 0))
        credential = self.machine.credential
        before = self.book.registers.control_total_paise
        return {
            "kind": int(kind),
            "licence": credential.licence_identifier.encode("ascii"),
            "credential_hash": credential.credential_hash,
            "recharge_number": min(self.book.recharge_number + 1, _NUMBER_MAX),
            "amount_paise": amount,
            "control_total_before_paise": before,
            "control_total_after_paise": max(0, before + effect),
            "time": self._clock.now(),
            "credit_key": self._credit_key.key_id,
        }

    def _refusal(self, wish: Mapping[str, FieldValue]) -> Fields:
        code = wish.get("code", 1)
        is_discrepancy = isinstance(code, int) and code >= 32  # noqa: PLR2004  DLG-8.1
        kept = Disposition.KEPT if self.book.outstanding else Disposition.CLEARED
        return {
            "recharge_number": min(self.book.recharge_number + 1, _NUMBER_MAX),
            "code": code,
            "disposition": int(kept),
            "receipt_follows": 0 if is_discrepancy else 1,
        }

    def _content(self) -> Fields:
        if not self._want:
            return {}
        content_id = number(self._want, "content_id")
        offset = number(self._want, "offset")
        content = self.book.contents.get(content_id, b"")
        part = content[offset : offset + CONTENT_PART_OCTETS]
        return {
            "content_id": content_id,
            "offset": offset,
            "total": len(content) if part else 0,
            "data": part.ljust(CONTENT_PART_OCTETS, b"\0"),
        }

    def _confirmation(self) -> Fields:
        fields: Fields = {
            "licence": self.machine.credential.licence_identifier.encode("ascii"),
            "recharge_number": self.book.recharge_number + 1,
            **fields_of(self.book.registers),
        }
        applied = self._applied()
        if applied is not None:
            fields |= fields_of(applied)
        return fields

    def _applied(self) -> Registers | None:
        """Say what the outstanding voucher makes of the registers."""
        if not self.book.outstanding:
            return None
        voucher = _read(self.book.outstanding)
        return after_voucher(
            self.book.registers,
            VoucherKind(number(voucher, "kind")),
            Paise(number(voucher, "amount_paise")),
        )

    # What is heard.

    def heard(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        """Take what the machine said into the book; what is broken by it comes back."""
        match table.type:
            case MessageType.STATEMENT:
                return self._heard_statement(table, fields, body, binding)
            case MessageType.CONFIRMATION:
                return self._heard_confirmation(table, fields, body, binding)
            case MessageType.USAGE:
                return self._heard_usage(fields)
            case MessageType.WANT:
                self._want = fields
            case MessageType.GOODBYE:
                if octets(fields, "mark") in self.book.marks:
                    self.book.marks = (octets(fields, "mark"),)
                self.book.order_serial = number(fields, "order_serial")
            case MessageType.LAST_VOUCHER:
                return self._heard_last_voucher(fields)
            case _:
                return [Breach("DLG-1.3", f"a machine does not send {table.type.name}")]
        return []

    def _heard_statement(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        book, found = self.book, []
        stated = registers_of(fields)
        applied = self._applied()
        self.statement = fields
        self._usage, self._usage_next = [], 1
        found += self._signed(table, fields, body, binding)
        if octets(fields, "psd_serial") != self.machine.credential.psd_serial.encode():
            found.append(Breach("DLG-3.1", "the PSD serial is not the enrolled one"))
        found += _possible(stated)
        if not stated.not_before(book.registers):
            found.append(Breach("REG-3", "AR or an item counter went back"))
        if number(fields, "dial_in") <= book.dial_in:
            found.append(Breach("DLG-4.4", "the number of the dial-in did not rise"))
        if octets(fields, "mark") not in book.marks:
            found.append(Breach("DLG-7.2", "the mark is none that was issued"))
        found += self._settle(stated, number(fields, "recharge_number"), applied)
        book.registers = stated
        book.recharge_number = number(fields, "recharge_number")
        book.dial_in = number(fields, "dial_in")
        book.order_serial = number(fields, "order_serial")
        book.marks = (octets(fields, "mark"),)
        self._answers = book.recharge_number
        self._serial_said = book.order_serial
        return found

    def _settle(
        self, stated: Registers, applied_number: int, applied: Registers | None
    ) -> list[Breach]:
        book = self.book
        before = book.registers.control_total_paise
        if applied_number == book.recharge_number:
            right = stated.control_total_paise == before
        elif applied_number == book.recharge_number + 1 and applied is not None:
            right = stated.control_total_paise == applied.control_total_paise
            book.outstanding = b""
        else:
            return [
                Breach("REG-6", "the recharge number does not follow from vouchers")
            ]
        if right:
            return []
        return [Breach("REG-4", "CT has changed, and no voucher changed it")]

    def _heard_confirmation(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        book = self.book
        expected = self._applied()
        found = self._signed(table, fields, body, binding)
        stated = registers_of(fields)
        found += _possible(stated)
        if number(fields, "recharge_number") != book.recharge_number + 1:
            found.append(Breach("DLG-6", "the number is not that of the voucher"))
        if expected is not None and stated != expected:
            found.append(
                Breach("REG-4", "the registers are not those after the voucher")
            )
        book.registers = stated
        book.recharge_number = number(fields, "recharge_number")
        book.outstanding = b""
        self._answers = book.recharge_number
        return found

    def _signed(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        credential = self.machine.credential
        found = []
        if octets(fields, "licence") != credential.licence_identifier.encode("ascii"):
            found.append(
                Breach("DLG-3.1", "the licence is not the one that was proved")
            )
        covered, signature = body[:-SIGNATURE_OCTETS], body[-SIGNATURE_OCTETS:]
        if not credential.verify(table.type.name, binding + covered, signature):
            found.append(Breach("DLG-3.2", "the signature does not verify"))
        return found

    def _heard_usage(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        found = []
        if number(fields, "dial_in") != self.book.dial_in:
            found.append(Breach("DLG-9.2", "USAGE names another dial-in"))
        if number(fields, "part") != self._usage_next:
            found.append(Breach("DLG-9.2", "a part of USAGE is out of order"))
        self._usage_next += 1
        self._usage += _rows(fields)
        if number(fields, "part") < number(fields, "parts"):
            return found
        rows = self.book.rows | {row.product_class: row for row in self._usage}
        if usage_digest(list(rows.values())) != octets(self.statement, "usage_digest"):
            found.append(Breach("DLG-9.3", "the rows do not give the digest"))
        self.book.rows = rows
        return found

    def _heard_last_voucher(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        presented = _read(octets(fields, "voucher"))
        if number(presented, "recharge_number") != self.book.recharge_number:
            return [
                Breach("DLG-8.3", "the voucher presented is not the one applied last")
            ]
        return []

    @property
    def parts_are_whole(self) -> bool:
        """Whether the part of USAGE that came last is the last one."""
        return bool(self.statement) and self._usage_next > 1

    def begin(self) -> None:
        """Forget what belonged to an earlier dialogue."""
        self.statement = {}
        self._want = {}


def _known_kind(value: FieldValue, otherwise: VoucherKind) -> VoucherKind:
    try:
        return VoucherKind(value if isinstance(value, int) else -1)
    except ValueError:
        return otherwise


def _possible(registers: Registers) -> list[Breach]:
    if registers.balanced:
        return []
    return [Breach("REG-2", "AR + DR is not CT, or more items than items with zero")]


def _read(voucher: bytes) -> Fields:
    return decode_fields(TABLE_OF[MessageType.VOUCHER], voucher)


def _rows(fields: Mapping[str, FieldValue]) -> list[UsageRow]:
    rows = [
        UsageRow(
            number(fields, f"class_{row}"),
            number(fields, f"items_{row}"),
            Paise(number(fields, f"amount_{row}_paise")),
        )
        for row in range(1, USAGE_ROWS + 1)
    ]
    return [row for row in rows if row.product_class]

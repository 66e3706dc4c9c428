"""The bench as a server: what it says to the machine under test, and hears of it.

It grants what a case says, and nothing else; between cases it serves as an honest
server would, and grants nothing. What it knows of the machine is its `Book`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from hw.clock import WallClock
from hw.lab.book import new_book, orders_back, read_voucher
from hw.lab.offers import Offers
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
from protocol.keys import (
    CreditKey,
    MachineProvisioning,
    MakerKey,
    ServerCredential,
    ServerIdentity,
)
from protocol.messages import (
    CONTENT_PART_OCTETS,
    SIGNATURE_OCTETS,
    Disposition,
    LicenceState,
    MessageTable,
    MessageType,
    OrderKind,
    UsageRow,
    Voucher,
    decode_message,
)
from protocol.messages.codec import FieldValue
from protocol.messages.tables import MARK_OCTETS, USAGE_ROWS
from protocol.ports import Entropy
from protocol.registers import Registers, RequestKind, VoucherKind, effect_paise
from protocol.values import Paise, RechargeNumber
from protocol.vouchers import VOUCHER_CONTEXT, VoucherHolder, check_voucher

_VOUCHER_FOR: Final = {
    RequestKind.INSPECTION: VoucherKind.RECHARGE,
    RequestKind.RECHARGE: VoucherKind.RECHARGE,
    RequestKind.WITHDRAWAL: VoucherKind.WITHDRAWAL,
    RequestKind.REFUND: VoucherKind.REFUND,
}
_EMPTYING: Final = (VoucherKind.WITHDRAWAL, VoucherKind.REFUND)
_UNASKED_PAISE: Final = 10_000
"""What a voucher brings that nobody asked for: Rs 100."""
_NUMBER_MAX: Final = 2**32 - 1
_VERSION: Final = 1


_Filler = Callable[[Mapping[str, FieldValue]], Fields]
"""Fills a message in: what follows from what a case says of some fields."""


class ServerSide:
    """Fills in and signs what a server says.

    Attributes:
        identity: The bench's channel key.
        machine: The machine under test, as its maker provisioned it.
        book: What is known of it.
        statement: The fields of its STATEMENT in this dialogue.
        offers: Contents and credit keys.
    """

    def __init__(
        self,
        identity: ServerIdentity,
        credit_key: CreditKey,
        machine: MachineProvisioning,
        *,
        clock: WallClock,
        entropy: Entropy,
        maker: MakerKey | None = None,
    ) -> None:
        """Open a book.

        Args:
            identity: The bench's channel key.
            credit_key: Signs vouchers.
            machine: The machine under test.
            clock: Tells the time for RECEIPTs and vouchers.
            entropy: Draws marks, and a further credit key.
            maker: Signs contents; None: the bench has none to offer.
        """
        self.identity = identity
        self.machine = machine
        self.book = new_book(machine)
        self.offers = Offers(identity, credit_key, maker, entropy)
        self.statement: Mapping[str, FieldValue] = {}
        self._credit_key = credit_key
        self._clock = clock
        self._entropy = entropy
        self._answers = 0
        self._serial_said = 0
        self._acknowledges: tuple[int, int] = (0, 0)
        self._receipted = False
        self._refused_alone = False
        self._want: Mapping[str, FieldValue] = {}
        self._usage: list[UsageRow] = []
        self._usage_next = 1
        self._fillers: Final[dict[MessageType, _Filler]] = {
            MessageType.VOUCHER: self._voucher,
            MessageType.REFUSAL: self._refusal,
            MessageType.RECEIPT: lambda _: self._receipt(),
            MessageType.ORDER: self._order,
            MessageType.ACK: lambda _: self._ack(),
            MessageType.CONTENT: lambda _: self._content(),
            MessageType.STATEMENT: lambda _: self._expected_statement(),
            MessageType.CONFIRMATION: lambda _: self._confirmation(),
            MessageType.USAGE: lambda _: {
                "dial_in": self.book.dial_in,
                "part": self._usage_next,
            },
            MessageType.LAST_VOUCHER: lambda _: (
                {"voucher": self.book.applied} if self.book.applied else {}
            ),
            MessageType.WANT: lambda _: {"content_id": self.offers.content_id},
            MessageType.GOODBYE: lambda _: {
                "mark": self.book.marks[-1],
                "order_serial": self._serial_said,
            },
        }

    def begin_life(self, machine: MachineProvisioning) -> None:
        """Open a book for the next life of the machine."""
        self.machine = machine
        self.book = new_book(machine, self.book.dial_in)
        self.begin()

    def make_content(self, kind: str, wish: Mapping[str, str]) -> None:
        """Make a content, and have it on hand.

        Raises:
            StepError: The bench has no maker key.
        """
        content_id, octets = self.offers.make(kind, wish, self._clock.now())
        self.book.contents[content_id] = octets

    def orders_back(self) -> list[Fields]:
        """Say which orders undo what cases have ordered; as of the STATEMENT."""
        return orders_back(self.book, self.statement)

    # What is said.

    def right(self, table: MessageTable, wish: Mapping[str, FieldValue]) -> Fields:
        """Fill a message in as an honest server would.

        Args:
            table: Of a message of either side; a machine's own gives what is expected.
            wish: What the case says of some fields; others follow from it.
        """
        fields = blank(table)
        fill = self._fillers.get(table.type)
        if fill is not None:
            fields |= fill(wish)
        return fields

    def sign(self, table: MessageTable, fields: Mapping[str, FieldValue]) -> bytes:
        """Write a message, and sign it where it is a VOUCHER."""
        covered = unsigned(table, fields)
        named = number(fields, "credit_key")
        key = self.offers.credit_keys.get(named, self._credit_key)
        return covered + key.sign(VOUCHER_CONTEXT, covered)

    def said(
        self, table: MessageTable, fields: Mapping[str, FieldValue], body: bytes
    ) -> None:
        """Note what was sent and may have been taken."""
        book = self.book
        if table.type is MessageType.VOUCHER:
            book.voucher = body
            if self._can_be_applied(body):
                book.outstanding = body
            else:
                book.wrong_vouchers += 1
        if not _is_well_formed(body):
            return
        if table.type is MessageType.RECEIPT and self._can_be_stored(fields):
            book.marks = (book.marks[0], octets(fields, "mark"))
            self._serial_said = book.order_serial
            self._receipted = True
        elif table.type is MessageType.ORDER:
            self._serial_said = number(fields, "order_serial")
            ordered = number(fields, "order"), number(fields, "value")
            book.orders[self._serial_said] = ordered
        elif table.type is MessageType.REFUSAL:
            cleared = number(fields, "disposition") == Disposition.CLEARED
            book.may_have_ended = book.may_have_ended or cleared
            self._refused_alone = not number(fields, "receipt_follows")

    def _can_be_stored(self, receipt: Mapping[str, FieldValue]) -> bool:
        """Whether a RECEIPT is one that the machine must not refuse."""
        answers = number(receipt, "recharge_number") == self._answers
        return answers and bool(self.statement) and not self._receipted

    def _can_be_applied(self, body: bytes) -> bool:
        """Whether a voucher passes all checks of REG-6, so that it may be applied."""
        try:
            voucher = Voucher.decode(body)
        except RemoteProtocolError:
            return False
        holder = VoucherHolder(
            self.machine.credential,
            self._known_server(),
            self.book.registers,
            RechargeNumber(self.book.recharge_number),
        )
        return isinstance(check_voucher(voucher, body, holder), Registers)

    def _known_server(self) -> ServerCredential:
        """Say what the machine knows of the bench: its credit keys as ordered."""
        key, offers = self._credit_key, self.offers
        known = self.identity.credential.with_credit_key(key.key_id, key.signing.public)
        held = False
        for _, (kind, value) in sorted(self.book.orders.items()):
            if kind == OrderKind.CREDIT_KEY:
                held = True
            elif (kind, value) == (OrderKind.RETIRE_CREDIT_KEY, offers.added):
                held = False
        if not held:
            return known
        added = offers.credit_keys[offers.added]
        return known.with_credit_key(added.key_id, added.signing.public)

    def _receipt(self) -> Fields:
        return {
            "recharge_number": self._answers,
            "mark": self._entropy.octets(MARK_OCTETS),
            "time": self._clock.now(),
            "licence_state": int(LicenceState.REGISTERED),
        }

    def _ack(self) -> Fields:
        of_type, serial = self._acknowledges
        return {"of_type": of_type, "number": serial}

    def _order(self, wish: Mapping[str, FieldValue]) -> Fields:
        kind = wish.get("order", int(OrderKind.NOTHING))
        now = self._clock.now()
        return {
            "order_serial": self._serial_said + 1,
            "order": kind,
            "value": self.offers.value(kind if isinstance(kind, int) else 0, now),
        }

    def _voucher(self, wish: Mapping[str, FieldValue]) -> Fields:
        request = (
            RequestKind(number(self.statement, "request")) if self.statement else 0
        )
        kind = VoucherKind(_VOUCHER_FOR[RequestKind(request)])
        amount = number(self.statement, "amount_paise") if self.statement else 0
        if request == RequestKind.INSPECTION:
            amount = _UNASKED_PAISE
        asked, kind = kind, _known_kind(wish.get("kind", kind), kind)
        if kind is not asked and kind in _EMPTYING:
            amount = self.book.registers.descending_paise
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

    def _expected_statement(self) -> Fields:
        book, credential = self.book, self.machine.credential
        request, amount = book.pending or (int(RequestKind.INSPECTION), 0)
        return {
            "version": _VERSION,
            "licence": credential.licence_identifier.encode("ascii"),
            "psd_serial": credential.psd_serial.encode("ascii"),
            **fields_of(book.registers),
            "recharge_number": book.recharge_number,
            "order_serial": book.order_serial,
            "mark": book.marks[-1],
            "usage_digest": book.digest,
            "time": self._clock.now(),
            "dial_in": book.dial_in + 1,
            "request": request,
            "amount_paise": amount,
        }

    def _confirmation(self) -> Fields:
        fields: Fields = {
            "licence": self.machine.credential.licence_identifier.encode("ascii"),
            "recharge_number": self.book.recharge_number + 1,
            **fields_of(self.book.registers),
        }
        applied = self.book.after()
        if applied is not None:
            fields |= fields_of(applied)
        return fields

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
                return self._heard_want(fields)
            case MessageType.GOODBYE:
                return self._heard_goodbye(fields)
            case MessageType.LAST_VOUCHER:
                return self._heard_last_voucher(fields)
            case _:
                return [Breach("DLG-1.3", f"a machine does not send {table.type.name}")]

    def _heard_statement(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        book, found = self.book, []
        stated = registers_of(fields)
        self.statement = fields
        self._usage, self._usage_next = [], 1
        found += self._signed(table, fields, body, binding)
        if octets(fields, "psd_serial") != self.machine.credential.psd_serial.encode():
            found.append(Breach("DLG-3.1", "the PSD serial is not the enrolled one"))
        found += _possible(stated)
        if book.is_known:
            found += self._follows(fields, stated)
        else:
            book.is_known = True
            book.order_serial = number(fields, "order_serial")
        book.registers = stated
        book.recharge_number = number(fields, "recharge_number")
        book.dial_in = number(fields, "dial_in")
        book.marks = (octets(fields, "mark"),)
        self._answers = book.recharge_number
        self._serial_said = book.order_serial
        return found

    def _follows(
        self, fields: Mapping[str, FieldValue], stated: Registers
    ) -> list[Breach]:
        """Say what of a STATEMENT does not follow from those before."""
        book, found = self.book, []
        if not stated.not_before(book.registers):
            found.append(Breach("REG-3", "AR or an item counter went back"))
        if number(fields, "dial_in") <= book.dial_in:
            found.append(Breach("DLG-4.4", "the number of the dial-in did not rise"))
        if octets(fields, "mark") not in book.marks:
            found.append(Breach("DLG-7.2", "the mark is none that was issued"))
        found += book.settle(stated, number(fields, "recharge_number"))
        found += book.ask(
            number(fields, "request"),
            number(fields, "amount_paise"),
            stated.descending_paise,
        )
        found += book.obey(number(fields, "order_serial"))
        return found

    def _heard_confirmation(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        book = self.book
        expected = book.after()
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
        book.voucher_applied()
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
        self._acknowledges = int(MessageType.USAGE), self.book.dial_in
        self.book.count(self._usage)
        return found + self._counted()

    def _counted(self) -> list[Breach]:
        """Compare the usage table with the STATEMENT of this dialogue (DLG-9.3)."""
        stated = self.statement
        return self.book.check_rows(
            octets(stated, "usage_digest"), number(stated, "ascending_paise")
        )

    def _heard_want(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        self._want = fields
        named = number(fields, "content_id")
        if named in {value for _, value in self.book.orders.values()}:
            return []
        return [Breach("DLG-16.2", "a content is wanted that was not ordered")]

    def _heard_goodbye(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        found = self.book.obey(number(fields, "order_serial"))
        if octets(fields, "mark") not in self.book.marks:
            found.append(Breach("DLG-7.2", "the mark is none that it was given"))
        self.book.marks = (octets(fields, "mark"),)
        if self._refused_alone:
            # It sends all rows now, and the bench takes it at its word (DLG-9.2).
            self.book.forget_rows()
        elif self._receipted:
            found += self._counted()
        return found

    def _heard_last_voucher(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        self._acknowledges = int(MessageType.LAST_VOUCHER), 0
        octets_presented = octets(fields, "voucher")
        presented = read_voucher(octets_presented)
        wrong = number(presented, "recharge_number") != self.book.recharge_number
        if self.book.applied and octets_presented != self.book.applied:
            wrong = True
        if not wrong:
            return []
        return [Breach("DLG-8.3", "the voucher presented is not the one applied last")]

    @property
    def parts_are_whole(self) -> bool:
        """Whether the part of USAGE that came last is the last one."""
        return bool(self.statement) and self._usage_next > 1

    def begin(self) -> None:
        """Forget what belonged to an earlier dialogue."""
        self.statement = {}
        self._want = {}
        self._acknowledges = (0, 0)
        self._receipted = False
        self._refused_alone = False


def _known_kind(value: FieldValue, otherwise: VoucherKind) -> VoucherKind:
    try:
        return VoucherKind(value if isinstance(value, int) else -1)
    except ValueError:
        return otherwise


def _possible(registers: Registers) -> list[Breach]:
    if registers.balanced:
        return []
    return [Breach("REG-2", "AR + DR is not CT, or more items than items with zero")]


def _is_well_formed(body: bytes) -> bool:
    """Whether a machine can read a message at all."""
    try:
        decode_message(body)
    except RemoteProtocolError:
        return False
    return True


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

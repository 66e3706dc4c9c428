"""The bench as a machine: its keys, its registers, and what a server says to it.

It states what an honest machine would, or what a case says; it applies a voucher only
when it confirms it, so that a case may lose the line before or after.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hw.clock import WallClock
from hw.lab.account import Account
from hw.lab.fetching import Fetching
from hw.lab.side import (
    Breach,
    Fields,
    blank,
    fields_of,
    number,
    octets,
    unsigned,
)
from hw.lab.signatures import OTHER_REALM, PURPOSE, REALM, RIGHT
from protocol.keys import MachineIdentity, ServerCredential
from protocol.keys.signing import sign
from protocol.messages import (
    SIGNATURE_OCTETS,
    Disposition,
    MessageTable,
    MessageType,
    UsageRow,
)
from protocol.messages.codec import FieldValue
from protocol.messages.tables import MARK_OCTETS, USAGE_ROWS
from protocol.registers import (
    ZERO_REGISTERS,
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
    after_frank,
    after_voucher,
    effect_paise,
)
from protocol.usage import usage_digest
from protocol.values import Paise
from protocol.vouchers import VOUCHER_CONTEXT

CAPABILITIES: Final = 0b101111
"""Everything that has a bit in version 1, but EVENT_LOG (DLG-11.2)."""
_VERSION: Final = 1


_OTHER_PURPOSE: Final = {
    MessageType.STATEMENT: MessageType.CONFIRMATION,
    MessageType.CONFIRMATION: MessageType.STATEMENT,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a machine asks for.

    Attributes:
        request: The kind.
        amount_paise: The amount; 0 for an inspection.
        repeatedly: It dials again by itself after a lost line (DLG-14.5).
    """

    request: RequestKind = RequestKind.INSPECTION
    amount_paise: int = 0
    repeatedly: bool = False


@dataclass(frozen=True, slots=True)
class OneCall:
    """What belongs to one call of a machine, and not to its memory.

    Attributes:
        dial_in: Number of the dial-in.
        asked: What is asked for in it.
        voucher: What came in it and is not applied.
    """

    dial_in: int
    asked: Asked
    voucher: Mapping[str, FieldValue] | None


@dataclass(frozen=True, slots=True)
class _Before:
    """What a voucher changed, as it was before."""

    registers: Registers
    recharge_number: int
    state: MachineState
    asked: Asked
    last_voucher: bytes


class MachineSide:
    """Fills in and signs what a machine says.

    Attributes:
        identity: The bench's keys as this machine.
        registers: They.
        recharge_number: Number of the voucher applied last.
        state: As it states it.
        mark: The mark that it stored last.
        dial_in: Number of the dial-in that is spoken in.
        order_serial: Highest order applied.
        rows: The usage table, by class.
        asked: What it asks for in this dialogue.
        voucher: The voucher that came in this dialogue and is not applied yet.
        last_voucher: The voucher that was applied last.
        account: What it knows of its account at the server.
        fetching: Contents that it was ordered to take.
    """

    def __init__(
        self, identity: MachineIdentity, server: ServerCredential, *, clock: WallClock
    ) -> None:
        """Be as new as its provisioning file.

        Args:
            identity: Its keys.
            server: Whom it trusts.
            clock: Its clock.
        """
        self.identity = identity
        self.registers: Registers = ZERO_REGISTERS
        self.recharge_number = 0
        self.state = MachineState.INSTALLED
        self.mark = bytes(MARK_OCTETS)
        self.dial_in = 0
        self.order_serial = 0
        self.rows: dict[int, UsageRow] = {}
        self.asked = Asked()
        self.voucher: Mapping[str, FieldValue] | None = None
        self.last_voucher = b""
        self.account = Account()
        self.fetching = Fetching()
        self._dial_ins = 0
        self._acknowledged: dict[int, UsageRow] = {}
        self._server = server
        self._clock = clock
        self._body = b""
        self._orders_due = 0
        self._before: _Before | None = None

    @property
    def server(self) -> ServerCredential:
        """Whom it trusts."""
        return self._server

    def begin(self) -> None:
        """Dial once more: nothing of an earlier dialogue is left but what is stored."""
        self._dial_ins += 1
        self.dial_in = self._dial_ins
        self.voucher = None
        self._receipted = False

    def one_call(self) -> OneCall:
        """Give what belongs to the call that is spoken in."""
        return OneCall(self.dial_in, self.asked, self.voucher)

    def speak_in(self, call: OneCall) -> None:
        """Speak in another call from now on."""
        self.dial_in, self.asked, self.voucher = call.dial_in, call.asked, call.voucher

    def frank(self, value: Paise, product_class: int) -> None:
        """Frank one item.

        Raises:
            ValueError: DR is short.
        """
        after = after_frank(self.registers, value)
        if after is None:
            raise ValueError(f"DR is short for {value} paise")
        self.registers = after
        row = self.rows.get(product_class, UsageRow(product_class, 0, Paise(0)))
        self.rows[product_class] = replace(
            row, items=row.items + 1, amount_paise=Paise(row.amount_paise + value)
        )

    @property
    def is_due_a_voucher(self) -> bool:
        """Whether a voucher is outstanding that the machine has not applied."""
        account = self.account
        return bool(account.open_voucher) and self.recharge_number == account.number

    def set_usage(self, rows: Mapping[int, tuple[int, int]]) -> None:
        """Have franked this, and nothing else, ever.

        Args:
            rows: Items and paise by product class.
        """
        self.rows = {
            product_class: UsageRow(product_class, items, Paise(paise))
            for product_class, (items, paise) in rows.items()
        }
        ascending = sum(paise for _, paise in rows.values())
        items = sum(items for items, _ in rows.values())
        total = self.registers.control_total_paise
        self.registers = Registers(
            Paise(ascending), Paise(total - ascending), total, items, items
        )

    # What is said.

    def right(self, table: MessageTable, wish: Mapping[str, FieldValue]) -> Fields:
        """Fill a message in as an honest machine would.

        Args:
            table: Of a message of either side; a server's own gives what is expected.
            wish: What the case says of some fields; others follow from it.
        """
        fields = blank(table)
        match table.type:
            case MessageType.STATEMENT:
                fields |= self._statement()
            case MessageType.CONFIRMATION:
                self.apply()
                fields |= {
                    "licence": self.identity.licence_identifier.encode("ascii"),
                    "recharge_number": self.recharge_number,
                    **fields_of(self.registers),
                    "state": int(self.state),
                }
            case MessageType.USAGE:
                fields |= self._usage(number({"part": 1, **wish}, "part"))
            case MessageType.GOODBYE:
                fields |= {"mark": self.mark, "order_serial": self.order_serial}
            case MessageType.LAST_VOUCHER:
                if self.last_voucher:
                    fields["voucher"] = self.last_voucher
            case MessageType.WANT:
                fields |= self.fetching.want()
            case _:
                fields |= self._expected(table.type)
        return fields

    def _expected(self, kind: MessageType) -> Fields:
        """Say what a message of the server is to hold, as far as that is known."""
        match kind:
            case MessageType.VOUCHER:
                return self._expected_voucher()
            case MessageType.REFUSAL:
                return {"recharge_number": self.account.number + 1}
            case MessageType.RECEIPT:
                return {
                    "recharge_number": self.recharge_number,
                    "funds_paise": self.account.funds_paise,
                }
            case MessageType.ORDER:
                return self.account.expected_order()
            case MessageType.CONTENT:
                return self.fetching.expected()
            case MessageType.ACK:
                return {"of_type": int(MessageType.USAGE), "number": self.dial_in}
            case _:
                return {}

    def sign(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        binding: bytes,
        wish: str = RIGHT,
    ) -> bytes:
        """Write a message that ends in a signature, and sign it for a channel.

        Args:
            table: Its layout.
            fields: Its fields.
            binding: Of the channel.
            wish: What the case wants of the signature (`hw.lab.signatures`).
        """
        covered = unsigned(table, fields)
        identity, purpose = self.identity, table.type
        if wish == PURPOSE:
            purpose = _OTHER_PURPOSE[purpose]
        realm = OTHER_REALM[identity.realm] if wish == REALM else identity.realm
        signed = sign(identity.signing, purpose.name, realm, binding + covered)
        return covered + signed

    def said(self, table: MessageTable, fields: Mapping[str, FieldValue]) -> None:
        """Note what was sent."""
        if table.type is MessageType.STATEMENT:
            self.account.stated(fields)
        elif table.type in {MessageType.CONFIRMATION, MessageType.USAGE}:
            self.account.said_more()
        elif table.type is MessageType.WANT:
            self.fetching.said(fields)

    def forget(self) -> None:
        """Have the memory of before the last voucher was applied."""
        before, self._before = self._before, None
        if before is None:
            return
        self.registers = before.registers
        self.recharge_number = before.recharge_number
        self.state = before.state
        self.asked = before.asked
        self.last_voucher = before.last_voucher

    def apply(self) -> None:
        """Apply the voucher that came, if one did and it is possible."""
        voucher, self.voucher = self.voucher, None
        if voucher is None:
            return
        kind = VoucherKind(number(voucher, "kind"))
        amount = Paise(number(voucher, "amount_paise"))
        after = after_voucher(self.registers, kind, amount)
        if after is None:
            return
        self._before = _Before(
            self.registers,
            self.recharge_number,
            self.state,
            self.asked,
            self.last_voucher,
        )
        self.registers = after
        self.recharge_number = number(voucher, "recharge_number")
        self.last_voucher = self._body
        self.asked = Asked()
        if kind is VoucherKind.WITHDRAWAL:
            self.state = MachineState.WITHDRAWN

    def _statement(self) -> Fields:
        return {
            "version": _VERSION,
            "capabilities": CAPABILITIES,
            "licence": self.identity.licence_identifier.encode("ascii"),
            "psd_serial": self.identity.psd_serial.encode("ascii"),
            "firmware_major": 1,
            "state": int(self.state),
            **fields_of(self.registers),
            "recharge_number": self.recharge_number,
            "order_serial": self.order_serial,
            "mark": self.mark,
            "usage_digest": usage_digest(list(self.rows.values())),
            "time": self._clock.now(),
            "dial_in": self.dial_in,
            "request": int(self.asked.request),
            "amount_paise": self.asked.amount_paise,
        }

    def _usage(self, part: int) -> Fields:
        rows = self.changed_rows()
        parts = max(1, -(-len(rows) // USAGE_ROWS))
        fields: Fields = {"dial_in": self.dial_in, "part": part, "parts": parts}
        first = (part - 1) * USAGE_ROWS
        for place, row in enumerate(rows[first : first + USAGE_ROWS], start=1):
            fields[f"class_{place}"] = row.product_class
            fields[f"items_{place}"] = row.items
            fields[f"amount_{place}_paise"] = row.amount_paise
        return fields

    def due_rows(self) -> list[UsageRow]:
        """Give the rows that are to be sent now: none before a RECEIPT (DLG-9.2)."""
        return self.changed_rows() if self._receipted else []

    def changed_rows(self) -> list[UsageRow]:
        """Give the rows that the server has not acknowledged."""
        return [
            row
            for product_class, row in sorted(self.rows.items())
            if self._acknowledged.get(product_class) != row
        ]

    def _expected_voucher(self) -> Fields:
        kind = {
            RequestKind.WITHDRAWAL: VoucherKind.WITHDRAWAL,
            RequestKind.REFUND: VoucherKind.REFUND,
        }.get(self.asked.request, VoucherKind.RECHARGE)
        amount = Paise(self.asked.amount_paise)
        before = self.registers.control_total_paise
        return {
            "kind": int(kind),
            "licence": self.identity.licence_identifier.encode("ascii"),
            "credential_hash": self.identity.credential.credential_hash,
            "recharge_number": self.recharge_number + 1,
            "amount_paise": amount,
            "control_total_before_paise": before,
            "control_total_after_paise": max(0, before + effect_paise(kind, amount)),
        }

    # What is heard.

    def heard(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        """Take what the server said; what is broken by it comes back."""
        del binding  # Nothing that a server sends is bound to a channel.
        match table.type:
            case MessageType.VOUCHER:
                return self._heard_voucher(fields, body)
            case MessageType.REFUSAL:
                return self._heard_refusal(fields)
            case MessageType.RECEIPT:
                return self._heard_receipt(fields)
            case MessageType.ORDER:
                return self._heard_order(fields)
            case MessageType.ACK:
                return self._heard_ack(fields)
            case MessageType.CONTENT:
                return self.fetching.heard(fields)
            case _:
                return [Breach("DLG-1.3", f"a server does not send {table.type.name}")]

    def _heard_voucher(
        self, fields: Mapping[str, FieldValue], body: bytes
    ) -> list[Breach]:
        found = []
        genuine = self._server.verify(
            number(fields, "credit_key"),
            VOUCHER_CONTEXT,
            body[:-SIGNATURE_OCTETS],
            body[-SIGNATURE_OCTETS:],
        )
        if not genuine:
            found.append(
                Breach("DLG-5", "the signature of the voucher does not verify")
            )
        credential = self.identity.credential
        if octets(fields, "licence") != credential.licence_identifier.encode("ascii"):
            found.append(Breach("REG-6", "the voucher is made out to another licence"))
        if octets(fields, "credential_hash") != credential.credential_hash:
            found.append(Breach("REG-6", "the voucher is made out to other keys"))
        if number(fields, "recharge_number") != self.recharge_number + 1:
            found.append(Breach("REG-8", "the number is not one more than the last"))
        before = self.registers.control_total_paise
        effect = effect_paise(
            VoucherKind(number(fields, "kind")), Paise(number(fields, "amount_paise"))
        )
        if number(fields, "control_total_before_paise") != before:
            found.append(Breach("REG-6", "CT before is not the one that was stated"))
        if number(fields, "control_total_after_paise") != before + effect:
            found.append(Breach("REG-4", "CT after does not follow from the amount"))
        self.voucher = fields
        self._body = body
        return found + self.account.voucher(fields, body)

    def _heard_refusal(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        if number(fields, "disposition") == Disposition.CLEARED:
            self.asked = Asked()
        return self.account.refusal(fields)

    def _heard_receipt(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        found = []
        if number(fields, "recharge_number") != self.recharge_number:
            found.append(Breach("DLG-7.6", "the number is not the one that was stated"))
        self._receipted = True
        self.mark = octets(fields, "mark")
        self._orders_due = number(fields, "orders")
        if self.state is MachineState.INSTALLED:
            self.state = MachineState.IN_SERVICE
        return found + self.account.receipt(fields)

    def _heard_order(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        serial = number(fields, "order_serial")
        self._orders_due -= 1
        if self._orders_due < 0:
            return [Breach("DLG-10", "more ORDERs than the RECEIPT announced")]
        if serial == self.order_serial + 1:
            self.order_serial = serial
            self.fetching.ordered(number(fields, "order"), number(fields, "value"))
        return self.account.order(fields)

    def _heard_ack(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        if number(fields, "of_type") == MessageType.USAGE:
            self._acknowledged = dict(self.rows)
        return []

    @property
    def orders_due(self) -> int:
        """How many ORDERs are still to come."""
        return max(0, self._orders_due)

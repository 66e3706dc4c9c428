"""What the bench as a machine remembers: registers, requests, usage, its last voucher.

It applies a voucher only when it is told to, so that a case may lose the line before
or after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hw.lab.side import number
from protocol.errors import LocalProtocolError
from protocol.keys import MachineCredential
from protocol.messages import UsageRow
from protocol.messages.codec import FieldValue
from protocol.messages.tables import MARK_OCTETS
from protocol.registers import (
    ZERO_REGISTERS,
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
    after_frank,
    after_voucher,
)
from protocol.values import Paise


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


class MachineMemory:
    """The memory of one machine.

    Attributes:
        credential: What the machine is known by.
        registers: They.
        recharge_number: Number of the voucher applied last.
        state: As it states it.
        mark: The mark that it stored last.
        dial_in: Number of the dial-in that is spoken in.
        order_serial: Highest order applied.
        orders_due: How many ORDERs of the last RECEIPT are still to come.
        rows: The usage table, by class.
        asked: What it asks for in this dialogue.
        voucher: The voucher that came in this dialogue and is not applied yet.
        last_voucher: The voucher that was applied last.
    """

    def __init__(self, credential: MachineCredential) -> None:
        """Be as new as the provisioning file."""
        self.credential = credential
        self.registers: Registers = ZERO_REGISTERS
        self.recharge_number = 0
        self.state = MachineState.INSTALLED
        self.mark = bytes(MARK_OCTETS)
        self.dial_in = 0
        self.order_serial = 0
        self.orders_due = 0
        self.rows: dict[int, UsageRow] = {}
        self.asked = Asked()
        self.voucher: Mapping[str, FieldValue] | None = None
        self.last_voucher = b""
        self._voucher_octets = b""
        self._receipted = False
        self._dial_ins = 0
        self._sent: dict[int, UsageRow] = {}
        self._acknowledged: dict[int, UsageRow] = {}
        self._before: _Before | None = None

    # Calls.

    def begin(self) -> None:
        """Dial once more: nothing of an earlier dialogue is left but what is stored."""
        self._dial_ins += 1
        self.dial_in = self._dial_ins
        self.voucher = None
        self._receipted = False
        self._sent = {}

    def one_call(self) -> OneCall:
        """Give what belongs to the call that is spoken in."""
        return OneCall(self.dial_in, self.asked, self.voucher)

    def speak_in(self, call: OneCall) -> None:
        """Speak in another call from now on."""
        self.dial_in, self.asked, self.voucher = call.dial_in, call.asked, call.voucher

    # Vouchers and receipts.

    def keep_voucher(self, fields: Mapping[str, FieldValue], body: bytes) -> None:
        """Have a voucher at hand, to be applied."""
        self.voucher, self._voucher_octets = fields, body

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
        self.last_voucher = self._voucher_octets
        self.asked = Asked()
        if kind is VoucherKind.WITHDRAWAL:
            self.state = MachineState.WITHDRAWN

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

    def keep_receipt(self, mark: bytes, orders: int) -> None:
        """Keep what a RECEIPT brought.

        Args:
            mark: The mark.
            orders: How many ORDERs follow.
        """
        self._receipted = True
        self.mark = mark
        self.orders_due = orders
        if self.state is MachineState.INSTALLED:
            self.state = MachineState.IN_SERVICE

    # What was franked.

    def frank(self, value: Paise, product_class: int) -> None:
        """Frank one item.

        Raises:
            LocalProtocolError: DR is short.
        """
        after = after_frank(self.registers, value)
        if after is None:
            raise LocalProtocolError(f"DR is short for {value} paise")
        self.registers = after
        row = self.rows.get(product_class, UsageRow(product_class, 0, Paise(0)))
        self.rows[product_class] = replace(
            row, items=row.items + 1, amount_paise=Paise(row.amount_paise + value)
        )

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

    def rows_sent(self, rows: Iterable[UsageRow]) -> None:
        """Note rows of a USAGE: one ACK is for those of all its parts."""
        self._sent |= {row.product_class: row for row in rows}

    def rows_acknowledged(self) -> None:
        """Note that the server has what was sent, and not what was franked since."""
        self._acknowledged |= self._sent

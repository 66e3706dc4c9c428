"""What the bench as a server knows of the machine under test.

The book is filled from what the machine states. From it follows what the machine must
say next, whatever a case does to it: what was sent may have arrived or not, so that two
answers may be right where a line was lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hw.lab.side import Fields, Findings, number
from protocol.keys import MachineProvisioning
from protocol.messages import TABLE_OF, MessageType, OrderKind, UsageRow
from protocol.messages.codec import FieldValue, decode_fields
from protocol.messages.tables import MARK_OCTETS
from protocol.registers import (
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
    after_voucher,
)
from protocol.usage import usage_digest
from protocol.values import Paise

FIRMWARE_FIELDS: Final = ("firmware_major", "firmware_minor", "firmware_patch")
"""Of a STATEMENT."""


@dataclass(slots=True)
class Book:
    """What is known of one life of the machine.

    Attributes:
        registers: As stated last; at first those of the provisioning file.
        recharge_number: The number that the machine has applied, as far as is known.
        enrolled_paise: AR at enrolment, at which the usage table begins.
        dial_in: Of the last STATEMENT.
        firmware: The version of it.
        order_serial: The highest that the machine has named.
        orders: What was ordered last under each serial: kind and value.
        marks: Those that the machine may return: acknowledged, and issued last.
        rows: The usage table, by class.
        rows_are_known: All rows are in it: else it is not compared before they are.
        forgotten: The table before the bench has let itself be told it anew.
        pending: Request and amount that the machine must ask for again.
        may_have_ended: A REFUSAL was sent that ends it, and may have been lost.
        outstanding: A voucher that was sent and may be applied or not.
        voucher: The voucher that was sent last, whatever became of it.
        applied: The voucher that the machine has applied last, if the bench knows it.
        wrong_vouchers: Vouchers that it had to refuse, since the last UNLOCK.
        contents: Contents on hand, by their ids.
        has_gap: Dial-ins may have passed that nobody heard: what is stated next is held
            only against what never goes back.
        is_known: The machine has been heard: what it states follows from what it
            stated. A machine that was in use before begins with what it states first.
    """

    registers: Registers
    recharge_number: int
    enrolled_paise: int = 0
    dial_in: int = 0
    firmware: tuple[int, int, int] = (0, 0, 0)
    order_serial: int = 0
    orders: dict[int, tuple[int, int]] = field(default_factory=dict)
    marks: tuple[bytes, ...] = (bytes(MARK_OCTETS),)
    rows: dict[int, UsageRow] = field(default_factory=dict)
    rows_are_known: bool = True
    forgotten: dict[int, UsageRow] = field(default_factory=dict)
    pending: tuple[int, int] | None = None
    may_have_ended: bool = False
    outstanding: bytes = b""
    voucher: bytes = b""
    applied: bytes = b""
    wrong_vouchers: int = 0
    contents: dict[int, bytes] = field(default_factory=dict)
    has_gap: bool = False
    is_known: bool = False

    def after(self) -> Registers | None:
        """Say what the outstanding voucher makes of the registers."""
        if not self.outstanding:
            return None
        voucher = read_voucher(self.outstanding)
        return after_voucher(
            self.registers,
            VoucherKind(number(voucher, "kind")),
            Paise(number(voucher, "amount_paise")),
        )

    def settle(self, stated: Registers, applied_number: int) -> Findings:
        """Take what a STATEMENT says of vouchers."""
        found = Findings()
        before, after = self.registers.control_total_paise, self.after()
        is_next = applied_number == self.recharge_number + 1 and after is not None
        follows = is_next or applied_number == self.recharge_number
        words = "the recharge number does not follow from vouchers"
        found.look("REG-6", follows, words)
        if not follows:
            return found
        if is_next and after is not None:
            before = after.control_total_paise
            self.voucher_applied()
        right = stated.control_total_paise == before
        found.look("REG-4", right, "CT has changed, and no voucher changed it")
        return found

    def voucher_applied(self) -> None:
        """Note that the outstanding voucher was applied: no request is pending."""
        self.applied = self.outstanding
        self.outstanding = b""
        self.pending = None

    def ask(self, request: int, amount_paise: int, held_paise: int) -> Findings:
        """Take the request of a STATEMENT; one that is pending stands (DLG-4.2).

        Args:
            request: Its kind.
            amount_paise: What is asked for.
            held_paise: DR of the STATEMENT.
        """
        asked = (request, amount_paise)
        owed = {RequestKind.INSPECTION: 0, RequestKind.WITHDRAWAL: held_paise}
        found = Findings()
        right = amount_paise == owed.get(RequestKind(request), amount_paise)
        found.look("DLG-4.1", right, "the amount is not that of such a request")
        if not right:
            return found
        pending, self.pending = self.pending, asked
        if request == RequestKind.INSPECTION:
            self.pending = None
        may_have_ended, self.may_have_ended = self.may_have_ended, False
        if pending is not None and not may_have_ended:
            found.look("DLG-4.2", pending == asked, "the pending request has changed")
        return found

    def obey(self, order_serial: int) -> Findings:
        """Take the serial of a STATEMENT or GOODBYE."""
        before, self.order_serial = self.order_serial, order_serial
        found = Findings()
        new = range(before + 1, order_serial + 1)
        right = before <= order_serial and all(one in self.orders for one in new)
        found.look("DLG-10.1", right, f"serial {order_serial} was never ordered")
        if not right:
            return found
        if any(
            self.orders.get(serial, (0, 0))[0] == OrderKind.UNLOCK
            for serial in range(before + 1, order_serial + 1)
        ):
            self.wrong_vouchers = 0
        return found

    def limit(self, kind: OrderKind) -> int:
        """Say which limit of a kind is in force; 0 for none."""
        applied = [
            (serial, value)
            for serial, (ordered, value) in self.orders.items()
            if ordered == kind and serial <= self.order_serial
        ]
        return max(applied, default=(0, 0))[1]

    def count(self, rows: list[UsageRow]) -> None:
        """Take rows of USAGE into the table."""
        self.rows = self.rows | {row.product_class: row for row in rows}

    def forget_rows(self) -> None:
        """Have the machine send all rows: they count for nothing until they come."""
        self.forgotten, self.rows = self.rows, {}

    def check_rows(self, digest: bytes, ascending_paise: int) -> Findings:
        """Compare the table with a STATEMENT (DLG-9.3).

        Args:
            digest: Of the STATEMENT.
            ascending_paise: AR of the STATEMENT.
        """
        found = Findings()
        right = self.digest == digest
        if not self.rows_are_known:
            self.rows_are_known = right
            counted = sum(row.amount_paise for row in self.rows.values())
            self.enrolled_paise = ascending_paise - counted
            return found
        found.look("DLG-9.3", right, "the rows do not give the digest")
        if not right:
            # What was forgotten on purpose is told once, and not held against it again.
            self.rows = self.forgotten | self.rows
            return found
        reported = sum(row.amount_paise for row in self.rows.values())
        adds_up = reported == ascending_paise - self.enrolled_paise
        found.look("DLG-9.3", adds_up, "the rows do not add up to AR")
        return found

    @property
    def digest(self) -> bytes:
        """The digest of the table (DLG-9.1)."""
        return usage_digest(list(self.rows.values()))


def new_book(machine: MachineProvisioning, dial_in: int = 0) -> Book:
    """Open a book for what a provisioning file says.

    Args:
        machine: The file.
        dial_in: Of the last STATEMENT of an earlier life: it goes on (DLG-4.4).
    """
    items = machine.items
    registers = Registers(
        machine.ascending_paise,
        machine.descending_paise,
        machine.control_total_paise,
        items,
        items + machine.zero_items,
    )
    return Book(registers, machine.recharge_number, machine.ascending_paise, dial_in)


def orders_back(book: Book, statement: Mapping[str, FieldValue]) -> list[Fields]:
    """Say which orders put a machine back to where no order has left its trace.

    What was ordered and not applied is taken back (DLG-10.11), a lock and limits are
    lifted, a clock that is not set is set.

    Args:
        book: What is known of the machine.
        statement: What it has just stated.
    """
    missing = max(book.orders, default=0) - book.order_serial
    orders = [_order(OrderKind.NOTHING)] * min(max(missing, 0), _TAKEN_BACK_MAX)
    locks = _LOCKS.get(number(statement, "state"), 0)
    orders += [_order(OrderKind.UNLOCK)] * max(locks, 1 if book.wrong_vouchers else 0)
    orders += [_order(kind) for kind in _LIMITS if book.limit(kind)]
    if not number(statement, "time"):
        orders.append(_order(OrderKind.CLOCK))
    return orders


def _order(kind: OrderKind) -> Fields:
    return {"order": int(kind)}


_TAKEN_BACK_MAX: Final = 100
"""A RECEIPT announces 255 orders; what leaves a longer gap is never applied."""
_LOCKS: Final[dict[int, int]] = {MachineState.LOCKED: 1, MachineState.LOCKED_OUT: 2}
"""UNLOCKs that a state takes: one lifts the lock-out, one the lock behind it."""
_LIMITS: Final = (OrderKind.FRANK_LIMIT, OrderKind.FUNDS_LIMIT)


def read_voucher(voucher: bytes) -> Fields:
    """Read a voucher that the bench has made."""
    return decode_fields(TABLE_OF[MessageType.VOUCHER], voucher)

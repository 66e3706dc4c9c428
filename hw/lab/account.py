"""What the bench as a machine knows of its account at the server, from the line alone.

Whatever a case is about, a server that sends another voucher while one is open, draws a
mark a second time, or orders what the machine cannot do has broken a clause.
"""

from collections.abc import Mapping
from typing import Final

from hw.lab.side import Breach, Fields, number, octets
from protocol.messages import (
    Capability,
    Disposition,
    OrderKind,
    RefusalCode,
)
from protocol.messages.codec import FieldValue
from protocol.messages.orders import CAPABILITY_OF
from protocol.registers import RequestKind, VoucherKind

FUNDED_PAISE: Final = 1_000_000
"""What each machine of the bench has at the server before it dials: Rs 10,000."""


class Account:
    """The account, as far as messages have told of it.

    Attributes:
        funds_paise: What is left there, reserved amounts taken off.
        open_voucher: The octets that are outstanding, as they came; empty for none.
        number: Of the last voucher that a RECEIPT says is settled.
    """

    def __init__(self) -> None:
        """Be enrolled and funded."""
        self.funds_paise = FUNDED_PAISE
        self.open_voucher = b""
        self.number = 0
        self._open_kind = VoucherKind.VOID
        self._marks: set[bytes] = set()
        self._capabilities = 0
        self._serial_due = 0
        self._orders: dict[int, Mapping[str, FieldValue]] = {}
        self._unanswered = False
        self._in_doubt = False
        self._only_stated = True

    def stated(self, fields: Mapping[str, FieldValue]) -> None:
        """Note a STATEMENT that was sent."""
        self._capabilities = number(fields, "capabilities")
        self._serial_due = number(fields, "order_serial") + 1
        # What was asked and not answered may have been granted all the same.
        self._in_doubt = self._in_doubt or self._unanswered
        self._unanswered = number(fields, "request") != RequestKind.INSPECTION
        self._only_stated = True

    def said_more(self) -> None:
        """Note a CONFIRMATION or USAGE: nothing is pending any more (DLG-8.4)."""
        self._only_stated = False

    def voucher(self, fields: Mapping[str, FieldValue], body: bytes) -> list[Breach]:
        """Take a VOUCHER."""
        found = []
        kind = VoucherKind(number(fields, "kind"))
        due = number(fields, "recharge_number")
        if due > self.number + 1:
            # The one before is settled, though no RECEIPT came to say so.
            self.number, self.open_voucher = due - 1, b""
        other = bool(self.open_voucher) and body != self.open_voucher
        taken_back = kind is VoucherKind.VOID and self._open_kind is not kind
        if other and not taken_back:
            found.append(Breach("REG-7.1", "the octets are not those that were stored"))
        if not self.open_voucher and kind is VoucherKind.RECHARGE:
            self.funds_paise -= number(fields, "amount_paise")
        self.open_voucher, self._open_kind = body, kind
        self._unanswered = self._in_doubt = False
        return found

    def refusal(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        """Take a REFUSAL."""
        found = []
        code = RefusalCode(number(fields, "code"))
        follows = number(fields, "receipt_follows")
        if follows != (0 if code.is_discrepancy else 1):
            found.append(
                Breach("DLG-8.2", f"receipt_follows is {follows} at {code.name}")
            )
        if code.is_discrepancy and number(fields, "allowed_paise"):
            found.append(Breach("DLG-8.2", "an amount is allowed with a discrepancy"))
        kept = number(fields, "disposition") == Disposition.KEPT
        judged = self._only_stated and not self._in_doubt
        if judged and kept != bool(self.open_voucher):
            found.append(
                Breach("DLG-8.4", "the disposition is not what is outstanding")
            )
        self._unanswered = False
        return found

    def receipt(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        """Take a RECEIPT: whatever was open is settled."""
        found = []
        mark = octets(fields, "mark")
        if mark in self._marks or not any(mark):
            found.append(Breach("DLG-7.1", "the mark is not a fresh one"))
        self._marks.add(mark)
        self.funds_paise = number(fields, "funds_paise")
        self.number = number(fields, "recharge_number")
        self.open_voucher = b""
        self._unanswered = self._in_doubt = False
        return found

    def order(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        """Take an ORDER."""
        found = []
        serial, kind = number(fields, "order_serial"), number(fields, "order")
        if serial != self._serial_due:
            found.append(Breach("DLG-10.2", f"ORDER {serial}, not {self._serial_due}"))
        self._serial_due = serial + 1
        needed = CAPABILITY_OF.get(OrderKind(kind))
        if needed is not None and not Capability(self._capabilities) & needed:
            found.append(Breach("DLG-10.6", "the machine has not listed this order"))
        before = self._orders.get(serial)
        changed = before is not None and number(before, "order") != kind
        if changed and kind != OrderKind.NOTHING:
            found.append(Breach("DLG-10.11", "another kind under the same serial"))
        self._orders[serial] = fields
        return found

    def expected_order(self) -> Fields:
        """Say what the next ORDER is, as far as it came before."""
        before = self._orders.get(self._serial_due, {})
        return {**before, "order_serial": self._serial_due}

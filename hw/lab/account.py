"""What the bench as a machine knows of its account at the server, from the line alone.

Whatever a case is about, a server that sends another voucher while one is open, draws a
mark a second time, or orders what the machine cannot do has broken a clause.
"""

from collections.abc import Mapping
from typing import Final

from hw.lab.side import Fields, Findings, number, octets
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
        named: Recharge numbers that were stated or confirmed in this dialogue.
    """

    def __init__(self, *, in_doubt: bool = False) -> None:
        """Be enrolled and funded.

        Args:
            in_doubt: The machine was in use before: what is open is not known.
        """
        self.funds_paise = FUNDED_PAISE
        self.open_voucher = b""
        self.number = 0
        self.named: set[int] = set()
        self._open_kind = VoucherKind.VOID
        self._marks: set[bytes] = set()
        self._capabilities = 0
        self._serial_due = 0
        self._orders: dict[int, Mapping[str, FieldValue]] = {}
        self._unanswered = False
        self._in_doubt = in_doubt
        self._only_stated = True

    def stated(self, fields: Mapping[str, FieldValue]) -> None:
        """Note a STATEMENT that was sent."""
        stated = number(fields, "recharge_number")
        self.named = {stated}
        self._capabilities = number(fields, "capabilities")
        self._serial_due = number(fields, "order_serial") + 1
        # What was asked and not answered may have been granted all the same, and what
        # is stated as applied may be settled by that.
        settles = bool(self.open_voucher) and stated != self.number
        self._in_doubt = self._in_doubt or self._unanswered or settles
        self._unanswered = number(fields, "request") != RequestKind.INSPECTION
        self._only_stated = True

    def confirmed(self, fields: Mapping[str, FieldValue]) -> None:
        """Note a CONFIRMATION; until it is answered it may have settled the voucher."""
        self.named.add(number(fields, "recharge_number"))
        self._unanswered = True
        self.said_more()

    @property
    def is_in_doubt(self) -> bool:
        """Whether a voucher may be open that the machine has not seen."""
        return self._in_doubt

    def said_more(self) -> None:
        """Note that nothing is pending any more, as with a USAGE (DLG-8.4)."""
        self._only_stated = False

    def voucher(self, fields: Mapping[str, FieldValue], body: bytes) -> Findings:
        """Take a VOUCHER."""
        found = Findings()
        kind = VoucherKind(number(fields, "kind"))
        due = number(fields, "recharge_number")
        if due > self.number + 1:
            # The one before is settled, though no RECEIPT came to say so.
            self.number, self.open_voucher = due - 1, b""
        other = bool(self.open_voucher) and body != self.open_voucher
        taken_back = kind is VoucherKind.VOID and self._open_kind is not kind
        if self.open_voucher:
            same = not other or taken_back
            found.look("REG-7.1", same, "the octets are not those that were stored")
        if not self.open_voucher and kind is VoucherKind.RECHARGE:
            self.funds_paise -= number(fields, "amount_paise")
        self.open_voucher, self._open_kind = body, kind
        self._unanswered = self._in_doubt = False
        return found

    def refusal(self, fields: Mapping[str, FieldValue]) -> Findings:
        """Take a REFUSAL."""
        found = Findings()
        code = RefusalCode(number(fields, "code"))
        follows = number(fields, "receipt_follows")
        right = follows == (0 if code.is_discrepancy else 1)
        found.look("DLG-8.2", right, f"receipt_follows is {follows} at {code.name}")
        allowed = code.is_discrepancy and number(fields, "allowed_paise")
        words = "an amount is allowed with a discrepancy"
        found.look("DLG-8.2", not allowed, words)
        kept = number(fields, "disposition") == Disposition.KEPT
        if self._only_stated and not self._in_doubt:
            right = kept == bool(self.open_voucher)
            found.look("DLG-8.4", right, "the disposition is not what is outstanding")
        self._unanswered = False
        return found

    def receipt(self, fields: Mapping[str, FieldValue]) -> Findings:
        """Take a RECEIPT: whatever was open is settled."""
        found = Findings()
        mark = octets(fields, "mark")
        fresh = mark not in self._marks and any(mark)
        found.look("DLG-7.1", fresh, "the mark is not a fresh one")
        self._marks.add(mark)
        self.funds_paise = number(fields, "funds_paise")
        self.number = number(fields, "recharge_number")
        self.open_voucher = b""
        self._unanswered = self._in_doubt = False
        return found

    def order(self, fields: Mapping[str, FieldValue]) -> Findings:
        """Take an ORDER."""
        found = Findings()
        serial, kind = number(fields, "order_serial"), number(fields, "order")
        due = self._serial_due
        found.look("DLG-10.2", serial == due, f"ORDER {serial}, not {due}")
        self._serial_due = serial + 1
        needed = CAPABILITY_OF.get(OrderKind(kind))
        if needed is not None:
            listed = bool(Capability(self._capabilities) & needed)
            found.look("DLG-10.6", listed, "the machine has not listed this order")
        before = self._orders.get(serial)
        if before is not None:
            same = kind in {number(before, "order"), OrderKind.NOTHING}
            found.look("DLG-10.11", same, "another kind under the same serial")
        self._orders[serial] = fields
        return found

    def expected_order(self) -> Fields:
        """Say what the next ORDER is, as far as it came before."""
        before = self._orders.get(self._serial_due, {})
        return {**before, "order_serial": self._serial_due}

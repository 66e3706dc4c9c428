"""What a server says, against what the bench as a machine knows.

Whatever a case tests, these clauses are looked at in every message: vouchers that are
genuine and made out to the machine, numbers, marks, orders, contents.
"""

from collections.abc import Callable, Mapping
from typing import Final

from hw.lab.account import Account
from hw.lab.checks import not_said_by, voucher_fits, voucher_for
from hw.lab.fetching import Fetching
from hw.lab.machine_memory import Asked, MachineMemory
from hw.lab.side import Findings, number, octets
from protocol.keys import ServerCredential
from protocol.messages import (
    Disposition,
    MessageTable,
    MessageType,
)
from protocol.messages.codec import FieldValue

_Hear = Callable[[Mapping[str, FieldValue], bytes], Findings]


class HearingServers:
    """Takes what one server says."""

    def __init__(
        self,
        memory: MachineMemory,
        server: ServerCredential | None,
        account: Account,
        fetching: Fetching,
    ) -> None:
        """Listen.

        Args:
            memory: What the machine remembers; what is heard goes into it.
            server: Whom it trusts; None: signatures are not looked at.
            account: What it knows of its account there.
            fetching: Contents that it was ordered to take.
        """
        self._memory = memory
        self._server = server
        self._account = account
        self._fetching = fetching
        self._hear: Final[dict[MessageType, _Hear]] = {
            MessageType.VOUCHER: self._voucher,
            MessageType.REFUSAL: self._refusal,
            MessageType.RECEIPT: self._receipt,
            MessageType.ORDER: self._order,
            MessageType.ACK: self._ack,
            MessageType.CONTENT: lambda fields, _: fetching.heard(fields),
        }

    def heard(
        self, table: MessageTable, fields: Mapping[str, FieldValue], body: bytes
    ) -> Findings:
        """Take what the server said; what is broken by it comes back.

        Args:
            table: Of the message.
            fields: Its fields.
            body: The message.
        """
        hear = self._hear.get(table.type)
        if hear is None:
            return not_said_by("server", table)
        return hear(fields, body)

    def _voucher(self, fields: Mapping[str, FieldValue], body: bytes) -> Findings:
        memory = self._memory
        holder = memory.credential
        registers, last = memory.registers, memory.recharge_number
        found = (
            voucher_fits(fields, holder, registers=registers, recharge_number=last)
            if self._server is None
            else voucher_for(
                fields,
                body,
                self._server,
                holder,
                registers=registers,
                recharge_number=last,
            )
        )
        memory.keep_voucher(fields, body)
        found += self._account.voucher(fields, body)
        return found

    def _refusal(self, fields: Mapping[str, FieldValue], _: bytes) -> Findings:
        if number(fields, "disposition") == Disposition.CLEARED:
            self._memory.asked = Asked()
        return self._account.refusal(fields)

    def _receipt(self, fields: Mapping[str, FieldValue], _: bytes) -> Findings:
        found = Findings()
        same = number(fields, "recharge_number") in self._account.named
        found.look("DLG-7.6", same, "the number is not the one that was stated")
        self._memory.keep_receipt(octets(fields, "mark"), number(fields, "orders"))
        found += self._account.receipt(fields)
        return found

    def _order(self, fields: Mapping[str, FieldValue], _: bytes) -> Findings:
        memory = self._memory
        serial = number(fields, "order_serial")
        found = Findings()
        due = memory.orders_due > 0
        found.look("DLG-10", due, "more ORDERs than the RECEIPT announced")
        if not due:
            return found
        memory.orders_due -= 1
        if serial == memory.order_serial + 1:
            memory.order_serial = serial
            self._fetching.ordered(number(fields, "order"), number(fields, "value"))
        found += self._account.order(fields)
        return found

    def _ack(self, fields: Mapping[str, FieldValue], _: bytes) -> Findings:
        if number(fields, "of_type") == MessageType.USAGE:
            self._memory.rows_acknowledged()
        return Findings()

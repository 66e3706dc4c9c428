"""Messages as an honest machine would fill them in, and what a server has to say.

A case says some fields, the others follow from what the machine remembers.
"""

from collections.abc import Mapping
from typing import Final

from hw.clock import WallClock
from hw.lab.account import Account
from hw.lab.fetching import Fetching
from hw.lab.machine_memory import MachineMemory
from hw.lab.side import Fields, blank, fields_of, number
from protocol.messages import MessageTable, MessageType
from protocol.messages.codec import FieldValue
from protocol.messages.tables import USAGE_ROWS
from protocol.registers import RequestKind, VoucherKind, effect_paise
from protocol.usage import usage_digest
from protocol.values import Paise

CAPABILITIES: Final = 0b101111
"""Everything that has a bit in version 1, but EVENT_LOG (DLG-11.2)."""
_VERSION: Final = 1
_VOUCHER_FOR: Final = {
    RequestKind.WITHDRAWAL: VoucherKind.WITHDRAWAL,
    RequestKind.REFUND: VoucherKind.REFUND,
}


class Stating:
    """Fills messages in."""

    def __init__(
        self,
        memory: MachineMemory,
        account: Account,
        fetching: Fetching,
        *,
        clock: WallClock,
    ) -> None:
        """Know what messages follow from.

        Args:
            memory: What the machine remembers.
            account: What it knows of its account at the server.
            fetching: Contents that it was ordered to take.
            clock: Its clock.
        """
        self._memory = memory
        self._account = account
        self._fetching = fetching
        self._clock = clock

    def right(self, table: MessageTable, wish: Mapping[str, FieldValue]) -> Fields:
        """Fill a message in as an honest machine would.

        Args:
            table: Of a message of either side; a server's own gives what is expected.
            wish: What the case says of some fields; others follow from it.
        """
        memory = self._memory
        fields = blank(table)
        match table.type:
            case MessageType.STATEMENT:
                fields |= self._statement()
            case MessageType.CONFIRMATION:
                memory.apply()
                fields |= {
                    "licence": memory.credential.licence_identifier.encode("ascii"),
                    "recharge_number": memory.recharge_number,
                    **fields_of(memory.registers),
                    "state": int(memory.state),
                }
            case MessageType.USAGE:
                fields |= self._usage(number({"part": 1, **wish}, "part"))
            case MessageType.GOODBYE:
                fields |= {"mark": memory.mark, "order_serial": memory.order_serial}
            case MessageType.LAST_VOUCHER:
                if memory.last_voucher:
                    fields["voucher"] = memory.last_voucher
            case MessageType.WANT:
                fields |= self._fetching.want()
            case _:
                fields |= self._expected(table.type)
        return fields

    def _statement(self) -> Fields:
        memory = self._memory
        return {
            "version": _VERSION,
            "capabilities": CAPABILITIES,
            "licence": memory.credential.licence_identifier.encode("ascii"),
            "psd_serial": memory.credential.psd_serial.encode("ascii"),
            "firmware_major": 1,
            "state": int(memory.state),
            **fields_of(memory.registers),
            "recharge_number": memory.recharge_number,
            "order_serial": memory.order_serial,
            "mark": memory.mark,
            "usage_digest": usage_digest(list(memory.rows.values())),
            "time": self._clock.now(),
            "dial_in": memory.dial_in,
            "request": int(memory.asked.request),
            "amount_paise": memory.asked.amount_paise,
        }

    def _usage(self, part: int) -> Fields:
        rows = self._memory.changed_rows()
        parts = max(1, -(-len(rows) // USAGE_ROWS))
        fields: Fields = {
            "dial_in": self._memory.dial_in,
            "part": part,
            "parts": parts,
        }
        first = (part - 1) * USAGE_ROWS
        for place, row in enumerate(rows[first : first + USAGE_ROWS], start=1):
            fields[f"class_{place}"] = row.product_class
            fields[f"items_{place}"] = row.items
            fields[f"amount_{place}_paise"] = row.amount_paise
        return fields

    def _expected(self, kind: MessageType) -> Fields:
        """Say what a message of the server is to hold, as far as that is known."""
        account, memory = self._account, self._memory
        match kind:
            case MessageType.VOUCHER:
                return self._expected_voucher()
            case MessageType.REFUSAL:
                return {"recharge_number": account.number + 1}
            case MessageType.RECEIPT:
                return {
                    "recharge_number": memory.recharge_number,
                    "funds_paise": account.funds_paise,
                }
            case MessageType.ORDER:
                return account.expected_order()
            case MessageType.CONTENT:
                return self._fetching.expected()
            case MessageType.ACK:
                return {"of_type": int(MessageType.USAGE), "number": memory.dial_in}
            case _:
                return {}

    def _expected_voucher(self) -> Fields:
        memory = self._memory
        kind = _VOUCHER_FOR.get(memory.asked.request, VoucherKind.RECHARGE)
        amount = Paise(memory.asked.amount_paise)
        before = memory.registers.control_total_paise
        return {
            "kind": int(kind),
            "licence": memory.credential.licence_identifier.encode("ascii"),
            "credential_hash": memory.credential.credential_hash,
            "recharge_number": memory.recharge_number + 1,
            "amount_paise": amount,
            "control_total_before_paise": before,
            "control_total_after_paise": max(0, before + effect_paise(kind, amount)),
        }

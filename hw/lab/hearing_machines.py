"""What a machine says, against what the bench as a server knows of it.

Whatever a case tests, these clauses are looked at in every message: signatures,
registers that add up and do not go back, numbers, marks, serials and usage.
"""

from collections.abc import Mapping

from hw.lab.book import FIRMWARE_FIELDS, read_voucher
from hw.lab.checks import possible, signed_by_machine
from hw.lab.side import Breach, number, octets, registers_of
from hw.lab.situation import Situation
from protocol.messages import MessageTable, MessageType, UsageRow
from protocol.messages.codec import FieldValue
from protocol.messages.tables import USAGE_ROWS
from protocol.registers import Registers
from protocol.values import Paise


class HearingMachines:
    """Takes what one machine says."""

    def __init__(self, situation: Situation) -> None:
        """Listen.

        Args:
            situation: Where the dialogue stands; what is heard goes into it.
        """
        self._now = situation

    def heard(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        """Take what the machine said into the book; what is broken by it comes back.

        Args:
            table: Of the message.
            fields: Its fields.
            body: The message.
            binding: Of the channel that it came in; 32 octets.
        """
        match table.type:
            case MessageType.STATEMENT:
                signed = self._signed(table, fields, body, binding)
                return signed + self._statement(fields)
            case MessageType.CONFIRMATION:
                signed = self._signed(table, fields, body, binding)
                return signed + self._confirmation(fields)
            case MessageType.USAGE:
                return self._usage(fields)
            case MessageType.WANT:
                return self._want(fields)
            case MessageType.GOODBYE:
                return self._goodbye(fields)
            case MessageType.LAST_VOUCHER:
                return self._last_voucher(fields)
            case _:
                return [Breach("DLG-1.3", f"a machine does not send {table.type.name}")]

    def _signed(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        return signed_by_machine(table, fields, body, binding, self._now.credential)

    def _statement(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        book = self._now.book
        found: list[Breach] = []
        stated = registers_of(fields)
        self._now.statement = fields
        self._now.usage, self._now.usage_next = [], 1
        enrolled = self._now.credential.psd_serial.encode("ascii")
        if octets(fields, "psd_serial") != enrolled:
            found.append(Breach("DLG-3.1", "the PSD serial is not the enrolled one"))
        found += possible(stated)
        if book.is_known:
            found += self._follows(fields, stated)
        else:
            book.is_known = True
            book.order_serial = number(fields, "order_serial")
        found += book.ask(
            number(fields, "request"),
            number(fields, "amount_paise"),
            stated.descending_paise,
        )
        book.registers = stated
        book.recharge_number = number(fields, "recharge_number")
        book.dial_in = number(fields, "dial_in")
        major, minor, patch = (number(fields, name) for name in FIRMWARE_FIELDS)
        book.firmware = major, minor, patch
        book.marks = (octets(fields, "mark"),)
        self._now.answers = book.recharge_number
        self._now.serial_said = book.order_serial
        return found

    def _follows(
        self, fields: Mapping[str, FieldValue], stated: Registers
    ) -> list[Breach]:
        """Say what of a STATEMENT does not follow from those before."""
        book, found = self._now.book, []
        if not stated.not_before(book.registers):
            found.append(Breach("REG-3", "AR or an item counter went back"))
        if number(fields, "dial_in") <= book.dial_in:
            found.append(Breach("DLG-4.4", "the number of the dial-in did not rise"))
        if octets(fields, "mark") not in book.marks:
            found.append(Breach("DLG-7.2", "the mark is none that was issued"))
        found += book.settle(stated, number(fields, "recharge_number"))
        found += book.obey(number(fields, "order_serial"))
        return found

    def _confirmation(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        book = self._now.book
        expected = book.after()
        found: list[Breach] = []
        stated = registers_of(fields)
        found += possible(stated)
        if number(fields, "recharge_number") != book.recharge_number + 1:
            found.append(Breach("DLG-6", "the number is not that of the voucher"))
        if expected is not None and stated != expected:
            found.append(
                Breach("REG-4", "the registers are not those after the voucher")
            )
        book.registers = stated
        book.recharge_number = number(fields, "recharge_number")
        book.voucher_applied()
        self._now.answers = book.recharge_number
        return found

    def _usage(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        found = []
        if number(fields, "dial_in") != self._now.book.dial_in:
            found.append(Breach("DLG-9.2", "USAGE names another dial-in"))
        if number(fields, "part") != self._now.usage_next:
            found.append(Breach("DLG-9.2", "a part of USAGE is out of order"))
        self._now.usage_next += 1
        self._now.usage += _rows(fields)
        if number(fields, "part") < number(fields, "parts"):
            return found
        self._now.acknowledges = int(MessageType.USAGE), self._now.book.dial_in
        self._now.book.count(self._now.usage)
        return found + self._counted()

    def _counted(self) -> list[Breach]:
        """Compare the usage table with the STATEMENT of this dialogue (DLG-9.3)."""
        stated = self._now.statement
        return self._now.book.check_rows(
            octets(stated, "usage_digest"), number(stated, "ascending_paise")
        )

    def _want(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        self._now.want = fields
        named = number(fields, "content_id")
        if named in {value for _, value in self._now.book.orders.values()}:
            return []
        return [Breach("DLG-16.2", "a content is wanted that was not ordered")]

    def _goodbye(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        found = self._now.book.obey(number(fields, "order_serial"))
        if octets(fields, "mark") not in self._now.book.marks:
            found.append(Breach("DLG-7.2", "the mark is none that it was given"))
        self._now.book.marks = (octets(fields, "mark"),)
        if self._now.refused_alone:
            # It sends all rows now, and the bench takes it at its word (DLG-9.2).
            self._now.book.forget_rows()
        elif self._now.receipted:
            found += self._counted()
        return found

    def _last_voucher(self, fields: Mapping[str, FieldValue]) -> list[Breach]:
        self._now.acknowledges = int(MessageType.LAST_VOUCHER), 0
        octets_presented = octets(fields, "voucher")
        presented = read_voucher(octets_presented)
        wrong = number(presented, "recharge_number") != self._now.book.recharge_number
        if self._now.book.applied and octets_presented != self._now.book.applied:
            wrong = True
        if not wrong:
            return []
        return [Breach("DLG-8.3", "the voucher presented is not the one applied last")]


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

"""What a machine says, against what the bench as a server knows of it.

Whatever a case tests, these clauses are looked at in every message: signatures,
registers that add up and do not go back, numbers, marks, serials and usage.
"""

from collections.abc import Mapping

from hw.lab.book import FIRMWARE_FIELDS, read_voucher
from hw.lab.checks import from_machine, not_said_by, possible, signed_by_machine
from hw.lab.side import Findings, number, octets, registers_of, usage_rows
from hw.lab.situation import Situation
from protocol.errors import RemoteProtocolError
from protocol.messages import MessageTable, MessageType
from protocol.messages.codec import FieldValue
from protocol.registers import Registers


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
    ) -> Findings:
        """Take what the machine said into the book; what is broken by it comes back.

        Args:
            table: Of the message.
            fields: Its fields.
            body: The message.
            binding: Of the channel that it came in; 32 octets, or none: it is not
                known, and signatures are not looked at.
        """
        match table.type:
            case MessageType.STATEMENT:
                signed = self._signed(table, fields, body, binding)
                signed += self._statement(fields)
                return signed
            case MessageType.CONFIRMATION:
                signed = self._signed(table, fields, body, binding)
                signed += self._confirmation(fields)
                return signed
            case MessageType.USAGE:
                return self._usage(fields)
            case MessageType.WANT:
                return self._want(fields)
            case MessageType.GOODBYE:
                return self._goodbye(fields)
            case MessageType.LAST_VOUCHER:
                return self._last_voucher(fields)
            case _:
                return not_said_by("machine", table)

    def _signed(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> Findings:
        credential = self._now.credential
        if not binding:
            return from_machine(fields, credential)
        return signed_by_machine(table, fields, body, binding, credential)

    def _statement(self, fields: Mapping[str, FieldValue]) -> Findings:
        book = self._now.book
        found = Findings()
        stated = registers_of(fields)
        self._now.statement = fields
        self._now.usage, self._now.usage_next = [], 1
        enrolled = self._now.credential.psd_serial.encode("ascii")
        ours = octets(fields, "psd_serial") == enrolled
        found.look("DLG-3.1", ours, "the PSD serial is not the enrolled one")
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

    def _follows(self, fields: Mapping[str, FieldValue], stated: Registers) -> Findings:
        """Say what of a STATEMENT does not follow from those before."""
        book, found = self._now.book, Findings()
        not_back = stated.not_before(book.registers)
        found.look("REG-3", not_back, "AR or an item counter went back")
        rose = number(fields, "dial_in") > book.dial_in
        found.look("DLG-4.4", rose, "the number of the dial-in did not rise")
        if book.has_gap:
            book.has_gap = False
            book.order_serial = number(fields, "order_serial")
            book.pending, book.outstanding = None, b""
            return found
        issued = octets(fields, "mark") in book.marks
        found.look("DLG-7.2", issued, "the mark is none that was issued")
        found += book.settle(stated, number(fields, "recharge_number"))
        found += book.obey(number(fields, "order_serial"))
        return found

    def _confirmation(self, fields: Mapping[str, FieldValue]) -> Findings:
        book = self._now.book
        expected = book.after()
        found = Findings()
        stated = registers_of(fields)
        found += possible(stated)
        next_number = number(fields, "recharge_number") == book.recharge_number + 1
        found.look("DLG-6", next_number, "the number is not that of the voucher")
        if expected is not None:
            words = "the registers are not those after the voucher"
            found.look("REG-4", stated == expected, words)
        book.registers = stated
        book.recharge_number = number(fields, "recharge_number")
        book.voucher_applied()
        self._now.answers = book.recharge_number
        return found

    def _usage(self, fields: Mapping[str, FieldValue]) -> Findings:
        found = Findings()
        same = number(fields, "dial_in") == self._now.book.dial_in
        found.look("DLG-9.2", same, "USAGE names another dial-in")
        next_part = number(fields, "part") == self._now.usage_next
        found.look("DLG-9.2", next_part, "a part of USAGE is out of order")
        self._now.usage_next += 1
        self._now.usage += usage_rows(fields)
        if number(fields, "part") < number(fields, "parts"):
            return found
        self._now.acknowledges = int(MessageType.USAGE), self._now.book.dial_in
        self._now.book.count(self._now.usage)
        found += self._counted()
        return found

    def _counted(self) -> Findings:
        """Compare the usage table with the STATEMENT of this dialogue (DLG-9.3)."""
        stated = self._now.statement
        return self._now.book.check_rows(
            octets(stated, "usage_digest"), number(stated, "ascending_paise")
        )

    def _want(self, fields: Mapping[str, FieldValue]) -> Findings:
        self._now.want = fields
        named = number(fields, "content_id")
        found = Findings()
        ordered = named in {value for _, value in self._now.book.orders.values()}
        found.look("DLG-16.2", ordered, "a content is wanted that was not ordered")
        return found

    def _goodbye(self, fields: Mapping[str, FieldValue]) -> Findings:
        found = self._now.book.obey(number(fields, "order_serial"))
        given = octets(fields, "mark") in self._now.book.marks
        found.look("DLG-7.2", given, "the mark is none that it was given")
        if given:
            self._now.book.marks = (octets(fields, "mark"),)
        if self._now.refused_alone:
            # It sends all rows now, and the bench takes it at its word (DLG-9.2).
            self._now.book.forget_rows()
        elif self._now.receipted:
            found += self._counted()
        return found

    def _last_voucher(self, fields: Mapping[str, FieldValue]) -> Findings:
        self._now.acknowledges = int(MessageType.LAST_VOUCHER), 0
        octets_presented = octets(fields, "voucher")
        right = _number_of(octets_presented) == self._now.book.recharge_number
        if self._now.book.applied and octets_presented != self._now.book.applied:
            right = False
        found = Findings()
        words = "the voucher presented is not the one applied last"
        found.look("DLG-8.3", right, words)
        return found


def _number_of(voucher: bytes) -> int | None:
    """Read the number of what was presented; None: it is no voucher."""
    try:
        return number(read_voucher(voucher), "recharge_number")
    except RemoteProtocolError:
        return None

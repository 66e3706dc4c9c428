"""A judge of money: what the messages of a call say of registers, vouchers, digests.

It follows one machine through its calls and holds each end to what the text says of
it. A finding names the end that it speaks against: a machine that applies what it must
not, or refuses what is right; a server that grants what nobody asked for, or accepts
registers that do not add up. What an end says wrong of its own is a finding against it
as well, so a bench that plays a cheat is found out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.oracle.books import MachineBook
from tests.oracle.channel import Message, Packet
from tests.oracle.octets import Way
from tests.oracle.vouchers import (
    VOID,
    Stated,
    after_voucher,
    binding_faults,
    effect_paise,
    signed_faults,
    stated,
    voucher_faults,
    what_fell,
)
from tests.oracle.witness import Heard
from tests.witness.spec_contents import ContentRefusedError, content_id, read_content
from tests.witness.spec_keys import MachinePaper, Maker, RefusedError
from tests.witness.spec_messages import Fields, Row, unpack, usage_digest

CONTROL_TOTAL_SUM, USAGE_MISMATCH = 32, 39
STATEMENT_WRONG, VOUCHER_WRONG = 6, 11
USAGE_TYPE: Final = 0x12
ANSWERS: Final = frozenset({"VOUCHER", "REFUSAL", "RECEIPT"})
"""To a STATEMENT (DLG-1.3)."""


@dataclass(frozen=True)
class Finding:
    """Something that one end has done against the text."""

    at_s: float
    line: int
    against: Way
    clause: str
    words: str


@dataclass
class Call:
    """What was said in one dialogue, as far as it decides what may be said next."""

    statement: Fields = field(default_factory=dict)
    spoiled: int = 0
    """The ERROR that the STATEMENT deserved, before anybody looked at what it says."""
    last: Stated | None = None
    signed_faults: list[str] = field(default_factory=list)
    voucher: Fields = field(default_factory=dict)
    voucher_faults: list[str] = field(default_factory=list)
    receipt: Fields = field(default_factory=dict)
    parts: list[Fields] = field(default_factory=list)
    rows: dict[int, Row] | None = None
    usage_faults: list[str] = field(default_factory=list)


class Judge:
    """Follows one machine.

    Attributes:
        book: What is kept of it; another one begins with another life.
        findings: All, in order.
    """

    def __init__(self, book: MachineBook, maker: Maker) -> None:
        """Begin.

        Args:
            book: Of the machine, as new.
            maker: Whose contents are believed.
        """
        self.book = book
        self.findings: list[Finding] = []
        self._maker = maker
        self._lives = {book.paper.licence.encode("ascii"): book.paper}
        self._calls: dict[int, Call] = {}
        self._heard: Heard
        self._takes: dict[str, Callable[[Call, Message], None]] = {
            "STATEMENT": self._statement,
            "CONFIRMATION": self._confirmation,
            "USAGE": self._usage,
            "GOODBYE": self._goodbye,
            "LAST_VOUCHER": self._last_voucher,
            "VOUCHER": self._voucher,
            "REFUSAL": self._refusal,
            "RECEIPT": self._receipt,
            "ACK": self._ack,
            "ORDER": self._order,
            "CONTENT": self._content,
        }

    def know(self, paper: MachinePaper) -> None:
        """Learn of a life of the machine: a STATEMENT says which one it is in."""
        self._lives[paper.licence.encode("ascii")] = paper

    def take(self, heard: Heard) -> None:
        """Judge what was heard, in the order in which it was."""
        if heard.carried is not None and heard.carried.begins:
            self._calls[heard.line] = Call()
        self._heard = heard
        for packet in heard.packets:
            self._packet(self._calls[heard.line], packet)

    def _packet(self, call: Call, packet: Packet) -> None:
        if packet.name == "ERROR":
            self._error(call, packet.error)
        elif packet.message is None or packet.fault or packet.message.fault:
            # What has no place or form is answered with an ERROR, and nothing else.
            call.voucher = {}
            if packet.message is not None and packet.message.name == "STATEMENT":
                call.spoiled = packet.fault or packet.message.fault
        elif call.spoiled and packet.message.name in ANSWERS:
            words = f"answered a STATEMENT that deserves ERROR {call.spoiled}"
            self._find(Way.SERVER, "DLG-2", words)
        elif packet.message.name == "STATEMENT" or call.statement:
            # Before a STATEMENT nothing has a place (DLG-1.2).
            take = self._takes.get(packet.message.name)
            if take is not None:
                take(call, packet.message)

    def _find(self, against: Way, clause: str, words: Iterable[str] | str) -> None:
        heard = self._heard
        for each in [words] if isinstance(words, str) else words:
            self.findings.append(Finding(heard.at_s, heard.line, against, clause, each))

    def _error(self, call: Call, code: int | None) -> None:
        way = self._heard.way
        right = call.voucher and not call.voucher_faults
        if (way, code) == (Way.MACHINE, VOUCHER_WRONG) and right:
            self._find(way, "REG-6", "refused a voucher that is right")
        right = call.last is not None and not call.signed_faults
        if (way, code) == (Way.SERVER, STATEMENT_WRONG) and right:
            self._find(way, "DLG-3", "refused a signature that is right")

    # What a machine says.

    def _signed(self, call: Call, message: Message) -> bool:
        """Whether a signed message is its machine's (DLG-3)."""
        secrets = self._heard.secrets
        binding = b"" if secrets is None else secrets.binding
        call.signed_faults = list(
            signed_faults(
                message.name, message.body, message.fields, self.book.paper, binding
            )
        )
        self._find(Way.MACHINE, "DLG-3", call.signed_faults)
        call.last = stated(message.fields)
        return not call.signed_faults

    def _registers(self, now: Stated) -> None:
        """REG-2 to REG-4, for what a machine states."""
        book = self.book
        if not now.is_sound:
            self._find(Way.MACHINE, "REG-2", f"{now}")
        self._find(Way.MACHINE, "REG-3", what_fell(book.last, now))
        moved = now.control_total_paise - book.last.control_total_paise
        number = now.recharge_number
        possible = {0} if number == book.last.recharge_number else set()
        if number == book.last.recharge_number + 1:
            possible = {effect_paise(one) for one in book.good.get(number, [])}
        if moved not in possible:
            self._find(Way.MACHINE, "REG-4", f"CT moved by {moved} at number {number}")
        book.last = now

    def _statement(self, call: Call, message: Message) -> None:
        fields = message.fields
        call.statement = fields
        life = self._lives.get(fields["licence"])
        if life is not None and life != self.book.paper:
            self.book = self.book.next_life(life)
        book = self.book
        if not self._signed(call, message):
            return
        self._registers(stated(fields))
        if fields["dial_in"] <= book.dial_in:
            self._find(Way.MACHINE, "DLG-4.4", f"dial-in {fields['dial_in']} again")
        if fields["order_serial"] < book.order_serial:
            self._find(Way.MACHINE, "DLG-10.1", "the order serial has fallen")
        if not book.returns(fields["mark"]):
            self._find(Way.MACHINE, "DLG-7.2", "a mark that is not due")
        if book.reported_all(fields) and fields["usage_digest"] != usage_digest(
            book.rows
        ):
            self._find(Way.MACHINE, "DLG-9.1", "another digest, and nothing franked")
        book.dial_in = max(book.dial_in, fields["dial_in"])
        self._names_serial(fields)

    def _confirmation(self, call: Call, message: Message) -> None:
        if not self._signed(call, message):
            return
        now = stated(message.fields)
        if not call.voucher:
            self._find(Way.MACHINE, "DLG-6", "there was nothing to confirm")
        elif call.voucher_faults:
            self._find(Way.MACHINE, "REG-6", call.voucher_faults)
        elif now != after_voucher(stated(call.statement), call.voucher):
            self._find(Way.MACHINE, "REG-4", f"{now} is not what the voucher makes")
        self._registers(now)

    def _usage(self, call: Call, message: Message) -> None:
        call.parts.append(message.fields)
        if message.fields["part"] < message.fields["parts"]:
            return
        call.rows = self.book.with_rows(call.parts)
        call.usage_faults = self.book.usage_faults(call.statement, call.rows)
        self._find(Way.MACHINE, "DLG-9", call.usage_faults)

    def _goodbye(self, call: Call, message: Message) -> None:
        had = call.receipt or call.statement
        if had and message.fields["mark"] != had["mark"]:
            self._find(Way.MACHINE, "DLG-7.2", "GOODBYE with another mark")
        self.book.returns(message.fields["mark"])
        self._names_serial(message.fields)

    def _names_serial(self, fields: Fields) -> None:
        faults = self.book.names_serial(fields["order_serial"], self._maker)
        self._find(Way.MACHINE, "DLG-10.9", faults)

    def _last_voucher(self, call: Call, message: Message) -> None:
        body = message.fields["voucher"]
        try:
            _, fields = unpack(body)
        except RefusedError as error:
            self._find(Way.MACHINE, "DLG-8.3", str(error))
            return
        book = self.book
        faults = binding_faults(body, fields, book.paper, book.credit_keys)
        self._find(Way.MACHINE, "DLG-8.3", faults)
        number = fields["recharge_number"]
        if call.last is not None and number != call.last.recharge_number:
            self._find(Way.MACHINE, "DLG-8.3", f"{number} was not applied last")

    # What a server says.

    def _judged(self, call: Call) -> None:
        """Hold a server that goes on to what it has heard (DLG-3, DLG-8)."""
        self._find(Way.SERVER, "DLG-3", call.signed_faults)
        if call.last is not None and not call.last.is_sound:
            self._find(Way.SERVER, "DLG-8", f"accepted {call.last}")

    def _voucher(self, call: Call, message: Message) -> None:
        self._judged(call)
        book, fields, asked = self.book, message.fields, call.statement
        call.voucher = fields
        call.voucher_faults = list(
            voucher_faults(
                message.body, fields, book.paper, book.credit_keys, stated(asked)
            )
        )
        self._find(Way.SERVER, "REG-6", call.voucher_faults)
        number, kind = fields["recharge_number"], fields["kind"]
        if call.voucher_faults:
            return
        known = book.vouchers.setdefault((number, kind), message.body)
        if known != message.body:
            self._find(Way.SERVER, "REG-7.1", "a voucher that was made anew")
        fresh = not book.good.get(number)
        wish = kind, fields["amount_paise"]
        if fresh and kind != VOID and wish != (asked["request"], asked["amount_paise"]):
            self._find(Way.SERVER, "REG-8", f"{wish} was not asked for")
        book.good.setdefault(number, []).append(fields)

    def _refusal(self, call: Call, message: Message) -> None:
        code = message.fields["code"]
        self._find(Way.SERVER, "DLG-3", call.signed_faults)
        if call.last is not None and call.last.is_sound is (code == CONTROL_TOTAL_SUM):
            self._find(Way.SERVER, "DLG-8", f"code {code} upon {call.last}")
        mismatch = code == USAGE_MISMATCH
        if mismatch and call.rows is not None and not call.usage_faults:
            self._find(Way.SERVER, "DLG-9.3", "refused usage that fits")

    def _receipt(self, call: Call, message: Message) -> None:
        if call.receipt:
            # One answers a dialogue; another has no place (DLG-1.3).
            return
        self._judged(call)
        fields, book = message.fields, self.book
        call.receipt = fields
        if call.last and fields["recharge_number"] != call.last.recharge_number:
            self._find(Way.SERVER, "DLG-7.6", "a RECEIPT for another number")
        if fields["mark"] in book.marks:
            self._find(Way.SERVER, "DLG-7.1", "a mark that was issued before")
        book.marks.add(fields["mark"])
        book.mark_issued = fields["mark"]

    def _ack(self, call: Call, message: Message) -> None:
        of_usage = message.fields["of_type"] == USAGE_TYPE
        if of_usage and call.rows is not None:
            self._find(Way.SERVER, "DLG-9.3", call.usage_faults)
            if message.fields["number"] == call.statement["dial_in"]:
                self.book.rows = call.rows

    def _order(self, call: Call, message: Message) -> None:
        fields = message.fields
        self.book.orders[fields["order_serial"]] = fields["order"], fields["value"]

    def _content(self, call: Call, message: Message) -> None:
        octets = self.book.takes_part(message.fields)
        if not octets:
            return
        if content_id(octets) != message.fields["content_id"]:
            self._find(Way.SERVER, "DLG-16.1", "octets that are not the content")
            return
        try:
            read_content(octets, self._maker)
        except ContentRefusedError as error:
            self._find(Way.SERVER, "CONT-2.1", str(error))

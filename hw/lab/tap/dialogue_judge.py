"""Messages of one line, judged by the clauses of DLG and REG.

Order is judged by one table (`hw.lab.tap.turns`), what a message says by what is known
of the machine over all its calls (`hw.lab.tap.known_machine`), with the same checks as
the bench's.
"""

from typing import Final

from hw.lab.side import Findings, number
from hw.lab.tap.channel_judge import ChannelJudge, Listener
from hw.lab.tap.granted import judge_answer, judge_statement
from hw.lab.tap.known_machine import Fields, KnownMachine, Papers
from hw.lab.tap.sheet import Sheet
from hw.lab.tap.turns import SERVER_SPEAKS, Turn, event_of, next_turn
from hw.seen.decoding import UnderstoodPacket
from protocol.channel import PacketType
from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.link import Role
from protocol.messages import MessageTable, MessageType, decode_message
from protocol.messages.bodies import ELECTIVE

_VERSION: Final = 1
_BLAMED: Final = {
    Turn.OPEN: "DLG-1.2",
    Turn.OVER: "DLG-1.5",
    Turn.ALONE: "DLG-1.6",
    Turn.AHEAD: "DLG-1.6",
}
"""Clause that a machine breaks where it is its turn, and it says something else."""
_REFUSED_BY_MACHINE: Final = {
    "DLG-5": ("DLG-5.3", ErrorCode.VOUCHER),
    "REG-6": ("DLG-5.3", ErrorCode.VOUCHER),
    "REG-4": ("DLG-5.3", ErrorCode.VOUCHER),
    "REG-8": ("DLG-5.3", ErrorCode.VOUCHER),
    "DLG-7.6": ("DLG-7.6", ErrorCode.UNEXPECTED),
    "DLG-16.3": ("DLG-16.4", ErrorCode.UNEXPECTED),
}
_REFUSED_BY_SERVER: Final = {
    "DLG-3.1": ("DLG-3.1", ErrorCode.STATEMENT),
    "DLG-3.2": ("DLG-3.2", ErrorCode.STATEMENT),
    "DLG-9.2": ("DLG-9.2", ErrorCode.UNEXPECTED),
}
"""Clause that a message breaks -> what the other end has to answer, and by which."""


class Machines:
    """All machines that were heard."""

    def __init__(self, papers: Papers) -> None:
        """Have heard none.

        Args:
            papers: What is known beforehand.
        """
        self.papers = papers
        self._known: dict[bytes, KnownMachine] = {}

    def stating(self, fields: Fields) -> KnownMachine | None:
        """Give the machine whose STATEMENT this is; None: it has names of no form."""
        licence = fields["licence"]
        key = licence if isinstance(licence, bytes) else b""
        if key not in self._known:
            try:
                self._known[key] = KnownMachine(fields, self.papers)
            except LocalProtocolError:
                return None
        return self._known[key]

    def doubt(self, machine: KnownMachine) -> None:
        """Believe a STATEMENT no more than its server, which has refused it."""
        if machine.was_answered:
            machine.was_not_believed()
        else:
            self._known.pop(machine.credential.kid, None)


class DialogueJudge(Listener):
    """Judges the dialogues of one line, one after the other."""

    def __init__(self, sheet: Sheet, machines: Machines) -> None:
        """Begin with a line.

        Args:
            sheet: Takes what is found.
            machines: Of all lines.
        """
        self._sheet = sheet
        self._machines = machines
        self._channel: ChannelJudge | None = None
        self._begin(0.0)

    def listen(self, channel: ChannelJudge) -> None:
        """Know the channel, which is told what its ends owe each other."""
        self._channel = channel

    def _begin(self, now_s: float) -> None:
        self._turn = Turn.OPEN
        self._machine: KnownMachine | None = None
        self._began_s = now_s
        self._is_lost = False
        self._elective: Role | None = None
        self._binding = b""

    def channel_began(self, g_x: bytes) -> None:
        """Look for the binding of the channel."""
        self._binding = self._machines.papers.bindings.get(g_x, b"")

    def link_began(self, now_s: float) -> None:
        """Begin a dialogue."""
        self._begin(now_s)

    def error(self, side: Role, code: ErrorCode | None) -> None:
        """Judge whether an ERROR answers what was to be ignored."""
        if self._elective is side and code is not ErrorCode.TIMEOUT:
            name = "ERROR" if code is None else f"ERROR {code.name}"
            expected = "nothing upon an elective type"
            self._sheet.failed("DLG-2.2", side, expected, name)
        self._elective = None
        self._is_lost = True
        if side is Role.SERVER and self._turn is Turn.STATED and self._machine:
            self._machines.doubt(self._machine)

    def disconnects(self, side: Role) -> None:
        """Judge who hangs up."""
        if side is Role.MACHINE and self._turn is Turn.OVER:
            self._sheet.met("DLG-1.5", side)
        self._is_lost = True

    def message(self, side: Role, packet: UnderstoodPacket, now_s: float) -> None:
        """Judge one message."""
        body = packet.body or b""
        if self._is_lost or not body:
            return
        if body[0] in ELECTIVE:
            self._elective_came(side, packet)
            return
        if self._elective is side:
            self._sheet.met("DLG-2.2", side)
        self._elective = None
        if not self._has_form(side, body) or packet.table is None:
            self._is_lost = True
            return
        if not self._in_turn(side, packet.table, packet.fields):
            self._is_lost = True
            return
        self._judge(side, packet.table, packet.fields, body, now_s)

    def _elective_came(self, side: Role, packet: UnderstoodPacket) -> None:
        early = side is Role.MACHINE and packet.type is PacketType.GREETING_3
        expected = "no elective type before GREETING_4"
        self._sheet.look("DLG-2.2", side, not early, expected, "one in GREETING_3")
        self._elective = side.peer

    def _expect(self, side: Role, clause: str, code: ErrorCode) -> None:
        if self._channel is not None:
            self._channel.expect(side, clause, code)

    def _has_form(self, side: Role, body: bytes) -> bool:
        """Judge the form of a message (DLG-2, DLG-11.1)."""
        if body[0] == MessageType.STATEMENT and side is Role.MACHINE and body[1:]:
            right = body[1] == _VERSION
            self._sheet.look("DLG-11.1", side, right, "version 1", f"{body[1]}")
            if not right:
                self._expect(Role.SERVER, "DLG-11.1", ErrorCode.VERSION)
                return False
        try:
            decode_message(body)
        except RemoteProtocolError as error:
            self._sheet.failed(
                "DLG-2", side, "a message as its table has it", f"{error}"
            )
            unknown = error.code is ErrorCode.UNEXPECTED
            clause = "DLG-2.2" if unknown else "DLG-2.1"
            self._expect(side.peer, clause, error.code)
            return False
        self._sheet.met("DLG-2", side)
        return True

    def _in_turn(self, side: Role, table: MessageTable, fields: Fields) -> bool:
        orders = 0 if self._machine is None else self._machine.memory.orders_due
        event = event_of(table.type, fields, orders)
        turn = next_turn(self._turn, side, event)
        seen = f"{table.type.name} at {self._turn.name}"
        clause = "DLG-10" if table.type is MessageType.ORDER else "DLG-1.3"
        if side is Role.MACHINE:
            waits = self._turn in SERVER_SPEAKS
            clause = "DLG-1.7" if waits else _BLAMED.get(self._turn, "DLG-15")
        self._sheet.look(clause, side, turn is not None, "a message in turn", seen)
        if turn is None:
            # A server may take more than a machine may send, when all was said.
            if self._turn is not Turn.ALONE:
                self._expect(side.peer, "DLG-1.1", ErrorCode.UNEXPECTED)
            return False
        if side is Role.MACHINE:
            self._sheet.met("DLG-1.7", side)
        self._turn = turn
        return True

    def _judge(
        self,
        side: Role,
        table: MessageTable,
        fields: Fields,
        body: bytes,
        now_s: float,
    ) -> None:
        if table.type is MessageType.STATEMENT:
            self._statement(table, fields, body, now_s)
            return
        machine = self._machine
        if machine is None or machine.spoken_on is not self:
            return
        if side is Role.MACHINE:
            found = machine.says(table, fields, body, self._binding)
            self._owed(found, Role.SERVER)
        else:
            judge_answer(self._sheet, machine, table, fields)
            found = machine.hears(table, fields, body)
            self._owed(found, Role.MACHINE)
        self._take(side, found)

    def _statement(
        self, table: MessageTable, fields: Fields, body: bytes, now_s: float
    ) -> None:
        machine = self._machines.stating(fields)
        if machine is None:
            self._is_lost = True
            return
        if self._channel is not None:
            self._channel.licence(machine.credential.kid)
        book = machine.now.book
        overtaken = number(fields, "dial_in") < book.dial_in
        if overtaken and self._began_s <= machine.stated_at_s:
            # A whole redial has overtaken it: it is no step back (DLG-14.2).
            self._expect(Role.SERVER, "DLG-14.2", ErrorCode.SUPERSEDED)
            self._is_lost = True
            return
        found = machine.states(table, fields, body, self._binding)
        machine.spoken_on, machine.stated_at_s = self, now_s
        self._machine = machine
        self._take(Role.MACHINE, found)
        judge_statement(self._sheet, machine, fields, found)
        self._owed(found, Role.SERVER)

    def _owed(self, found: Findings, side: Role) -> None:
        """Have the other end refuse what is wrong, where a clause names the ERROR."""
        table = _REFUSED_BY_MACHINE if side is Role.MACHINE else _REFUSED_BY_SERVER
        for breach in found:
            owed = table.get(breach.clause)
            if owed is not None:
                self._expect(side, *owed)

    def _take(self, side: Role, found: Findings) -> None:
        """Take what the checks of the bench say onto the sheet."""
        broken = {breach.clause for breach in found}
        for breach in found:
            self._sheet.failed(breach.clause, side, "as the clause says", breach.words)
        for clause in found.clauses - broken:
            self._sheet.met(clause, side)

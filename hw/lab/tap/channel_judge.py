"""Packets of one line, judged by the clauses of CHAN; what can be opened goes further.

Two things are judged of a packet: whether its sender may send it so, and, if not,
whether the other end answers with the ERROR that the clause names. An end is judged by
its answer only when it has acknowledged the packet before it spoke.

Source: SPEC.md CHAN-2 to CHAN-9.
"""

from collections.abc import Callable
from typing import Final

from hw.lab.tap.link_judge import SIDES
from hw.lab.tap.link_view import LinkState, LinkView
from hw.lab.tap.owed import Owed
from hw.lab.tap.sheet import Sheet
from hw.seen.decoding import Understood, UnderstoodPacket
from protocol.channel.packets import (
    G_X_AT,
    G_X_OCTETS,
    MESSAGE_2_OCTETS,
    MESSAGE_3_OCTETS,
    MESSAGE_4_OCTETS,
    PacketType,
    packet_content,
    packet_type,
)
from protocol.channel.profile import (
    MESSAGE_2_HEAD,
    check_message_1,
    check_message_2,
    check_message_3,
    check_message_4,
)
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.link import Role
from protocol.link.frames import FrameKind

WAIT_S: Final = 75.0
"""DLG-13 has everybody wait 60 s at most; a slow line holds back what ends the wait."""
_EARLY_MAX: Final = 8
"""Packets before the licence identifier is known: the STATEMENT is the third."""
_PLACES: Final = (
    (Role.MACHINE, PacketType.GREETING_1),
    (Role.SERVER, PacketType.GREETING_2),
    (Role.MACHINE, PacketType.GREETING_3),
    (Role.SERVER, PacketType.GREETING_4),
)
_CHECKS: Final[dict[PacketType, tuple[int, Callable[[bytes], None], str]]] = {
    PacketType.GREETING_1: (100, check_message_1, "CHAN-4.1"),
    PacketType.GREETING_2: (MESSAGE_2_OCTETS, check_message_2, "CHAN-4.2"),
    PacketType.GREETING_3: (MESSAGE_3_OCTETS, check_message_3, "CHAN-4.3"),
    PacketType.GREETING_4: (MESSAGE_4_OCTETS, check_message_4, "CHAN-4.4"),
}
_SENT_BY_ONE: Final = {
    ErrorCode.UNKNOWN_MACHINE: Role.SERVER,
    ErrorCode.STATEMENT: Role.SERVER,
    ErrorCode.SUPERSEDED: Role.SERVER,
    ErrorCode.UNAVAILABLE: Role.SERVER,
    ErrorCode.VOUCHER: Role.MACHINE,
}


class Ephemerals:
    """Ephemeral keys of all channels that were seen (CHAN-1.2)."""

    def __init__(self) -> None:
        """Have seen none."""
        self._seen: set[bytes] = set()

    def is_fresh(self, x: bytes) -> bool:
        """Say whether a key is seen for the first time."""
        fresh = x not in self._seen
        self._seen.add(x)
        return fresh


class ChannelJudge:
    """Judges the packets of one line.

    Attributes:
        sealed: Records for which there were no keys.
    """

    def __init__(
        self,
        sheet: Sheet,
        view: LinkView,
        ephemerals: Ephemerals,
        listener: "Listener",
    ) -> None:
        """Begin with a line.

        Args:
            sheet: Takes what is found.
            view: The link, with the frame already taken into it.
            ephemerals: Of all lines.
            listener: Is told what was opened.
        """
        self.sealed = 0
        self._sheet = sheet
        self._view = view
        self._owed = Owed(sheet, view)
        self._ephemerals = ephemerals
        self._listener = listener
        self._begin()
        self._is_known = False

    def _begin(self) -> None:
        """Begin a channel: nothing of the one before is left (CHAN-1.4)."""
        self._is_known = True
        self._step = 0
        self._counters = dict.fromkeys(Role, 0)
        self._dead: dict[Role, float] = {}
        self._errors: dict[Role, int] = {}
        self._early: list[tuple[Role, bytes]] = []
        self._licence = b""
        self._is_over = False
        self._last_s: float | None = None
        self._last: Role | None = None
        self._late: Role | None = None
        self._owed.begin()

    def take(self, one: Understood) -> None:
        """Judge one record, after the link was."""
        frame = one.frame
        now_s = one.seen.time.timestamp()
        if frame is not None and one.direction is not None:
            side = SIDES[one.direction]
            if frame.kind in {FrameKind.SABM, FrameKind.SABME} and frame.command:
                self._begin()
                self._listener.link_began(now_s)
            elif frame.kind is FrameKind.DISC:
                self._disconnects(side)
            else:
                self._goes_on(side, now_s)
        if self._view.state is LinkState.UNKNOWN or self._view.was_missed:
            self._is_known = False
        for packet in one.packets:
            if self._is_known:
                self._packet(SIDES[packet.direction], packet, now_s)
            self._last = SIDES[packet.direction]
        if one.packets:
            self._last_s = now_s

    def _disconnects(self, side: Role) -> None:
        if not self._is_known:
            return
        if side in self._dead:
            self._sheet.met("CHAN-9.3", side)
            self._sheet.met("CHAN-8.3", side)
        if self._dead.pop(side, None) is not None:
            self._sheet.met("CHAN-9.2", side.peer)
        self._owed.hung_up(side)
        self._listener.disconnects(side)
        self._is_over = True

    def _goes_on(self, side: Role, now_s: float) -> None:
        """Judge an end that said ERROR and keeps the link (CHAN-9.3)."""
        since_s = self._dead.get(side, now_s)
        if now_s - since_s > WAIT_S:
            del self._dead[side]
            self._sheet.failed(
                "CHAN-9.3", side, "DISC after its ERROR", f"none in {WAIT_S:.0f} s"
            )

    def expect(self, side: Role, clause: str, code: ErrorCode) -> None:
        """Have an end answer with an ERROR what has just come."""
        owes = self._last is side.peer
        greeted = self._step == len(_PLACES) - 1
        self._owed.expect(side, clause, code, owes=owes, in_greeting=greeted)

    def _packet(self, side: Role, packet: UnderstoodPacket, now_s: float) -> None:
        self._secret(side, packet.octets)
        self._waited(side, packet, now_s)
        is_error = bool(packet.octets) and packet.octets[0] == PacketType.ERROR
        self._after_error(side, is_error=is_error)
        if is_error:
            self._error(side, packet, now_s)
            return
        kind = "a packet" if packet.type is None else packet.type.name
        self._owed.went_on(side, kind)
        if self._is_over:
            return
        if not self._is_good(side, packet):
            self._is_over = True
            return
        if packet.counter is not None:
            self._opened(side, packet, now_s)

    def _waited(self, side: Role, packet: UnderstoodPacket, now_s: float) -> None:
        """Judge how long an end has waited for another (DLG-13)."""
        waited = 0.0 if self._last_s is None else now_s - self._last_s
        if packet.error is ErrorCode.TIMEOUT:
            self._sheet.look(
                "DLG-13",
                side,
                waited <= WAIT_S,
                "60 s at most",
                f"TIMEOUT after {waited:.0f} s",
            )
        elif self._late is side and packet.type is not PacketType.ERROR:
            self._sheet.failed("DLG-13", side, "ERROR TIMEOUT after 60 s", "an answer")
        self._late = side.peer if waited > WAIT_S else None

    def _after_error(self, side: Role, *, is_error: bool) -> None:
        """Judge who speaks in a channel that is dead (CHAN-8.3, CHAN-9.2)."""
        if side in self._dead:
            self._sheet.failed("CHAN-8.3", side, "nothing after its ERROR", "more")
        number = self._errors.get(side.peer)
        if number is None:
            return
        if self._owed.has_received(side, number):
            clause = "CHAN-9.2" if is_error else "CHAN-8.3"
            self._sheet.failed(clause, side, "nothing after an ERROR", "a packet")

    def _error(self, side: Role, packet: UnderstoodPacket, now_s: float) -> None:
        code = packet.error
        right = code is not None and _SENT_BY_ONE.get(code, side) is side
        expected = "ERROR with a code that this end sends"
        self._sheet.look("CHAN-9", side, right, expected, packet.octets[:4].hex(" "))
        self._owed.said_error(side, code)
        self._dead[side] = now_s
        self._errors[side] = self._view.ends[side].next
        self._is_over = True
        self._listener.error(side, code)

    def _is_good(self, side: Role, packet: UnderstoodPacket) -> bool:
        """Judge the form and the place of a packet, in the order of CHAN-2.2."""
        try:
            kind = packet_type(packet.octets)
        except RemoteProtocolError as error:
            self._wrong(side, "CHAN-2", error)
            return False
        place = _PLACES[self._step] if self._step < len(_PLACES) else None
        first = self._step == 0
        fits = kind is PacketType.RECORD if place is None else place == (side, kind)
        clause = "CHAN-1.4" if first and side is Role.MACHINE else "CHAN-8.1"
        due = "RECORD" if place is None else f"{place[1].name} of the {place[0].value}"
        self._sheet.look(clause, side, fits, due, kind.name)
        if not fits:
            self.expect(side.peer, "CHAN-8.2", ErrorCode.UNEXPECTED)
            return False
        try:
            content = packet_content(packet.octets, kind)
        except RemoteProtocolError as error:
            self._wrong(side, "CHAN-2", error)
            return False
        self._sheet.met("CHAN-2", side)
        return self._content(side, kind, content, packet)

    def _content(
        self, side: Role, kind: PacketType, content: bytes, packet: UnderstoodPacket
    ) -> bool:
        octets, check, clause = _CHECKS.get(kind, (0, None, ""))
        if check is not None:
            try:
                check(content[:octets])
            except RemoteProtocolError as error:
                self._wrong(side, clause, error)
                return False
            self._sheet.met(clause, side)
            self._ephemeral(side, kind, content)
        if packet.counter is not None and not self._record(side, packet):
            return False
        if self._step < len(_PLACES):
            self._step += 1
        return True

    def _record(self, side: Role, packet: UnderstoodPacket) -> bool:
        due, counter = self._counters[side], packet.counter
        self._counters[side] += 1
        right = counter == due
        self._sheet.look("CHAN-6.4", side, right, f"counter {due}", f"{counter}")
        if not right:
            self.expect(side.peer, "CHAN-6.4", ErrorCode.RECORD)
        elif not packet.sealed:
            self._sheet.met("CHAN-6.1", side)
        elif packet.wrong:
            expected = "a record that verifies"
            self._sheet.failed("CHAN-6.1", side, expected, packet.wrong)
            # In a greeting other things may be wrong first, which a tap cannot see.
            if packet.type is PacketType.RECORD:
                self.expect(side.peer, "CHAN-6.3", ErrorCode.RECORD)
            return False
        return right

    def _wrong(self, side: Role, clause: str, error: RemoteProtocolError) -> None:
        """Note a packet that is not as it has to be, and what the other end owes."""
        self._sheet.failed(clause, side, error.clause, str(error))
        self.expect(side.peer, error.clause, error.code)

    def _ephemeral(self, side: Role, kind: PacketType, content: bytes) -> None:
        at = {
            PacketType.GREETING_1: G_X_AT,
            PacketType.GREETING_2: len(MESSAGE_2_HEAD),
        }.get(kind)
        if at is not None:
            ephemeral = content[at : at + G_X_OCTETS]
            fresh = self._ephemerals.is_fresh(ephemeral)
            words = "one that was seen before"
            self._sheet.look("CHAN-1.2", side, fresh, "a new ephemeral key", words)
            if kind is PacketType.GREETING_1:
                self._listener.channel_began(ephemeral)

    def licence(self, licence: bytes) -> None:
        """Learn the licence identifier of the machine: it must not be on the line."""
        self._licence = licence
        for side, octets in self._early:
            self._secret(side, octets)
        self._early.clear()

    def _secret(self, side: Role, octets: bytes) -> None:
        """Look for what must not be readable (CHAN-1.3)."""
        if self._licence:
            sealed = self._licence not in octets
            expected = "no licence identifier"
            self._sheet.look("CHAN-1.3", side, sealed, expected, "it is readable")
        elif len(self._early) < _EARLY_MAX:
            self._early.append((side, octets))

    def _opened(self, side: Role, packet: UnderstoodPacket, now_s: float) -> None:
        if packet.body is None:
            self.sealed += 1
        else:
            self._listener.message(side, packet, now_s)


class Listener:
    """Who is told what a channel carries; this one takes nothing."""

    def link_began(self, now_s: float) -> None:
        """Hear of a set-up: whatever was said before is over."""

    def channel_began(self, g_x: bytes) -> None:
        """Hear of a GREETING_1."""

    def message(self, side: Role, packet: UnderstoodPacket, now_s: float) -> None:
        """Hear a message that was opened, and had its place in the channel."""

    def error(self, side: Role, code: ErrorCode | None) -> None:
        """Hear an ERROR."""

    def disconnects(self, side: Role) -> None:
        """Hear a DISC."""

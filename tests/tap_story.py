"""Traffic written by hand for a tap: frames at their times, packets, messages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.lab.side import blank
from hw.lab.tap.bystander import Bystander
from hw.lab.tap.known_machine import NO_PAPERS, Papers
from hw.lab.tap.sheet import TapVerdict
from hw.seen.keylog import RecordKeys
from hw.seen.reading import SeenEvent, SeenFrame, SeenNoFrame
from protocol.channel import PacketType
from protocol.channel.packets import write_error
from protocol.channel.records import Records
from protocol.channel.schedule import DirectionKeys
from protocol.errors import ErrorCode
from protocol.keys import public_point
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from protocol.link.parameters import MODULO_8, LinkParameters
from protocol.link.xid import encode_offer
from protocol.messages import TABLE_OF, MessageType
from protocol.messages.codec import FieldValue, encode_fields

M, S = Role.MACHINE, Role.SERVER
LICENCE: Final = b"N123456"
SERIAL: Final = b"PSD00001"
CREDENTIAL_HASH: Final = bytes(8)
KEYS: Final = {
    M: DirectionKeys(b"m" * 16, b"n" * 13),
    S: DirectionKeys(b"s" * 16, b"t" * 13),
}
_WAYS: Final = {M: CaptureDirection.FROM_MACHINE, S: CaptureDirection.TO_MACHINE}
_BEGAN: Final = datetime(2026, 11, 22, 6, 1, 2, tzinfo=UTC)
_FIRST: Final = {M: PacketType.GREETING_3, S: PacketType.GREETING_4}
_MESSAGE: Final = {M: b"\x58\x19" + bytes(25), S: b"\x48" + bytes(8)}
STEP_S: Final = 0.05


class Story:
    """One line, or several, as a tap hears them."""

    def __init__(self, papers: Papers = NO_PAPERS) -> None:
        self.keys: RecordKeys = {}
        self.by = Bystander(self.keys, papers)
        self.line = "call"
        self.modulus = MODULO_8
        self._at_s = 0.0
        self._calls = 0
        self._new_link()

    def _new_link(self) -> None:
        self._sent = {M: 0, S: 0}
        self._taken = {M: 0, S: 0}
        self._counters = {M: 0, S: 0}

    def verdict(self, clause: str, side: Role) -> TapVerdict:
        return self.by.sheet.verdict(clause, side)

    @property
    def failed(self) -> set[tuple[str, Role]]:
        return {(one.clause, one.side) for one in self.by.sheet.failures}

    def failed_in(self, area: str) -> set[tuple[str, Role]]:
        return {one for one in self.failed if one[0].startswith(area)}

    # The line.

    def wait(self, seconds: float) -> "Story":
        self._at_s += seconds
        return self

    def _time(self) -> datetime:
        self._at_s += STEP_S
        return _BEGAN + timedelta(seconds=self._at_s)

    def octets(self, side: Role, octets: bytes) -> "Story":
        self.by.line(self.line).take(SeenFrame(self._time(), _WAYS[side], octets))
        return self

    def damage(self, side: Role) -> "Story":
        seen = SeenNoFrame(self._time(), _WAYS[side], NoFrame.BAD_FCS, b"abcdef")
        self.by.line(self.line).take(seen)
        return self

    def event(self, event: LineEvent) -> "Story":
        self.by.line(self.line).take(SeenEvent(self._time(), None, event, ""))
        return self

    # Frames.

    def frame(
        self,
        side: Role,
        kind: FrameKind,
        *,
        command: bool = True,
        pf: bool = False,
        ns: int = 0,
        nr: int | None = None,
        info: bytes = b"",
    ) -> "Story":
        number = self._taken[side] if nr is None else nr
        frame = Frame(kind, command, pf, ns, number, info)
        return self.octets(side, encode_frame(frame, side, self.modulus))

    def up(self) -> "Story":
        self._new_link()
        self.frame(M, FrameKind.SABM, pf=True, nr=0)
        return self.frame(S, FrameKind.UA, command=False, pf=True, nr=0)

    def agreed(self, offer: LinkParameters, answer: LinkParameters) -> "Story":
        self.frame(M, FrameKind.XID, pf=True, info=encode_offer(offer))
        info = encode_offer(answer)
        return self.frame(S, FrameKind.XID, command=False, pf=True, info=info)

    def down(self, side: Role = M) -> "Story":
        self.frame(side, FrameKind.DISC)
        return self.frame(side.peer, FrameKind.UA, command=False)

    def information(self, side: Role, info: bytes, *, pf: bool = False) -> "Story":
        number = self._sent[side]
        self._sent[side] = self._taken[side.peer] = (number + 1) % self.modulus
        return self.frame(side, FrameKind.INFORMATION, ns=number, info=info, pf=pf)

    def ready(self, side: Role, *, command: bool = False, pf: bool = False) -> "Story":
        return self.frame(side, FrameKind.RR, command=command, pf=pf)

    # Packets.

    def packet(self, side: Role, octets: bytes) -> "Story":
        parts = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
        for place, part in enumerate(parts):
            segment = (place == 0) | (place == len(parts) - 1) << 1
            self.information(side, bytes([segment]) + part)
            if place % 2:
                self.ready(side.peer)
        return self

    def error(self, side: Role, code: ErrorCode) -> "Story":
        return self.packet(side, write_error(code))

    def greeting_1(self, call: int = 0) -> bytes:
        x = public_point((2 * call + 3).to_bytes(32, "big")).x
        self.keys[x] = (KEYS[M], KEYS[S])
        return b"\x01\x03\x02\x58\x20" + x + b"\x00"

    def greeting_2(self, call: int = 0) -> bytes:
        y = public_point((2 * call + 4).to_bytes(32, "big")).x
        return b"\x02\x58\x2b" + y + bytes(11)

    def greet(self) -> "Story":
        self._calls += 1
        self.packet(M, self.greeting_1(self._calls))
        return self.packet(S, self.greeting_2(self._calls))

    def sealed(self, side: Role, body: bytes, *, counter: int | None = None) -> bytes:
        number = self._counters[side]
        self._counters[side] += 1
        kind = PacketType.RECORD if number else _FIRST[side]
        records = Records(KEYS[side], KEYS[side.peer])
        for _ in range(number if counter is None else counter):
            records.seal(kind, b"x")
        head = b"" if number else _MESSAGE[side]
        return bytes([kind]) + head + records.seal(kind, body)

    # Messages.

    def begin(self) -> "Story":
        return self.up().greet()

    def say(self, side: Role, kind: MessageType, **fields: FieldValue) -> "Story":
        return self.packet(side, self.sealed(side, message(kind, **fields)))

    def state(self, **fields: FieldValue) -> "Story":
        return self.say(M, MessageType.STATEMENT, **fields)

    def receipt(self, **fields: FieldValue) -> "Story":
        self._mark = getattr(self, "_mark", 0) + 1
        mark = {"mark": self._mark.to_bytes(8, "big"), "licence_state": 1}
        return self.say(S, MessageType.RECEIPT, **{**mark, **fields})

    def goodbye(self, **fields: FieldValue) -> "Story":
        mark = getattr(self, "_mark", 0).to_bytes(8, "big")
        return self.say(M, MessageType.GOODBYE, **{"mark": mark, **fields}).down()

    @property
    def mark(self) -> bytes:
        return int(getattr(self, "_mark", 0)).to_bytes(8, "big")


def message(kind: MessageType, **fields: FieldValue) -> bytes:
    """Write a message: what is not said is zero, or that of a machine at rest."""
    table = TABLE_OF[kind]
    usual: dict[str, FieldValue] = {}
    if kind is MessageType.STATEMENT:
        usual = {"version": 1, "licence": LICENCE, "psd_serial": SERIAL, "dial_in": 1}
        usual |= {"state": 2, "capabilities": 0b101111, "usage_digest": NO_USAGE}
    elif kind is MessageType.VOUCHER:
        usual = {"kind": 1, "licence": LICENCE, "recharge_number": 1}
    elif kind is MessageType.CONFIRMATION:
        usual = {"licence": LICENCE, "recharge_number": 1, "state": 2}
    return encode_fields(table, {**blank(table), **usual, **fields})


NO_USAGE: Final = bytes.fromhex("e3b0c44298fc1c14")
"""First octets of SHA-256 over nothing (DLG-9.1)."""

Teller = Callable[[Story], object]

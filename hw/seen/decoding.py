"""What is seen on a line, understood: frames, packets, records, messages.

`LineDecoder` follows one line as an observer: it knows which frames were told already,
joins segments to packets, and opens records whose keys a key log holds. It decides
nothing and refuses nothing: what breaks a rule is told in `Understood.wrong`, and the
next frame is looked at as if nothing had been.

An observer may have missed a frame that the receiver got. When the receiver
acknowledges it, the decoder goes on behind it (LINK-6.5) and says that something is
missing.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hw.capture import CaptureDirection
from hw.seen.keylog import RecordKeys
from hw.seen.reading import SeenEvent, SeenFrame, SeenRecord
from protocol.channel import PacketType, read_error
from protocol.channel.packets import (
    COUNTER_OCTETS,
    G_X_AT,
    G_X_OCTETS,
    MESSAGE_3_OCTETS,
    MESSAGE_4_OCTETS,
    TAG_OCTETS,
    packet_content,
    packet_type,
)
from protocol.channel.schedule import IV_OCTETS, DirectionKeys
from protocol.dialogue.server import check_version
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.link import Role
from protocol.link.frames import (
    ADDRESS_B,
    ForeignFrame,
    Frame,
    FrameKind,
    MalformedFrame,
    decode_frame,
)
from protocol.link.parameters import MESSAGE_OCTETS_MAX, MODULO_8, MODULO_128
from protocol.link.reports import ArrivalReport, decode_report
from protocol.link.segments import Reassembler
from protocol.messages import TABLE_OF, MessageTable, decode_message
from protocol.messages.codec import FieldValue, decode_fields

_ENDS_LINK: Final = frozenset({FrameKind.DISC, FrameKind.DM, FrameKind.FRMR})
_ACKNOWLEDGES: Final = frozenset(
    {FrameKind.INFORMATION, FrameKind.RR, FrameKind.RNR, FrameKind.REJ}
)
_RECORD_AT: Final = {
    PacketType.GREETING_3: MESSAGE_3_OCTETS,
    PacketType.GREETING_4: MESSAGE_4_OCTETS,
    PacketType.RECORD: 0,
}
_FRAME_OCTETS_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class UnderstoodPacket:
    """A packet that became whole.

    Attributes:
        direction: Who sent it.
        octets: As the link carried it.
        type: None where it has none.
        counter: Of its record, or None.
        body: The message in its record, or None: no record, no keys, or no tag.
        table: The layout of the message, where its type is known.
        fields: Its fields by name, where its length is right.
        error: The code of an ERROR, or None.
        sealed: Whether a record is in it that could not be opened.
        wrong: What is wrong with it, or nothing.
    """

    direction: CaptureDirection
    octets: bytes
    type: PacketType | None = None
    counter: int | None = None
    body: bytes | None = None
    table: MessageTable | None = None
    fields: dict[str, FieldValue] = field(default_factory=dict)
    error: ErrorCode | None = None
    sealed: bool = False
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """One record of a capture, understood.

    Attributes:
        seen: The record.
        direction: Who sent the frame, as far as can be known.
        frame: The frame, or None where it is none or makes no sense.
        report: What a SREJ with information reports.
        packets: Packets that became whole with it.
        repeated: The frame was told before.
        wrong: What is wrong with it, or nothing.
    """

    seen: SeenRecord
    direction: CaptureDirection | None = None
    frame: Frame | None = None
    report: ArrivalReport | None = None
    packets: tuple[UnderstoodPacket, ...] = ()
    repeated: bool = False
    wrong: str = ""


class _Way:
    """I frames of one direction: which is next, and what came before its turn."""

    def __init__(self) -> None:
        self.next = 0
        self.held: dict[int, bytes] = {}
        self.segments = Reassembler(MESSAGE_OCTETS_MAX)


class LineDecoder:
    """Understands one line, from its first record on."""

    def __init__(self, keys: RecordKeys | None = None) -> None:
        """Begin before the first record.

        Args:
            keys: Of a key log; it may grow while it is used.
        """
        self._keys = {} if keys is None else keys
        self._modulus = MODULO_8
        self._ways = {way: _Way() for way in CaptureDirection}
        self._g_x = b""

    def understand(self, seen: SeenRecord) -> Understood:
        """Say what one record is; records are to come in their order."""
        if isinstance(seen, SeenFrame):
            return self._frame(seen)
        if isinstance(seen, SeenEvent):
            return Understood(seen, seen.direction)
        return Understood(seen, seen.direction, wrong=seen.why.name)

    def _frame(self, seen: SeenFrame) -> Understood:
        octets = seen.octets
        if len(octets) < _FRAME_OCTETS_LEAST:
            return Understood(seen, seen.direction, wrong="a frame of under 2 octets")
        direction = seen.direction or _guess(octets)
        if direction is None:
            return Understood(seen, wrong="nothing says who sent it")
        receiver = (
            Role.SERVER if direction is CaptureDirection.FROM_MACHINE else Role.MACHINE
        )
        frame = decode_frame(octets, receiver, self._modulus)
        if isinstance(frame, ForeignFrame):
            wrong = "address and kind do not fit the direction [LINK-4.3]"
            return Understood(seen, direction, wrong=wrong)
        if isinstance(frame, MalformedFrame):
            wrong = f"control field {frame.control.hex(' ')}: {frame.fault.name}"
            return Understood(seen, direction, wrong=f"{wrong} [LINK-14.2]")
        return self._follow(seen, direction, frame)

    def _follow(
        self, seen: SeenFrame, direction: CaptureDirection, frame: Frame
    ) -> Understood:
        if frame.kind in {FrameKind.SABM, FrameKind.SABME}:
            self._begin(MODULO_8 if frame.kind is FrameKind.SABM else MODULO_128)
        packets: list[UnderstoodPacket] = []
        faults: list[str] = []
        if _acknowledges(frame):
            other = next(way for way in CaptureDirection if way is not direction)
            self._acknowledged(other, frame.receive_number, packets, faults)
        repeated = False
        report = None
        if frame.kind is FrameKind.SREJ and frame.information:
            report = decode_report(
                frame.information, frame.receive_number, self._modulus
            )
            if report is None or frame.command:
                faults.append("a report of another form [LINK-17.9]")
        if frame.kind is FrameKind.INFORMATION:
            repeated = self._information(direction, frame, packets, faults)
        elif frame.kind in _ENDS_LINK:
            self._begin(MODULO_8)
        return Understood(
            seen, direction, frame, report, tuple(packets), repeated, "; ".join(faults)
        )

    def _begin(self, modulus: int) -> None:
        self._modulus = modulus
        self._ways = {way: _Way() for way in CaptureDirection}
        self._g_x = b""

    def _information(
        self,
        direction: CaptureDirection,
        frame: Frame,
        packets: list[UnderstoodPacket],
        faults: list[str],
    ) -> bool:
        """Take an I frame; whether it was told before."""
        way = self._ways[direction]
        ahead = (frame.send_number - way.next) % self._modulus
        if ahead >= self._modulus // 2 or frame.send_number in way.held:
            return True
        way.held[frame.send_number] = frame.information
        self._deliver(direction, packets, faults)
        return False

    def _acknowledged(
        self,
        direction: CaptureDirection,
        number: int,
        packets: list[UnderstoodPacket],
        faults: list[str],
    ) -> None:
        """Go on behind frames that were acknowledged and never seen."""
        way = self._ways[direction]
        missed = 0
        while 0 < (number - way.next) % self._modulus < self._modulus // 2:
            if way.next in way.held:
                self._deliver(direction, packets, faults)
                continue
            missed += 1
            way.next = (way.next + 1) % self._modulus
            way.segments = Reassembler(MESSAGE_OCTETS_MAX)
        if missed:
            faults.append(f"{missed} I frames of the other end were not seen")
        self._deliver(direction, packets, faults)

    def _deliver(
        self,
        direction: CaptureDirection,
        packets: list[UnderstoodPacket],
        faults: list[str],
    ) -> None:
        way = self._ways[direction]
        while way.next in way.held:
            information = way.held.pop(way.next)
            way.next = (way.next + 1) % self._modulus
            message = way.segments.add(information)
            if isinstance(message, bytes):
                packets.append(self._packet(direction, message))
            elif message is not None:
                way.segments = Reassembler(MESSAGE_OCTETS_MAX)
                faults.append("segment octet or message length is wrong [LINK-9]")

    def _packet(self, direction: CaptureDirection, octets: bytes) -> UnderstoodPacket:
        try:
            kind = packet_type(octets)
        except RemoteProtocolError as error:
            return UnderstoodPacket(direction, octets, wrong=str(error))
        if kind is PacketType.ERROR:
            return _error(direction, octets)
        try:
            content = packet_content(octets, kind)
        except RemoteProtocolError as error:
            return UnderstoodPacket(direction, octets, kind, wrong=str(error))
        if kind is PacketType.GREETING_1:
            self._g_x = content[G_X_AT : G_X_AT + G_X_OCTETS]
        if kind not in _RECORD_AT:
            return UnderstoodPacket(direction, octets, kind)
        return self._record(direction, octets, kind, content[_RECORD_AT[kind] :])

    def _record(
        self,
        direction: CaptureDirection,
        octets: bytes,
        kind: PacketType,
        record: bytes,
    ) -> UnderstoodPacket:
        counter = int.from_bytes(record[:COUNTER_OCTETS], "big")
        keys = self._keys.get(self._g_x)
        if keys is None:
            return UnderstoodPacket(direction, octets, kind, counter, sealed=True)
        own = keys[0] if direction is CaptureDirection.FROM_MACHINE else keys[1]
        body = _open(own, kind, counter, record[COUNTER_OCTETS:])
        if body is None:
            wrong = "the record does not verify [CHAN-6.3]"
            return UnderstoodPacket(
                direction, octets, kind, counter, sealed=True, wrong=wrong
            )
        table = TABLE_OF.get(body[0])  # type: ignore[call-overload]
        fields: dict[str, FieldValue] = {}
        wrong = ""
        try:
            if table is not None:
                fields = decode_fields(table, body)
            check_version(body)
            decode_message(body)
        except RemoteProtocolError as error:
            wrong = str(error)
        return UnderstoodPacket(
            direction, octets, kind, counter, body, table, fields, wrong=wrong
        )


def _acknowledges(frame: Frame) -> bool:
    """Say whether N(R) acknowledges (LINK-6.5): a SREJ that only asks does not."""
    if frame.kind is FrameKind.SREJ:
        return frame.poll_final or bool(frame.information)
    return frame.kind in _ACKNOWLEDGES


def _guess(octets: bytes) -> CaptureDirection | None:
    """Tell the sender of an I frame by its address: it is always a command."""
    if octets[1] & 1:
        return None
    by_machine = octets[0] == ADDRESS_B
    return CaptureDirection.FROM_MACHINE if by_machine else CaptureDirection.TO_MACHINE


def _error(direction: CaptureDirection, octets: bytes) -> UnderstoodPacket:
    try:
        code = read_error(octets)
    except RemoteProtocolError as error:
        return UnderstoodPacket(direction, octets, PacketType.ERROR, wrong=str(error))
    return UnderstoodPacket(direction, octets, PacketType.ERROR, error=code)


def _open(
    keys: DirectionKeys, kind: PacketType, counter: int, sealed: bytes
) -> bytes | None:
    """Open a record; None when its tag does not verify."""
    nonce = (int.from_bytes(keys.iv, "big") ^ counter).to_bytes(IV_OCTETS, "big")
    aad = bytes((kind,)) + counter.to_bytes(COUNTER_OCTETS, "big")
    try:
        return AESCCM(keys.key, tag_length=TAG_OCTETS).decrypt(nonce, sealed, aad)
    except InvalidTag:
        return None

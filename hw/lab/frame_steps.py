"""Steps that make each frame: link clauses need frames that no good link would send.

By frames the bench acknowledges nothing and repeats nothing by itself. What comes in
I frames is joined to packets, so that a later step can take them.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from hw.lab.conversation import (
    Conversation,
    MachineConversation,
    ServerConversation,
    Taken,
)
from hw.lab.station import (
    FrameCame,
    LineEnded,
    LineUp,
    PacketCame,
    SilenceError,
    Station,
)
from hw.lab.steps import Step
from hw.lab.trace import Trace
from hw.lab.verbs import WITHIN
from protocol.link.frames import (
    COMMANDS_ONLY,
    RESPONSES_ONLY,
    Frame,
    FrameKind,
    MalformedFrame,
    encode_frame,
)
from protocol.link.framing import ESCAPE, FLAG, flagged
from protocol.link.parameters import MESSAGE_OCTETS_MAX
from protocol.link.segments import Reassembler

FIRST: Final = 1
LAST: Final = 2
_INFORMATION: Final = "I"


class FrameSteps:
    """The frames of one call; with a link it only passes packets on."""

    def __init__(self, trace: Trace) -> None:
        """Begin without a call."""
        self._trace = trace
        self._talk: Conversation | None = None
        self._packets: deque[bytes] = deque()
        self._whole = Reassembler(MESSAGE_OCTETS_MAX)
        self._made: dict[str, bytes] = {}
        self._queued: list[bytes] = []

    def begin(self, talk: Conversation) -> None:
        """Begin a call."""
        self._talk = talk
        self._packets.clear()
        self._whole = Reassembler(MESSAGE_OCTETS_MAX)
        self._made.clear()

    @property
    def _station(self) -> Station:
        if self._talk is None:
            raise SilenceError
        return self._talk.station

    def put(self, packet: bytes) -> None:
        """Send a packet over the link."""
        self._station.send_packet(packet)

    async def next(self, within_s: float, *, one_packet: bool = False) -> Taken:
        """Take the next packet.

        Raises:
            SilenceError: None came.
        """
        if self._packets:
            self._station.unhear(PacketCame(self._packets.popleft()))
            one_packet = True
        talk = self._talk
        if not isinstance(talk, MachineConversation | ServerConversation):
            raise SilenceError
        return await talk.take(within_s, one_packet=one_packet)

    async def carry_out(
        self, step: Step, patience_s: float, make: Callable[[str], bytes]
    ) -> str:
        """Send or take a frame.

        Args:
            step: The step.
            patience_s: How long to wait, if it does not say.
            make: Makes the packet of a name, for ``of=``.

        Returns:
            What came instead; empty when all is well.

        Raises:
            SilenceError: Nothing came.
        """
        if step.words[0] == "send":
            self._send(step, make)
            return ""
        within_s = float(step.fields.get(WITHIN, patience_s))
        if step.words[1] == "nothing":
            try:
                heard = await self._heard(within_s)
            except SilenceError:
                return ""
            return f"{_show(heard)} came"
        return self._compared(step, await self._heard(within_s))

    async def _heard(self, within_s: float) -> FrameCame | LineEnded:
        while True:
            heard = await self._station.hear(within_s)
            if isinstance(heard, FrameCame | LineEnded):
                return heard
            if not isinstance(heard, LineUp):
                return FrameCame(Frame(FrameKind.DM, command=False), b"")

    def _compared(self, step: Step, heard: FrameCame | LineEnded) -> str:
        if isinstance(heard, LineEnded) or not isinstance(heard.frame, Frame):
            return f"{_show(heard)} came"
        frame = heard.frame
        if step.words[1] not in {"any", _kind_name(frame)}:
            return f"{_show(heard)} came"
        wanted = {
            "p": frame.poll_final,
            "f": frame.poll_final,
            "ns": frame.send_number,
            "nr": frame.receive_number,
        }
        for name, value in wanted.items():
            text = step.fields.get(name)
            if text is not None and int(text, 0) != value:
                return f"{_show(heard)} came: {name} is {int(value)}"
        information = step.fields.get("info")
        if information is not None and bytes.fromhex(information) != frame.information:
            return f"its information is {frame.information.hex()}"
        if frame.kind is FrameKind.INFORMATION:
            whole = self._whole.add(frame.information)
            if isinstance(whole, bytes):
                self._packets.append(whole)
        return ""

    def _send(self, step: Step, make: Callable[[str], bytes]) -> None:
        frame = self._frame(step, make)
        station = self._station
        octets = encode_frame(frame, station.role, station.modulus)
        if "address" in step.fields:
            octets = bytes([int(step.fields["address"], 16)]) + octets[1:]
        stuffed = station.stuffing.encode(octets)
        if step.fields.get("fcs") == "wrong":
            stuffed = _damaged(stuffed)
        for _ in range(int(step.fields.get("count", "1"), 0)):
            station.send_octets(flagged([stuffed]))

    def _frame(self, step: Step, make: Callable[[str], bytes]) -> Frame:
        name = step.words[1]
        kind = FrameKind.INFORMATION if name == _INFORMATION else FrameKind[name]
        fields = step.fields
        command = kind in COMMANDS_ONLY or (
            kind not in RESPONSES_ONLY and "p" in fields
        )
        return Frame(
            kind,
            command=command,
            poll_final=bool(int(fields.get("p", fields.get("f", "0")), 0)),
            send_number=int(fields.get("ns", "0"), 0),
            receive_number=int(fields.get("nr", "0"), 0),
            information=self._information(step, make),
        )

    def _information(self, step: Step, make: Callable[[str], bytes]) -> bytes:
        """Give what a frame carries: octets, or a segment of a packet."""
        if "info" in step.fields:
            return bytes.fromhex(step.fields["info"])
        name = step.fields.get("of")
        if name is None:
            return b""
        if name not in self._made:
            self._made[name] = make(name)
        packet = self._made[name]
        place, _, parts = step.fields.get("segment", "1/1").partition("/")
        number, count = int(place, 0), int(parts, 0)
        size = -(-len(packet) // count)
        flags = (FIRST if number == 1 else 0) | (LAST if number == count else 0)
        return bytes([flags]) + packet[(number - 1) * size : number * size]


def _damaged(stuffed: bytes) -> bytes:
    """Turn a bit of the FCS, so that no flag and no escape comes of it."""
    for bit in (1, 2):
        last = stuffed[-1] ^ bit
        if last not in FLAG + ESCAPE:
            return stuffed[:-1] + bytes([last])
    return stuffed


def _kind_name(frame: Frame) -> str:
    if frame.kind is FrameKind.INFORMATION:
        return _INFORMATION
    return frame.kind.name


def _show(heard: FrameCame | LineEnded) -> str:
    if isinstance(heard, LineEnded):
        return f"the end of the line ({heard.loss})"
    frame = heard.frame
    if isinstance(frame, Frame):
        return _kind_name(frame)
    if isinstance(frame, MalformedFrame):
        return f"a frame with control {frame.control.hex()}"
    return f"a frame for somebody else ({heard.octets[:2].hex()})"

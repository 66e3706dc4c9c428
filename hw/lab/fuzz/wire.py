"""What passed on the line in a case, read from its trace: steps and packets, in order.

The oracles judge what really went out and came in, and not what the bench meant to say:
frames are joined to packets and records are opened as an observer with the keys does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hw.capture import CaptureDirection
from hw.lab.trace import Remark, Trace, Traffic
from hw.seen.decoding import LineDecoder, UnderstoodPacket
from protocol.channel import PacketType
from protocol.messages import MessageType


@dataclass(frozen=True, slots=True)
class Did:
    """A step that the bench began.

    Attributes:
        at_s: Seconds since the case began.
        text: As it is written.
    """

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A packet that became whole on the line.

    Attributes:
        at_s: Seconds since the case began.
        channel: Number of the greeting that it belongs to, from 1 in the whole case; 0
            before any.
        from_machine: Who sent it.
        packet: What it is, opened if the keys are known.
    """

    at_s: float
    channel: int
    from_machine: bool
    packet: UnderstoodPacket

    @property
    def message(self) -> MessageType | None:
        """The type of the message in it, if one was read whole."""
        table = self.packet.table
        return None if table is None or not self.packet.fields else table.type


def wire(trace: Trace) -> Iterator[Did | Passed]:
    """Give what was done and what passed, in order."""
    decoders: dict[int, LineDecoder] = {}
    channels: dict[int, int] = {}
    begun = 0
    for entry in trace.entries:
        if isinstance(entry, Remark) and entry.is_step:
            yield Did(entry.at_s, entry.words)
        if not isinstance(entry, Traffic):
            continue
        decoder = decoders.setdefault(entry.line, LineDecoder(trace.keys))
        for packet in decoder.understand(entry.seen).packets:
            if packet.type is PacketType.GREETING_1:
                begun += 1
                channels[entry.line] = begun
            from_machine = packet.direction is CaptureDirection.FROM_MACHINE
            number = channels.get(entry.line, 0)
            yield Passed(entry.at_s, number, from_machine, packet)

"""Two readings of one line side by side: the bench's, and the witness's.

Both are brought to one form, and what is not equal is said in words. The bench shows a
person all that could be read; the witness says what the receiver takes. So an I frame
outside a link is compared as a frame, and not by what the bench shows to be in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from hw.capture import CaptureDirection
from hw.capture import NoFrame as BenchNoFrame
from hw.seen.decoding import Understood, UnderstoodPacket
from hw.seen.reading import SeenEvent, SeenNoFrame
from protocol.link.frames import FrameKind
from tests.oracle.channel import Packet
from tests.oracle.link import Amiss
from tests.oracle.octets import NoFrame, Way
from tests.oracle.witness import Heard

WAYS: Final = {
    CaptureDirection.FROM_MACHINE: Way.MACHINE,
    CaptureDirection.TO_MACHINE: Way.SERVER,
}
BESIDE: Final = "beside"
WHY_NO_FRAME: Final = {
    BenchNoFrame.BAD_FCS: "a wrong FCS",
    BenchNoFrame.SHORT: "short",
    BenchNoFrame.ABORTED: "an abort",
    BenchNoFrame.LONG: "long",
    BenchNoFrame.UNFINISHED: "unfinished",
    BenchNoFrame.BESIDE: BESIDE,
    NoFrame.FCS: "a wrong FCS",
    NoFrame.ESCAPE: "a wrong FCS",
    NoFrame.SHORT: "short",
    NoFrame.ABORTED: "an abort",
    NoFrame.UNFINISHED: "unfinished",
    NoFrame.BESIDE: BESIDE,
}
WHY_UNREADABLE: Final = {
    Amiss.FOREIGN: "address",
    Amiss.CONTROL: "control",
    Amiss.INFORMATION: "information",
    Amiss.SEGMENT: "segments",
    Amiss.MESSAGE: "segments",
}
"""What the bench tells a person of a frame; the rest it leaves to the unit's answer."""
SAID: Final = {
    "[LINK-4.3]": "address",
    "CONTROL_UNKNOWN": "control",
    "INFORMATION_NOT_ALLOWED": "information",
    "[LINK-17.9]": "information",
    "[LINK-9]": "segments",
}
NOT_TAKEN: Final = frozenset({Amiss.NO_LINK, Amiss.LENGTH, Amiss.NUMBER})
APART_S: Final = 0.001
"""Clocks of two kinds tell the same moment, each rounded."""


@dataclass(frozen=True)
class PacketRead:
    """A packet in a form that both readings have."""

    octets: bytes
    name: str
    error: int | None
    body: bytes | None
    message: str
    fields: dict[str, int | bytes]
    readable: bool


@dataclass(frozen=True)
class Read:
    """What stood between two flags, in a form that both readings have.

    Attributes:
        taken: Its receiver takes what it carries, as far as the reader says.
    """

    way: Way
    octets: bytes
    why: str = ""
    frame: tuple[str, int, int, bool, bool] | None = None
    packets: tuple[PacketRead, ...] = ()
    taken: bool = True


def differences(heard: Sequence[Heard], understood: Sequence[Understood]) -> list[str]:
    """Say where the two differ, one line each; nothing where they agree.

    Args:
        heard: By the witness, of one line.
        understood: By the bench, of the same line.
    """
    ours = [of_witness(one) for one in heard]
    theirs = [of_bench(one) for one in understood]
    found = []
    for way in Way:
        our_noise, their_noise = _beside(ours, way), _beside(theirs, way)
        if our_noise != their_noise:
            found.append(f"beside: witness {our_noise!r}, bench {their_noise!r}")
    pairs = zip_longest(_not_beside(ours), _not_beside(theirs))
    for number, (our, their) in enumerate(pairs, start=1):
        if our is None or their is None:
            found.append(f"no. {number}: witness {our}, bench {their}")
        else:
            found += [f"no. {number}: {words}" for words in _compared(our, their)]
    return found


def _beside(reads: Iterable[Read], way: Way) -> bytes:
    """What no flag had opened; the bench tells it line by line, as modems speak."""
    return b"".join(
        read.octets for read in reads if read.way is way and read.why == BESIDE
    )


def _not_beside(reads: Iterable[Read]) -> list[Read]:
    return [read for read in reads if read.why != BESIDE]


def _compared(our: Read, their: Read) -> Iterator[str]:
    names = ["way", "octets", "why"]
    if not our.why or their.frame is not None:
        names.append("frame")
    for name in names:
        if getattr(our, name) != getattr(their, name):
            yield f"{name}: witness {getattr(our, name)}, bench {getattr(their, name)}"
    if not our.taken:
        return
    for packet, other in zip_longest(our.packets, their.packets):
        if packet is None or other is None:
            yield f"witness {packet}, bench {other}"
            continue
        for name, value in vars(packet).items():
            if value != getattr(other, name):
                yield f"{name}: witness {value}, bench {getattr(other, name)}"


def of_witness(heard: Heard) -> Read:
    """Bring what the witness heard to the form of both."""
    carried = heard.carried
    if carried is None:
        why = "" if heard.piece.why is None else WHY_NO_FRAME[heard.piece.why]
        return Read(heard.way, heard.piece.octets, why)
    frame, amiss = carried.frame, carried.amiss
    shown = None
    if frame is not None:
        shown = (frame.kind.name, frame.ns, frame.nr, frame.pf, carried.command)
    return Read(
        heard.way,
        heard.piece.frame,
        "" if amiss is None else WHY_UNREADABLE.get(amiss, ""),
        shown,
        tuple(map(_packet_of_witness, heard.packets)),
        taken=amiss not in NOT_TAKEN,
    )


def _packet_of_witness(packet: Packet) -> PacketRead:
    message = packet.message
    return PacketRead(
        packet.octets,
        packet.name,
        packet.error if packet.is_read else None,
        None if message is None else message.body,
        "" if message is None or message.name == "elective" else message.name,
        {} if message is None else message.fields,
        readable=packet.is_read and (message is None or not message.fault),
    )


def of_bench(understood: Understood) -> Read:
    """Bring what the bench has understood to the form of both."""
    seen, direction = understood.seen, understood.direction
    way = WAYS[direction or CaptureDirection.TO_MACHINE]
    if isinstance(seen, SeenNoFrame):
        return Read(way, seen.octets, WHY_NO_FRAME[seen.why])
    if isinstance(seen, SeenEvent):
        raise TypeError("an event is nothing that passed")
    frame = understood.frame
    shown = None
    if frame is not None:
        kind = "I" if frame.kind is FrameKind.INFORMATION else frame.kind.name
        numbers = frame.send_number, frame.receive_number
        shown = (kind, *numbers, bool(frame.poll_final), frame.command)
    whys = [why for word, why in SAID.items() if word in understood.wrong]
    return Read(
        way,
        seen.octets,
        "".join(whys),
        shown,
        tuple(map(_packet_of_bench, understood.packets)),
    )


def _packet_of_bench(packet: UnderstoodPacket) -> PacketRead:
    fields = {
        name: value if isinstance(value, bytes) else int(value)
        for name, value in packet.fields.items()
        if name != "type"
    }
    return PacketRead(
        packet.octets,
        "" if packet.type is None else packet.type.name,
        None if packet.error is None else int(packet.error),
        packet.body,
        "" if packet.table is None else packet.table.type.name,
        fields,
        readable=not packet.wrong and not packet.sealed,
    )

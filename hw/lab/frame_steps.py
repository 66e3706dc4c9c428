"""Steps that make each frame: link clauses need frames that no good link would send.

By frames the bench acknowledges nothing and repeats nothing by itself, but where a step
deals with whole packets: `hw.lab.hand_link` carries those. What comes in I frames is
joined to packets in any case, so that a later step can take them.

============ ====================================================================
frame send   one frame: `hw.lab.frame_making`
frame take   what comes next: a kind, ``any``, ``end`` (of the line), ``nothing``, or
             some of them joined by ``/``. In a link an RR that only acknowledges is
             passed over, unless that is what is to come; so is a poll where an RR
             as a response is to come, and what ``past=`` names
frame up     the link is set up, in either role; an XID is answered with DM
frame called the machine has sent SABM, which is not answered; an XID is, with DM
frame say    a message of so many octets, as the window allows
============ ====================================================================

What comes is compared with ``p`` (a command with that P), ``f`` (a response with that
F), ``ns``, ``nr``, ``info``, ``reason`` and ``refused`` (of FRMR), ``same`` (the
information of the I frame that was taken last), ``after`` (not sooner than so many
seconds), ``opened`` (its transmission began with a flag), ``bare`` (hex: no octet of
this ACCM stands there unescaped), ``longest`` (octets of information), and the
parameters of an XID, before which ``<=`` or ``>=`` may stand.
"""

from collections.abc import Callable
from typing import Final

from hw.lab.conversation import Conversation
from hw.lab.frame_making import (
    made_frame,
    made_octets,
    raw_frame,
    read_offer,
    unescaped,
)
from hw.lab.frame_words import INFORMATION, RAW, XID_FIELDS
from hw.lab.hand_link import HandLink
from hw.lab.station import FrameCame, LineEnded, LineUp, SilenceError, Station
from hw.lab.steps import Step
from hw.lab.taken import Taken
from hw.lab.trace import Trace
from hw.lab.verbs import ALTERNATIVES, WITHIN
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, MalformedFrame
from protocol.link.framing import flagged

_Heard = FrameCame | LineEnded
_NOTHING: Final = "nothing"
_END: Final = "end"
_AGAIN_S: Final = 2.0
"""An XID that comes so much later is another try."""
_ROUND_TRIPS: Final = 4
"""What is to come within a time may come so much later: the line is not the unit's."""
_SET_UP: Final = frozenset({FrameKind.SABM, FrameKind.SABME})


class FrameSteps:
    """The frames of one call; with a link it only passes packets on."""

    def __init__(self, trace: Trace) -> None:
        """Begin without a call."""
        self._trace = trace
        self._talk: Conversation | None = None
        self._by_hand: HandLink | None = None
        self._made: dict[str, bytes] = {}
        self._kept_back: list[bytes] = []
        self._last_information = b""

    def begin(self, talk: Conversation) -> None:
        """Begin a call."""
        self._talk = talk
        self._by_hand = None
        self._made.clear()
        self._kept_back.clear()
        station = talk.station
        if station.by_frames:
            self._by_hand = HandLink(station)
            station.by_hand = self._by_hand

    def go_on(self, talk: Conversation) -> None:
        """Begin another dialogue on the same line."""
        self._talk = talk
        self._made.clear()

    @property
    def _station(self) -> Station:
        if self._talk is None:
            raise SilenceError
        return self._talk.station

    @property
    def _link(self) -> HandLink:
        if self._by_hand is None:
            raise SilenceError
        return self._by_hand

    def put(self, packet: bytes) -> None:
        """Send a packet over the link."""
        self._station.send_packet(packet)

    async def next(self, within_s: float, *, one_packet: bool = False) -> Taken:
        """Take the next packet.

        Raises:
            SilenceError: None came.
        """
        if self._talk is None:
            raise SilenceError
        return await self._talk.take(within_s, one_packet=one_packet)

    async def carry_out(
        self, step: Step, patience_s: float, make: Callable[[str], bytes]
    ) -> str:
        """Send or take a frame, or set a link up.

        Args:
            step: The step.
            patience_s: How long to wait, if it does not say.
            make: Makes the packet of a name, for ``of=``.

        Returns:
            What came instead; empty when all is well.

        Raises:
            SilenceError: Nothing came.
        """
        within_s = float(step.fields.get(WITHIN, patience_s))
        match step.words[0]:
            case "send":
                self._send(step, make)
            case "say":
                self._link.put(bytes(int(step.words[1], 0)))
            case "up" | "called":
                return await self._set_up(within_s, accept=step.words[0] == "up")
            case _:
                return await self._take(step, within_s)
        return ""

    # What comes.

    async def _heard(self, within_s: float) -> _Heard:
        while True:
            heard = await self._station.hear(within_s)
            if isinstance(heard, LineEnded):
                # Whoever looks next is to see it as well.
                self._station.unhear(heard)
                return heard
            if isinstance(heard, FrameCame):
                return heard
            if not isinstance(heard, LineUp):
                raise SilenceError

    async def _take(self, step: Step, within_s: float) -> str:
        names = step.words[1].split(ALTERNATIVES)
        began_s = self._station.now_s
        if _NOTHING not in names:
            within_s += _ROUND_TRIPS * self._link.round_trip_s
        while True:
            left_s = began_s + within_s - self._station.now_s
            try:
                heard = await self._heard(max(0.0, left_s))
            except SilenceError:
                if _NOTHING in names:
                    return ""
                raise
            if isinstance(heard, LineEnded):
                return "" if _END in names else f"{_show(heard)} came"
            frame = heard.frame
            is_same = self._counted(heard)
            if isinstance(frame, Frame) and self._is_passed_over(frame, step, names):
                continue
            if "same" in step.fields and not is_same:
                return "its information is not the same"
            came_s = heard.at_s - began_s
            if "after" in step.fields and came_s < float(step.fields["after"]):
                return f"{_show(heard)} came after {came_s:.1f} s"
            return _compared(step, names, heard)

    def _counted(self, heard: FrameCame) -> bool:
        """Keep count of a frame; whether it carries what the last I frame carried."""
        frame = heard.frame
        self._link.heard(heard.at_s)
        if not isinstance(frame, Frame):
            return False
        is_same = frame.information == self._last_information
        if frame.kind is FrameKind.INFORMATION:
            self._last_information = frame.information
        self._link.taken(frame)
        return is_same

    def _is_passed_over(self, frame: Frame, step: Step, names: list[str]) -> bool:
        """Whether a frame is not meant: the step says so, or it may always come."""
        if _kind_name(frame) == step.fields.get("past"):
            return True
        if not self._link.is_up or frame.kind is not FrameKind.RR or "any" in names:
            return False
        if frame.command:
            return "RR" in names and "f" in step.fields
        asks = "p" in step.fields or step.fields.get("f") == "1"
        return not frame.poll_final and ("RR" not in names or asks)

    async def _set_up(self, within_s: float, *, accept: bool) -> str:
        """Set the link up, with the defaults unless an XID of ours was answered.

        Args:
            within_s: How long to wait for each frame.
            accept: Answer SABM; else it is only waited for, by a server.
        """
        link = self._link
        if self._station.role is Role.MACHINE:
            kind = FrameKind.SABME if link.offers_128 else FrameKind.SABM
            link.send(Frame(kind, command=True, poll_final=True))
        answered_s = -_AGAIN_S
        while not link.is_up:
            heard = await self._heard(within_s)
            frame = heard.frame if isinstance(heard, FrameCame) else None
            if not isinstance(frame, Frame):
                return f"{_show(heard)} came"
            link.taken(frame)
            if self._station.role is Role.MACHINE:
                if frame.kind is not FrameKind.UA or not frame.poll_final:
                    return f"{_show(heard)} came"
            elif frame.kind is FrameKind.XID and frame.command:
                # It may come twice, as one (LINK-10.1): a second DM refuses the SABM.
                if self._station.now_s - answered_s < _AGAIN_S:
                    continue
                answered_s = self._station.now_s
                link.send(Frame(FrameKind.DM, command=False, poll_final=True))
            elif frame.kind in _SET_UP and frame.poll_final:
                if not accept:
                    return ""
                link.send(Frame(FrameKind.UA, command=False, poll_final=True))
            else:
                return f"{_show(heard)} came"
        return ""

    # What is sent.

    def _send(self, step: Step, make: Callable[[str], bytes]) -> None:
        station, fields = self._station, step.fields
        if step.words[1] == RAW:
            stuffed = made_octets(step, station, raw_frame(step, self._packet(make)))
        else:
            frame = made_frame(step, self._link, self._packet(make))
            stuffed = made_octets(step, station, frame)
            if not {"address", "fcs", "stray"} & set(fields):
                self._link.sent(frame)
        self._kept_back.append(stuffed)
        if "more" in fields:
            return
        before = bytes.fromhex(fields.get("before", ""))
        after = bytes.fromhex(fields.get("after", ""))
        count = int(fields.get("count", "1"), 0)
        frames, self._kept_back = self._kept_back * count, []
        station.send_octets(before + flagged(frames) + after)

    def _packet(self, make: Callable[[str], bytes]) -> Callable[[str], bytes]:
        """Make a packet once: its segments are all of the same."""

        def made(name: str) -> bytes:
            if name not in self._made:
                self._made[name] = make(name)
            return self._made[name]

        return made


def _compared(step: Step, names: list[str], heard: FrameCame) -> str:
    """Say in what a frame differs from what a step expects."""
    frame, fields = heard.frame, step.fields
    if not isinstance(frame, Frame):
        return f"{_show(heard)} came"
    if "any" not in names and _kind_name(frame) not in names:
        return f"{_show(heard)} came"
    for bit, of_command in (("p", True), ("f", False)):
        if bit in fields and frame.command is not of_command:
            return (
                f"{_show(heard)} came as a {'command' if frame.command else 'response'}"
            )
    numbers = {
        "p": frame.poll_final,
        "f": frame.poll_final,
        "ns": frame.send_number,
        "nr": frame.receive_number,
    }
    if frame.kind is FrameKind.FRMR and frame.information:
        numbers |= {"reason": frame.information[-1], "refused": frame.information[0]}
    for name, value in numbers.items():
        if name in fields and int(fields[name], 0) != value:
            return f"{_show(heard)} came: {name} is {int(value)}"
    return _compared_octets(step, heard, frame.information)


def _compared_octets(step: Step, heard: FrameCame, information: bytes) -> str:
    fields = step.fields
    if "info" in fields and bytes.fromhex(fields["info"]) != information:
        return f"its information is {information.hex()}"
    if len(information) > int(fields.get("longest", str(len(information))), 0):
        return f"its information has {len(information)} octets"
    if "opened" in fields and not heard.opened:
        return "no flag stands in front of it"
    if "bare" in fields and unescaped(heard.stuffed, int(fields["bare"], 16)):
        return f"octets are not escaped in {heard.stuffed.hex()}"
    if XID_FIELDS.isdisjoint(fields):
        return ""
    offer = read_offer(information)
    if offer is None:
        return f"its information is no XID: {information.hex()}"
    for name in sorted(XID_FIELDS & set(fields)):
        if not _fits(name, fields[name], offer.get(name)):
            return f"{name} is {offer.get(name)}"
    return ""


def _fits(name: str, text: str, value: int | None) -> bool:
    """Whether a parameter of an XID is what a step wants; a bound may be left out."""
    base = 16 if name == "accm" else 0
    if text.startswith("<="):
        return value is None or value <= int(text[2:], base)
    if text.startswith(">="):
        return value is not None and value >= int(text[2:], base)
    return value == int(text, base)


def _kind_name(frame: Frame) -> str:
    if frame.kind is FrameKind.INFORMATION:
        return INFORMATION
    return frame.kind.name


def _show(heard: _Heard) -> str:
    if isinstance(heard, LineEnded):
        return f"the end of the line ({heard.loss})"
    frame = heard.frame
    if isinstance(frame, Frame):
        final = f" P/F={int(frame.poll_final)}" if frame.poll_final else ""
        return f"{_kind_name(frame)} N(R)={frame.receive_number}{final}"
    if isinstance(frame, MalformedFrame):
        return f"a frame with control {frame.control.hex()}"
    return f"a frame for somebody else ({heard.octets[:2].hex()})"

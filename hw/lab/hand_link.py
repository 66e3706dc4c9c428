"""A link led by hand: what a script's frames amount to, and an honest end in between.

By frames the script makes what it wants; this keeps the numbers beside it, joins what
came to packets, and carries whole packets where the script does not care how. It is as
simple an end as can be: each I frame is acknowledged at once, and nothing is repeated.
"""

from collections import deque

from hw.lab.station import FrameCame, Heard, LinkEnded, PacketCame, Station
from protocol.link.frames import SUPERVISORY, Frame, FrameKind
from protocol.link.framing import Stuffing
from protocol.link.parameters import (
    DEFAULT,
    MESSAGE_OCTETS_MAX,
    MODULO_8,
    MODULO_128,
    LinkParameters,
)
from protocol.link.segments import Reassembler, Segmenter
from protocol.link.xid import agree, decode_offer

_SET_UP = frozenset({FrameKind.SABM, FrameKind.SABME})
_ENDS = frozenset({FrameKind.DISC, FrameKind.DM, FrameKind.FRMR})


class HandLink:
    """Numbers and segments of one station by frames; a `station.ByHand`.

    Attributes:
        is_up: Whether the two ends have a link, as far as the script knows.
        is_closed: Whether a link that was there has ended.
        send_number: V(S): of the next I frame that the script sends.
        receive_number: V(R): of the I frame that comes next.
        agreed: What holds in this link.
        round_trip_s: The shortest time from a frame of ours to what came next; 0 as
            long as nothing came.
    """

    def __init__(self, station: Station) -> None:
        """Begin without a link."""
        self.is_up = False
        self.is_closed = False
        self.send_number = 0
        self.receive_number = 0
        self.agreed = DEFAULT
        self.round_trip_s = 0.0
        self._station = station
        self._sent_at: float | None = None
        self._acknowledged = 0
        self._offered: LinkParameters | None = None
        self._set_up_by: FrameKind | None = None
        self._closing = False
        self._queue = Segmenter()
        self._whole = Reassembler(MESSAGE_OCTETS_MAX)
        self._packets: deque[bytes] = deque()

    async def hear(self, within_s: float) -> Heard:
        """Take what comes next as packets, or the end of the link.

        Only what brings a packet forward, of the unit's or of ours, begins the wait
        anew: a unit that polls, or repeats itself, says nothing.

        Raises:
            SilenceError: Nothing of that kind came for so many seconds.
        """
        by_s = self._station.now_s + within_s
        while True:
            if self._packets:
                return PacketCame(self._packets.popleft())
            left_s = max(0.0, by_s - self._station.now_s)
            heard = await self._station.hear(left_s)
            before = self._progress
            taken = self._answered(heard) if isinstance(heard, FrameCame) else heard
            if taken is not None:
                return taken
            if self._progress != before:
                by_s = self._station.now_s + within_s

    def put(self, packet: bytes) -> None:
        """Send a packet as the window allows."""
        self._queue.add(packet)
        self._fill()

    def disconnect(self) -> None:
        """Send DISC."""
        self.send(Frame(FrameKind.DISC, command=True))

    def send(self, frame: Frame) -> None:
        """Send a frame that is right, and keep count of it."""
        self._station.send_frame(frame)
        self.sent(frame)

    def sent(self, frame: Frame) -> None:
        """Keep count of a frame that the script has sent."""
        self._sent_at = self._station.now_s
        if frame.kind is FrameKind.INFORMATION:
            follows = (frame.send_number + 1) % self._modulus
            if 0 < (follows - self.send_number) % self._modulus <= self._modulus // 2:
                self.send_number = follows
        elif frame.kind is FrameKind.DISC:
            self._closing = True
        self._changed(frame)

    def heard(self, at_s: float) -> None:
        """Measure: something came from the unit."""
        if self._sent_at is not None and at_s > self._sent_at:
            took_s = at_s - self._sent_at
            self.round_trip_s = min(took_s, self.round_trip_s or took_s)
            self._sent_at = None

    def taken(self, frame: Frame) -> None:
        """Keep count of a frame that came; nothing is answered."""
        if frame.kind is FrameKind.INFORMATION or frame.kind in SUPERVISORY:
            outstanding = (self.send_number - self._acknowledged) % self._modulus
            newly = (frame.receive_number - self._acknowledged) % self._modulus
            if newly <= outstanding:
                self._acknowledged = frame.receive_number
        if frame.kind is FrameKind.INFORMATION and self._is_next(frame):
            self.receive_number = (self.receive_number + 1) % self._modulus
            whole = self._whole.add(frame.information)
            if isinstance(whole, bytes):
                self._packets.append(whole)
        self._changed(frame)
        self._fill()

    @property
    def _progress(self) -> tuple[int, int]:
        """How far the unit has come with what it says, and with what it is told."""
        return self.receive_number, self._acknowledged

    def _is_next(self, frame: Frame) -> bool:
        return frame.send_number == self.receive_number

    @property
    def offers_128(self) -> bool:
        """Whether the SABM that follows is to be a SABME."""
        return self._offered is not None and self._offered.modulus == MODULO_128

    @property
    def _modulus(self) -> int:
        return self._station.modulus

    def _changed(self, frame: Frame) -> None:
        """See what a frame of either end makes of the link."""
        if frame.kind in _SET_UP:
            self._set_up_by = frame.kind
            self.is_up = False
        elif frame.kind is FrameKind.XID and not frame.command:
            offer = decode_offer(frame.information)
            own = LinkParameters(
                modulus=MODULO_128, window=64, frame_octets_max=2048, reports=True
            )
            self._offered = None if offer is None else agree(own, offer)
        elif frame.kind is FrameKind.UA and self._set_up_by is not None:
            self._begin(self._set_up_by)
        elif frame.kind in _ENDS:
            self.is_closed = self.is_closed or self.is_up
            self.is_up = False

    def _begin(self, by: FrameKind) -> None:
        self.is_up = True
        self.is_closed = False
        self._closing = False
        self._set_up_by = None
        self.agreed = self._offered or DEFAULT
        self._offered = None
        self._station.modulus = MODULO_128 if by is FrameKind.SABME else MODULO_8
        self._station.stuffing = Stuffing(self.agreed.accm)
        self.send_number = self.receive_number = self._acknowledged = 0
        self._queue = Segmenter()
        self._whole = Reassembler(MESSAGE_OCTETS_MAX)
        self._packets.clear()

    def _fill(self) -> None:
        """Send what the window allows."""
        while self.is_up and not self._queue.is_empty:
            outstanding = (self.send_number - self._acknowledged) % self._modulus
            if outstanding >= self.agreed.window:
                return
            self.send(
                Frame(
                    FrameKind.INFORMATION,
                    command=True,
                    send_number=self.send_number,
                    receive_number=self.receive_number,
                    information=self._queue.next(self.agreed.frame_octets_max),
                )
            )

    def _answered(self, heard: FrameCame) -> Heard | None:
        """Take a frame as an honest end would; None if nothing is to be told of it."""
        frame = heard.frame
        self.heard(heard.at_s)
        if not isinstance(frame, Frame):
            return heard
        self.taken(frame)
        if frame.kind is FrameKind.INFORMATION or (
            frame.kind in SUPERVISORY and frame.command and frame.poll_final
        ):
            self._say(FrameKind.RR, final=frame.poll_final)
            return None
        if frame.kind is FrameKind.DISC:
            self._say(FrameKind.UA, final=frame.poll_final)
            return LinkEnded("the unit has closed the link")
        if frame.kind is FrameKind.UA and self._closing:
            return LinkEnded("closed")
        if frame.kind in {FrameKind.DM, FrameKind.FRMR}:
            return LinkEnded(f"the unit said {frame.kind.name}")
        return None

    def _say(self, kind: FrameKind, *, final: bool) -> None:
        number = self.receive_number if kind is FrameKind.RR else 0
        self.send(Frame(kind, command=False, poll_final=final, receive_number=number))

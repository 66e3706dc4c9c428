"""The bench's end of one line: what comes is taken one by one, by whoever waits for it.

A station runs the link of the product and gives packets, or it gives frames and lets
the script make each frame itself (*by frames*), damaged ones too. Waiting is done with
coroutines over Twisted's Deferreds, so that the same script runs in real time on any
line and in virtual time on a simulated one.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from hw.lab.dripping import DrippingLine
from hw.lab.trace import Trace
from hw.lines.port import Line, LineLoss, LineUser
from hw.link_driver import LinkDriver
from hw.seen.lines import RecordedUser
from protocol.errors import LocalProtocolError
from protocol.link import DEFAULT, Link, LinkParameters, Role
from protocol.link.frames import (
    ForeignFrame,
    Frame,
    FrameKind,
    MalformedFrame,
    decode_frame,
    encode_frame,
)
from protocol.link.framing import FLAG, Deframer, FramingCounters, Stuffing, flagged
from protocol.link.parameters import FRAME_OCTETS_LIMIT

_IDLE_S: Final = 0.2
"""What comes after so long a silence is another transmission."""


_STUFFED_OCTETS_MAX: Final = 4 * (FRAME_OCTETS_LIMIT + 8)


@dataclass(frozen=True, slots=True)
class LineUp:
    """The line is up."""


@dataclass(frozen=True, slots=True)
class LinkBegan:
    """The link is up; nothing of an earlier one is left."""


@dataclass(frozen=True, slots=True)
class PacketCame:
    """A packet came whole."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class FrameCame:
    """A good frame came, by frames alone.

    Attributes:
        frame: What it says.
        octets: Address to information.
        stuffed: What stood between the two flags.
        at_s: When it came, in the seconds of the reactor.
        opened: Whether the transmission that it belongs to began with a flag.
    """

    frame: Frame | MalformedFrame | ForeignFrame
    octets: bytes
    stuffed: bytes = b""
    at_s: float = 0.0
    opened: bool = True


@dataclass(frozen=True, slots=True)
class LinkEnded:
    """The link has ended."""

    reason: str


@dataclass(frozen=True, slots=True)
class LineEnded:
    """The line is lost; nothing follows."""

    loss: LineLoss


Heard = LineUp | LinkBegan | PacketCame | FrameCame | LinkEnded | LineEnded


class SilenceError(Exception):
    """Nothing came in the time that was allowed."""


class GoneError(Exception):
    """The unit has ended link or line: nothing can be said to it."""


class ByHand(Protocol):
    """Carries packets in frames, where the script makes the others.

    Attributes:
        is_closed: Whether a link that was there has ended.
    """

    is_closed: bool

    async def hear(self, within_s: float) -> Heard:
        """Take the next packet, or an end."""
        ...

    def put(self, packet: bytes) -> None:
        """Send a packet."""
        ...

    def disconnect(self) -> None:
        """Close the link."""
        ...


class Station:
    """One end of one line; a `LineUser`, and the `LinkUser` of its own link.

    Attributes:
        role: Which end it is.
        is_over: The line is lost.
        modulus: Of the frames that are made and read by frames.
        stuffing: How frames are written by frames.
        by_frames: The script makes each frame.
        by_hand: By frames, what carries whole packets.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        role: Role,
        trace: Trace,
        *,
        by_frames: bool = False,
        parameters: LinkParameters = DEFAULT,
    ) -> None:
        """Wait for a line.

        Args:
            reactor: The time, real or virtual.
            role: Which end the bench plays.
            trace: Takes what passes.
            by_frames: The script makes each frame.
            parameters: Of the link.
        """
        self.role = role
        self.is_over = False
        self.modulus = 8
        self.stuffing = Stuffing()
        self.by_frames = by_frames
        self.by_hand: ByHand | None = None
        self._reactor = reactor
        self._line: DrippingLine | None = None
        self._pause_s = 0.0
        self._heard: deque[Heard] = deque()
        self._waiting: Deferred[None] | None = None
        self._deframer = Deframer(2 * FRAME_OCTETS_LIMIT, FramingCounters())
        self._stuffed = bytearray()
        self._heard_at = -_IDLE_S
        self._opened = True
        self._is_closed = False
        self._let_go = False
        self._gone = ""
        self._driver: LinkDriver | None = None
        if not by_frames:
            link = Link(role, parameters)
            self._driver = LinkDriver(link, reactor, self, connect=role is Role.MACHINE)
        self._tap = trace.new_tap()

    @property
    def line_user(self) -> LineUser:
        """What a line is to be given: this station, with the bench listening in."""
        user: LineUser = self if self._driver is None else _Ahead(self, self._driver)
        return RecordedUser(user, self._tap, self.role)

    async def hear(self, within_s: float) -> Heard:
        """Take what comes next.

        Raises:
            SilenceError: Nothing came within so many seconds.
        """
        if not self._heard:
            self._waiting = Deferred()
            timer = self._reactor.callLater(within_s, self._wake)
            await self._waiting
            if timer.active():
                timer.cancel()
        if not self._heard:
            raise SilenceError
        return self._heard.popleft()

    async def hear_packet(self, within_s: float) -> Heard:
        """Take what comes next, and by frames the packets that they carry.

        Raises:
            SilenceError: Nothing came within so many seconds.
        """
        if self.by_hand is not None:
            return await self.by_hand.hear(within_s)
        return await self.hear(within_s)

    @property
    def begins_again(self) -> bool:
        """Whether what comes next is a link that begins."""
        return bool(self._heard) and isinstance(self._heard[0], LinkBegan)

    @property
    def is_closed(self) -> bool:
        """Whether a link that was there has ended, as far as the station knows."""
        by_hand = self.by_hand is not None and self.by_hand.is_closed
        return self._is_closed or by_hand

    async def over(self, within_s: float) -> None:
        """Wait for the end of the line for so long; whatever else comes is lost."""
        by_s = self.now_s + within_s
        with suppress(SilenceError):
            while not self.is_over:
                await self.hear(max(0.0, by_s - self.now_s))

    @property
    def now_s(self) -> float:
        """The seconds of the reactor."""
        return float(self._reactor.seconds())

    def unhear(self, heard: Heard) -> None:
        """Put something back, to be taken next."""
        self._heard.appendleft(heard)

    def send_packet(self, packet: bytes) -> None:
        """Send a packet over the link.

        Raises:
            GoneError: The unit has ended the link.
            LocalProtocolError: There is none.
        """
        if self.by_hand is not None:
            self.by_hand.put(packet)
            return
        if self._driver is None:
            raise LocalProtocolError("there is no link: the script makes the frames")
        if self._gone:
            raise GoneError(f"nothing can be said any more: {self._gone}")
        self._driver.send_message(packet)
        self._driver.settle()

    def send_frame(self, frame: Frame) -> None:
        """Send one frame that the script has made."""
        octets = encode_frame(frame, self.role, self.modulus)
        self.send_octets(flagged([self.stuffing.encode(octets)]))

    def send_octets(self, octets: bytes) -> None:
        """Put octets on the line as they are."""
        if self._line is not None:
            self._line.send(octets)

    def connect(self) -> None:
        """Set a further link up on the line; by frames the script does that."""
        if self._driver is not None:
            self._driver.link.connect(self.now_s)
            self._driver.settle()

    def disconnect(self) -> None:
        """Close the link in order; by frames with a DISC, whatever is answered."""
        self._let_go = True
        if self.by_hand is not None:
            self.by_hand.disconnect()
        elif self._driver is None:
            self.send_frame(Frame(FrameKind.DISC, command=True))
        elif not self.is_over:
            self._driver.disconnect()
            self._driver.settle()

    def drip(self, pause_s: float) -> None:
        """Send octets one by one from now on, with so many seconds between them."""
        self._pause_s = pause_s
        if self._line is not None:
            self._line.pause_s = pause_s

    def drop(self) -> None:
        """Hang up."""
        self._let_go = True
        if self._driver is not None:
            self._driver.drop()
        elif self._line is not None:
            self._line.drop()

    # What the line tells.

    def line_up(self, line: Line) -> None:
        """Begin."""
        self.take_line(line)

    def take_line(self, line: Line) -> Line:
        """Begin, and give the line as whoever sends on it is to have it."""
        self._line = DrippingLine(line, self._reactor)
        self._line.pause_s = self._pause_s
        self._tell(LineUp())
        return self._line

    def octets_received(self, octets: bytes) -> None:
        """Take octets, by frames."""
        now = self.now_s
        if now - self._heard_at >= _IDLE_S:
            self._opened = octets[:1] == FLAG
        self._heard_at = now
        *ended, begun = octets.split(FLAG)
        for part in (*(part + FLAG for part in ended), begun):
            self._stuffed += part[: _STUFFED_OCTETS_MAX - len(self._stuffed)]
            for whole in self._deframer.frames(part):
                frame = decode_frame(whole, self.role, self.modulus)
                stuffed = bytes(self._stuffed).removesuffix(FLAG)
                self._tell(FrameCame(frame, whole, stuffed, now, self._opened))
            if part.endswith(FLAG):
                self._stuffed.clear()

    def line_lost(self, loss: LineLoss, now: float = 0.0) -> None:
        """End."""
        self.is_over = True
        if self._line is not None:
            self._line.lost()
        self._line = None
        self._note_end(f"the line is lost, {loss}")
        self._tell(LineEnded(loss))

    # What the link tells.

    @property
    def deadline(self) -> float | None:
        """None: a script waits by itself."""
        return None

    def link_up(self, driver: LinkDriver, now: float) -> None:
        """Note that the link is up."""
        self._gone, self._let_go, self._is_closed = "", False, False
        self._tell(LinkBegan())

    def message_received(self, message: bytes, now: float) -> None:
        """Take a packet."""
        self._tell(PacketCame(message))

    def link_down(self, reason: str, now: float) -> None:
        """Note that the link has ended."""
        self._is_closed = True
        self._note_end(f"the link has ended, {reason}")
        self._tell(LinkEnded(reason))

    def handle_timer(self, now: float) -> None:
        """Do nothing: no deadline is ever set."""

    def _note_end(self, how: str) -> None:
        """Remember how the unit has ended it, unless it was ended here."""
        if not self._let_go:
            self._gone = self._gone or how

    def _tell(self, heard: Heard) -> None:
        self._heard.append(heard)
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            # In a later turn: a script must not run inside the link's own steps.
            self._reactor.callLater(0, waiting.callback, None)


class _Ahead:
    """Tells a station that the line is up before its link driver is told."""

    def __init__(self, station: Station, driver: LinkDriver) -> None:
        self._station = station
        self._driver = driver

    def line_up(self, line: Line) -> None:
        self._driver.line_up(self._station.take_line(line))

    def octets_received(self, octets: bytes) -> None:
        self._driver.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        self._driver.line_lost(loss)

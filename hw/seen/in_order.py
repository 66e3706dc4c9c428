"""Frames of two tapped ports, in the order in which they passed on the line.

Two adapters hand over what they hear each at its own pace: one at USB keeps octets back
for 16 ms, a busy computer reads one port before the other. So an answer may be heard
before what it answers. A frame says itself what it answers: UA and DM a command, F = 1
a poll, N(R) the I frames below it, any number the UA of its link. It waits here until
that has come too, for a quarter of a second at most: then it was missed, or never was.
Each direction keeps its order.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.seen.tap import Sink
from protocol.link import Role
from protocol.link.frames import SUPERVISORY, Frame, FrameKind, decode_frame
from protocol.link.parameters import MODULO_8, MODULO_128

HOLD_S: Final = 0.25
"""No adapter keeps octets so long; any answer of either end that is late is later."""
_SOON_S: Final = 0.001
"""A timer may come so much early: what it was set for is due all the same."""
_COMMANDS: Final = frozenset(
    {FrameKind.SABM, FrameKind.SABME, FrameKind.DISC, FrameKind.XID}
)
_ANSWERS: Final = frozenset({FrameKind.UA, FrameKind.DM, FrameKind.XID})
_RECEIVER: Final = {
    CaptureDirection.FROM_MACHINE: Role.SERVER,
    CaptureDirection.TO_MACHINE: Role.MACHINE,
}
_OTHER: Final = {
    CaptureDirection.FROM_MACHINE: CaptureDirection.TO_MACHINE,
    CaptureDirection.TO_MACHINE: CaptureDirection.FROM_MACHINE,
}


@dataclass(frozen=True, slots=True)
class _Held:
    """Something that was heard, and is not told yet."""

    at_s: float
    octets: bytes
    tell: Callable[[], None]


class InOrder:
    """A `hw.seen.tap.Sink` before another one."""

    def __init__(self, sink: Sink, reactor: IReactorTime) -> None:
        """Have heard nothing.

        Args:
            sink: Takes everything, in order.
            reactor: The time, real or virtual.
        """
        self._sink = sink
        self._reactor = reactor
        self._held: dict[CaptureDirection, deque[_Held]] = {
            way: deque() for way in CaptureDirection
        }
        self._passed = _Passed()
        self._due: IDelayedCall | None = None

    def write_frame(
        self, direction: CaptureDirection, octets: bytes, comment: str = ""
    ) -> None:
        """Take a frame; it goes on at once unless it answers what has not come."""
        sink = self._sink
        self._take(
            direction, octets, lambda: sink.write_frame(direction, octets, comment)
        )

    def write_no_frame(
        self, direction: CaptureDirection, why: NoFrame, octets: bytes
    ) -> None:
        """Take octets that are no good frame, behind what waits of their direction."""
        sink = self._sink
        self._take(direction, b"", lambda: sink.write_no_frame(direction, why, octets))

    def write_event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        """Take an event; one of the whole line stands behind all that waits."""
        sink = self._sink
        if direction is None:
            self.flush()
            sink.write_event(event, words)
            return
        self._take(direction, b"", lambda: sink.write_event(event, words, direction))

    def flush(self) -> None:
        """Tell all that waits: nothing more is waited for."""
        while waiting := [one for one in self._held.items() if one[1]]:
            way, held = min(waiting, key=lambda one: one[1][0].at_s)
            self._tell(way, held.popleft())
        self._arm()

    def _take(
        self, way: CaptureDirection, octets: bytes, tell: Callable[[], None]
    ) -> None:
        self._held[way].append(_Held(self._reactor.seconds(), octets, tell))
        self._settle()

    def _settle(self) -> None:
        """Tell whatever need not wait, or has waited long enough."""
        while found := self._next():
            way, held = found
            self._tell(way, held.popleft())
        self._arm()

    def _next(self) -> tuple[CaptureDirection, deque[_Held]] | None:
        late_s = self._reactor.seconds() - HOLD_S + _SOON_S
        for way, held in self._held.items():
            if not held:
                continue
            head = held[0]
            if head.at_s <= late_s or not self._passed.lacks(way, head.octets):
                return way, held
        return None

    def _tell(self, way: CaptureDirection, one: _Held) -> None:
        self._passed.take(way, one.octets)
        one.tell()

    def _arm(self) -> None:
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None
        heads = [held[0].at_s for held in self._held.values() if held]
        if heads:
            left_s = min(heads) + HOLD_S - self._reactor.seconds()
            self._due = self._reactor.callLater(max(0.0, left_s), self._settle)


class _Passed:
    """What has passed, as far as an answer shows whether it came too early."""

    def __init__(self) -> None:
        self._modulus = MODULO_8
        self._next: dict[CaptureDirection, int] | None = None
        """The next I frame of each direction; None before a link was seen to begin."""
        self._is_set_up = True
        self._commands = dict.fromkeys(CaptureDirection, False)
        self._polls = dict.fromkeys(CaptureDirection, False)

    def lacks(self, way: CaptureDirection, octets: bytes) -> bool:
        """Say whether a frame answers what has not passed."""
        frame, other = self._frame(way, octets), _OTHER[way]
        if frame is None:
            return False
        if frame.kind in _ANSWERS and not frame.command:
            return not self._commands[other]
        if self._next is None or not _is_numbered(frame):
            return False
        is_final = frame.poll_final and not frame.command
        is_unasked = is_final and not self._polls[other]
        return not self._is_set_up or is_unasked or self._is_ahead(frame, other)

    def take(self, way: CaptureDirection, octets: bytes) -> None:
        """Note what passes."""
        frame, other = self._frame(way, octets), _OTHER[way]
        if frame is None:
            return
        if frame.kind in {FrameKind.SABM, FrameKind.SABME}:
            is_sabm = frame.kind is FrameKind.SABM
            self._modulus = MODULO_8 if is_sabm else MODULO_128
            self._next = dict.fromkeys(CaptureDirection, 0)
            self._polls = dict.fromkeys(CaptureDirection, False)
            self._is_set_up = False
        else:
            self._is_set_up = (
                self._is_set_up or not frame.command or _is_numbered(frame)
            )
        if frame.kind in _COMMANDS and frame.command:
            self._commands[way] = True
        elif frame.kind in _ANSWERS:
            self._commands[other] = False
        elif self._next is not None and _is_numbered(frame):
            self._count(way, frame, self._next)

    def _count(
        self,
        way: CaptureDirection,
        frame: Frame,
        following: dict[CaptureDirection, int],
    ) -> None:
        other = _OTHER[way]
        if self._is_ahead(frame, other):
            # What it acknowledges was missed: nothing waits for that any more.
            following[other] = frame.receive_number
        if frame.kind is FrameKind.INFORMATION:
            ahead = (frame.send_number - following[way]) % self._modulus
            if ahead < self._modulus // 2:
                following[way] = (frame.send_number + 1) % self._modulus
        if frame.poll_final:
            self._polls[way if frame.command else other] = frame.command

    def _is_ahead(self, frame: Frame, other: CaptureDirection) -> bool:
        if self._next is None:
            return False
        ahead = (frame.receive_number - self._next[other]) % self._modulus
        return 0 < ahead <= self._modulus // 2

    def _frame(self, way: CaptureDirection, octets: bytes) -> Frame | None:
        if not octets:
            return None
        frame = decode_frame(octets, _RECEIVER[way], self._modulus)
        return frame if isinstance(frame, Frame) else None


def _is_numbered(frame: Frame) -> bool:
    return frame.kind is FrameKind.INFORMATION or frame.kind in SUPERVISORY

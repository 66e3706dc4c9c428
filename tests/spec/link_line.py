"""Two links over a paced line in virtual time, for the LINK tests.

Octets leave one by one at the line's speed, arrive after a delay, and may be damaged by
seeded bit errors. Whole frames may be lost or doubled. Nothing here waits.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.link import (
    DEFAULT,
    Direction,
    Link,
    LinkEvent,
    LinkParameters,
    MessageReceived,
    Role,
)

PIECE_OCTETS = 16
"""Octets that a UART delivers at once (its FIFO)."""


@dataclass
class Faults:
    """What the line does to octets and frames, each from one seed."""

    bit_error_rate: float = 0.0
    loss_rate: float = 0.0
    duplicate_rate: float = 0.0
    seed: int = 0


@dataclass
class End:
    """One end with all that it reported."""

    link: Link
    events: list[LinkEvent] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    line_free_at: float = 0.0

    @property
    def messages(self) -> list[bytes]:
        return [e.octets for e in self.events if isinstance(e, MessageReceived)]


class Line:
    """A full-duplex line between a machine and a server."""

    def __init__(
        self,
        *,
        bits_per_s: float = 33_600,
        delay_s: float = 0.02,
        machine: LinkParameters = DEFAULT,
        server: LinkParameters = DEFAULT,
        faults: Faults | None = None,
    ) -> None:
        self.now = 0.0
        self.octet_s = 10 / bits_per_s
        self.delay_s = delay_s
        self.faults = faults or Faults()
        self._random = random.Random(self.faults.seed)
        self.frames: list[tuple[Role, bytes]] = []
        self.machine = End(
            Link(Role.MACHINE, machine, on_frame=self._watch(Role.MACHINE))
        )
        self.server = End(Link(Role.SERVER, server, on_frame=self._watch(Role.SERVER)))
        self.on_event: Callable[[End, LinkEvent], None] = _ignore
        self._pieces: list[tuple[float, int, End, bytes]] = []
        self._tasks: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def _end(self, role: Role, parameters: LinkParameters) -> End:
        return End(Link(role, parameters, on_frame=self._watch(role)))

    def _watch(self, role: Role) -> Callable[[Direction, bytes], None]:
        def watch(direction: Direction, frame: bytes) -> None:
            if direction is Direction.SENT:
                self.frames.append((role, frame))

        return watch

    def call_later(self, delay_s: float, task: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._tasks, (self.now + delay_s, self._count, task))

    def connect(self) -> None:
        self.machine.link.connect(self.now)
        self.drain()

    def drain(self) -> None:
        """Give what both ends have to send to the line."""
        for end, other in ((self.machine, self.server), (self.server, self.machine)):
            octets = end.link.octets_to_send()
            if octets:
                end.sent.append(octets)
                self._transmit(end, other, octets)

    def _transmit(self, end: End, other: End, octets: bytes) -> None:
        octets = self._damage(self._mangle_frames(octets))
        at = max(self.now, end.line_free_at)
        for start in range(0, len(octets), PIECE_OCTETS):
            piece = octets[start : start + PIECE_OCTETS]
            at += len(piece) * self.octet_s
            self._count += 1
            heapq.heappush(self._pieces, (at + self.delay_s, self._count, other, piece))
        end.line_free_at = at

    def _mangle_frames(self, octets: bytes) -> bytes:
        if not self.faults.loss_rate and not self.faults.duplicate_rate:
            return octets
        kept: list[bytes] = []
        for frame in octets.strip(b"\x7e").split(b"\x7e"):
            if self._random.random() < self.faults.loss_rate:
                continue
            kept.append(frame)
            if self._random.random() < self.faults.duplicate_rate:
                kept.append(frame)
        return b"\x7e" + b"\x7e".join(kept) + b"\x7e"

    def _damage(self, octets: bytes) -> bytes:
        if not self.faults.bit_error_rate:
            return octets
        damaged = bytearray(octets)
        at = -1
        while True:
            at += 1 + int(self._random.expovariate(self.faults.bit_error_rate))
            if at >= 8 * len(damaged):
                return bytes(damaged)
            damaged[at // 8] ^= 1 << at % 8

    def run(self, until_s: float = 3600.0) -> None:
        """Run until nothing is under way or the time is up."""
        self.drain()
        while True:
            times = [queue[0][0] for queue in (self._pieces, self._tasks) if queue]
            deadlines = [
                end.link.deadline
                for end in (self.machine, self.server)
                if end.link.deadline is not None
            ]
            at = min(times + deadlines, default=None)
            if at is None:
                return
            if at > until_s:
                self.now = max(self.now, until_s)
                return
            self.now = max(self.now, at)
            if self._pieces and self._pieces[0][0] <= self.now:
                _, _, end, piece = heapq.heappop(self._pieces)
                self._report(end, end.link.receive_octets(piece, self.now))
            elif self._tasks and self._tasks[0][0] <= self.now:
                heapq.heappop(self._tasks)[2]()
            else:
                for end in (self.machine, self.server):
                    if end.link.deadline is not None and end.link.deadline <= self.now:
                        self._report(end, end.link.handle_timer(self.now))
            self.drain()

    def _report(self, end: End, events: list[LinkEvent]) -> None:
        for event in events:
            end.events.append(event)
            self.on_event(end, event)


def _ignore(end: End, event: LinkEvent) -> None:
    pass

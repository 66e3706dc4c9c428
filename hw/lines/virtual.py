"""A virtual modem line: two ends in one process, paced, faulty, and lost on purpose.

The calling end is the machine's: *up* is from it to the answering end, *down* the other
way. Each direction is a `Way`: a `PacedWire` and a `FaultChain`. Octets are handed over
in batches of `delivery_octets`, at the time at which the last of the batch arrives; the
last octets that wait are never kept back. When a timer is late, everything that was due
is handed over in the order of its time, and the schedule of what follows stays as it
was.

Losing the carrier after n octets means that exactly n octets that were sent in that
direction arrive, and that both ends lose the line at the moment the n-th does; what is
still under way, either way, is gone. With n = 0 the line is lost as soon as it is up.

With a turn-around the line is half-duplex: the direction whose octets are submitted
first has the line first, and each time the other takes its turn it begins that long
after the last octet has arrived.

Time is Twisted's `IReactorTime`: a real reactor, or `task.Clock` for virtual time. What
befalls which octet follows from the parameters and the place of the octet in its
direction alone, so that both give the same. (What a cut leaves of the *other*
direction, and a cut counted over both, also follow from when octets were sent.)
"""

import math

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.faults.way import DirectionCounters, Way
from hw.lines.port import Call, LineLoss, LineUser, LossCause
from hw.lines.virtual_parameters import VirtualLineParameters

__all__ = ["DirectionCounters", "VirtualLine", "VirtualLineParameters"]


class VirtualLine:
    """Two ends and the wires between them; up in the next reactor turn."""

    def __init__(
        self,
        reactor: IReactorTime,
        parameters: VirtualLineParameters,
        calling: LineUser,
        answering: LineUser,
        call_number: int = 0,
        *,
        side: str = "call",
    ) -> None:
        """Lay the line between two users.

        Args:
            reactor: The time, real or virtual.
            parameters: What the line is like.
            calling: The user at the end that dialled.
            answering: The user at the other end.
            call_number: Gives every call over "the same" line noise of its own.
            side: Gives it to lines on both sides of one call as well: the same bits
                struck twice would be whole again.
        """
        self._reactor = reactor
        parameters = parameters.of_call(call_number)
        self._parameters = parameters
        self._up = parameters.way_up(f"{side} {call_number}")
        self._down = parameters.way_down(f"{side} {call_number}")
        self._calling = _End(self, calling, self._up, "answering end")
        self._answering = _End(self, answering, self._down, "calling end")
        self._octets_until_cut = parameters.cut_after_octets
        self._share_cut()
        self._cut_at_s = math.inf
        self._cut_loss = LineLoss(LossCause.CARRIER_LOST)
        # What both users send upon line up is sent at one moment, in real time too.
        self._begins_s: float | None = None
        # While callbacks run, what they ask for waits for the end of the turn.
        self._in_turn = True
        self._timer: IDelayedCall | None = reactor.callLater(0, self._begin)

    @property
    def calling_end(self) -> Call:
        """The end that dialled, which may give up before the line is up."""
        return self._calling

    @property
    def up(self) -> DirectionCounters:
        """Counters from the calling to the answering end."""
        return self._up.counters()

    @property
    def down(self) -> DirectionCounters:
        """Counters from the answering to the calling end."""
        return self._down.counters()

    def cut(self) -> None:
        """Lose the carrier now; both users hear of it in the next reactor turn."""
        self._cut_at(self._reactor.seconds(), LineLoss(LossCause.CARRIER_LOST))
        self._arm()

    def submit(self, way: Way, octets: bytes) -> None:
        """Take octets from an end that may send."""
        begins_s = self._begins_s
        now_s = self._reactor.seconds() if begins_s is None else begins_s
        if way.wire.waiting_octets + len(octets) > self._parameters.pending_octets_max:
            detail = f"{way.wire.waiting_octets} octets were waiting"
            self._cut_at(now_s, LineLoss(LossCause.OVERFLOW, detail))
        else:
            way.submit(octets, self._begins_at_s(way, now_s))
        self._arm()

    def hang_up(self, end: "_End") -> None:
        """Let the carrier go at `end` once everything it sent has left."""
        wire = end.way_out.wire
        leaves_at_s = max(wire.free_at_s, self._reactor.seconds())
        far_end = self._answering if end is self._calling else self._calling
        end.lose_at(leaves_at_s, LineLoss(LossCause.DROPPED_HERE))
        arrives_at_s = max(leaves_at_s + wire.delay_s, wire.quiet_at_s)
        far_end.lose_at(arrives_at_s, LineLoss(LossCause.DROPPED_BY_PEER))
        self._arm()

    def _begin(self) -> None:
        self._timer = None
        now_s = self._reactor.seconds()
        if self._calling.dropped:
            self._calling.lose(LineLoss(LossCause.DROPPED_HERE))
            self._answering.lose(LineLoss(LossCause.DROPPED_BY_PEER))
            return
        self._cut_at(now_s + _or_never(self._parameters.cut_at_s), self._cut_loss)
        if 0 in (
            self._octets_until_cut,
            self._up.octets_until_cut,
            self._down.octets_until_cut,
        ):
            self._cut_at(now_s, self._cut_loss)
        self._begins_s = now_s
        try:
            self._answering.user.line_up(self._answering)
            self._calling.user.line_up(self._calling)
        finally:
            self._begins_s = None
            self._in_turn = False
            self._arm()

    def _turn(self) -> None:
        self._timer = None
        self._in_turn = True
        now_s = self._reactor.seconds()
        due_s = now_s
        try:
            while (due_s := self._next_due_s()) <= now_s:
                self._happen(due_s)
        finally:
            self._in_turn = False
            self._arm(due_s)

    def _next_due_s(self) -> float:
        calling, answering = self._calling, self._answering
        if calling.lost and answering.lost:
            return math.inf
        return min(
            self._up.due_s,
            self._down.due_s,
            self._cut_at_s,
            calling.loss_due_s,
            answering.loss_due_s,
        )

    def _happen(self, due_s: float) -> None:
        """Do the one thing that is due first: octets before losses."""
        if self._up.due_s <= due_s:
            self._deliver(self._up, self._answering, due_s)
        elif self._down.due_s <= due_s:
            self._deliver(self._down, self._calling, due_s)
        elif self._cut_at_s <= due_s:
            self._lose_carrier(due_s)
        else:
            is_calling = self._calling.loss_due_s <= due_s
            end = self._calling if is_calling else self._answering
            end.lose(end.loss)

    def _lose_carrier(self, due_s: float) -> None:
        for way, receiver in (
            (self._up, self._answering),
            (self._down, self._calling),
        ):
            while self._deliver(way, receiver, due_s):
                pass
        self._cut_at_s = math.inf
        self._calling.lose(self._cut_loss)
        self._answering.lose(self._cut_loss)

    def _deliver(self, way: Way, receiver: "_End", until_s: float) -> int:
        left = self._octets_until_cut
        count, heard = way.take(until_s, math.inf if left is None else left)
        if left is not None:
            self._octets_until_cut = left - count
            self._share_cut()
        if 0 in (self._octets_until_cut, way.octets_until_cut):
            self._cut_at(until_s, LineLoss(LossCause.CARRIER_LOST))
        if heard:
            receiver.receive(heard)
        return count

    def _begins_at_s(self, way: Way, now_s: float) -> float:
        """When a direction may have the line; at once, where it has it anyway."""
        turnaround_s = self._parameters.turnaround_s
        if turnaround_s is None:
            return now_s
        other = self._down if way is self._up else self._up
        return max(now_s, other.wire.quiet_at_s + turnaround_s)

    def _share_cut(self) -> None:
        if self._octets_until_cut is not None:
            self._up.share(self._octets_until_cut)
            self._down.share(self._octets_until_cut)

    def _cut_at(self, at_s: float, loss: LineLoss) -> None:
        if at_s < self._cut_at_s:
            self._cut_at_s = at_s
            self._cut_loss = loss

    def _arm(self, due_s: float | None = None) -> None:
        """Have one timer for what is due first; one that is early does no harm.

        Args:
            due_s: When that is, where it is known already.
        """
        if self._in_turn:
            return
        if due_s is None:
            due_s = self._next_due_s()
        if due_s == math.inf:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        delay_s = max(0.0, due_s - self._reactor.seconds())
        if self._timer is None:
            self._timer = self._reactor.callLater(delay_s, self._turn)
        elif self._timer.getTime() > due_s:
            self._timer.reset(delay_s)


class _End:
    """One end: the `Line` that its user holds."""

    def __init__(
        self, line: VirtualLine, user: LineUser, way_out: Way, far_end: str
    ) -> None:
        self.user = user
        self.way_out = way_out
        self.dropped = False
        self.lost = False
        self.loss_due_s = math.inf
        self.loss = LineLoss(LossCause.DROPPED_BY_PEER)
        self._line = line
        self._name = f"virtual line, {far_end}"

    @property
    def name(self) -> str:
        return self._name

    def send(self, octets: bytes) -> None:
        if not (self.dropped or self.lost):
            self._line.submit(self.way_out, octets)

    def drop(self) -> None:
        if not (self.dropped or self.lost):
            self.dropped = True
            self._line.hang_up(self)

    def receive(self, octets: bytes) -> None:
        if not (self.dropped or self.lost):
            self.user.octets_received(octets)

    def lose_at(self, due_s: float, loss: LineLoss) -> None:
        if due_s < self.loss_due_s and not self.lost:
            self.loss_due_s = due_s
            self.loss = loss

    def lose(self, loss: LineLoss) -> None:
        if self.lost:
            return
        self.lost = True
        self.loss_due_s = math.inf
        self.user.line_lost(LineLoss(LossCause.DROPPED_HERE) if self.dropped else loss)


def _or_never(limit: float | None) -> float:
    return math.inf if limit is None else limit

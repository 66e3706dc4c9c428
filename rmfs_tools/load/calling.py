"""Machines that dial in as arrivals come due, whether others are answered or not.

A dial-in is made by whichever machine has been free longest, with the redials that the
protocol has it do; while it lasts, waits between calls included, its machine is not
free. How long it took is counted from the moment that it came due, not from the moment
that somebody got around to it: else a server that stands still would be asked less, and
look quick.
"""

from collections import Counter, deque
from collections.abc import Generator, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from fm_device.dial_in import (
    ATTEMPTS_MAX,
    DialInReport,
    LinkIsUp,
    Progress,
    Redialling,
    ServerIsBusy,
)
from fm_device.program import dial_repeatedly
from hw.lines.port import Dialler
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from rmfs_tools.bench.recharge_office import Seat
from rmfs_tools.load.arrivals import Arrivals
from rmfs_tools.load.heard import Heard, kind_of

TOGETHER: Final = 16
"""Machines that settle at the same time."""
_ROUNDS: Final = 5

Place = tuple[Seat, Dialler]


class OpenLoop:
    """The machines, and what they hear.

    Attributes:
        told: Recharges that each machine was told to be complete, by licence.
        silent_s: The longest time without a complete recharge while they dialled.
        was_answered: Somebody has taken a call, or said that there is too much to do.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        places: Sequence[Place],
        wanted: Request,
        *,
        attempts: int = ATTEMPTS_MAX,
    ) -> None:
        """Seat them.

        Args:
            reactor: The time, real or virtual.
            places: Machines, each with its way to the server.
            wanted: What each dial-in asks for.
            attempts: Calls of a dial-in before its machine gives up.
        """
        self.told: Counter[str] = Counter()
        self.silent_s = 0.0
        self.was_answered = False
        self._told_last_s = 0.0
        self._reactor = reactor
        self._places = places
        self._free = deque(places)
        self._wanted = wanted
        self._attempts = attempts
        self._heard = Heard()
        self._under_way = 0
        self._began_s = 0.0
        self._arrivals_over = False
        self._over: Deferred[None] = Deferred()

    @inlineCallbacks
    def settle(
        self, attempts: int = ATTEMPTS_MAX
    ) -> "Generator[Deferred[Any], Any, None]":
        """Have every machine dial until nothing of it is open, some at a time.

        Where one has tried in vain and none has settled, nobody answers any more: then
        the others are spared it.

        Args:
            attempts: Calls of a dial-in, of which a machine makes a few if need be.
        """
        waiting = deque(self._places)
        settled = 0

        @inlineCallbacks
        def one_after_the_other() -> "Generator[Deferred[Any], Any, None]":
            nonlocal settled
            while waiting:
                seat, dialler = waiting.popleft()
                good = yield self._settle_one(seat, dialler, attempts)
                settled += good
                if not settled:
                    waiting.clear()

        yield gatherResults([one_after_the_other() for _ in range(TOGETHER)])

    def dial(self, arrivals: Arrivals) -> "Deferred[None]":
        """Dial as they come due; it fires when the last dial-in has ended."""
        self._began_s = float(self._reactor.seconds())
        self._told_last_s = 0.0
        self._over = Deferred()
        self._go_on(arrivals)
        return self._over

    def cut(self) -> Heard:
        """Give what was heard since this was asked last."""
        heard, self._heard = self._heard, Heard()
        heard.under_way = self._under_way
        return heard

    def _go_on(self, arrivals: Arrivals) -> None:
        for due_s in arrivals.take(self._passed_s()):
            self._heard.due += 1
            if self._free:
                self._begin(due_s)
            else:
                self._heard.left_out += 1
        if arrivals.next_s is not None:
            wait_s = max(0.0, arrivals.next_s - self._passed_s())
            self._reactor.callLater(wait_s, self._go_on, arrivals)
            return
        self._arrivals_over = True
        self._end_when_done()

    def _begin(self, due_s: float) -> None:
        self._heard.begun += 1
        self._heard.late.add(self._passed_s() - due_s)
        self._under_way += 1
        place = self._free.popleft()
        self._call(place, due_s).addBoth(self._ended, place)

    @inlineCallbacks
    def _call(
        self, place: Place, due_s: float
    ) -> "Generator[Deferred[Any], Any, None]":
        seat, dialler = place
        report: DialInReport = yield dial_repeatedly(
            seat.psd,
            self._wanted,
            dialler,
            self._reactor,
            attempts=self._attempts,
            on_progress=self._moved,
        )
        self._heard.ended[kind_of(report)] += 1
        if report.outcome is Outcome.CONFIRMED:
            self.told[str(seat.licence)] += 1
            now_s = self._passed_s()
            self._heard.waits.add(now_s - due_s)
            self.silent_s = max(self.silent_s, now_s - self._told_last_s)
            self._told_last_s = now_s

    def _ended(self, found: object, place: Place) -> None:
        self._under_way -= 1
        self._free.append(place)
        if isinstance(found, Failure):
            self._heard.ended[f"error: {type(found.value).__name__}"] += 1
        self._end_when_done()

    def _moved(self, event: Progress) -> None:
        if isinstance(event, Redialling):
            self._heard.redials += 1
            return
        if isinstance(event, ServerIsBusy):
            self._heard.busy += 1
        self.was_answered |= isinstance(event, LinkIsUp | ServerIsBusy)

    def _end_when_done(self) -> None:
        if self._arrivals_over and not self._under_way:
            self._arrivals_over = False
            self._over.callback(None)

    @inlineCallbacks
    def _settle_one(
        self, seat: Seat, dialler: Dialler, attempts: int
    ) -> "Generator[Deferred[Any], Any, bool]":
        for _ in range(_ROUNDS):
            report: DialInReport = yield dial_repeatedly(
                seat.psd, INSPECTION, dialler, self._reactor, attempts=attempts
            )
            if report.receipt is not None and report.pending is None:
                return True
        return False

    def _passed_s(self) -> float:
        return float(self._reactor.seconds()) - self._began_s

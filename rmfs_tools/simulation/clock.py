"""Simulated time: a reactor for worlds of many steps, and their time of day.

`twisted.internet.task.Clock` sorts its calls at each one that is made, and again at
each that is run. Here calls wait in a heap, in the order in which they are due, and
those of one moment in the order in which they were made.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Final

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from hw.clock import epoch_seconds
from protocol.values import EpochSeconds
from rmfs_tools.simulation.setting import BEGAN

AT_ONCE_MAX: Final = 20_000
"""Calls that may be due at one moment; in an ordinary world a few are."""


class TimeStandsStillError(RuntimeError):
    """Something has itself called again and again without any time passing."""


@implementer(IReactorTime)
class SimulatedClock:
    """The reactor of a world."""

    def __init__(self) -> None:
        """Stand at 0; nothing is due."""
        self._now_s = 0.0
        self._numbers = count()
        # A call that was cancelled, or moved to an earlier time, leaves an entry behind
        # that is thrown away when its time comes.
        self._waiting: list[tuple[float, int, DelayedCall]] = []

    def seconds(self) -> float:
        """Tell the time."""
        return self._now_s

    def callLater(  # noqa: N802 (Twisted's name)
        self,
        delay: float,
        callable: Callable[..., object],  # noqa: A002 (Twisted's name)
        *args: object,
        **kw: object,
    ) -> DelayedCall:
        """Have something called in so many simulated seconds."""
        call = DelayedCall(
            self._now_s + delay,
            callable,
            args,
            kw,
            _forget,
            self._wait,
            self.seconds,
        )
        self._wait(call)
        return call

    def getDelayedCalls(self) -> list[IDelayedCall]:  # noqa: N802 (Twisted's name)
        """Give all calls that wait."""
        return [
            call
            for due_s, _, call in self._waiting
            if call.active() and call.time == due_s
        ]

    @property
    def next_due_s(self) -> float | None:
        """When the first call is due, or None when nothing is."""
        waiting = self._waiting
        while waiting:
            due_s, _, call = waiting[0]
            if call.cancelled or call.called or call.time != due_s:
                heappop(waiting)
            elif call.delayed_time:
                # It was put off since, so that another may be first.
                heappop(waiting)
                call.activate_delay()
                self._wait(call)
            else:
                return due_s
        return None

    def step(self, until_s: float) -> bool:
        """Go to the first moment at which something is due, and run all that is.

        Returns:
            Whether there was such a moment, not later than `until_s`.

        Raises:
            TimeStandsStillError: That moment never ends.
        """
        due_s = self.next_due_s
        if due_s is None or due_s > until_s:
            return False
        now_s = self._now_s = max(self._now_s, due_s)
        at_once = 0
        while due_s is not None and due_s <= now_s:
            at_once += 1
            if at_once > AT_ONCE_MAX:
                raise TimeStandsStillError(f"time stands still at {now_s} s")
            call = heappop(self._waiting)[2]
            call.called = 1
            call.func(*call.args, **call.kw)
            due_s = self.next_due_s
        return True

    def pass_until(self, until_s: float) -> None:
        """Let time pass, and run what is due at each moment.

        Raises:
            TimeStandsStillError: A moment never ends.
        """
        while self.step(until_s):
            pass
        self._now_s = max(self._now_s, until_s)

    def _wait(self, call: DelayedCall) -> None:
        heappush(self._waiting, (call.time, next(self._numbers), call))


def _forget(_call: DelayedCall) -> None:
    """Its entry goes when its time comes."""


class WorldClock:
    """The true time of day of a world; a `hw.clock.WallClock`."""

    def __init__(self, reactor: IReactorTime) -> None:
        """Stand at `setting.BEGAN` when the reactor stands at 0."""
        self._reactor = reactor

    def now(self) -> EpochSeconds:
        """Read it in whole seconds."""
        return epoch_seconds(self.utc())

    def utc(self) -> datetime:
        """Read it as an aware UTC instant."""
        return BEGAN + timedelta(seconds=float(self._reactor.seconds()))

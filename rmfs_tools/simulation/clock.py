"""Simulated time: Twisted's clock for tests, quick with many steps.

`twisted.internet.task.Clock` sorts its calls at each one that is made, and again at
each that is run. Here a call goes straight to its place; what runs, when and in which
order is the same.
"""

from bisect import insort
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from hw.clock import epoch_seconds
from protocol.values import EpochSeconds
from rmfs_tools.simulation.setting import BEGAN

AT_ONCE_MAX: Final = 20_000
"""Calls that may be due at one moment; in an ordinary world a few are."""


class TimeStandsStillError(RuntimeError):
    """Something has itself called again and again without any time passing."""


class SimulatedClock(Clock):
    """The reactor of a world."""

    def callLater(  # noqa: N802 (Twisted's name)
        self,
        delay: float,
        callable: Callable[..., object],  # noqa: A002 (Twisted's name)
        *args: object,
        **kw: object,
    ) -> DelayedCall:
        """Have something called in so many simulated seconds."""
        call = DelayedCall(
            self.rightNow + delay,
            callable,
            args,
            kw,
            self.calls.remove,
            self._moved,
            self.seconds,
        )
        insort(self.calls, call, key=DelayedCall.getTime)
        return call

    @property
    def next_due_s(self) -> float | None:
        """When the first call is due, or None when nothing is."""
        calls = self.calls
        if not calls:
            return None
        if calls[0].delayed_time:
            # It was put off since, so that another may be first.
            self._sortCalls()
        return float(calls[0].getTime())

    def advance(self, amount: float) -> None:
        """Let time pass, and run what is due.

        Raises:
            TimeStandsStillError: That never ends.
        """
        self.rightNow += amount
        at_once = 0
        while (due_s := self.next_due_s) is not None and due_s <= self.rightNow:
            at_once += 1
            if at_once > AT_ONCE_MAX:
                raise TimeStandsStillError(f"time stands still at {self.rightNow} s")
            call = self.calls.pop(0)
            call.called = 1
            call.func(*call.args, **call.kw)

    def _moved(self, _call: DelayedCall) -> None:
        self._sortCalls()


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

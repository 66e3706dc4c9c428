"""The one place where a Twisted reactor is made.

A program makes a reactor, hands it to whatever needs time or sockets, and runs it;
nothing imports Twisted's global one. Twisted's own reactors measure delays with
`time.time`, so that a clock set back by an hour holds every time-out back by an hour
(twisted/twisted #2424). This one measures them with the monotonic clock.

Source: docs/decisions/monotonic-reactor.md.
"""

import time

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.python import log
from twisted.python.failure import Failure


class MonotonicReactor(EPollReactor):
    """An epoll reactor whose timers do not follow the time of day."""

    seconds = staticmethod(time.monotonic)

    def __init__(self) -> None:
        """Make a reactor that is not running."""
        super().__init__()  # type: ignore[no-untyped-call]

    def doPoll(self, timeout: float | None) -> None:  # noqa: N802  # Twisted's name
        """Wait for events, and let each be dealt with.

        Twisted's own does the same with a name for its log around each event, which is
        a fifth of what an event costs here; our log has names of its own.

        Args:
            timeout: In seconds; None waits without end.
        """
        selectables, carry_out = self._selectables, self._doReadOrWrite
        # Signals do not interrupt this: Python waits on (PEP 475).
        found = self._poller.poll(-1 if timeout is None else timeout, len(selectables))
        for fd, event in found:
            selectable = selectables.get(fd)
            # An event before this one may have closed it.
            if selectable is None:
                continue
            try:
                carry_out(selectable, fd, event)  # type: ignore[no-untyped-call]
            except Exception:  # noqa: BLE001  # one line's mistake is not the others'
                log.err()  # type: ignore[no-untyped-call]

    doIteration = doPoll  # noqa: N815  # Twisted's name

    def close(self) -> None:
        """Close what a reactor that has run keeps open for the life of a process."""
        lost = Failure(ConnectionLost())  # type: ignore[no-untyped-call]
        left = self.removeAll()  # type: ignore[no-untyped-call]
        for selectable in (*left, self.waker):
            selectable.connectionLost(lost)
        self._poller.close()


class ReactorClock:
    """The `MonotonicClock` that agrees with a reactor's timers, real or virtual."""

    def __init__(self, reactor: IReactorTime) -> None:
        """Read `reactor`, for example a `twisted.internet.task.Clock`."""
        self._reactor = reactor

    def now(self) -> float:
        """Read the clock, in seconds."""
        return float(self._reactor.seconds())

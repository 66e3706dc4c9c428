"""Work that may take so much processor time, and is ended where it takes more.

A process that is stopped for a while, or has neighbours, is no slower by this clock.
Work that waits for something takes none of it: it is ended after `WAITING_TIMES` as
much real time.

The kernel's timers ring, and Python runs its handler between any two steps of the main
thread. So `OverdueError` may come out of the middle of anything that was at work: all
of that is to be thrown away. It is no `Exception`, that whoever takes those does not
take it. Where it was taken all the same, as a Deferred of Twisted's takes everything,
it comes again after a second, until the work is over; and whatever the work then says,
it was overdue.

What never comes back from one call of C hears no timer, and another thread than the
main one cannot set it: there, and where no such timer is (Windows), nothing ends it.

Source:
    https://docs.python.org/3/library/signal.html, execution of Python signal handlers;
    setitimer(2).
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final, TypeVar

CASE_CPU_S: Final = 60.0
"""So much processor time a case may take; of those of the product few take a second."""
WAITING_TIMES: Final = 10
_AGAIN_S: Final = 1.0
_PLACES_MAX: Final = 4
_Result = TypeVar("_Result")


class OverdueError(BaseException):
    """Work was ended because it lasted too long.

    Attributes:
        where: Which code was at work, the innermost first.
    """

    def __init__(self, limit: str, where: str) -> None:
        """Say of which work, and what it was allowed: ``2 s of processor time``."""
        super().__init__(f"more than {limit}")
        self.where = where


def within(limit_s: float, work: Callable[[], _Result]) -> _Result:
    """Work, no longer than so many seconds of processor time.

    Args:
        limit_s: More than 0.
        work: What it leaves behind is to be thrown away when this raises.

    Raises:
        OverdueError: It lasted longer, whatever else came of it.
    """
    if not _can_ring():
        return work()
    waiting_s = limit_s * WAITING_TIMES
    limits = {
        signal.SIGPROF: f"{limit_s:g} s of processor time",
        signal.SIGALRM: f"{waiting_s:g} s of real time",
    }
    late: list[OverdueError] = []
    is_over = False

    def ring(number: int, frame: FrameType | None) -> None:
        if not late:
            late.append(OverdueError(limits[signal.Signals(number)], _where(frame)))
        if not is_over:
            raise late[0]

    before = {number: signal.signal(number, ring) for number in limits}
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, waiting_s, _AGAIN_S)
            signal.setitimer(signal.ITIMER_PROF, limit_s, _AGAIN_S)
            result = work()
        finally:
            is_over = True
    finally:
        # It may have rung in the block above; a second one is far from here.
        is_over = True
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        if late:
            raise late[0]
    return result


def _can_ring() -> bool:
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
    )


def _where(frame: FrameType | None) -> str:
    places: list[str] = []
    while frame is not None and len(places) < _PLACES_MAX:
        module = frame.f_globals.get("__name__", "?")
        places.append(f"{module}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return ", called by ".join(places)

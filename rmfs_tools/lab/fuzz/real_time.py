"""Work that may last so long in real time, and is ended where it lasts longer.

The kernel's alarm rings, and Python runs its handler between any two steps of the main
thread. So `OverdueError` may come out of the middle of anything that was at work: all
of that is to be thrown away. It is no `Exception`, that whoever takes those does not
take it. Where it was taken all the same, as a Deferred of Twisted's takes everything,
it comes again after a second, until the work is over; and whatever the work then says,
it was overdue.

What never comes back from one call of C hears no alarm, and another thread than the
main one cannot set it: there, and where no such alarm is (Windows), nothing ends it.

Source:
    https://docs.python.org/3/library/signal.html, execution of Python signal handlers;
    setitimer(2).
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final, TypeVar

CASE_REAL_S: Final = 60.0
"""So long a case may last in real time; of those of the product few last a second."""
_AGAIN_S: Final = 1.0
_PLACES_MAX: Final = 4
_Result = TypeVar("_Result")


class OverdueError(BaseException):
    """Work was ended because it lasted too long.

    Attributes:
        limit_s: How long it was allowed to last.
        where: Which code was at work, the innermost first.
    """

    def __init__(self, limit_s: float, where: str) -> None:
        """Say of which work."""
        super().__init__(f"more than {limit_s:g} s of real time")
        self.limit_s = limit_s
        self.where = where


def within(limit_s: float, work: Callable[[], _Result]) -> _Result:
    """Work, no longer than so many seconds of real time.

    Args:
        limit_s: More than 0.
        work: What it leaves behind is to be thrown away when this raises.

    Raises:
        OverdueError: It lasted longer, whatever else came of it.
    """
    if not _can_ring():
        return work()
    late: list[OverdueError] = []
    is_over = False

    def ring(_number: int, frame: FrameType | None) -> None:
        if not late:
            late.append(OverdueError(limit_s, _where(frame)))
        if not is_over:
            raise late[0]

    before = signal.signal(signal.SIGALRM, ring)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, limit_s, _AGAIN_S)
            result = work()
        finally:
            is_over = True
    finally:
        # It may have rung in the block above; a second one is far from here.
        is_over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
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

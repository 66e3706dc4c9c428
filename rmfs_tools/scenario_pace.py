"""The pace of a scenario in real time: its steps come when the real clock says so.

A scenario's own time stays virtual: before it moves on, somebody waits until the real
moment has come. So what happens is the same at any pace.

Ctrl-C asks to stop, and breaks nothing off: whoever waits between two steps is woken,
and a step that is under way is finished without waiting.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Final

from hw.clock import MonotonicClock

Pace = Callable[[float], bool]
"""Waits until so many seconds of a scenario have passed since its first step began;
whether it is to go on then."""
Wait = Callable[[float], bool]
"""Waits so many real seconds, or until somebody asks to stop; whether somebody has."""

_WAIT_MAX_S: Final = 86_400.0
"""Waiting longer is done in parts: a wait of centuries is more than threads can do."""


class RealPace:
    """The pace of a real clock, or that of a clock which hurries."""

    def __init__(self, clock: MonotonicClock, wait: Wait, hurry: int = 1) -> None:
        """Begin now.

        Args:
            clock: What seconds are counted by.
            wait: Waits.
            hurry: So many seconds of the scenario pass in one.
        """
        self._clock = clock
        self._wait = wait
        self._hurry = hurry
        self._began_s = clock.now()

    def __call__(self, scenario_s: float) -> bool:
        """Wait until that much of the scenario has passed; whether it is to go on.

        Real time that was spent elsewhere counts: who is late waits less.
        """
        while True:
            passed_s = self._clock.now() - self._began_s
            left_s = max(0.0, scenario_s / self._hurry - passed_s)
            if self._wait(min(left_s, _WAIT_MAX_S)):
                return False
            if left_s <= _WAIT_MAX_S:
                return True


class Stop:
    """Somebody's wish to stop, which a wait ends with."""

    def __init__(self, told: Callable[[], None] = lambda: None) -> None:
        """Begin with no such wish.

        Args:
            told: Is called when a wait has first ended so.
        """
        # Its put may interrupt its own get, which an Event's set may not.
        self._asks: SimpleQueue[None] = SimpleQueue()
        self._asked = False
        self._told = told

    def ask(self) -> None:
        """Ask to stop; a signal handler may."""
        self._asks.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until somebody asks; whether somebody has, ever."""
        if not self._asked:
            try:
                self._asks.get(timeout=seconds)
            except Empty:
                return False
            self._asked = True
            self._told()
        return True


@contextmanager
def ctrl_c_asks(stop: Stop) -> Iterator[None]:
    """Have the first Ctrl-C ask to stop; the next does what it did before."""
    before = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        stop.ask()

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

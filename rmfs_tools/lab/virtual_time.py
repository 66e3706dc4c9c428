"""Coroutines in virtual time: what waits is let wait no longer than time takes."""

import math
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred

from protocol.errors import RmfsError
from rmfs_tools.simulation.clock import SimulatedClock

_STEPS_MAX: Final = 5_000_000
_Result = TypeVar("_Result")


class NothingDueError(RmfsError):
    """A coroutine waits for something that will never happen."""


def run(clock: SimulatedClock, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Let time pass until a coroutine is done.

    Raises:
        NothingDueError: It waits, and nothing is due any more.
    """
    done: list[_Result] = []
    failed: list[BaseException] = []
    deferred: Deferred[_Result] = Deferred.fromCoroutine(work)
    deferred.addCallbacks(done.append, lambda failure: failed.append(failure.value))
    for _ in range(_STEPS_MAX):
        if done or failed:
            break
        if not clock.step(math.inf):
            raise NothingDueError("a script waits for what never happens")
    if failed:
        raise failed[0]
    if not done:
        raise NothingDueError("a script goes on for ever")
    return done[0]

"""Scenarios that run on a real reactor or in virtual time, without waiting blindly.

A scenario is an `async def` whose awaits are Twisted Deferreds: it waits for events,
never for time. See "Reactors in tests" in README.md.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from hw.reactor import MonotonicReactor

T = TypeVar("T")
Scenario = Callable[[], Coroutine[Deferred[Any], Any, T]]

STEPS_MAX = 1_000_000


def run_on_reactor(
    scenario: Callable[[MonotonicReactor], Coroutine[Deferred[Any], Any, T]],
    timeout_s: float = 60.0,
) -> T:
    """Run a scenario on a reactor of its own, and that reactor to its end.

    Errors that Twisted would only log, such as one in `dataReceived`, fail the test.
    """
    reactor = MonotonicReactor()
    outcomes: list[T | Failure] = []
    log = _LoggedFailures()

    def begin() -> None:
        running = Deferred.fromCoroutine(scenario(reactor))
        running.addTimeout(timeout_s, reactor)
        running.addBoth(outcomes.append)
        # What was asked to close gets a last turn to do so.
        running.addBoth(lambda _: reactor.callLater(0, reactor.stop))

    globalLogPublisher.addObserver(log)
    try:
        reactor.callWhenRunning(begin)
        reactor.run(installSignalHandlers=False)
    finally:
        globalLogPublisher.removeObserver(log)
        reactor.close()
    return _result(outcomes, log.failures)


def run_in_virtual_time(clock: Clock, scenario: Scenario[T]) -> T:
    """Run a scenario, stepping from one due time to the next."""
    outcomes: list[T | Failure] = []
    Deferred.fromCoroutine(scenario()).addBoth(outcomes.append)
    for _ in range(STEPS_MAX):
        if outcomes or not step(clock):
            break
    if not outcomes:
        message = "nothing is due any more, and the scenario still waits"
        raise AssertionError(message)
    return _result(outcomes, [])


def step(clock: Clock) -> bool:
    """Advance to the next due time; False when nothing is due."""
    calls = clock.getDelayedCalls()
    if not calls:
        return False
    due = min(call.getTime() for call in calls)
    clock.advance(max(0.0, due - clock.seconds()))
    return True


@implementer(ILogObserver)
class _LoggedFailures:
    """Keeps the errors that Twisted would only log."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    def __call__(self, event: LogEvent) -> None:
        # The second key is that of Twisted's older logging, which sockets still use.
        failure = event.get("log_failure") or event.get("failure")
        if failure is not None:
            self.failures.append(failure)


def _result(outcomes: list[T | Failure], logged: list[Failure]) -> T:
    for failure in (*outcomes, *logged):
        if isinstance(failure, Failure):
            failure.raiseException()
    return cast("T", outcomes[0])

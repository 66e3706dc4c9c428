"""The one thread that a machine is used in.

Tasks run one after the other. A dial-in is a long task: it runs a reactor, and what
only looks at the machine is then done by that reactor, between two events of the line,
in the same thread. So nothing of the machine needs a lock.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from hw.reactor import MonotonicReactor
from protocol.errors import LocalProtocolError, RmfsError

_T = TypeVar("_T")


class MachineThread:
    """Runs tasks, each to its end, in one thread."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._executor = ThreadPoolExecutor(1, "machine")
        self._lock = Lock()
        self._between: deque[Callable[[], None]] = deque()
        self._reactor: MonotonicReactor | None = None
        self._closing = False

    def submit(self, task: Callable[[], _T]) -> "Future[_T]":
        """Run a task after those that were submitted before it."""
        return self._executor.submit(task)

    def look(self, task: Callable[[], _T]) -> "Future[_T]":
        """Run a task that changes nothing; in a dial-in it does not wait for its end.

        Raises nothing: what the task raises is the future's.
        """
        future: Future[_T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(task())
            except RmfsError as error:
                future.set_exception(error)
            finally:
                if not future.done():
                    # A bug: it goes on to whoever logs it, and nobody waits for ever.
                    future.set_exception(LocalProtocolError("the task has failed"))

        self._between.append(run)
        with self._lock:
            if self._reactor is not None:
                self._reactor.callFromThread(self._drain)
            else:
                self._executor.submit(self._drain)
        return future

    @contextmanager
    def hold(self, reactor: MonotonicReactor) -> Iterator[None]:
        """Let a reactor that runs in this thread do what only looks."""
        with self._lock:
            self._reactor = reactor
            reactor.callFromThread(self._drain)
            if self._closing:
                reactor.callFromThread(_stop, reactor)
        try:
            yield
        finally:
            with self._lock:
                self._reactor = None
            self._drain()

    def stop_reactor(self) -> None:
        """End the dial-in that is running, as a carrier that is lost does."""
        with self._lock:
            if self._reactor is not None:
                self._reactor.callFromThread(_stop, self._reactor)

    def stop(self) -> None:
        """Let no dial-in last from now on."""
        with self._lock:
            self._closing = True
        self.stop_reactor()

    def close(self) -> None:
        """End the thread after all that was submitted."""
        self._executor.shutdown()

    def _drain(self) -> None:
        while self._between:
            self._between.popleft()()


def _stop(reactor: MonotonicReactor) -> None:
    if reactor.running:
        reactor.stop()

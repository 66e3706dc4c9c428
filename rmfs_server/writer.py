"""Where database work runs: one thread, one job after the other, never the reactor.

Order is kept: what a dialogue asks first is answered first. When a job fails its asker
is told; whether it was committed is then unknown, and the next dial-in settles it by
the recharge number.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from protocol.errors import RmfsError

T = TypeVar("T")


class Writer(Protocol):
    """Runs jobs on the books."""

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` and tell `done` or `failed`, in the order of submission."""
        ...


class ImmediateWriter:
    """Runs each job at once, in the caller: for simulations in virtual time."""

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` now; an error that nobody raised on purpose passes through."""
        try:
            result = job()
        except RmfsError as error:
            failed(error)
            return
        done(result)


class ThreadWriter:
    """Runs jobs in a thread of its own and answers in the reactor's thread."""

    def __init__(self, reactor: IReactorFromThreads) -> None:
        """Start the thread; `stop` ends it."""
        self._reactor = reactor
        self._pool = ThreadPool(1, 1, "books")
        self._pool.start()

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Queue `job`; `done` or `failed` is called in a later reactor turn."""

        def tell(failure: Failure) -> None:
            if failure.value is not None:
                failed(failure.value)

        answer: Deferred[T] = deferToThreadPool(self._reactor, self._pool, job)
        answer.addCallbacks(done, tell)

    def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        self._pool.stop()

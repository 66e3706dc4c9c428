"""Where database work runs: one thread, never the reactor's; many share a COMMIT.

Order is kept: what a dialogue asks first is answered first. When a job fails its asker
is told; whether it was committed is then unknown, and the next dial-in settles it by
the recharge number.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, Final, Generic, Protocol, TypeVar

from sqlalchemy import Connection
from twisted.internet.interfaces import IReactorFromThreads

from hw.database import Store
from protocol.errors import RmfsError, StoreError
from protocol.values import LicenceIdentifier

_log = logging.getLogger(__name__)

TOGETHER_MAX: Final = 256
"""Jobs that share a transaction at most: a batch holds its locks for all of them."""

T = TypeVar("T")
Lock = Callable[[Connection, Sequence[LicenceIdentifier]], None]


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


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A job that writes, and may share its transaction with others.

    Attributes:
        licence: Whose machine it locks.
        ask: Does it.
    """

    licence: LicenceIdentifier
    ask: Callable[[], T]

    def __call__(self) -> T:
        """Do it."""
        return self.ask()


@dataclass(slots=True, eq=False)
class _Asked:
    job: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    result: Any = None
    error: BaseException | None = None

    @property
    def licence(self) -> LicenceIdentifier | None:
        return self.job.licence if isinstance(self.job, Question) else None

    def run(self) -> None:
        """Do it by itself."""
        try:
            self.result = self.job()
        except Exception as error:  # noqa: BLE001  # whoever asked is told
            self.error = error

    def tell(self) -> None:
        if self.error is None:
            self.done(self.result)
        else:
            self.failed(self.error)


class GroupWriter:
    """Runs jobs in a thread of its own; those that wait share one transaction.

    While one transaction is committed, the jobs that come meanwhile wait, and make up
    the next one: under load many share a COMMIT, and without load nobody waits.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        store: Store,
        lock: Lock,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start the thread; `stop` ends it.

        Args:
            reactor: In whose thread answers are given.
            store: The books.
            lock: Locks machines with all that is theirs, in the one global order.
            on_batch: Told in that thread how many jobs are taken together.
        """
        self._reactor = reactor
        self._store = store
        self._lock = lock
        self._on_batch = on_batch
        self._waiting: deque[_Asked] = deque()
        self._changed = Condition()
        self._stopping = False
        self._thread = Thread(target=self._work, name="books")
        self._thread.start()

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Queue `job`; `done` or `failed` is called in a later reactor turn."""
        with self._changed:
            self._waiting.append(_Asked(job, done, failed))
            self._changed.notify()

    def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while asked := self._take():
            self._on_batch(len(asked))
            for one in asked:
                # What only reads is a snapshot by itself, and waits for no lock.
                if one.licence is None:
                    one.run()
            self._write([one for one in asked if one.licence is not None])
            self._reactor.callFromThread(_tell, asked)

    def _take(self) -> list[_Asked]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            count = min(len(self._waiting), TOGETHER_MAX)
            return [self._waiting.popleft() for _ in range(count)]

    def _write(self, asked: Sequence[_Asked]) -> None:
        """Run jobs as one transaction, without those that are refused.

        When one raises, nothing has been written: the others run again without it.
        """
        left, failures = list(asked), 0
        while len(left) > 1:
            at: _Asked | None = None
            try:
                with self._store.together("dial-ins") as connection:
                    self._lock(connection, [one.licence for one in left if one.licence])
                    for at in left:
                        at.result = at.job()
                    at = None
            except Exception as error:  # noqa: BLE001  # whoever asked is told
                failures += isinstance(error, StoreError)
                if at is not None:
                    at.error = error
                    left.remove(at)
                elif not isinstance(error, StoreError):
                    # Refused at its COMMIT: by whose fault, shows when each is alone.
                    break
                if failures and (at is None or failures > 1):
                    # The database itself: each dial-in asks again, and finds out.
                    for one in left:
                        one.error = error
                    return
            else:
                return
        for one in left:
            one.run()


def _tell(asked: Sequence[_Asked]) -> None:
    for one in asked:
        try:
            one.tell()
        except Exception:  # noqa: BLE001  # the others are still to be told
            _log.exception("an answer of the books was not taken")

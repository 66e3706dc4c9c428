"""Where database work runs: one thread, never the reactor's; many share a COMMIT.

Order is kept: what is asked first about a machine is answered first. When a job fails
its asker is told; whether it was committed is then unknown, and the next dial-in
settles it by the recharge number.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.interfaces import IReactorFromThreads

from protocol.errors import RmfsError, StoreError
from protocol.values import LicenceIdentifier
from rmfs_server.questions import Answering, Lookup, Question

_log = logging.getLogger(__name__)

GATHER_S: Final = 0.004
"""How long a writer that has much to do lets more come before it begins."""
MUCH: Final = 4
"""Questions of the last batch from which on the next one is waited for."""
TOGETHER_MAX: Final = 256
"""Jobs that share a transaction at most: a batch holds its locks for all of them."""

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


@dataclass(slots=True, eq=False)
class _Asked:
    job: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    result: Any = None
    error: BaseException | None = None

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
    the next one. Where there is much to do, a little more is waited for; without load
    nobody waits.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        books: Answering,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start the thread; `stop` ends it.

        Args:
            reactor: In whose thread answers are given.
            books: Answers questions together.
            on_batch: Told in that thread how many jobs are taken together.
        """
        self._reactor = reactor
        self._books = books
        self._on_batch = on_batch
        self._waiting: deque[_Asked] = deque()
        self._changed = Condition()
        self._stopping = False
        self._ending = Event()
        self._last = 0
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
            self._ending.set()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while asked := self._take():
            self._on_batch(len(asked))
            lookups: list[_Asked] = []
            questions: list[_Asked] = []
            for one in asked:
                if isinstance(one.job, Lookup):
                    lookups.append(one)
                elif isinstance(one.job, Question):
                    questions.append(one)
                else:
                    one.run()
            # What only reads is a snapshot by itself, and waits for no lock.
            if lookups:
                self._together(lookups, self._find_credentials)
            read = [one for one in asked if not isinstance(one.job, Question)]
            if read:
                self._reactor.callFromThread(_tell, read)
            if questions:
                self._together(questions, self._books.answer)
                self._reactor.callFromThread(_tell, questions)

    def _take(self) -> list[_Asked]:
        """Take what waits; of each machine one question, the others wait for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
        if self._last >= MUCH:
            self._ending.wait(GATHER_S)
        with self._changed:
            taken: list[_Asked] = []
            later: list[_Asked] = []
            named: set[LicenceIdentifier] = set()
            while self._waiting and len(taken) < TOGETHER_MAX:
                one = self._waiting.popleft()
                licence = one.job.licence if isinstance(one.job, Question) else None
                if licence in named:
                    later.append(one)
                    continue
                if licence is not None:
                    named.add(licence)
                taken.append(one)
            self._waiting.extendleft(reversed(later))
            self._last = len(taken)
            return taken

    def _find_credentials(self, lookups: Sequence[Lookup]) -> list[Any]:
        return list(self._books.find_credentials([one.licence for one in lookups]))

    def _together(
        self, asked: Sequence[_Asked], do: Callable[[Sequence[Any]], list[Any]]
    ) -> None:
        """Do it for all; when that is refused, nothing was done: for each by itself."""
        try:
            results = do([one.job for one in asked])
            for one, result in zip(asked, results, strict=True):
                one.result = result
        except StoreError as error:
            # The database itself: each dial-in asks again, and finds out.
            for one in asked:
                one.error = error
        except Exception as error:  # noqa: BLE001  # whoever asked is told
            if len(asked) == 1:
                asked[0].error = error
                return
            for one in asked:
                one.run()


def _tell(asked: Sequence[_Asked]) -> None:
    for one in asked:
        try:
            one.tell()
        except Exception:  # noqa: BLE001  # the others are still to be told
            _log.exception("an answer of the books was not taken")

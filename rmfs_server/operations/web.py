"""What a process answers over HTTP: metrics and health to all, the rest to its owner.

=========  ======  =====================================================================
/metrics   both    figures of all processes here, for Prometheus
/healthz   both    200 as long as the reactor turns
/readyz    both    200 if it takes calls and the books answer, else 503 with the reason
/picture   folder  the figures of this process, as JSON
/drain     folder  POST: the whole server takes no more calls, and ends; the answer is
                   the end of the connection, with the process
=========  ======  =====================================================================

"both" is the place of ``--operate`` and the socket in the server's folder, "folder" the
socket alone. No request has a body; one that has is cut off.
"""

from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import select
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool

from hw.clock import WallClock
from hw.database import Store
from hw.reactor import MonotonicReactor
from rmfs_server.operations.asking import pictures
from rmfs_server.operations.books_picture import picture_of_books
from rmfs_server.operations.books_watch import BooksWatch
from rmfs_server.operations.metrics import expose
from rmfs_server.operations.process import ServerProcess
from rmfs_server.operations.serving import (
    OK,
    SERVICE_UNAVAILABLE,
    Answer,
    Answering,
    HttpSite,
    json_answer,
    make_site,
)
from rmfs_server.store import schema

Result = TypeVar("Result")

REQUEST_S: Final = 30.0
"""Longest wait for a request."""
EXPOSING_MAX: Final = 4
"""Metrics that are written at once; who asks beyond that is told 503."""
READY_S: Final = 5.0
"""Longest wait for the books, where a dial-in waits 30 s."""

_ANY: Final = select(schema.recharge.c.number).limit(1)
"""Reads what a dial-in reads, without a search."""


class Operating:
    """What the answers are made of."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        folder: Path,
        process: ServerProcess,
        store: Store,
        clock: WallClock,
    ) -> None:
        """Join the parts.

        Args:
            reactor: In whose thread questions come.
            folder: The server's folder.
            process: This process.
            store: The books.
            clock: For what the books are asked.
        """
        self.process = process
        self._reactor = reactor
        self._folder = folder
        self._store = store
        self._books = BooksWatch(
            lambda: picture_of_books(store, clock.now()), reactor.seconds
        )
        self._exposing = 0
        self._askers: set[Deferred[str | None]] = set()
        self._owed = False

    def site(self, *, is_owner: bool) -> HttpSite:
        """Make what answers at a place; to the owner of the folder it tells more."""
        answers: dict[str, Answering] = {
            "GET /metrics": self.exposed,
            "GET /healthz": lambda _: json_answer({"healthy": True}),
            "GET /readyz": self._ready,
        }
        if is_owner:
            answers["GET /picture"] = lambda _: json_answer(self.process.picture())
            answers["POST /drain"] = self._drain
        return make_site(answers, self._reactor, REQUEST_S)

    def exposed(self, accept: str) -> "Deferred[Answer]":
        """Write the metrics; other processes and the books are asked in a thread."""
        if self._exposing >= EXPOSING_MAX:
            return succeed(Answer(b"", code=SERVICE_UNAVAILABLE))
        self._exposing += 1
        reactor, own = self._reactor, self.process.picture()

        def work() -> Answer:
            processes = pictures(self._folder, own)
            return Answer(*expose(processes, self._books.latest(), accept))

        def done(answer: Result) -> Result:
            self._exposing -= 1
            return answer

        exposed = deferToThreadPool(reactor, reactor.getThreadPool(), work)
        return exposed.addBoth(done)

    def readiness(self) -> "Deferred[str | None]":
        """Say why a call would not be served, or None.

        The books are asked as a dial-in asks them: behind all that waits there. While
        they owe an answer they are not asked again, however many want to know.
        """
        exchange = self.process.exchange
        if self.process.is_draining:
            return succeed("draining")
        if self.process.books_wait_s > exchange.limits.books_wait_s:
            return succeed("slow books: calls are turned away")
        told: Deferred[str | None] = Deferred()
        late = self._reactor.callLater(
            READY_S, self._tell, told, f"the books did not answer in {READY_S:g} s"
        )

        def disarm(words: str | None) -> str | None:
            if late.active():
                late.cancel()
            return words

        told.addCallback(disarm)
        self._askers.add(told)
        if not self._owed:
            self._owed = True
            exchange.writer.submit(self._touch_books, self._touched, self._failed)
        return told

    def _touch_books(self) -> None:
        with self._store.reading() as connection:
            connection.execute(_ANY).one_or_none()

    def _touched(self, _: None) -> None:
        self._tell_all(None)

    def _failed(self, error: BaseException) -> None:
        self._tell_all(f"the books failed: {error}")

    def _tell_all(self, why: str | None) -> None:
        self._owed = False
        for told in list(self._askers):
            self._tell(told, why)

    def _tell(self, told: "Deferred[str | None]", why: str | None) -> None:
        if told in self._askers:
            self._askers.remove(told)
            told.callback(why)

    def _ready(self, _accept: str) -> "Deferred[Answer]":
        def told(why: str | None) -> Answer:
            code = OK if why is None else SERVICE_UNAVAILABLE
            return json_answer({"ready": why is None, "why": why}, code)

        return self.readiness().addCallback(told)

    def _drain(self, _accept: str) -> None:
        self._reactor.callLater(0, self.process.end)

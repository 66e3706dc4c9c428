"""Asking the books for operators, without ever waiting long for them.

A database that is cut off may keep a question for minutes. Nobody who scrapes metrics
waits for that, and no end of the program does: the question has a thread of its own,
one at a time, which is left behind.
"""

from collections.abc import Callable
from threading import Lock, Thread
from typing import Final

from protocol.errors import StoreError
from rmfs_server.operations.books_picture import Picture

FRESH_S: Final = 10.0
"""How long an answer stands: askers do not add up to a load."""
FAILED_S: Final = 1.0
"""How long it stands that they did not answer."""
WAIT_S: Final = 2.0
"""Longest wait for an answer."""


class BooksWatch:
    """What the books said last, if they answer."""

    def __init__(self, look: Callable[[], Picture], now: Callable[[], float]) -> None:
        """Ask nothing yet.

        Args:
            look: Asks the books; it may raise a `StoreError`.
            now: A monotonic clock, in seconds.
        """
        self._look = look
        self._now = now
        self._lock = Lock()
        self._asking: Thread | None = None
        self._told: Picture | None = None
        self._until = float("-inf")

    def latest(self, wait_s: float = WAIT_S) -> Picture | None:
        """Give what the books say, from any thread; None when they do not answer."""
        with self._lock:
            if self._now() < self._until:
                return self._told
            asking = self._asking
            if asking is None:
                asking = Thread(target=self._ask, name="operators", daemon=True)
                self._asking = asking
                asking.start()
        asking.join(wait_s)
        with self._lock:
            return self._told if self._now() < self._until else None

    def _ask(self) -> None:
        told: Picture | None = None
        try:
            told = self._try_twice()
        finally:
            with self._lock:
                self._told = told
                stands_s = FAILED_S if told is None else FRESH_S
                self._until = self._now() + stands_s
                self._asking = None

    def _try_twice(self) -> Picture | None:
        """Ask, and again: the first connection may be of a database that was killed."""
        for _ in range(2):
            try:
                return self._look()
            except StoreError:
                continue
        return None

"""A scale on a pseudo-terminal, answering from a thread of its own, for tests."""

import os
import select
import threading
import tty
from types import TracebackType
from typing import Protocol, Self


class FarEnd(Protocol):
    """What answers: a `ScaleResponder`, or something worse."""

    def receive(self, octets: bytes) -> bytes:
        """Give the answer to what arrived."""
        ...


class ScaleTerminal:
    """A terminal whose other side a scale is on, until it is pulled out."""

    def __init__(self, far_end: FarEnd) -> None:
        self._far_end = far_end
        self._here, self._there = os.openpty()
        tty.setraw(self._there)
        self.device = os.ttyname(self._there)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        for descriptor in (
            *(self._here, self._there),
            *(self._stop_read, self._stop_write),
        ):
            os.close(descriptor)

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._here, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            answer = self._far_end.receive(os.read(self._here, 4096))
            if answer:
                os.write(self._here, answer)

"""A scale on a pseudo-terminal, answering from a thread of its own, for tests."""

import os
import select
import threading
from types import TracebackType
from typing import Protocol, Self

from hw.scales.serial_port import TerminalPort


class FarEnd(Protocol):
    """What answers: a `ScaleResponder`, or something worse."""

    def receive(self, octets: bytes) -> bytes:
        """Give the answer to what arrived."""
        ...


class ScaleTerminal:
    """A terminal whose other side a scale is on, until it is pulled out."""

    def __init__(self, far_end: FarEnd) -> None:
        self._far_end = far_end
        self._port = TerminalPort()
        self.device = self._port.device
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
        self._port.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _serve(self) -> None:
        heard: list[TerminalPort | int] = [self._port, self._stop_read]
        while True:
            ready, _, _ = select.select(heard, [], [])
            if self._stop_read in ready:
                return
            self._port.write(self._far_end.receive(self._port.read(0.0)))

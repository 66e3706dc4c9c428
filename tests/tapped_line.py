"""A line between real processes with two adapters at it that only listen."""

import os
import select
import selectors
import socket
import tty
from types import TracebackType
from typing import Self

from tests.processes import TIMEOUT_S

_OCTETS_MAX = 4096


class TappedLine:
    """Carries calls; each direction is heard at a pseudo-terminal of its own.

    Attributes:
        line: What machines dial.
        ends: Where the machine is heard, and where the server is.
    """

    def __init__(self, port: int) -> None:
        """Be ready for calls to the server at this TCP port."""
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.line = f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"
        self._heard, self._held = zip(*(os.openpty() for _ in "ab"), strict=True)
        for end in self._held:
            tty.setraw(end)
        machine, server = (os.ttyname(end) for end in self._held)
        self.ends = machine, server

    def carry(self) -> None:
        """Carry the call that comes next, to its end."""
        machine = self._listener.accept()[0]
        server = socket.create_connection(("127.0.0.1", self._port))
        with machine, server, selectors.DefaultSelector() as selector:
            ears = zip(self._heard, self._held, strict=True)
            ends = (machine, server), (server, machine)
            ways = [(*end, *ear) for end, ear in zip(ends, ears, strict=True)]
            for way in ways:
                selector.register(way[0], selectors.EVENT_READ, way)
            while True:
                ready = selector.select(TIMEOUT_S)
                assert ready, "the line is silent"
                for key, _ in ready:
                    come, go, heard, held = key.data
                    octets = come.recv(_OCTETS_MAX)
                    if not octets:
                        return
                    os.write(heard, octets)
                    # A busy kernel hands them over later, unless somebody looks for
                    # them; no adapter keeps octets until they were answered.
                    select.select([held], [], [], 0)
                    go.sendall(octets)

    def unplug(self) -> None:
        """Pull the adapter at which the machine is heard."""
        os.close(self._held[0])
        os.close(self._heard[0])
        self._held, self._heard = self._held[1:], self._heard[1:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        for end in (*self._heard, *self._held):
            os.close(end)

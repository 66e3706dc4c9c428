"""The wire between the server's exchange and the gateway's drop, which is looked at.

Octets pass unread. That a session is at work is seen by its call being open, and so is
how long it takes; a call that comes while the gateway is being started waits for it.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_HOST: Final = "127.0.0.1"
_OCTETS: Final = 65_536


class Call:
    """One use of the wire.

    Attributes:
        began: Set with its first octets.
        ended: Set at its end, if it ever began.
        seconds: How long it took; None while it is open.
    """

    def __init__(self) -> None:
        """Begin; nothing has passed yet."""
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.seconds: float | None = None
        self._at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether octets have passed, and more may."""
        return self.began.is_set() and self.seconds is None

    def begin(self) -> None:
        """Note the first octets."""
        if not self.began.is_set():
            self._at = asyncio.get_running_loop().time()
            self.began.set()

    def end(self) -> None:
        """Note the end."""
        if self.is_open:
            self.seconds = asyncio.get_running_loop().time() - self._at
            self.ended.set()


class Relay:
    """Carries calls to the gateway, wherever it listens now.

    Attributes:
        call: The newest call; `expect` makes it.
    """

    def __init__(self) -> None:
        """Prepare; it listens within an ``async with`` block."""
        self.call = Call()
        self._target: asyncio.Future[int] | None = None
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen on a port that is free."""
        self.lead_nowhere()
        self._server = await asyncio.start_server(self._answer, _HOST, 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what is carried, and listen no more."""
        if self._server is not None:
            self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        listening = () if self._server is None else self._server.sockets
        return int(listening[0].getsockname()[1])

    def lead_to(self, port: int) -> None:
        """Carry calls to this port; those that wait go there too."""
        if self._target is not None and not self._target.done():
            self._target.set_result(port)
            return
        self.lead_nowhere()
        self.lead_to(port)

    def lead_nowhere(self) -> None:
        """Let calls wait."""
        self._target = asyncio.get_running_loop().create_future()

    def expect(self) -> Call:
        """Give the call that comes next."""
        self.call = Call()
        return self.call

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        call = self.call
        try:
            await self._carry(call, reader, writer)
        except OSError:
            # One of the two was killed: what it means is seen at the other one.
            pass
        finally:
            call.end()
            writer.close()

    async def _carry(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._target is None:
            return
        port = await asyncio.shield(self._target)
        there = await asyncio.open_connection(_HOST, port)
        try:
            ways = [
                asyncio.create_task(_pump(reader, there[1], call)),
                asyncio.create_task(_pump(there[0], writer, call)),
            ]
            _, open_still = await asyncio.wait(
                ways, return_when=asyncio.FIRST_COMPLETED
            )
            for way in open_still:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            there[1].close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call
) -> None:
    """Pass octets on, until one end is gone."""
    with suppress(OSError):
        while octets := await reader.read(_OCTETS):
            call.begin()
            writer.write(octets)
            await writer.drain()

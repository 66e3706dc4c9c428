"""What happens, told to whoever listens: server-sent events in bounded queues.

`Hub.publish` may be called from any thread. Events are numbered from 1 in the order of
their publishing; the last `KEPT` are kept, so that a listener who comes back tells the
number of its last one and misses nothing that is still there. A listener who does not
read is dropped, with a word, and costs no memory beyond its queue.

The form is that of the WHATWG HTML standard, section 9.2.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fm_device.control.problems import ControlRefusal, ProblemError
from hw.clock import WallClock

Publish = Callable[[str, dict[str, Any]], None]
"""Told what kind of thing happens, and what it is."""

KEPT: Final = 1_000
QUEUE_EVENTS: Final = 250
LISTENERS_MAX: Final = 8
KEEP_ALIVE_S: Final = 15.0
SEND_TIMEOUT_S: Final = 10.0
"""After so long a listener that takes nothing is given up."""
_DROPPED: Final = "DROPPED: too slow; read faster, and come back with Last-Event-ID"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event, as it is told.

    Attributes:
        number: From 1, in the order of publishing.
        kind: log, progress, frame, dial-in, state, frank or power.
        data: One line of JSON.
    """

    number: int
    kind: str
    data: str

    def encode(self) -> bytes:
        """Write it as a server-sent event."""
        return f"id: {self.number}\nevent: {self.kind}\ndata: {self.data}\n\n".encode()


@dataclass(eq=False)
class Listener:
    """Somebody who listens.

    Attributes:
        queue: What is still to be sent; None at the end.
        dropped: Something did not fit any more.
    """

    queue: "asyncio.Queue[StreamEvent | None]" = field(
        # One place more, for the end.
        default_factory=lambda: asyncio.Queue(QUEUE_EVENTS + 1)
    )
    dropped: bool = False


class Hub:
    """Hands events to the listeners; all but `publish` is of the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: WallClock) -> None:
        """Start without listeners.

        Args:
            loop: Where listeners are served.
            clock: For the time in each event.
        """
        self._loop = loop
        self._clock = clock
        self._kept: deque[StreamEvent] = deque(maxlen=KEPT)
        self._listeners: set[Listener] = set()
        self._number = 0
        self._closed = False

    @property
    def last_number(self) -> int:
        """Number of the newest event."""
        return self._number

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        """Tell everybody; from any thread, and never waiting."""
        told = {"at": self._clock.utc().isoformat(timespec="milliseconds"), **data}
        self._loop.call_soon_threadsafe(self._deliver, kind, json.dumps(told))

    def listen(self, after: int | None) -> Listener:
        """Begin to listen.

        Args:
            after: The number of the last event that is known; None for new ones only.

        Raises:
            ProblemError: Too many listen.
        """
        if len(self._listeners) >= LISTENERS_MAX or self._closed:
            raise ProblemError(ControlRefusal.STREAMS)
        listener = Listener()
        wanted = [event for event in self._kept if after is not None]
        for event in (one for one in wanted if one.number > (after or 0)):
            self._give(listener, event)
        if not listener.dropped:
            self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream, and begin no other."""
        self._closed = True
        for listener in tuple(self._listeners):
            self._end(listener)

    def _deliver(self, kind: str, data: str) -> None:
        self._number += 1
        event = StreamEvent(self._number, kind, data)
        self._kept.append(event)
        for listener in tuple(self._listeners):
            self._give(listener, event)

    def _give(self, listener: Listener, event: StreamEvent) -> None:
        if listener.dropped:
            return
        if listener.queue.qsize() >= QUEUE_EVENTS:
            listener.dropped = True
            self._end(listener)
        else:
            listener.queue.put_nowait(event)

    def _end(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        listener.queue.put_nowait(None)


class EventStream(Response):
    """An answer that goes on until somebody ends it."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, listener: Listener, first: int) -> None:
        """Stream to a listener.

        Args:
            hub: Left at the end.
            listener: Whom it is for.
            first: Number of the newest event when it began to listen.
        """
        super().__init__(
            headers={"Cache-Control": "no-store"}, media_type=self.media_type
        )
        del self.headers["content-length"]
        self.background: BackgroundTask | None = None
        self._hub = hub
        self._listener = listener
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the listener goes, is dropped, or the port is closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                gone = tasks.create_task(_gone(receive))
                sending = tasks.create_task(self._send_all(send))
                await asyncio.wait((gone, sending), return_when="FIRST_COMPLETED")
                gone.cancel()
                sending.cancel()
        finally:
            self._hub.leave(self._listener)

    async def _send_all(self, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": self.raw_headers,
        }
        try:
            await _in_time(send, start)
            await _send_octets(send, f": listening, last is {self._first}\n\n".encode())
            while (event := await self._next()) is not None:
                await _send_octets(send, event)
            word = _DROPPED if self._listener.dropped else "the port is closed"
            data = json.dumps({"words": word})
            await _send_octets(send, f"event: end\ndata: {data}\n\n".encode())
            await _in_time(send, {"type": "http.response.body", "body": b""})
        except TimeoutError:
            # It takes nothing: there is no way left to tell it why.
            return

    async def _next(self) -> bytes | None:
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                event = await self._listener.queue.get()
        except TimeoutError:
            return b": \n\n"
        return None if event is None else event.encode()


async def _send_octets(send: Send, octets: bytes) -> None:
    message = {"type": "http.response.body", "body": octets, "more_body": True}
    await _in_time(send, message)


async def _in_time(send: Send, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await send(message)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

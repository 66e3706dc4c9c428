"""The stream of a control port: order, gaps, and listeners that do not keep up."""

import asyncio
from datetime import UTC, datetime

import pytest
from starlette.types import Message

from fm_device.control.problems import ProblemError
from fm_device.control.stream import (
    KEPT,
    LISTENERS_MAX,
    QUEUE_EVENTS,
    EventStream,
    Hub,
)
from hw.clock import MemoryWallClock

NOON = MemoryWallClock(datetime(2026, 11, 22, 12, tzinfo=UTC))


async def _published(hub: Hub, count: int) -> None:
    for number in range(count):
        hub.publish("log", {"number": number})
    await asyncio.sleep(0)


class _Reader:
    """A reader that takes nothing until it is told to."""

    def __init__(self) -> None:
        self.may_read = asyncio.Event()
        self.began = asyncio.Event()
        self.heard = b""
        self.over = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.began.set()
            await self.may_read.wait()
            self.heard += message["body"]
            self.over = not message.get("more_body", False)

    async def receive(self) -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}


async def _streamed(before_reading: int) -> _Reader:
    hub = Hub(asyncio.get_running_loop(), NOON)
    reader = _Reader()
    stream = EventStream(hub, hub.listen(None), hub.last_number)
    task = asyncio.create_task(stream({"type": "http"}, reader.receive, reader.send))
    await reader.began.wait()
    await _published(hub, before_reading)
    reader.may_read.set()
    if before_reading <= QUEUE_EVENTS:
        hub.close()
    await task
    return reader


def test_a_listener_that_does_not_read_is_dropped_with_a_word() -> None:
    reader = asyncio.run(_streamed(QUEUE_EVENTS + 1))
    assert reader.over
    assert reader.heard.count(b"event: log\n") == QUEUE_EVENTS
    assert b"event: end\ndata: {" in reader.heard
    assert b"DROPPED: too slow" in reader.heard


def test_a_listener_that_was_behind_misses_nothing_that_fits() -> None:
    reader = asyncio.run(_streamed(QUEUE_EVENTS))
    assert reader.heard.count(b"event: log\n") == QUEUE_EVENTS
    assert b"DROPPED" not in reader.heard
    assert b"the port is closed" in reader.heard


def test_who_comes_back_hears_what_came_since() -> None:
    async def heard(after: int | None) -> list[int]:
        hub = Hub(asyncio.get_running_loop(), NOON)
        await _published(hub, 5)
        queue = hub.listen(after).queue
        return [
            event.number for _ in range(queue.qsize()) if (event := queue.get_nowait())
        ]

    assert asyncio.run(heard(3)) == [4, 5]
    assert asyncio.run(heard(0)) == [1, 2, 3, 4, 5]
    assert asyncio.run(heard(None)) == []


def test_only_so_many_events_are_kept() -> None:
    async def first() -> int:
        hub = Hub(asyncio.get_running_loop(), NOON)
        await _published(hub, KEPT + 10)
        event = hub.listen(0).queue.get_nowait()
        return 0 if event is None else event.number

    assert asyncio.run(first()) == 11


def test_only_so_many_listen() -> None:
    async def listen() -> None:
        hub = Hub(asyncio.get_running_loop(), NOON)
        listeners = [hub.listen(None) for _ in range(LISTENERS_MAX)]
        with pytest.raises(ProblemError):
            hub.listen(None)
        hub.leave(listeners[0])
        hub.listen(None)

    asyncio.run(listen())

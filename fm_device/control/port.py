"""The port as its routes see it: a machine to ask, and a stream to listen to."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header, Request

from fm_device.control.problems import ControlRefusal, ProblemError
from fm_device.control.stand import Stand
from fm_device.control.stream import Hub
from fm_device.control.thread import MachineThread

_T = TypeVar("_T")

REQUEST_TIMEOUT_S: Final = 30.0
"""No request waits longer for the machine; a scale may take some seconds."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=64,
        pattern=r"^[!-~]+$",
        description="Drawn by the client for one request. The same request with the "
        "same key is done once and answered alike; a refused one may be tried again. "
        "Keys are kept in memory until the port is closed, the last 1,024 of them.",
    ),
]


@dataclass(frozen=True, slots=True)
class Port:
    """What routes work with.

    Attributes:
        stand: The machine; to be touched in tasks alone, but for its plug.
        thread: Where tasks are done.
        hub: What happens.
        papers: The machine's papers, for images.
    """

    stand: Stand
    thread: MachineThread
    hub: Hub
    papers: dict[str, str]

    async def look(self, task: Callable[[Stand], _T]) -> _T:
        """Do what changes nothing; a dial-in that runs goes on.

        Raises:
            RmfsError: It is not possible.
        """
        return await _answer(
            self.thread.look(lambda: self.stand.do(task, changes=False))
        )

    async def change(self, task: Callable[[Stand], _T]) -> _T:
        """Do what may change the machine.

        Raises:
            RmfsError: It is not possible, or a dial-in runs.
        """
        self.stand.dial_ins.check_none()
        return await _answer(
            self.thread.submit(lambda: self.stand.do(task, changes=True))
        )

    async def cut(self, task: Callable[[Stand], _T]) -> _T:
        """Cut the power now, whatever the machine does, and look at what is left."""
        self.stand.plug.pull()
        self.thread.stop_reactor()
        return await _answer(
            self.thread.submit(lambda: self.stand.do(task, changes=False))
        )


async def _port_of(request: Request) -> Port:
    port: Port = request.app.state.port
    return port


PortHere = Annotated[Port, Depends(_port_of)]
"""The port that the application serves, for a route."""


async def _answer(asked: "Future[_T]") -> _T:
    future = asyncio.wrap_future(asked)
    # A task that nobody waits for any more goes on, and what it raises is nobody's.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            return await asyncio.shield(future)
    except TimeoutError as error:
        raise ProblemError(ControlRefusal.TIME_OUT) from error

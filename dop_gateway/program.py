"""The gateway as a program: a socket, uvicorn, its jobs, and an end in order."""

import asyncio
import os
import platform
import signal
import socket
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterator,
    Sequence,
)
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from dop_gateway.exchange import applying
from dop_gateway.exchange.registered import SOURCES
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.jobs import serving
from dop_gateway.jobs.catalogue import JOBS
from dop_gateway.jobs.scheduler import Scheduler
from dop_gateway.outbox import serving as outbox_serving
from dop_gateway.parts import Parts
from dop_gateway.sftp.server import serve_drop
from dop_gateway.web.app import build_app
from protocol.errors import RmfsError

CONNECTIONS_MAX: Final = 256
IDLE_TIMEOUT_S: Final = 5
END_TIMEOUT_S: Final = 10
_HEAD_OCTETS_MAX: Final = 16_384
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

Beside = Callable[[], Coroutine[Any, Any, None]]
"""What runs beside an application, until it is cancelled."""


@dataclass(frozen=True, slots=True)
class DropAddress:
    """Where the SFTP drop is served.

    Attributes:
        port: 0 for one that is free.
        host_key: Its private key, as OpenSSH writes it.
    """

    host: str
    port: int
    host_key: str


def run_gateway(
    parts: Parts,
    host: str,
    port: int,
    listening: Callable[[str], None],
    *,
    drop: DropAddress | None = None,
    proxies: Sequence[str] = (),
) -> None:
    """Serve until a signal ends it; requests and jobs that run are finished.

    What came before and was not applied is applied first.

    Args:
        parts: The gateway.
        host: Where it listens.
        port: 0 for one that is free.
        listening: Told each address, once it is listening there.
        drop: Where the SFTP drop is served; None: it is not.
        proxies: Addresses and networks of proxies that are believed who asks.

    Raises:
        RmfsError: A port cannot be opened.
    """
    started = By(GATEWAY, parts.clock.now(), "start", "the gateway starts")
    applying.catch_up_all(parts.store, parts.exchange, SOURCES, started)
    scheduler = Scheduler(parts, JOBS, f"{platform.node()}, process {os.getpid()}")
    with ExitStack() as stack:
        beside = [lambda: serving.serve(scheduler, parts.clock)]
        beside.append(lambda: outbox_serving.serve(parts.delivery))
        if drop is not None:
            at = stack.enter_context(_bound(drop.host, drop.port))
            listening(f"sftp://{drop.host}:{at.getsockname()[1]}")
            beside.append(lambda: _serve_drop(parts, at, drop.host_key))
        serve(
            build_app(parts),
            host,
            port,
            listening,
            beside=lambda: _all(beside),
            proxies=proxies,
        )


async def _all(beside: Sequence[Beside]) -> None:
    """Run what runs beside the application; if one of it breaks, all ends."""
    async with asyncio.TaskGroup() as group:
        for one in beside:
            group.create_task(one())


async def _serve_drop(parts: Parts, at: socket.socket, host_key: str) -> None:
    async with await serve_drop(parts, SOURCES, at, host_key=host_key):
        await asyncio.Event().wait()


def serve(
    app: FastAPI,
    host: str,
    port: int,
    listening: Callable[[str], None],
    *,
    beside: Beside | None = None,
    proxies: Sequence[str] = (),
) -> None:
    """Serve an application until a signal ends it; requests that run are finished.

    Args:
        app: The gateway, or a simulator of somebody that it talks to.
        host: Where it listens.
        port: 0 for one that is free.
        listening: Told the address, once it is listening.
        beside: Runs while the application is served; if it breaks, all ends.
        proxies: Who is believed who asks.

    Raises:
        RmfsError: The port cannot be opened.
    """
    with _bound(host, port) as at:
        number = at.getsockname()[1]
        address = f"http://{host}:{number}"
        config = _config(app, proxies)
        asyncio.run(_serve(config, at, lambda: listening(address), beside))


async def _serve(
    config: uvicorn.Config,
    at: socket.socket,
    listening: Callable[[], None],
    beside: Beside | None,
) -> None:
    loop = asyncio.get_running_loop()
    server = _Server(config)
    for one in _SIGNALS:
        loop.add_signal_handler(one, server.end)
    # The socket listens already: whoever connects from now on is answered.
    listening()
    async with _running(beside, server):
        await server.serve(sockets=[at])


@asynccontextmanager
async def _running(beside: Beside | None, server: "_Server") -> AsyncIterator[None]:
    if beside is None:
        yield
        return

    def end_if_broken(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            server.end()

    task = asyncio.create_task(beside())
    task.add_done_callback(end_if_broken)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Server(uvicorn.Server):
    """uvicorn, ended by us: its own way raises the signal again before we are done."""

    def end(self) -> None:
        """Begin the end; a second signal does not hurry it: it is bounded."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs this."""
        yield


def _config(app: FastAPI, proxies: Sequence[str]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=IDLE_TIMEOUT_S,
        timeout_graceful_shutdown=END_TIMEOUT_S,
        h11_max_incomplete_event_size=_HEAD_OCTETS_MAX,
    )


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    try:
        at = socket.create_server((host, port))
    except OSError as error:
        raise RmfsError(
            f"port {port} of {host} cannot be opened ({error.strerror}): choose "
            "another, or 0 for one that is free"
        ) from error
    with at:
        yield at

"""A machine at a control port, from its folder to the last request.

The order of the end: no new connection, streams and dial-ins are ended, requests are
finished, the machine is switched off, the world is stored, the folder is unlocked.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from fm_device.control.port import Port
from fm_device.control.service import build_service
from fm_device.control.stand import Stand
from fm_device.control.stream import Hub
from fm_device.control.thread import MachineThread
from fm_device.control.token import draw_token, remove_token, write_token
from fm_device.folder import machine_parts, read_world, write_world
from fm_device.new_flash import renew_flash
from fm_device.presets.folders import papers_of
from hw.clock import WallClock
from hw.lines.strings import LineAddress
from hw.nvram import FileNvram
from hw.scales.port import Scale
from protocol.errors import RmfsError
from protocol.ports import Entropy

FILE_NAME: Final = "control-token"
"""The token file, in the machine's folder unless another one is named."""
HOST: Final = "127.0.0.1"
CONNECTIONS_MAX: Final = 64
IDLE_TIMEOUT_S: Final = 5
END_TIMEOUT_S: Final = 10
_HEAD_OCTETS_MAX: Final = 16_384
_SEND_OCTETS: Final = 65_536
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class ControlOptions:
    """How the port is opened.

    Attributes:
        port: The TCP port on the loopback; 0 for one that is free.
        line: Where the machine dials in, or None.
        scale: Whatever weighs.
        token_file: Where the token goes, or None for the machine's folder.
    """

    port: int
    line: LineAddress | None
    scale: Scale
    token_file: Path | None


def run_control(
    folder: Path,
    options: ControlOptions,
    *,
    clock: WallClock,
    entropy: Entropy,
    say: Callable[[str], None],
) -> None:
    """Serve a machine until a signal ends it.

    Args:
        folder: Where the machine is; nobody else has it meanwhile.
        options: How the port is opened.
        clock: The battery clock.
        entropy: Where the token comes from.
        say: Told the address, once it is listening.

    Raises:
        FolderError: There is no machine, somebody has it, or a paper is missing.
        RmfsError: The port is taken, or the token cannot be written.
    """
    token = draw_token(entropy)
    file = options.token_file or folder / FILE_NAME

    def listening(address: str) -> None:
        # Whoever waits for the token file finds a port that is open already.
        write_token(file, token)
        say(f"listening at {address}")
        say(f"the token is in {file}")

    with machine_parts(folder, "machine control") as memories, ExitStack() as renewed:
        sensors = read_world(folder)
        papers = papers_of(folder)

        def renew() -> FileNvram:
            return renewed.enter_context(closing(renew_flash(folder)))

        def stand_on(thread: MachineThread, hub: Hub) -> Stand:
            return Stand(
                memories,
                clock,
                options.scale,
                sensors,
                renew_flash=renew,
                line=options.line,
                hold=thread.hold,
                start=thread.submit,
                publish=hub.publish,
            )

        with _listening(options.port) as at:
            opened = _Opened(clock, token, papers, listening)
            try:
                stand = asyncio.run(_serve(at, stand_on, opened))
            finally:
                remove_token(file, token)
                options.scale.close()
        write_world(folder, stand.machine.sensors)


async def _serve(
    at: socket.socket,
    stand_on: Callable[[MachineThread, Hub], Stand],
    opened: "_Opened",
) -> Stand:
    loop = asyncio.get_running_loop()
    hub = Hub(loop, opened.clock)
    thread = MachineThread()
    stand = stand_on(thread, hub)
    number = at.getsockname()[1]
    service = build_service(
        Port(stand, thread, hub, opened.papers), opened.token, number
    )

    def stop() -> None:
        stand.stop_run()
        thread.stop()

    server = _Server(_config(service), hub, stop)
    for one in _SIGNALS:
        loop.add_signal_handler(one, server.end)
    try:
        await asyncio.wrap_future(
            thread.submit(lambda: stand.do(Stand.switch_on, changes=False))
        )
        opened.listening(f"http://{HOST}:{number}")
        await server.serve(sockets=[at])
    finally:
        stop()
        last = thread.submit(lambda: stand.do(Stand.switch_off, changes=False))
        thread.close()
        last.result()
    return stand


@dataclass(frozen=True, slots=True)
class _Opened:
    """What is known once the folder is ours and the socket is bound."""

    clock: WallClock
    token: str
    papers: dict[str, str]
    listening: Callable[[str], None]


class _Server(uvicorn.Server):
    """uvicorn, ended by us: its own way raises the signal again before we are done."""

    def __init__(
        self, config: uvicorn.Config, hub: Hub, stop: Callable[[], None]
    ) -> None:
        """Serve until `end`."""
        super().__init__(config)
        self._hub = hub
        self._stop = stop

    def end(self) -> None:
        """Begin the end; a second signal does not hurry it: it is bounded."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs this."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what lasts, and then the requests."""
        self._hub.close()
        self._stop()
        await super().shutdown(sockets)


def _config(service: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        service,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=IDLE_TIMEOUT_S,
        timeout_graceful_shutdown=END_TIMEOUT_S,
        h11_max_incomplete_event_size=_HEAD_OCTETS_MAX,
    )


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    try:
        at = socket.create_server((HOST, port))
    except OSError as error:
        raise RmfsError(
            f"port {port} of {HOST} cannot be opened ({error.strerror}): choose "
            "another, or 0 for one that is free"
        ) from error
    with at:
        # What a listener does not read waits in the system no longer than need be.
        at.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_OCTETS)
        yield at

"""The exchange as a program: a session in every window, and again until it is complete.

It is a process of its own beside the one that answers dial-ins, on the same books
(docs/decisions/exchange-beside-the-server.md). SIGTERM and SIGINT let a session end;
SIGKILL is safe at any moment.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hw.clock import SystemWallClock, WallClock
from protocol.errors import NeedsAttentionError, StoreError
from protocol.values import EpochSeconds
from rmfs_server.department import read_department
from rmfs_server.exchange.office import ExchangeOffice
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.settings import read_exchange
from rmfs_server.exchange.sftp import SftpRemote
from rmfs_server.exchange.windows import Slot, Windows
from rmfs_server.folder import open_books, read_server
from rmfs_server.keyring import CreditKeys
from rmfs_server.operations.logs import LogFormat, begin_log

POLL_S: Final = 60
"""Between two sessions of a window that is not complete."""
BACKOFF_S: Final = (10, 20, 40, 80, 160, 300)
"""After the first, second, ... session in a row that failed."""
SLEEP_S_MAX: Final = 600
"""The wall clock may be set while we wait: it is read again so often at least."""
_LOG: Final = logging.getLogger(__name__)

Session = Callable[[Slot], SessionReport]
"""Exchanges files once; raises what `run_session` raises."""
Wait = Callable[[float], Awaitable[bool]]
"""Waits so many seconds; says whether the program is to end."""


class Exchanging:
    """Decides when the next session is, by what the last one did."""

    def __init__(self, session: Session, windows: Windows, clock: WallClock) -> None:
        """Run sessions in windows."""
        self._session = session
        self._windows = windows
        self._clock = clock
        self._complete: Slot | None = None
        self._failed = 0

    async def run(self, wait: Wait) -> None:
        """Exchange files until the program is to end."""
        ends = False
        while not ends:
            await self._work()
            ends = await wait(self._rest_s())

    async def _work(self) -> None:
        slot = self._windows.at(self._clock.now())
        if not slot.is_window or slot == self._complete:
            return
        try:
            report = await asyncio.to_thread(self._session, slot)
        except (NeedsAttentionError, StoreError) as error:
            self._failed += 1
            _LOG.warning("exchange of %s failed: %s", slot, error)
            return
        self._failed = 0
        for line in report.show():
            _LOG.info("%s", line)
        if report.is_complete:
            self._complete = slot

    def _rest_s(self) -> float:
        now = self._clock.now()
        slot = self._windows.at(now)
        if slot.is_window and slot != self._complete:
            if not self._failed:
                return POLL_S
            return BACKOFF_S[min(self._failed, len(BACKOFF_S)) - 1]
        # Until the next window; this one, if it is complete, has nothing to bring.
        return min(self._windows.next_start(now) - now, SLEEP_S_MAX)


@contextmanager
def open_office(folder: Path) -> Iterator[ExchangeOffice]:
    """Open the books of a server's folder, for exchanges.

    Raises:
        ServerFolderError: There is no server, or no exchange.
        StoreError: The database failed, or has another schema.
    """
    server = read_server(folder)
    department, exchange = read_department(folder), read_exchange(folder)
    keys = CreditKeys(server.credit_key, server.find_credit_key)
    with open_books(folder) as store:
        yield ExchangeOffice(store, department, exchange.ours, keys)


def exchange_once(folder: Path, slot: Slot, now: EpochSeconds) -> SessionReport:
    """Exchange files now.

    Keys and layouts are read anew: what an operator changed holds from now on.

    Raises:
        RemoteError: The Department's server failed.
        ServerFolderError: There is no server, or no exchange.
        StoreError: The database failed; try again.
        InvariantError: Money does not add up.
    """
    address = read_exchange(folder).address
    with open_office(folder) as office, SftpRemote(address) as remote:
        return run_session(office, remote, slot, now)


def run_exchange(
    folder: Path,
    on_ready: Callable[[Slot], None],
    log_format: LogFormat = LogFormat.TEXT,
    log_file: Path | None = None,
) -> None:
    """Exchange files in every window until SIGTERM or SIGINT.

    Args:
        folder: The server's folder.
        on_ready: Told the window that is now, once signals are heard.
        log_format: How the lines of the log are written.
        log_file: Where to; None: stderr.

    Raises:
        LogFileError: The log cannot be opened.
        ServerFolderError: There is no server, or no exchange.
    """
    begin_log(None, log_format, path=log_file)
    clock, windows = SystemWallClock(), Windows()
    with open_office(folder):
        pass

    def session(slot: Slot) -> SessionReport:
        return exchange_once(folder, slot, clock.now())

    async def serve() -> None:
        ends = asyncio.Event()
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, ends.set)
        on_ready(windows.at(clock.now()))

        async def wait(seconds: float) -> bool:
            try:
                async with asyncio.timeout(seconds):
                    await ends.wait()
            except TimeoutError:
                return False
            return True

        await Exchanging(session, windows, clock).run(wait)

    asyncio.run(serve())

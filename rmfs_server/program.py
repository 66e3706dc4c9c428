"""The program of the recharge server: its parts joined, run until it is told to stop.

SIGTERM and SIGINT drain: no call is answered any more, those in a dialogue go on for a
while, and the last is told to dial later. A second SIGTERM changes nothing; SIGKILL is
always safe, because whatever was said was stored before.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from twisted.internet.defer import Deferred

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from hw.lines.build import build_listener
from hw.lines.pool import ListenerPool
from hw.lines.port import Listener
from hw.lines.strings import LineAddress
from hw.reactor import MonotonicReactor
from hw.seen.folder import CaptureFolder, CaptureLimits
from hw.seen.keylog import KeyLog
from hw.seen.lines import RecordedListener
from protocol.channel import OnKeys, ServerChannel, check_keys_may_be_told
from rmfs_server.books import Books
from rmfs_server.calls import Exchange, ExchangeCounters
from rmfs_server.folder import open_books, read_server
from rmfs_server.limits import Limits
from rmfs_server.locking import lock_machines
from rmfs_server.writer import GroupWriter


def run_server(
    folder: Path,
    lines: Sequence[LineAddress],
    *,
    limits: Limits,
    on_ready: Callable[[str], None],
    capture: Path | None = None,
    capture_limits: CaptureLimits | None = None,
    key_log: Path | None = None,
) -> ExchangeCounters:
    """Answer calls until SIGTERM or SIGINT, then drain.

    Args:
        folder: The server's folder.
        lines: Where to listen, at least one: a row of modems, or whatever there is.
        limits: What callers may ask of it.
        on_ready: Told each line string by which machines reach the server.
        capture: The folder where each call is recorded, or None.
        capture_limits: How much is kept there.
        key_log: Where the keys of all calls are written, or None; test realm only.

    Returns:
        What happened meanwhile.

    Raises:
        ServerFolderError: There is no server in the folder.
        LineError: The line cannot be listened at.
        StoreError: The books cannot be opened.
        KeyLogError: The key log cannot be written.
        LocalProtocolError: A key log is asked for in the realm of production.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    server = read_server(folder)
    reactor = MonotonicReactor()
    with open_books(folder) as store, _key_log(key_log) as on_keys:
        check_keys_may_be_told(server.identity.realm, on_keys)
        writer = GroupWriter(reactor, store, lock_machines)
        exchange = Exchange(
            reactor=reactor,
            books=Books(
                store, server.credit_key, SystemEntropy(), server.find_credit_key
            ),
            writer=writer,
            make_channel=lambda: ServerChannel(server.identity, on_keys),
            wall_clock=SystemWallClock(),
            limits=limits,
        )
        try:
            listeners = [build_listener(reactor, line) for line in lines]
            listener: Listener = ListenerPool(listeners)
            if capture is not None:
                limits_kept = capture_limits or CaptureLimits()
                captures = CaptureFolder(capture, SystemWallClock(), limits_kept)
                listener = RecordedListener(listener, captures.begin)
            listener.listen(exchange.answer)

            def drain() -> "Deferred[None]":
                listener.close()
                drained: Deferred[None] = Deferred()
                exchange.drain(lambda: drained.callback(None))
                return drained

            reactor.addSystemEventTrigger("before", "shutdown", drain)
            for one in listeners:
                reactor.callWhenRunning(on_ready, one.address)
            reactor.run()
        finally:
            writer.stop()
    return exchange.counters


@contextmanager
def _key_log(path: Path | None) -> Iterator[OnKeys | None]:
    if path is None:
        yield None
        return
    log = KeyLog(path)
    try:
        yield log
    finally:
        log.close()

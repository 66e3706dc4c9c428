"""The program of the recharge server: its parts joined, run until it is told to stop.

SIGTERM and SIGINT drain: no call is answered any more, those in a dialogue go on for a
while, and the last is told to dial later. A second SIGTERM changes nothing; SIGKILL is
always safe, because whatever was said was stored before.
"""

import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from hw.lifeline import Lifeline
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
from rmfs_server.calls import Exchange
from rmfs_server.folder import open_books, read_server
from rmfs_server.key_check import check_credit_keys
from rmfs_server.limits import Limits
from rmfs_server.operations.call_record import CallRecords
from rmfs_server.operations.figures import CommitFigures, Figures
from rmfs_server.operations.logs import LogFormat, LogLevel, begin_log
from rmfs_server.operations.opening import operated
from rmfs_server.operations.process import ServerProcess
from rmfs_server.workers import Share
from rmfs_server.writer import GroupWriter

GARBAGE: Final = 20_000
"""Objects made and not freed again, after which cycles are looked for."""
RUN_OCTETS: Final = 3
"""Of the number that tells this process from all others, in the ids of its calls."""


def run_server(
    folder: Path,
    lines: Sequence[LineAddress],
    *,
    limits: Limits,
    share: Share | None = None,
    on_ready: Callable[[str], None],
    capture: Path | None = None,
    capture_limits: CaptureLimits | None = None,
    key_log: Path | None = None,
    log_format: LogFormat = LogFormat.TEXT,
    log_level: LogLevel = LogLevel.INFO,
    log_file: Path | None = None,
    operate: socket.socket | None = None,
    keeper: int | None = None,
) -> Figures:
    """Answer calls until SIGTERM or SIGINT, then drain.

    Args:
        folder: The server's folder.
        lines: Where to listen, at least one: a row of modems, or whatever there is.
        limits: What callers may ask of it.
        share: What it has of the lines if it is one of several workers; else None.
        on_ready: Told each line string by which machines reach the server, but those
            that workers share.
        capture: The folder where each call is recorded, or None.
        capture_limits: How much is kept there.
        key_log: Where the keys of all calls are written, or None; test realm only.
        log_format: How the lines of the log are written.
        log_level: The least that is logged.
        log_file: Where to; None: stderr.
        operate: A TCP place that is open, for metrics and health; or None.
        keeper: The process that keeps the workers, if this is one of them.

    Returns:
        What happened meanwhile.

    Raises:
        ServerFolderError: There is no server in the folder, or a credit key that
            cannot sign or is not the one that the books know.
        LineError: The line cannot be listened at.
        StoreError: The books cannot be opened.
        KeyLogError: The key log cannot be written.
        LogFileError: The log cannot be opened.
        LocalProtocolError: A key log is asked for in the realm of production.
    """
    worker = None if share is None else share.number
    begin_log(worker, log_format, log_level, path=log_file)
    records = CallRecords(SystemEntropy().octets(RUN_OCTETS).hex())
    server = read_server(folder)
    reactor = MonotonicReactor()
    commits = CommitFigures(reactor.seconds)
    with open_books(folder, commits) as store, _key_log(key_log) as on_keys:
        check_keys_may_be_told(server.identity.realm, on_keys)
        check_credit_keys(server, store)
        books = Books(store, server.credit_key, SystemEntropy(), server.find_credit_key)
        writer = GroupWriter(reactor, books, commits.together.add)
        exchange = Exchange(
            reactor=reactor,
            books=books,
            writer=writer,
            make_channel=lambda: ServerChannel(server.identity, on_keys),
            wall_clock=SystemWallClock(),
            limits=limits,
            records=records,
        )
        process = ServerProcess(
            records.run,
            SystemWallClock().now(),
            exchange,
            commits,
            end=reactor.stop if keeper is None else partial(_end_other, keeper),
            worker=worker,
            parent=keeper,
        )
        try:
            places = [(line, None) for line in lines] if share is None else share.lines
            listeners = [build_listener(reactor, *place) for place in places]
            listener: Listener = ListenerPool(listeners)
            if capture is not None:
                limits_kept = capture_limits or CaptureLimits()
                captures = CaptureFolder(capture, SystemWallClock(), limits_kept)
                listener = RecordedListener(
                    listener,
                    lambda caller: captures.begin(f"{records.newest}-{caller}"),
                )
            listener.listen(exchange.answer)
            process.lines = [one.address for one in listeners]

            def drain() -> "Deferred[None]":
                listener.close()
                process.is_draining = True
                drained: Deferred[None] = Deferred()
                exchange.drain(lambda: drained.callback(None))
                return drained

            reactor.addSystemEventTrigger("before", "shutdown", drain)
            if share is None or share.is_first:
                for one, (_, place) in zip(listeners, places, strict=True):
                    if place is None:
                        reactor.callWhenRunning(on_ready, one.address)
            if share is not None:
                reactor.callWhenRunning(Lifeline(share.lifeline).hold, reactor)
            _collect_less()
            with operated(reactor, folder, process, store, operate):
                reactor.run()
        finally:
            writer.stop()
    return records.figures


def _collect_less() -> None:
    """Look for cycles seldom, and never among what a server always has.

    Dial-ins leave few cycles and many objects: at Python's own threshold the search
    took 23 us of each.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _end_other(keeper: int) -> None:
    """Let the whole server drain; a keeper that is gone has done so."""
    if os.getppid() == keeper:
        os.kill(keeper, signal.SIGTERM)


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

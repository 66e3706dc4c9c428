"""The program of the recharge server: its parts joined, run until it is told to stop.

SIGTERM and SIGINT drain: no call is answered any more, those in a dialogue go on for a
while, and the last is told to dial later. A second SIGTERM changes nothing; SIGKILL is
always safe, because whatever was said was stored before.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from hw.lines.build import build_listener
from hw.lines.strings import LineAddress
from hw.reactor import MonotonicReactor
from protocol.channel import ServerChannel
from rmfs_server.books import Books
from rmfs_server.calls import Exchange, ExchangeCounters
from rmfs_server.folder import open_books, read_server
from rmfs_server.limits import Limits
from rmfs_server.writer import ThreadWriter


def run_server(
    folder: Path,
    line: LineAddress,
    *,
    limits: Limits,
    on_ready: Callable[[str], None],
) -> ExchangeCounters:
    """Answer calls until SIGTERM or SIGINT, then drain.

    Args:
        folder: The server's folder.
        line: Where to listen.
        limits: What callers may ask of it.
        on_ready: Told the line string by which machines reach the server.

    Returns:
        What happened meanwhile.

    Raises:
        ServerFolderError: There is no server in the folder.
        LineError: The line cannot be listened at.
        StoreError: The books cannot be opened.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    server = read_server(folder)
    reactor = MonotonicReactor()
    with open_books(folder) as store:
        writer = ThreadWriter(reactor)
        exchange = Exchange(
            reactor=reactor,
            books=Books(
                store, server.credit_key, SystemEntropy(), server.find_credit_key
            ),
            writer=writer,
            make_channel=lambda: ServerChannel(server.identity),
            wall_clock=SystemWallClock(),
            limits=limits,
        )
        try:
            listener = build_listener(reactor, line)
            listener.listen(exchange.answer)

            def drain() -> "Deferred[None]":
                listener.close()
                drained: Deferred[None] = Deferred()
                exchange.drain(lambda: drained.callback(None))
                return drained

            reactor.addSystemEventTrigger("before", "shutdown", drain)
            reactor.callWhenRunning(on_ready, listener.address)
            reactor.run()
        finally:
            writer.stop()
    return exchange.counters

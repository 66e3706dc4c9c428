"""Both halves of the exchange meet: the maker's server and the Department's drop.

Nothing is in between but SFTP on loopback. A licence is issued and a deposit brought
to the bank; the machine dials in; the Department hears of it from the machine itself.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path

import asyncssh

from dop_gateway.exchange import parties
from dop_gateway.exchange.registered import SOURCES
from dop_gateway.ledger import store as ledger
from dop_gateway.sftp.server import DropServer, serve_drop
from dop_gateway.simulators.bank import PaidIn
from protocol.dialogue.machine import Outcome
from protocol.values import Paise
from rmfs_server.exchange.session import SessionReport
from rmfs_server.exchange.sftp import SftpAddress, SftpRemote
from rmfs_server.store import ledger as maker_ledger
from rmfs_tools.rehearsal.maker import Maker
from rmfs_tools.rehearsal.playing import Rehearsal, rehearsal_in

LOGIN = "oem-n"
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in (16, 17, 18))
WINDOWS = (time(9, 30), time(13, 30), time(16, 30))
DEPOSITED = Paise(500_000)
ASKED = Paise(200_000)


@contextmanager
def drop_of(rehearsal: Rehearsal) -> Iterator[SftpAddress]:
    """Serve the gateway's drop in a thread, with an account for maker N."""
    host_key, client_key = (
        asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)
    )
    department = rehearsal.department
    with department.parts.store.writing("an account") as connection:
        line = client_key.export_public_key().decode().strip()
        parties.set_account(connection, "N", LOGIN, line, department.by("director"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begin() -> DropServer:
        return await serve_drop(
            department.parts,
            SOURCES,
            socket.create_server(("127.0.0.1", 0)),
            host_key=host_key.export_private_key().decode(),
        )

    async def end(server: DropServer) -> None:
        async with server:
            pass

    try:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
        try:
            yield SftpAddress(
                "127.0.0.1",
                server.port,
                LOGIN,
                host_key.export_public_key().decode().strip(),
                client_key.export_private_key(),
            )
        finally:
            asyncio.run_coroutine_threadsafe(end(server), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def window(
    rehearsal: Rehearsal, address: SftpAddress, day: date, start: time
) -> SessionReport:
    """Let a window open, and the maker dial ten minutes later."""
    rehearsal.at(day, start)
    rehearsal.department.run_jobs()
    rehearsal.at(day, start.replace(minute=start.minute + 10))
    maker: Maker = rehearsal.makers[0]
    with SftpRemote(address) as remote:
        report = maker.dial_department(remote)
    assert report is not None
    return report


def test_from_a_licence_to_a_credit_that_the_machine_itself_has_told(
    tmp_path: Path,
) -> None:
    with rehearsal_in(tmp_path, 7, MONDAY) as rehearsal, drop_of(rehearsal) as address:
        department, maker = rehearsal.department, rehearsal.makers[0]
        rehearsal.at(MONDAY, time(8, 0))
        department.run_jobs()
        rehearsal.issue(1, print)
        (identifier, licence), *_ = rehearsal.licences.items()
        first = window(rehearsal, address, MONDAY, WINDOWS[0])
        assert first.in_order, first.show()
        assert first.is_complete, first.show()
        paid = PaidIn(identifier, licence.number, licence.holder.name, DEPOSITED)
        rehearsal.at(MONDAY, time(21, 30))
        rehearsal.bank.close_day(MONDAY, [paid], [])
        rehearsal.at(MONDAY, time(22, 0))
        rehearsal.bank.fetched(MONDAY)
        rehearsal.at(MONDAY, time(23, 30))
        department.run_jobs()

        for start in WINDOWS:
            assert window(rehearsal, address, TUESDAY, start).in_order
        with maker.store.reading() as connection:
            funds = maker_ledger.funds_of(identifier)
            assert maker_ledger.balance_paise(connection, funds) == DEPOSITED
        rehearsal.at(WEDNESDAY, time(9, 0))
        done = maker.fleet.dial(identifier, ASKED)
        assert done.outcome is Outcome.CONFIRMED
        last = window(rehearsal, address, WEDNESDAY, WINDOWS[0])
        assert last.in_order, last.show()
        assert last.is_complete, last.show()
        with department.parts.store.reading() as connection:
            balances = ledger.balances(connection, identifier)
        assert (balances.deposited, balances.remaining, balances.machine) == (
            0,
            DEPOSITED - ASKED,
            ASKED,
        )
        assert department.failed == []

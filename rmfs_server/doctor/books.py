"""Looks at the books: the database, its schema, and whether everything adds up."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, make_url, select, text

from hw.database import Store, copying, open_store
from protocol.errors import RmfsError
from protocol.values import EpochSeconds
from rmfs_server.doctor.findings import Found, fault, good, note, warning
from rmfs_server.doctor.growth import look_at_growth
from rmfs_server.doctor.room import look_at_listing
from rmfs_server.doctor.surroundings import FreeOctets
from rmfs_server.folder import ServerFolder
from rmfs_server.keeping.restoring import RESTORE
from rmfs_server.key_check import look_at_keys
from rmfs_server.store import schema
from rmfs_server.store.migrations import check_version, find_version
from rmfs_server.store.verify import verify_books

_SHOWN_MAX: Final = 20
_CLOCK_SLACK_S: Final = 2
_DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")
_RESTORE: Final = "stop the server, keep the file, and put a backup back"


def look_at_books(
    server: ServerFolder, now: EpochSeconds, free_octets: FreeOctets, *, quick: bool
) -> Iterator[Found]:
    """Look at everything that is in the database, or needs it.

    Args:
        server: Whose books.
        now: What the clock says.
        free_octets: Says how much room is left on the disk of a folder.
        quick: Leave out what reads all rows.
    """
    url = server.database_url
    path = Path(str(make_url(url).database))
    on_sqlite = copying.backend_of(url) == copying.SQLITE
    if on_sqlite and not path.is_file():
        yield fault("books", f"{path} is missing", _RESTORE)
        return
    try:
        store = open_store(url)
    except RmfsError as error:
        yield fault("books", str(error), "mend `database` in server.toml")
        return
    try:
        yield from _look_at_engine(store, path, on_sqlite=on_sqlite, quick=quick)
        file = path if on_sqlite else None

        def look_at_room(connection: Connection) -> Iterator[Found]:
            return look_at_growth(connection, file, now, free_octets)

        def look_at_list(connection: Connection) -> Iterator[Found]:
            return look_at_listing(connection, server.folder)

        looks = (_look_at_sums, look_at_room, look_at_list)
        yield from _look_into(server, store, now, () if quick else looks)
    except RmfsError as error:
        yield fault(
            "books",
            str(error),
            "look whether the database runs and may be reached from here",
        )
    finally:
        store.close()


def _look_into(
    server: ServerFolder,
    store: Store,
    now: EpochSeconds,
    more: Sequence[Callable[[Connection], Iterator[Found]]],
) -> Iterator[Found]:
    try:
        check_version(store)
    except RmfsError as error:
        yield fault("books", str(error), "make a backup, then rmfs server migrate")
        return
    yield good("books", f"schema {find_version(store)}")
    for one in look_at_keys(server, store):
        for words in one.faults:
            yield fault(
                "keys",
                f"credit key {one.key_id}: {words}",
                "put its file back, or let the HSM be reached: without it no voucher "
                "is signed for machines that know it alone",
            )
        if not one.faults:
            place = "a file" if one.where == "file" else "the HSM"
            yield good("keys", f"credit key {one.key_id} signs, in {place}")
    with store.reading() as connection:
        yield _look_at_clock(connection, now)
        yield from _look_at_people(connection)
        for look in more:
            yield from look(connection)


def _look_at_engine(
    store: Store, path: Path, *, on_sqlite: bool, quick: bool
) -> Iterator[Found]:
    area = "database"
    if on_sqlite:
        # What it must run with was set and read back by `open_store`.
        found = [] if quick else copying.check_sqlite(path)
        for words in found[:_SHOWN_MAX]:
            yield fault(area, f"{path.name}: {words}", _RESTORE)
        if not found:
            looked = "opened" if quick else "every page is sound"
            yield good(area, f"SQLite: {looked}")
        return
    with store.reading() as connection:
        settings = {
            name: connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in (*_DURABLE, "server_version")
        }
        follows = connection.execute(select(func.pg_is_in_recovery())).scalar_one()
    for name in _DURABLE:
        if settings[name] == "off":
            yield fault(
                area,
                f"PostgreSQL runs with {name} = off: a power failure loses money",
                f"set {name} = on and restart PostgreSQL",
            )
    if follows:
        yield fault(
            area,
            "this PostgreSQL is a standby: nothing can be written",
            "name the leader in `database`",
        )
    if shutil.which("pg_dump") is None:
        yield warning(
            area,
            "pg_dump is not on this machine: rmfs server backup cannot be made here",
            "install PostgreSQL's client programs",
        )
    yield good(area, f"PostgreSQL {settings['server_version']} answers")


def _look_at_clock(connection: Connection, now: EpochSeconds) -> Found:
    newest = max(
        connection.execute(select(func.max(column))).scalar() or 0
        for column in (
            schema.act.c.at,
            schema.journal.c.posted_at,
            schema.machine.c.stated_at,
        )
    )
    ahead = newest - now
    if ahead > _CLOCK_SLACK_S:
        return fault(
            "clock",
            f"the newest entry of the books is {ahead} s after the clock",
            "set the clock, and let NTP keep it: machines are told the time from here",
        )
    return good("clock", "it is not behind the books")


def _look_at_people(connection: Connection) -> Iterator[Found]:
    """Look at what waits for a person."""
    table = schema.discrepancy
    count = func.count(table.c.licence.distinct())
    frozen = connection.execute(
        select(count).where(table.c.resolved_at.is_(None))
    ).scalar_one()
    if frozen:
        yield note("books", f"{frozen} machines are frozen", "rmfs server frozen")
    acts = schema.act.c
    put_back = connection.execute(
        select(func.max(acts.at)).where(acts.move == RESTORE)
    ).scalar_one()
    if put_back is not None:
        at = datetime.fromtimestamp(put_back, UTC)
        yield note(
            "books",
            f"they were put back from a backup at {at:%Y-%m-%d %H:%M} UTC",
            "docs/restore-drill.md, until every machine was heard since",
        )


def _look_at_sums(connection: Connection) -> Iterator[Found]:
    found = verify_books(connection)
    for one in found[:_SHOWN_MAX]:
        yield fault(
            "ledger",
            f"{one.subject}: {one.rule}: {one.detail}",
            "stop the server; this is money: rmfs server verify shows all of it",
        )
    if not found:
        yield good("ledger", "every sum, number and signature was recomputed")

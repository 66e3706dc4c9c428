"""Files to the Department in the database: kept as they go, answered by it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from protocol.values import EpochSeconds
from rmfs_server.store import schema
from rmfs_server.store.received_files import RefusedLine
from rmfs_server.store.schema import SentState

_TABLE: Final = schema.sent_file
_COLUMNS: Final = tuple(one for one in _TABLE.c if one.name != "octets")


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is made: its header, and its octets."""

    file_id: str
    layout: str
    sequence: int
    business_date: date
    window: int
    name: str
    sha256: bytes
    octets: bytes
    lines: int
    made_at: EpochSeconds


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file to the Department, without its octets.

    Attributes:
        handed_at: When the Department's server took it first; None if never.
        code: Why it was not taken whole.
    """

    identity: int
    file_id: str
    layout: str
    sequence: int
    business_date: date
    window: int
    name: str
    sha256: bytes
    lines: int
    made_at: EpochSeconds
    handed_at: EpochSeconds | None
    state: SentState
    code: str | None
    words: str | None


def reserve_identity(connection: Connection) -> int:
    """Give the id of the row that is added next, under the lock of its number."""
    last = connection.execute(select(func.coalesce(func.max(_TABLE.c.id), 0)))
    return int(last.scalar_one()) + 1


def add(connection: Connection, identity: int, file: NewFile) -> None:
    """Keep a file, before it goes."""
    connection.execute(
        insert(_TABLE).values(
            id=identity,
            file_id=file.file_id,
            layout=file.layout,
            sequence=file.sequence,
            business_date=file.business_date,
            window_of_day=file.window,
            name=file.name,
            sha256=file.sha256,
            octets=file.octets,
            lines=file.lines,
            made_at=file.made_at,
            state=SentState.OFFERED.name,
        )
    )


def offered(connection: Connection) -> list[SentFile]:
    """List what the Department has not answered, oldest first."""
    return _all(connection, _TABLE.c.state == SentState.OFFERED.name)


def of_window(connection: Connection, day: date, window: int) -> list[SentFile]:
    """List what was made for a window."""
    return _all(
        connection, _TABLE.c.business_date == day, _TABLE.c.window_of_day == window
    )


def with_number(connection: Connection, layout: str, sequence: int) -> list[SentFile]:
    """List the files that went under a number: one, and those that were refused."""
    return _all(connection, _TABLE.c.layout == layout, _TABLE.c.sequence == sequence)


def refused_numbers(connection: Connection, layout: str) -> list[int]:
    """List the numbers under which a file was refused, and no other one stands."""
    stands = select(_TABLE.c.sequence).where(
        _TABLE.c.layout == layout, _TABLE.c.state != SentState.REFUSED.name
    )
    rows = connection.execute(
        select(_TABLE.c.sequence)
        .where(
            _TABLE.c.layout == layout,
            _TABLE.c.state == SentState.REFUSED.name,
            _TABLE.c.sequence.not_in(stands),
        )
        .distinct()
        .order_by(_TABLE.c.sequence)
    ).scalars()
    return list(rows)


def newest(connection: Connection, count: int) -> list[SentFile]:
    """List the files that were made last, the newest first."""
    query = select(*_COLUMNS).order_by(_TABLE.c.id.desc()).limit(count)
    return [_file(row) for row in connection.execute(query)]


def find(connection: Connection, identity: int) -> SentFile | None:
    """Find a file."""
    found = _all(connection, _TABLE.c.id == identity)
    return found[0] if found else None


def with_hash(connection: Connection, sha256: bytes) -> SentFile | None:
    """Find the file that has these octets."""
    found = _all(connection, _TABLE.c.sha256 == sha256)
    return found[0] if found else None


def octets_of(connection: Connection, identity: int) -> bytes:
    """Give the octets of a file."""
    query = select(_TABLE.c.octets).where(_TABLE.c.id == identity)
    return bytes(connection.execute(query).scalar_one())


def handed_over(connection: Connection, identity: int, now: EpochSeconds) -> None:
    """Note that the Department's server took a file."""
    connection.execute(
        update(_TABLE)
        .where(_TABLE.c.id == identity, _TABLE.c.handed_at.is_(None))
        .values(handed_at=now)
    )


def answer(
    connection: Connection,
    identity: int,
    state: SentState,
    why: tuple[str | None, str | None],
    now: EpochSeconds,
) -> None:
    """Keep what the Department said of a file: the state, and code and words."""
    code, words = why
    connection.execute(
        update(_TABLE)
        .where(_TABLE.c.id == identity)
        .values(state=state.name, code=code, words=words, answered_at=now)
    )


def refuse_lines(
    connection: Connection, identity: int, lines: Iterable[RefusedLine]
) -> None:
    """Keep which lines of a file the Department did not take."""
    rows = [
        {"file": identity, "line_id": one.line_id, "code": one.code, "words": one.words}
        for one in lines
    ]
    if rows:
        connection.execute(insert(schema.sent_refusal), rows)


def refusals(connection: Connection, identity: int) -> list[RefusedLine]:
    """List the lines of a file that the Department did not take."""
    table = schema.sent_refusal
    rows = connection.execute(
        select(table).where(table.c.file == identity).order_by(table.c.line_id)
    )
    return [RefusedLine(row.line_id, row.code, row.words) for row in rows]


def _all(connection: Connection, *where: Any) -> list[SentFile]:
    query = select(*_COLUMNS).where(*where).order_by(_TABLE.c.id)
    return [_file(row) for row in connection.execute(query)]


def _file(row: Any) -> SentFile:
    return SentFile(
        identity=row.id,
        file_id=row.file_id,
        layout=row.layout,
        sequence=row.sequence,
        business_date=row.business_date,
        window=row.window_of_day,
        name=row.name,
        sha256=row.sha256,
        lines=row.lines,
        made_at=EpochSeconds(row.made_at),
        handed_at=row.handed_at,
        state=SentState[row.state],
        code=row.code,
        words=row.words,
    )

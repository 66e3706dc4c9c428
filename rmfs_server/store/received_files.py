"""Files of the Department in the database: kept as they came, judged, answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from protocol.values import EpochSeconds
from rmfs_server.store import schema
from rmfs_server.store.schema import Direction, ReceivedState

_TABLE: Final = schema.received_file
_COLUMNS: Final = tuple(one for one in _TABLE.c if one.name != "octets")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it is kept first.

    Attributes:
        name: Under which it was offered.
        sha256: Over its octets.
        layout: By its name.
        file_id: By its header, which nobody has checked; None if it cannot be read.
    """

    name: str
    octets: bytes
    sha256: bytes
    layout: str
    file_id: str | None = None
    sequence: int | None = None
    business_date: date | None = None
    window: int | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file of the Department, without its octets."""

    identity: int
    name: str
    sha256: bytes
    received_at: EpochSeconds
    layout: str
    file_id: str | None
    sequence: int | None
    business_date: date | None
    window: int | None
    state: ReceivedState
    code: str | None
    words: str | None
    answered_in: int | None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not carried out, and why."""

    line_id: str
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a file.

    Attributes:
        code: Why it was not carried out whole; None if it was.
        refused: Its lines that were not.
    """

    state: ReceivedState
    code: str | None = None
    words: str | None = None
    refused: tuple[RefusedLine, ...] = ()


def add(connection: Connection, arrival: Arrival, now: EpochSeconds) -> None:
    """Keep a file that came, before anybody looks into it."""
    connection.execute(
        insert(_TABLE).values(
            name=arrival.name,
            sha256=arrival.sha256,
            octets=arrival.octets,
            received_at=now,
            layout=arrival.layout,
            file_id=arrival.file_id,
            sequence=arrival.sequence,
            business_date=arrival.business_date,
            window_of_day=arrival.window,
            state=ReceivedState.WAITING.name,
        )
    )


def with_hash(connection: Connection, sha256: bytes) -> ReceivedFile | None:
    """Find the file that has these octets."""
    return _one(connection, _TABLE.c.sha256 == sha256)


def find(connection: Connection, identity: int) -> ReceivedFile | None:
    """Find a file."""
    return _one(connection, _TABLE.c.id == identity)


def standing_with_id(connection: Connection, file_id: str) -> ReceivedFile | None:
    """Find the file of this id of which something was carried out."""
    taken = [ReceivedState.TAKEN.name, ReceivedState.TAKEN_IN_PART.name]
    return _one(connection, _TABLE.c.file_id == file_id, _TABLE.c.state.in_(taken))


def octets_of(connection: Connection, identity: int) -> bytes:
    """Give the octets of a file."""
    query = select(_TABLE.c.octets).where(_TABLE.c.id == identity)
    return bytes(connection.execute(query).scalar_one())


def waiting(connection: Connection) -> list[ReceivedFile]:
    """List what was not judged yet, in the order in which it came."""
    state = ReceivedState.WAITING.name
    return _all(connection, _TABLE.c.answered_in.is_(None), _TABLE.c.state == state)


def unanswered(connection: Connection) -> list[ReceivedFile]:
    """List what was judged, and what no acknowledgement tells of."""
    state = ReceivedState.WAITING.name
    return _all(connection, _TABLE.c.answered_in.is_(None), _TABLE.c.state != state)


def of_window(connection: Connection, day: date, window: int) -> list[ReceivedFile]:
    """List what the Department made for a window."""
    return _all(
        connection, _TABLE.c.business_date == day, _TABLE.c.window_of_day == window
    )


def newest(connection: Connection, count: int) -> list[ReceivedFile]:
    """List the files that came last, the newest first."""
    query = select(*_COLUMNS).order_by(_TABLE.c.id.desc()).limit(count)
    return [_file(row) for row in connection.execute(query)]


def judge(
    connection: Connection, identity: int, judged: Judged, now: EpochSeconds
) -> None:
    """Keep what became of a file."""
    _set(
        connection,
        [identity],
        state=judged.state.name,
        code=judged.code,
        words=judged.words,
        judged_at=now,
    )
    rows = [
        {"file": identity, "line_id": one.line_id, "code": one.code, "words": one.words}
        for one in judged.refused
    ]
    if rows:
        connection.execute(insert(schema.received_refusal), rows)


def judge_again(connection: Connection, identity: int) -> None:
    """Let a file that was refused be judged as if it had just come."""
    _set(
        connection,
        [identity],
        state=ReceivedState.WAITING.name,
        code=None,
        words=None,
        judged_at=None,
        answered_in=None,
    )


def answer_in(
    connection: Connection, identities: Iterable[int], sent: int | None
) -> None:
    """Note which acknowledgement tells of files; None: it is to be told again."""
    _set(connection, identities, answered_in=sent)


def give_back(connection: Connection, sent: int) -> None:
    """Let the files that an acknowledgement told of be told again: it was refused."""
    connection.execute(
        update(_TABLE).where(_TABLE.c.answered_in == sent).values(answered_in=None)
    )


def refusals(connection: Connection, identity: int) -> list[RefusedLine]:
    """List the lines of a file that were not carried out."""
    table = schema.received_refusal
    rows = connection.execute(
        select(table).where(table.c.file == identity).order_by(table.c.line_id)
    )
    return [RefusedLine(row.line_id, row.code, row.words) for row in rows]


def lock_number(connection: Connection, direction: Direction, layout: str) -> int:
    """Give the number that the next file of a kind has; nobody else takes it."""
    table = schema.file_number
    locked = connection.execute(
        select(table.c.next)
        .where(table.c.direction == direction.name, table.c.layout == layout)
        .with_for_update()
    )
    return int(locked.scalar_one())


def set_number(
    connection: Connection, direction: Direction, layout: str, number: int
) -> None:
    """Set the number that the next file of a kind has."""
    table = schema.file_number
    connection.execute(
        update(table)
        .where(table.c.direction == direction.name, table.c.layout == layout)
        .values(next=number)
    )


def numbers(connection: Connection) -> dict[tuple[Direction, str], int]:
    """Give all numbers that come next."""
    rows = connection.execute(select(schema.file_number))
    return {(Direction[row.direction], row.layout): row.next for row in rows}


def _set(connection: Connection, identities: Iterable[int], **values: Any) -> None:
    for identity in identities:
        connection.execute(
            update(_TABLE).where(_TABLE.c.id == identity).values(**values)
        )


def _one(connection: Connection, *where: Any) -> ReceivedFile | None:
    found = _all(connection, *where)
    return found[0] if found else None


def _all(connection: Connection, *where: Any) -> list[ReceivedFile]:
    query = select(*_COLUMNS).where(*where).order_by(_TABLE.c.id)
    return [_file(row) for row in connection.execute(query)]


def _file(row: Any) -> ReceivedFile:
    return ReceivedFile(
        identity=row.id,
        name=row.name,
        sha256=row.sha256,
        received_at=EpochSeconds(row.received_at),
        layout=row.layout,
        file_id=row.file_id,
        sequence=row.sequence,
        business_date=row.business_date,
        window=row.window_of_day,
        state=ReceivedState[row.state],
        code=row.code,
        words=row.words,
        answered_in=row.answered_in,
    )

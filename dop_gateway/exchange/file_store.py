"""All SQL about files that went and came."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from dop_gateway.exchange.model import (
    UNANSWERED,
    Direction,
    FileNumber,
    FileRow,
    FileState,
    RefusedLine,
)
from dop_gateway.exchange.tables import (
    exchange_file,
    exchange_octets,
    exchange_refused_line,
)
from protocol.errors import InvariantError
from protocol.values import EpochSeconds

_of = exchange_file.c


def add(connection: Connection, octets: bytes, **values: Any) -> FileRow:
    """Keep a file with its octets.

    Args:
        connection: A writing transaction that has locked the party.
        octets: As it went or came.
        values: Of the columns.
    """
    number = connection.execute(
        insert(exchange_file).values(**values).returning(_of.id)
    ).scalar_one()
    connection.execute(insert(exchange_octets).values(file=number, octets=octets))
    return get(connection, FileNumber(number))


def get(connection: Connection, number: FileNumber) -> FileRow:
    """Give a file.

    Raises:
        InvariantError: There is none of that number.
    """
    found = find(connection, number)
    if found is None:
        raise InvariantError(f"there is no file {number}")
    return found


def find(connection: Connection, number: FileNumber) -> FileRow | None:
    """Find a file."""
    return _first(connection, _of.id == number)


def octets_of(connection: Connection, number: FileNumber) -> bytes:
    """Give the octets of a file."""
    octets: bytes = connection.execute(
        select(exchange_octets.c.octets).where(exchange_octets.c.file == number)
    ).scalar_one()
    return octets


def came_with(connection: Connection, party: str, sha256: bytes) -> FileRow | None:
    """Find what came with these octets; one that was taken before one that was not."""
    rows = _rows(
        connection,
        _of.party == party,
        _of.direction == Direction.IN.name,
        _of.sha256 == sha256,
    )
    rows.sort(key=lambda row: row.state is FileState.REFUSED)
    return rows[0] if rows else None


def came_as(
    connection: Connection, party: str, file_id: str, name: str
) -> FileRow | None:
    """Find what came with a file id, or under a name, and was not refused."""
    return _first(
        connection,
        _of.party == party,
        _of.direction == Direction.IN.name,
        _of.state != FileState.REFUSED.name,
        (_of.file_id == file_id) | (_of.name == name),
    )


def waiting_next(
    connection: Connection, party: str, layout: str, sequence: int
) -> FileRow | None:
    """Find the file with a number that waits for the one before it."""
    return _first(
        connection,
        _of.party == party,
        _of.layout == layout,
        _of.state == FileState.WAITING.name,
        _of.sequence == sequence,
    )


def first_waiting(connection: Connection, party: str, layout: str) -> FileRow | None:
    """Find the file with the lowest number that waits for one before it."""
    row = connection.execute(
        select(exchange_file)
        .where(
            _of.party == party,
            _of.layout == layout,
            _of.state == FileState.WAITING.name,
        )
        .order_by(_of.sequence)
        .limit(1)
    ).one_or_none()
    return None if row is None else _file(row)


def to_apply(connection: Connection, party: str) -> list[FileRow]:
    """List what came in its turn and is not applied, as it came."""
    return _rows(connection, _of.party == party, _of.state == FileState.RECEIVED.name)


def parties_to_apply(connection: Connection) -> list[str]:
    """List the parties of whom something came that is not applied."""
    rows = connection.execute(
        select(_of.party)
        .where(_of.state == FileState.RECEIVED.name)
        .distinct()
        .order_by(_of.party)
    )
    return list(rows.scalars())


def owed(connection: Connection, party: str, most: int) -> list[FileRow]:
    """List what came that an acknowledgement has still to tell of."""
    return _rows(connection, _of.party == party, _of.owed == True, most=most)  # noqa: E712


def given(connection: Connection, party: str, file_id: str) -> FileRow | None:
    """Find a file of ours."""
    return _first(
        connection,
        _of.party == party,
        _of.direction == Direction.OUT.name,
        _of.file_id == file_id,
    )


def given_as(connection: Connection, party: str, name: str) -> FileRow | None:
    """Find a file of ours that waits for its answer, by its name."""
    return _first(
        connection,
        _of.party == party,
        _of.direction == Direction.OUT.name,
        _of.name == name,
        _of.state.in_([state.name for state in UNANSWERED]),
    )


def made_for(
    connection: Connection, party: str, layout: str, moment: EpochSeconds
) -> FileRow | None:
    """Find the file that was made for a moment."""
    return _first(
        connection,
        _of.party == party,
        _of.layout == layout,
        _of.made_for == moment,
    )


def unanswered(connection: Connection, party: str) -> list[FileRow]:
    """List our files that wait for their answers, as they were made."""
    return _rows(
        connection,
        _of.party == party,
        _of.direction == Direction.OUT.name,
        _of.state.in_([state.name for state in UNANSWERED]),
    )


def came_since(connection: Connection, party: str, since: EpochSeconds) -> int:
    """Count what came since a moment, refused or not."""
    return connection.execute(
        select(func.count())
        .select_from(exchange_file)
        .where(_of.party == party, _of.direction == Direction.IN.name, _of.at >= since)
    ).scalar_one()


def change(connection: Connection, number: FileNumber, **values: Any) -> None:
    """Change what is said of a file: its state, never its content."""
    connection.execute(update(exchange_file).where(_of.id == number).values(**values))


def set_told(connection: Connection, numbers: Collection[FileNumber]) -> None:
    """Say that an acknowledgement tells of these files."""
    if numbers:
        connection.execute(
            update(exchange_file).where(_of.id.in_(numbers)).values(owed=False)
        )


def refuse_lines(
    connection: Connection, number: FileNumber, refused: Iterable[RefusedLine]
) -> None:
    """Keep which lines of a file were refused."""
    rows = [
        {"file": number, "line_id": one.line_id, "code": one.code, "words": one.words}
        for one in refused
    ]
    if rows:
        connection.execute(insert(exchange_refused_line), rows)


def refused_lines(connection: Connection, number: FileNumber) -> list[RefusedLine]:
    """List which lines of a file were refused."""
    table = exchange_refused_line
    rows = connection.execute(
        select(table).where(table.c.file == number).order_by(table.c.id)
    )
    return [RefusedLine(row.line_id, row.code, row.words) for row in rows]


def _first(connection: Connection, *where: Any) -> FileRow | None:
    rows = _rows(connection, *where, most=1)
    return rows[0] if rows else None


def _rows(
    connection: Connection, *where: Any, most: int | None = None
) -> list[FileRow]:
    query = select(exchange_file).where(*where).order_by(_of.id)
    if most is not None:
        query = query.limit(most)
    return shown(connection.execute(query).all())


def shown(rows: Sequence[Row[Any]]) -> list[FileRow]:
    """Make files of the rows of their table."""
    return [_file(row) for row in rows]


def _file(row: Row[Any]) -> FileRow:
    return FileRow(
        number=FileNumber(row.id),
        direction=Direction[row.direction],
        party=row.party,
        layout=row.layout,
        file_id=row.file_id,
        name=row.name,
        sequence=row.sequence,
        business_date=row.business_date,
        window=row.window_of_day,
        made_for=_moment(row.made_for),
        at=EpochSeconds(row.at),
        sha256=row.sha256,
        size=row.size,
        state=FileState[row.state],
        state_at=EpochSeconds(row.state_at),
        code=row.code,
        words=row.words,
        lines=row.lines,
        refused=row.refused,
        offers=row.offers,
        answer_by=_moment(row.answer_by),
        is_owed=row.owed,
    )


def _moment(seconds: int | None) -> EpochSeconds | None:
    return None if seconds is None else EpochSeconds(seconds)

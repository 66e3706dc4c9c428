"""SQL about lines of fund files: what makers are told of deposits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NewType

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from dop_gateway.deposits.model import DepositId, LineKind, LineState
from dop_gateway.deposits.store import chunks
from dop_gateway.deposits.tables import deposit, fund_line
from dop_gateway.licences.tables import licence
from hw.database.prepared import Prepared
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier

LineId = NewType("LineId", int)

_of = fund_line.c
_ENDED: Final = (LicenceState.EXPIRED.name, LicenceState.CANCELLED.name)
_INSERT: Final = Prepared(insert(fund_line))
_SEND: Final = Prepared(
    update(fund_line)
    .where(_of.id == bindparam("of_line"))
    .values(state=LineState.SENT.name, file_id=bindparam("in_file"))
)
_ANSWER: Final = Prepared(
    update(fund_line)
    .where(_of.id == bindparam("of_line"))
    .values(
        state=bindparam("became"),
        answered_at=bindparam("at"),
        code=bindparam("with_code"),
        words=bindparam("with_words"),
    )
)


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line that is to go into the next fund file.

    Attributes:
        amount_paise: With sign: what the maker's funds change by, if it takes it.
        told_paise: With sign: what stands in the file.
        corrects: The line that brought the deposit; None if this one does.
    """

    deposit: DepositId
    licence: LicenceIdentifier
    kind: LineKind
    amount_paise: int
    told_paise: int
    corrects: LineId | None = None


@dataclass(frozen=True, slots=True)
class SentLine:
    """A line in a file.

    Attributes:
        amount_paise: With sign: what the maker's funds change by, if it takes it.
        told_paise: With sign: what stands in the file.
        file_id: None of one that was never sent.
    """

    id: LineId
    deposit: DepositId
    licence: LicenceIdentifier
    kind: LineKind
    state: LineState
    amount_paise: int
    told_paise: int
    corrects: LineId | None
    file_id: str | None


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A line, with all that stands in it."""

    id: LineId
    kind: LineKind
    licence: str
    licence_number: str
    licensee: str
    told_paise: int
    mode: str
    value_date: date
    available_from: date
    corrects_file: str | None
    corrects_line: LineId | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a line; a code where the maker refused it."""

    line: LineId
    state: LineState
    code: str = ""
    words: str = ""


def add(connection: Connection, lines: Sequence[NewLine], now: EpochSeconds) -> None:
    """Let lines wait for the next fund file."""
    rows = [
        {
            "deposit": one.deposit,
            "maker": one.licence[0],
            "licence": one.licence,
            "kind": one.kind.name,
            "amount_paise": one.amount_paise,
            "told_paise": one.told_paise,
            "corrects": one.corrects,
            "state": LineState.WAITING.name,
            "file_id": None,
            "made_at": now,
            "answered_at": None,
            "code": "",
            "words": "",
        }
        for one in lines
    ]
    if rows:
        _INSERT.run_many(connection, rows)


def waiting(connection: Connection, maker: str, limit: int) -> list[WaitingLine]:
    """List what goes into the next fund file of a maker, in its order.

    A line that brings something to a licence that is over stays: nothing is sent from
    the day after expiry on (domain notes, section 23 no. 31).
    """
    first = fund_line.alias("first")
    rows = connection.execute(
        select(
            _of.id,
            _of.kind,
            licence.c.identifier,
            licence.c.number,
            licence.c.licensee,
            _of.told_paise,
            deposit.c.mode,
            deposit.c.value_date,
            deposit.c.available_from,
            first.c.file_id.label("corrects_file"),
            first.c.id.label("corrects_line"),
        )
        .select_from(
            fund_line.join(deposit, deposit.c.id == _of.deposit)
            .join(licence, licence.c.identifier == _of.licence)
            .outerjoin(first, first.c.id == _of.corrects)
        )
        .where(
            _of.maker == maker,
            _of.state == LineState.WAITING.name,
            licence.c.state.not_in(_ENDED) | (_of.kind == LineKind.TAKE_BACK.name),
        )
        .order_by(_of.id)
        .limit(limit)
    )
    return [
        WaitingLine(
            id=LineId(row.id),
            kind=LineKind[row.kind],
            licence=row.identifier,
            licence_number=row.number,
            licensee=row.licensee,
            told_paise=row.told_paise,
            mode=row.mode,
            value_date=row.value_date,
            available_from=row.available_from,
            corrects_file=row.corrects_file,
            corrects_line=row.corrects_line,
        )
        for row in rows
    ]


def lock(connection: Connection, ids: Iterable[int]) -> list[SentLine]:
    """Find lines by their numbers."""
    found = []
    for some in chunks(ids):
        query = select(fund_line).where(_of.id.in_(some)).with_for_update()
        found += [_sent(row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: one.id)


def lock_file(connection: Connection, file_id: str) -> list[SentLine]:
    """Find the lines of a file."""
    query = select(fund_line).where(_of.file_id == file_id).order_by(_of.id)
    return [_sent(row) for row in connection.execute(query.with_for_update())]


def of_deposit(connection: Connection, deposit_id: DepositId) -> list[SentLine]:
    """List what makers were or will be told of a deposit."""
    query = select(fund_line).where(_of.deposit == deposit_id).order_by(_of.id)
    return [_sent(row) for row in connection.execute(query)]


def send(connection: Connection, ids: Iterable[int], file_id: str) -> None:
    """Say in which file lines are."""
    rows = [{"of_line": one, "in_file": file_id} for one in ids]
    if rows:
        _SEND.run_many(connection, rows)


def answer(
    connection: Connection, answers: Iterable[Answer], now: EpochSeconds
) -> None:
    """Say what makers said to lines."""
    rows = [
        {
            "of_line": one.line,
            "became": one.state.name,
            "at": now,
            "with_code": one.code,
            "with_words": one.words,
        }
        for one in answers
    ]
    if rows:
        _ANSWER.run_many(connection, rows)


def drop(connection: Connection, deposit_id: DepositId) -> None:
    """Do not send what waits to be told of a deposit."""
    connection.execute(
        update(fund_line)
        .where(_of.deposit == deposit_id, _of.state == LineState.WAITING.name)
        .values(state=LineState.DROPPED.name)
    )


def only_clears(
    connection: Connection, deposit_id: DepositId, of: LicenceIdentifier
) -> None:
    """Note that taking a deposit back changes no funds: the maker had none of it."""
    connection.execute(
        update(fund_line)
        .where(
            _of.deposit == deposit_id,
            _of.licence == of,
            _of.kind == LineKind.TAKE_BACK.name,
        )
        .values(amount_paise=0)
    )


def _sent(row: Row[Any]) -> SentLine:
    return SentLine(
        LineId(row.id),
        DepositId(row.deposit),
        LicenceIdentifier(row.licence),
        LineKind[row.kind],
        LineState[row.state],
        row.amount_paise,
        row.told_paise,
        None if row.corrects is None else LineId(row.corrects),
        row.file_id,
    )

"""Fund files in the database: what came, what it did to the funds, what waits.

`fund_file` and `fund_line` keep a file as it came. A line either moved funds (a row of
`fund_credit`, with its journal), or waits in `suspense`, or took back a line that
waited. So the totals of all files are the sum of `fund_credit` and of what waits.

Source: docs/exchange-files.md; RMFS-16, RMFS-17.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, TypeVar

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)

from hw.database.prepared import Prepared
from protocol.exchange import FundFile, LineReference
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.store import schema
from rmfs_server.store.ledger import DEPARTMENT, AccountName, funds_of, lock_accounts
from rmfs_server.store.licences import Licence

T = TypeVar("T")

_BATCH: Final = 500
"""Values in one IN list: far below what either engine takes."""
_BEGIN: Final = Prepared(
    select(schema.account.c.id)
    .where(schema.account.c.name == bindparam("department"))
    .with_for_update(key_share=True)
)
_KNOWN_HASH: Final = Prepared(
    select(schema.fund_file.c.sha256).where(
        schema.fund_file.c.file_id == bindparam("of_file")
    )
)
_INSERT_FILE: Final = Prepared(insert(schema.fund_file))
_INSERT_LINES: Final = Prepared(insert(schema.fund_line))
_INSERT_CREDIT: Final = Prepared(insert(schema.fund_credit))
_LICENCES: Final = (
    select(schema.licence)
    .where(schema.licence.c.identifier.in_(bindparam("batch", expanding=True)))
    .order_by(schema.licence.c.identifier)
    .with_for_update(read=True)
)
_ACCOUNTS: Final = select(schema.account.c.id, schema.account.c.name).where(
    schema.account.c.name.in_(bindparam("batch", expanding=True))
)
_WITH_DEPOSITS: Final = (
    select(schema.fund_credit.c.licence)
    .where(schema.fund_credit.c.licence.in_(bindparam("batch", expanding=True)))
    .group_by(
        schema.fund_credit.c.licence,
        schema.fund_credit.c.deposit_file_id,
        schema.fund_credit.c.deposit_line_id,
    )
    .having(func.sum(schema.fund_credit.c.amount_paise) > 0)
)
_JUDGED: Final = Prepared(
    select(
        schema.fund_line.c.line_number,
        schema.fund_line.c.line_id,
        schema.fund_line.c.amount_paise,
        schema.suspense.c.reason,
        schema.suspense.c.code,
    )
    .select_from(schema.fund_line.outerjoin(schema.suspense))
    .where(schema.fund_line.c.file_id == bindparam("of_file"))
    .order_by(schema.fund_line.c.line_number)
)


class Outcome(Enum):
    """How a suspended line ended."""

    APPLIED = "a later correction brought its money to the funds of a licence"
    CLOSED = "a later correction took it back"


@dataclass(frozen=True, slots=True)
class CameWith:
    """What is kept of a file beside what it tells.

    Attributes:
        octets: The whole file, signature line and all.
        sha256: 32 octets over them.
        at: When it was imported.
        vouched_by: Who says that it is the Department's; None if nobody was asked.
    """

    octets: bytes
    sha256: bytes
    at: EpochSeconds
    vouched_by: str | None


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """A line of an earlier file.

    Attributes:
        waits: It is in suspense.
        closed: It was in suspense and was taken back.
    """

    reference: LineReference
    is_correction: bool
    amount_paise: int
    value_date: date
    waits: bool
    closed: bool


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit that is in the funds, with all corrections of it.

    Attributes:
        licence: Whose funds it is in.
        amount_paise: What is left of it after all corrections.
        value_date: Value date of the line that brought it into the funds.
        available_from: When it could be used first.
        is_first: It was judged as the first deposit of the licence.
        journal: The journal that brought it into the funds.
    """

    licence: LicenceIdentifier
    amount_paise: int
    value_date: date
    available_from: date
    is_first: bool
    journal: int


@dataclass(frozen=True, slots=True)
class Credit:
    """What a line does to the funds of a licence; the amount is never 0."""

    line: LineReference
    licence: LicenceIdentifier
    amount_paise: int
    available_from: date
    deposit: LineReference
    is_first: bool


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """How a line was judged when its file came.

    Attributes:
        suspended_because: Why it went to suspense; None if it was carried out.
        code: The same for programs; None where reasons had no codes yet.
    """

    line_number: int
    line_id: str
    amount_paise: int
    suspended_because: str | None
    code: str | None = None


def begin_import(connection: Connection) -> None:
    """Let one import at a time through: the next one sees what this one stored.

    It locks a row that nobody changes, in a way that postings do not wait for.
    """
    _BEGIN.all(connection, {"department": DEPARTMENT})


def known_hash(connection: Connection, file_id: str) -> bytes | None:
    """Find the SHA-256 of the file that has this id."""
    row = _KNOWN_HASH.one_or_none(connection, {"of_file": file_id})
    return None if row is None else row.sha256


def insert_file(connection: Connection, fund_file: FundFile, came: CameWith) -> None:
    """Keep a file as it came, and its lines."""
    _INSERT_FILE.run(
        connection,
        {
            "file_id": fund_file.file_id,
            "sha256": came.sha256,
            "octets": came.octets,
            "made_on": fund_file.header.business_date,
            "lines": len(fund_file.lines),
            "total_paise": fund_file.total_paise,
            "imported_at": came.at,
            "vouched_by": came.vouched_by,
        },
    )
    rows = [
        {
            "file_id": fund_file.file_id,
            "line_id": line.line_id,
            "line_number": line.number,
            "record": "D" if line.corrects is None else "C",
            "licence": line.licence,
            "licence_number": line.licence_number,
            "licensee": line.licensee,
            "amount_paise": line.amount_paise,
            "mode": line.mode.value,
            "value_date": line.value_date,
            "available_from": line.available_from,
            "corrects_file_id": line.corrects and line.corrects.file_id,
            "corrects_line_id": line.corrects and line.corrects.line_id,
        }
        for line in fund_file.lines
    ]
    if rows:
        _INSERT_LINES.run_many(connection, rows)


def lock_licences(
    connection: Connection, identifiers: Iterable[str]
) -> dict[str, Licence]:
    """Read those licences that are known; none of them changes until we are done."""
    found = {}
    for batch in _batches(sorted(set(identifiers))):
        for row in connection.execute(_LICENCES, {"batch": batch}):
            found[row.identifier] = Licence(
                identifier=LicenceIdentifier(row.identifier),
                number=LicenceNumber(row.number),
                licensee=row.licensee,
                kind=row.kind,
                state=LicenceState[row.state],
                expires_on=row.expires_on,
                refund_allowed=row.refund_allowed,
            )
    return found


def lock_funds(
    connection: Connection, licences: Iterable[LicenceIdentifier]
) -> dict[LicenceIdentifier, Paise]:
    """Lock the funds of licences in the one global order and give the balances."""
    by_name = {funds_of(licence): licence for licence in licences}
    ids: dict[int, AccountName] = {}
    for batch in _batches(sorted(by_name)):
        for row in connection.execute(_ACCOUNTS, {"batch": batch}):
            ids[row.id] = AccountName(row.name)
    balances = {}
    for names in _batches([ids[number] for number in sorted(ids)]):
        for name, balance in lock_accounts(connection, names).items():
            balances[by_name[name]] = balance
    return balances


def with_deposits(
    connection: Connection, licences: Iterable[LicenceIdentifier]
) -> set[LicenceIdentifier]:
    """Say which licences have a deposit that was not taken back whole."""
    found: set[LicenceIdentifier] = set()
    for batch in _batches(sorted(licences)):
        rows = connection.execute(_WITH_DEPOSITS, {"batch": batch})
        found.update(map(LicenceIdentifier, rows.scalars()))
    return found


def find_line(connection: Connection, reference: LineReference) -> EarlierLine | None:
    """Find a line that came earlier."""
    line, suspense = schema.fund_line, schema.suspense
    row = connection.execute(
        select(line, suspense.c.opened_at, suspense.c.outcome)
        .select_from(line.outerjoin(suspense))
        .where(line.c.file_id == reference.file_id, line.c.line_id == reference.line_id)
    ).one_or_none()
    if row is None:
        return None
    return EarlierLine(
        reference=reference,
        is_correction=row.record == "C",
        amount_paise=row.amount_paise,
        value_date=row.value_date,
        waits=row.opened_at is not None and row.outcome is None,
        closed=row.outcome == Outcome.CLOSED.name,
    )


def find_deposit(connection: Connection, reference: LineReference) -> Deposit | None:
    """Find what a deposit line brought into the funds; None if nothing."""
    credit, line = schema.fund_credit.c, schema.fund_line.c
    rows = connection.execute(
        select(schema.fund_credit, line.value_date)
        .select_from(
            schema.fund_credit.join(
                schema.fund_line,
                (credit.file_id == line.file_id) & (credit.line_id == line.line_id),
            )
        )
        .where(
            credit.deposit_file_id == reference.file_id,
            credit.deposit_line_id == reference.line_id,
        )
        .order_by(credit.journal)
    ).all()
    if not rows:
        return None
    first = rows[0]
    return Deposit(
        licence=LicenceIdentifier(first.licence),
        amount_paise=sum(row.amount_paise for row in rows),
        value_date=first.value_date,
        available_from=first.available_from,
        is_first=first.first_deposit,
        journal=first.journal,
    )


def insert_credit(connection: Connection, credit: Credit, journal: int) -> None:
    """Keep what a line did to the funds."""
    _INSERT_CREDIT.run(
        connection,
        {
            "file_id": credit.line.file_id,
            "line_id": credit.line.line_id,
            "licence": credit.licence,
            "amount_paise": credit.amount_paise,
            "available_from": credit.available_from,
            "deposit_file_id": credit.deposit.file_id,
            "deposit_line_id": credit.deposit.line_id,
            "first_deposit": credit.is_first,
            "journal": journal,
        },
    )


def open_suspense(
    connection: Connection,
    line: LineReference,
    code: str,
    reason: str,
    now: EpochSeconds,
) -> None:
    """Let a line wait."""
    connection.execute(
        insert(schema.suspense).values(
            file_id=line.file_id,
            line_id=line.line_id,
            code=code,
            reason=reason,
            opened_at=now,
        )
    )


def close_suspense(
    connection: Connection,
    line: LineReference,
    outcome: Outcome,
    by: LineReference,
    now: EpochSeconds,
) -> None:
    """End the waiting of a line, and of corrections of it that held no money."""
    suspense, fund_line = schema.suspense.c, schema.fund_line.c
    closed = {
        "closed_at": now,
        "closed_by_file_id": by.file_id,
        "closed_by_line_id": by.line_id,
    }
    connection.execute(
        update(schema.suspense)
        .where(suspense.file_id == line.file_id, suspense.line_id == line.line_id)
        .values(**closed, outcome=outcome.name)
    )
    connection.execute(
        update(schema.suspense)
        .where(
            suspense.closed_at.is_(None),
            tuple_(suspense.file_id, suspense.line_id).in_(
                select(fund_line.file_id, fund_line.line_id).where(
                    fund_line.corrects_file_id == line.file_id,
                    fund_line.corrects_line_id == line.line_id,
                    fund_line.amount_paise == 0,
                )
            ),
        )
        .values(**closed, outcome=Outcome.CLOSED.name)
    )


def judged_lines(connection: Connection, file_id: str) -> tuple[JudgedLine, ...]:
    """Say how the lines of a known file were judged when it came."""
    rows = _JUDGED.all(connection, {"of_file": file_id})
    return tuple(
        JudgedLine(row.line_number, row.line_id, row.amount_paise, row.reason, row.code)
        for row in rows
    )


def _batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]

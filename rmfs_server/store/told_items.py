"""What the Department is to be told, row by row, as the triggers have noted it.

A file takes rows by writing its id into them, in the transaction that makes it. A file
that is refused gives them back, and the next one tells them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    cast,
    exists,
    func,
    insert,
    select,
    text,
    update,
)

from hw.database.prepared import Prepared
from protocol.dialogue.server import SignedOctets
from protocol.messages import RefusalCode, UsageRow
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.store import schema
from rmfs_server.store.discrepancies import USAGE_REFUSED
from rmfs_server.store.messages import CONFIRMED_WITH, Heard
from rmfs_server.store.recharges import COLUMNS as RECHARGE
from rmfs_server.store.recharges import IS_OPEN, Recharge, recharge_of
from rmfs_server.store.schema import AccountKind, SignedKind, TellingKind

_ITEM: Final = schema.told_item
_MESSAGE: Final = schema.signed_message
_REPORT_KEY: Final = ("licence", "usage_digest", "product_class")
_REPORT_COLUMNS: Final = (*_REPORT_KEY, "items", "amount_paise")
_REPORT: Final = Prepared(
    # One statement, and the same table again adds nothing, on both engines.
    insert(schema.usage_report).from_select(
        _REPORT_COLUMNS,
        select(
            *(
                cast(bindparam(f"new_{name}"), schema.usage_report.c[name].type)
                for name in _REPORT_COLUMNS
            )
        ).where(
            ~exists().where(
                *(
                    schema.usage_report.c[name] == bindparam(f"new_{name}")
                    for name in _REPORT_KEY
                )
            )
        ),
    )
)
_GENERATION: Final = schema.machine.c.call_generation.label("newest_generation")


@dataclass(frozen=True, slots=True)
class Item:
    """Something to tell; whose licence it is."""

    identity: int
    licence: LicenceIdentifier
    number: LicenceNumber


@dataclass(frozen=True, slots=True)
class SettledItem(Item):
    """A voucher that was settled."""

    recharge: Recharge


@dataclass(frozen=True, slots=True)
class StatementItem(Item):
    """A dial-in.

    Attributes:
        is_newest: No later one of the machine was judged.
        confirmed_with: What the CONFIRMATION of this dial-in was answered with; None
            if none came.
        usage_refused: The usage that it told did not fit.
    """

    heard: Heard
    is_newest: bool
    confirmed_with: bytes | None = None
    usage_refused: bool = False


@dataclass(frozen=True, slots=True)
class DiscrepancyItem(Item):
    """Something that did not fit, found or resolved.

    Attributes:
        expected: What the books held when it was found.
        message: What showed it, as the machine signed it; None if nothing did.
    """

    kind: TellingKind
    discrepancy: int
    code: RefusalCode
    found_at: EpochSeconds
    expected: Mapping[str, Any]
    message: SignedOctets | None
    resolved_at: EpochSeconds | None
    resolution: str | None
    person: str | None
    second_person: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Remaining:
    """What a licence still has here.

    Attributes:
        recharge_number: Of the last voucher, settled or not; 0 before the first.
        control_total_paise: As the machine told it last; None if it never did.
    """

    licence: LicenceIdentifier
    number: LicenceNumber
    remaining_paise: Paise
    reserved_paise: Paise
    recharge_number: int
    control_total_paise: Paise | None


def see_one_moment(connection: Connection) -> None:
    """Let all that this transaction reads be of one moment; it is its first statement.

    SQLite's writer stands alone in any case.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def settled(connection: Connection, limit: int) -> list[SettledItem]:
    """List vouchers that were settled, in the order in which that happened."""
    rows = connection.execute(
        select(_ITEM.c.id, schema.licence.c.number, *RECHARGE)
        .select_from(_with_licence().join(schema.recharge))
        .where(_waiting(TellingKind.RECHARGE))
        .order_by(_ITEM.c.id)
        .limit(limit)
    )
    found = []
    for identity, number, *columns in rows:
        recharge = recharge_of(columns)
        found.append(
            SettledItem(identity, recharge.licence, LicenceNumber(number), recharge)
        )
    return found


def statements(connection: Connection, limit: int) -> list[StatementItem]:
    """List dial-ins in the order in which they were judged."""
    rows = connection.execute(
        select(
            _ITEM.c.id,
            schema.licence.c.number,
            _GENERATION,
            CONFIRMED_WITH,
            USAGE_REFUSED,
            _MESSAGE,
        )
        .select_from(
            _with_licence()
            .join(_MESSAGE, _MESSAGE.c.digest == _ITEM.c.message)
            .join(schema.machine, schema.machine.c.licence == _ITEM.c.licence)
        )
        .where(_waiting(TellingKind.STATEMENT))
        .order_by(_ITEM.c.id)
        .limit(limit)
    )
    return [
        StatementItem(
            row.id,
            LicenceIdentifier(row.licence),
            LicenceNumber(row.number),
            _heard(row),
            row.call_generation >= row.newest_generation,
            row.confirmed_with,
            bool(row.usage_refused),
        )
        for row in rows
    ]


def discrepancies(connection: Connection, limit: int) -> list[DiscrepancyItem]:
    """List what did not fit and what a person ended, in the order of events."""
    table = schema.discrepancy
    kinds = [TellingKind.FOUND.name, TellingKind.RESOLVED.name]
    rows = connection.execute(
        select(
            _ITEM.c.id.label("item"),
            _ITEM.c.kind,
            schema.licence.c.number,
            table,
            _MESSAGE.c.octets,
            _MESSAGE.c.binding,
        )
        .select_from(
            _with_licence()
            .join(table, table.c.id == _ITEM.c.discrepancy)
            .outerjoin(_MESSAGE, _MESSAGE.c.digest == table.c.found_in)
        )
        .where(_ITEM.c.kind.in_(kinds), _ITEM.c.file.is_(None))
        .order_by(_ITEM.c.id)
        .limit(limit)
    )
    return [_discrepancy(row) for row in rows]


def word_before(
    connection: Connection, licence: LicenceIdentifier, at: EpochSeconds
) -> Heard | None:
    """Find what a machine signed last, up to a moment."""
    row = connection.execute(
        select(_MESSAGE)
        .where(_MESSAGE.c.licence == licence, _MESSAGE.c.received_at <= at)
        .order_by(_MESSAGE.c.call_generation.desc(), _MESSAGE.c.kind)
        .limit(1)
    ).one_or_none()
    return None if row is None else _heard(row)


def remaining(connection: Connection) -> Iterator[Remaining]:
    """List what each licence has, as it is in this transaction."""
    licence, machine, recharge = schema.licence, schema.machine, schema.recharge
    funds, reserved = _balance(AccountKind.FUNDS), _balance(AccountKind.RESERVED)
    rows = connection.execute(
        select(
            licence.c.identifier,
            licence.c.number,
            funds.c.balance_paise.label("remaining"),
            reserved.c.balance_paise.label("reserved"),
            recharge.c.number.label("open_number"),
            machine.c.number.label("settled_number"),
            machine.c.stated_at,
            machine.c.last_control_total_paise,
        )
        .select_from(
            licence.join(funds, funds.c.licence == licence.c.identifier)
            .join(reserved, reserved.c.licence == licence.c.identifier)
            .outerjoin(machine, machine.c.licence == licence.c.identifier)
            .outerjoin(
                recharge, and_(recharge.c.licence == licence.c.identifier, IS_OPEN)
            )
        )
        .order_by(licence.c.identifier)
    )
    for row in rows:
        told = row.stated_at is not None
        yield Remaining(
            LicenceIdentifier(row.identifier),
            LicenceNumber(row.number),
            Paise(row.remaining),
            Paise(row.reserved),
            row.open_number or row.settled_number or 0,
            Paise(row.last_control_total_paise) if told else None,
        )


def take(
    connection: Connection, file: int, lines: Iterable[tuple[int, str | None]]
) -> None:
    """Note which items a file tells, by id and line; None: there is nothing to tell."""
    rows = [
        {"of_item": item, "of_file": file, "of_line": line_id}
        for item, line_id in lines
    ]
    if rows:
        connection.execute(
            update(_ITEM)
            .where(_ITEM.c.id == bindparam("of_item"))
            .values(file=bindparam("of_file"), line_id=bindparam("of_line")),
            rows,
        )


def give_back(connection: Connection, file: int) -> None:
    """Let what a file told be told again by the next one: it was refused."""
    connection.execute(
        update(_ITEM).where(_ITEM.c.file == file).values(file=None, line_id=None)
    )


def waiting(connection: Connection) -> int:
    """Count what is to be told."""
    query = select(func.count()).select_from(_ITEM).where(_ITEM.c.file.is_(None))
    return connection.execute(query).scalar_one()


def report_usage(
    connection: Connection,
    licence: LicenceIdentifier,
    digest: bytes,
    rows: Sequence[UsageRow],
) -> None:
    """Keep the usage table that a machine has told under the digest it signs."""
    used = [
        {
            "new_licence": licence,
            "new_usage_digest": digest,
            "new_product_class": row.product_class,
            "new_items": row.items,
            "new_amount_paise": row.amount_paise,
        }
        for row in rows
        if row.items
    ]
    if used:
        _REPORT.run_many(connection, used)


def reported_usage(
    connection: Connection, licence: LicenceIdentifier, digest: bytes
) -> list[UsageRow]:
    """Read a usage table by its digest; nothing if it was not told."""
    table = schema.usage_report
    rows = connection.execute(
        select(table)
        .where(table.c.licence == licence, table.c.usage_digest == digest)
        .order_by(table.c.product_class)
    )
    return [
        UsageRow(row.product_class, row.items, Paise(row.amount_paise)) for row in rows
    ]


def _waiting(kind: TellingKind) -> Any:
    return and_(_ITEM.c.kind == kind.name, _ITEM.c.file.is_(None))


def _with_licence() -> Any:
    return _ITEM.join(schema.licence, schema.licence.c.identifier == _ITEM.c.licence)


def _balance(kind: AccountKind) -> Any:
    account, balance = schema.account, schema.ledger.balance
    return (
        select(account.c.licence, balance.c.balance_paise)
        .select_from(account.join(balance))
        .where(account.c.kind == kind.name)
        .subquery()
    )


def _heard(row: Any) -> Heard:
    return Heard(
        digest=row.digest,
        licence=LicenceIdentifier(row.licence),
        kind=SignedKind[row.kind],
        signed=SignedOctets(row.octets, row.binding),
        answer=row.answer,
        call_generation=row.call_generation,
        received_at=EpochSeconds(row.received_at),
    )


def _discrepancy(row: Any) -> DiscrepancyItem:
    message = None
    if row.octets is not None:
        message = SignedOctets(row.octets, row.binding)
    return DiscrepancyItem(
        row.item,
        LicenceIdentifier(row.licence),
        LicenceNumber(row.number),
        TellingKind[row.kind],
        row.id,
        RefusalCode[row.code],
        EpochSeconds(row.found_at),
        json.loads(row.detail),
        message,
        row.resolved_at,
        row.resolution,
        row.resolved_by,
        row.second_person,
        row.reason,
    )

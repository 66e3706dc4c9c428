"""All SQL about statements of mailing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    func,
    insert,
    select,
    update,
)

from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import By, PersonId
from dop_gateway.offices.model import OfficeId
from dop_gateway.posting.model import (
    ClaimState,
    Mailing,
    MailingId,
    MailingLine,
    MailingState,
    NewMailing,
    parse_som_number,
)
from dop_gateway.posting.tables import (
    claim,
    mailing,
    mailing_line,
    rebate,
    unused_credit,
)
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

_m = mailing.c
_REGISTERS = (
    "opening_ascending_paise",
    "opening_descending_paise",
    "closing_ascending_paise",
    "closing_descending_paise",
)
_GROUP_MAX: Final = 1_000
"""Statements of one closing: more than a machine has departments."""


def add(
    connection: Connection,
    new: NewMailing,
    licence: LicenceIdentifier,
    *,
    office: OfficeId,
    on: date,
    by: By,
) -> Mailing:
    """Keep a statement in which nothing is wrong."""
    made: Any = connection.execute(
        insert(mailing).values(
            number=new.number,
            running=parse_som_number(new.number)[1],
            licence=licence,
            office=office,
            state=MailingState.CAPTURED.name,
            presented_on=on,
            mail_dated=new.mail_dated,
            closed_at=new.closed_at,
            **{name: getattr(new, name) for name in _REGISTERS},
            items=new.items,
            amount_paise=new.amount_paise,
            customer=new.customer,
            is_sorted=new.is_sorted,
            copies=new.copies,
            shortage_due_paise=new.shortage_due_paise,
            shortage_collected_paise=new.shortage_collected_paise,
            captured_by=by.actor.person,
            captured_at=by.now,
        )
    ).inserted_primary_key
    connection.execute(
        insert(mailing_line),
        [
            {
                "mailing": made[0],
                "product_class": line.product_class,
                "is_registered": line.is_registered,
                "items": line.items,
                "amount_paise": line.amount_paise,
            }
            for line in new.lines
        ],
    )
    (kept,) = _read(connection, _m.id == made[0])
    return kept


def void(connection: Connection, one: MailingId, by: By) -> None:
    """Let a statement count no more."""
    connection.execute(
        update(mailing)
        .where(_m.id == one)
        .values(
            state=MailingState.VOIDED.name,
            voided_by=by.actor.person,
            voided_at=by.now,
        )
    )


def get(connection: Connection, number: str) -> Mailing:
    """Find a statement that counts by its number, or else the one voided last.

    Raises:
        NotFoundError: There is none.
    """
    try:
        licence, running = parse_som_number(number)
    except LocalProtocolError as error:
        raise NotFoundError(str(error)) from error
    found = _read(
        connection,
        (_m.licence == licence) & (_m.running == running),
        (_m.state, _m.id.desc()),
        1,
    )
    if not found:
        raise NotFoundError(f"there is no statement of mailing {number}")
    return found[0]


def last_group(
    connection: Connection, licence: LicenceIdentifier
) -> tuple[Mailing, ...]:
    """Give the statements of the newest closing that was captured, in their order."""
    newest = _read(connection, _counts(licence), (_m.running.desc(),), 1)
    if not newest:
        return ()
    last = newest[0]
    same: ColumnElement[bool] = _counts(licence)
    for name in _REGISTERS:
        same &= _m[name] == getattr(last, name)
    return tuple(_read(connection, same, (_m.running,), _GROUP_MAX))


def first(connection: Connection, licence: LicenceIdentifier) -> Mailing | None:
    """Give the first statement of a licence that counts."""
    found = _read(connection, _counts(licence), (_m.running,), 1)
    return found[0] if found else None


def by_id(connection: Connection, one: int) -> Mailing:
    """Give a statement by its row."""
    (found,) = _read(connection, _m.id == one)
    return found


def sorted_paise(
    connection: Connection, licence: LicenceIdentifier, after: int, to: int
) -> Paise:
    """Sum what came sorted: running numbers behind `after`, up to `to`."""
    total = connection.execute(
        select(func.coalesce(func.sum(_m.amount_paise), 0)).where(
            _counts(licence),
            _m.running > after,
            _m.running <= to,
            _m.is_sorted == True,  # noqa: E712
        )
    ).scalar_one()
    return Paise(int(total))


def resting_on(connection: Connection, one: Mailing) -> list[str]:
    """Say what rests on a statement: a later one, or a claim that was not refused."""
    words = []
    later = connection.execute(
        select(_m.number)
        .where(_counts(one.licence), _m.running > one.running)
        .order_by(_m.running)
        .limit(1)
    ).scalar_one_or_none()
    if later is not None:
        words.append(f"{later} was captured after it")
    for table, columns in (
        (rebate, (rebate.c.from_mailing, rebate.c.to_mailing)),
        (unused_credit, (unused_credit.c.last_mailing,)),
    ):
        for column in columns:
            found = connection.execute(
                select(claim.c.id)
                .select_from(claim.join(table))
                .where(column == one.id, claim.c.state != ClaimState.REFUSED.name)
                .limit(1)
            ).scalar_one_or_none()
            if found is not None:
                words.append(f"claim {found} rests on it")
    return words


def lines_of(
    connection: Connection, ids: Sequence[int]
) -> dict[int, tuple[MailingLine, ...]]:
    """Give the lines of statements, by their rows."""
    found: dict[int, list[MailingLine]] = {one: [] for one in ids}
    rows = connection.execute(
        select(mailing_line)
        .where(mailing_line.c.mailing.in_(ids))
        .order_by(mailing_line.c.product_class, mailing_line.c.is_registered)
    )
    for row in rows:
        found[row.mailing].append(
            MailingLine(
                row.product_class, row.is_registered, row.items, Paise(row.amount_paise)
            )
        )
    return {one: tuple(lines) for one, lines in found.items()}


def with_lines(connection: Connection, found: Sequence[Mailing]) -> list[Mailing]:
    """Give statements of a list with their lines."""
    lines = lines_of(connection, [one.id for one in found])
    return [replace(one, lines=lines[one.id]) for one in found]


def mailing_of(row: Row[Any], lines: tuple[MailingLine, ...] = ()) -> Mailing:
    """Read a statement from a row."""
    return Mailing(
        number=row.number,
        mail_dated=row.mail_dated,
        closed_at=None if row.closed_at is None else EpochSeconds(row.closed_at),
        opening_ascending_paise=Paise(row.opening_ascending_paise),
        opening_descending_paise=Paise(row.opening_descending_paise),
        closing_ascending_paise=Paise(row.closing_ascending_paise),
        closing_descending_paise=Paise(row.closing_descending_paise),
        lines=lines,
        customer=row.customer,
        is_sorted=row.is_sorted,
        copies=row.copies,
        shortage_due_paise=Paise(row.shortage_due_paise),
        shortage_collected_paise=Paise(row.shortage_collected_paise),
        id=MailingId(row.id),
        licence=LicenceIdentifier(row.licence),
        office=OfficeId(row.office),
        presented_on=row.presented_on,
        state=MailingState[row.state],
        stated_paise=Paise(row.amount_paise),
        captured_by=PersonId(row.captured_by),
        captured_at=EpochSeconds(row.captured_at),
    )


def _counts(licence: LicenceIdentifier) -> ColumnElement[bool]:
    return (_m.licence == licence) & (_m.state == MailingState.CAPTURED.name)


def _read(
    connection: Connection,
    where: ColumnElement[bool],
    order: Iterable[ColumnElement[Any]] = (),
    rows_max: int = 1,
) -> list[Mailing]:
    rows = connection.execute(
        select(mailing).where(where).order_by(*order).limit(rows_max)
    ).all()
    lines = lines_of(connection, [row.id for row in rows])
    return [mailing_of(row, lines[row.id]) for row in rows]

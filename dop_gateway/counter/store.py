"""All SQL about counters."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from dop_gateway.counter.model import (
    INSTRUMENTS,
    DayState,
    Form,
    Instrument,
    OfficeDay,
    Receipt,
    ReceiptState,
    Tender,
)
from dop_gateway.counter.tables import counter_day, counter_receipt
from dop_gateway.identity.model import By, PersonId
from dop_gateway.offices.model import Office, OfficeId
from dop_gateway.offices.store import within_any
from dop_gateway.offices.tables import office
from dop_gateway.store.matching import Matching
from protocol.exchange import PaymentMode
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
)

_of = counter_receipt.c
_day = counter_day.c
_payee: Final = office.alias("payee")
_COUNTS: Final = _of.state != ReceiptState.CANCELLED.name


def lock_day(connection: Connection, office_id: OfficeId, day: date) -> OfficeDay:
    """Open a day of an office, or find it; nobody else changes it meanwhile."""
    where = (_day.office == office_id) & (_day.day == day)
    query = select(counter_day).where(where).with_for_update()
    # Of two assistants who begin a day at once, one waits for the other here.
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(counter_day)
        .values(
            office=office_id,
            day=day,
            state=DayState.OPEN.name,
            serial=0,
            receipts=0,
            total_paise=0,
        )
        .on_conflict_do_nothing()
    )
    return _office_day(connection.execute(query).one())


def find_day(
    connection: Connection, office_id: OfficeId, day: date
) -> OfficeDay | None:
    """Find a day of an office; None where nothing was taken."""
    where = (_day.office == office_id) & (_day.day == day)
    row = connection.execute(select(counter_day).where(where)).one_or_none()
    return None if row is None else _office_day(row)


def next_serial(connection: Connection, office_id: OfficeId, day: date) -> int:
    """Take the next serial of a day that is locked."""
    return int(
        connection.execute(
            update(counter_day)
            .where(_day.office == office_id, _day.day == day)
            .values(serial=_day.serial + 1)
            .returning(_day.serial)
        ).scalar_one()
    )


def count_day(connection: Connection, office_id: OfficeId, day: date) -> OfficeDay:
    """Write what a day that is locked comes to."""
    total = connection.execute(
        select(func.count(), func.coalesce(func.sum(_of.amount_paise), 0)).where(
            _of.office == office_id, _of.day == day, _COUNTS
        )
    ).one()
    where = (_day.office == office_id) & (_day.day == day)
    connection.execute(
        update(counter_day)
        .where(where)
        .values(receipts=total[0], total_paise=int(total[1]))
    )
    return _office_day(connection.execute(select(counter_day).where(where)).one())


def close_day(
    connection: Connection, office_id: OfficeId, day: date, by: By
) -> OfficeDay:
    """Close a day that is locked."""
    where = (_day.office == office_id) & (_day.day == day)
    connection.execute(
        update(counter_day)
        .where(where)
        .values(
            state=DayState.CLOSED.name,
            closed_by=by.actor.person,
            closed_at=by.now,
        )
    )
    return _office_day(connection.execute(select(counter_day).where(where)).one())


def add(connection: Connection, receipt: Receipt) -> None:
    """Keep a receipt."""
    form, tender, instrument = receipt.form, receipt.tender, receipt.tender.instrument
    connection.execute(
        insert(counter_receipt).values(
            number=receipt.number,
            office=receipt.office,
            day=receipt.day,
            serial=receipt.serial,
            state=receipt.state.name,
            licence=receipt.licence,
            licence_number=receipt.licence_number,
            licensee=form.licensee,
            address=form.address,
            depositor=form.depositor,
            mobile=form.mobile,
            amount_paise=tender.amount_paise,
            mode=tender.mode.name,
            instrument="" if instrument is None else instrument.number,
            instrument_bank="" if instrument is None else instrument.bank,
            instrument_dated=None if instrument is None else instrument.dated,
            payee=None if instrument is None else instrument.payee,
            taken_at=receipt.taken_at,
            taken_by=receipt.taken_by,
            outcome="",
        )
    )


def find(
    connection: Connection, number: str, within: Sequence[Office] | None = None
) -> Receipt | None:
    """Find a receipt.

    Args:
        connection: To the database.
        number: Of the receipt.
        within: Only under these offices; None for all.
    """
    query = _receipts().where(_of.number == number)
    if within is not None:
        query = query.where(within_any(within))
    row = connection.execute(query).one_or_none()
    return None if row is None else _receipt(row)


def lock(connection: Connection, number: str) -> None:
    """Let nobody else move a receipt in this transaction."""
    query = select(_of.id).where(_of.number == number).with_for_update()
    connection.execute(query).all()


def set_state(connection: Connection, number: str, state: ReceiptState) -> None:
    """Write where a tender is."""
    connection.execute(
        update(counter_receipt).where(_of.number == number).values(state=state.name)
    )


def set_outcome(
    connection: Connection, number: str, state: ReceiptState, on: date, words: str
) -> None:
    """Write what became of a cheque or draft."""
    connection.execute(
        update(counter_receipt)
        .where(_of.number == number)
        .values(state=state.name, outcome_on=on, outcome=words)
    )


def of_day(connection: Connection, office_id: OfficeId, day: date) -> list[Receipt]:
    """List the receipts of a day that count, in their order."""
    query = (
        _receipts()
        .where(_of.office == office_id, _of.day == day, _COUNTS)
        .order_by(_of.serial)
    )
    return [_receipt(row) for row in connection.execute(query)]


def not_taken_in(connection: Connection, office_id: OfficeId, day: date) -> list[str]:
    """List receipts of a day whose cheque or draft the treasurer has not got."""
    modes = [mode.name for mode in INSTRUMENTS]
    return list(
        connection.execute(
            select(_of.number)
            .where(
                _of.office == office_id,
                _of.day == day,
                _of.mode.in_(modes),
                _of.state == ReceiptState.TAKEN.name,
            )
            .order_by(_of.serial)
        ).scalars()
    )


def receipts_matching(
    *,
    within: Sequence[Office] | None = None,
    office_id: OfficeId | None = None,
    day: date | None = None,
    state: ReceiptState | None = None,
    licence: str = "",
) -> Matching[Receipt]:
    """Give the receipts that a filter lets through."""
    where: list[ColumnElement[bool]] = []
    if within is not None:
        where.append(within_any(within))
    if office_id is not None:
        where.append(_of.office == office_id)
    if day is not None:
        where.append(_of.day == day)
    if state is not None:
        where.append(_of.state == state.name)
    if licence:
        where.append(_of.licence == licence)
    orders = {
        "number": (_of.number,),
        "taken_at": (_of.taken_at, _of.id),
        "amount": (_of.amount_paise, _of.id),
    }
    return Matching(_receipts().where(*where), orders, _receipt)


def _receipts() -> Select[Any]:
    return select(
        counter_receipt,
        office.c.name.label("office_name"),
        _payee.c.name.label("payee_name"),
    ).select_from(
        counter_receipt.join(office, office.c.id == _of.office).outerjoin(
            _payee, _payee.c.id == _of.payee
        )
    )


def _office_day(row: Row[Any]) -> OfficeDay:
    return OfficeDay(
        OfficeId(row.office),
        row.day,
        DayState[row.state],
        row.receipts,
        Paise(row.total_paise),
        None if row.closed_by is None else PersonId(row.closed_by),
        None if row.closed_at is None else EpochSeconds(row.closed_at),
    )


def _receipt(row: Row[Any]) -> Receipt:
    instrument = None
    if row.payee is not None:
        instrument = Instrument(
            row.instrument,
            row.instrument_bank,
            row.instrument_dated,
            OfficeId(row.payee),
        )
    amount = Paise(row.amount_paise)
    return Receipt(
        number=row.number,
        office=OfficeId(row.office),
        office_name=row.office_name,
        day=row.day,
        serial=row.serial,
        state=ReceiptState[row.state],
        form=Form(
            row.licensee,
            row.address,
            row.licence,
            row.licence_number,
            amount,
            row.depositor,
            row.mobile,
        ),
        licence=LicenceIdentifier(row.licence),
        licence_number=LicenceNumber(row.licence_number),
        tender=Tender(amount, PaymentMode[row.mode], instrument),
        payee_name=row.payee_name or "",
        taken_at=EpochSeconds(row.taken_at),
        taken_by=PersonId(row.taken_by),
        outcome_on=row.outcome_on,
        outcome=row.outcome,
    )

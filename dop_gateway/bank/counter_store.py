"""All SQL about receipts of our own counters that are in no daily file yet."""

from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from dop_gateway.accounting.model import Outcome
from dop_gateway.accounting.tables import e_payment_receipt as told
from dop_gateway.bank.e_payment_file import ChequeOutcome, CounterReceipt
from dop_gateway.counter.model import DayState, ReceiptState
from dop_gateway.counter.tables import counter_day, counter_receipt
from dop_gateway.offices.tables import office

_of: Final = counter_receipt.c
_OUTCOMES: Final = [one.name for one in Outcome]
_CHEQUE: Final = "PO_CHEQUE"


def new_receipts(connection: Connection, bank: str, limit: int) -> list[CounterReceipt]:
    """List receipts of days that have ended, which no file has told of."""
    rows = connection.execute(
        select(counter_receipt, office.c.name.label("office_name"), office.c.pin)
        .join(
            counter_day,
            (counter_day.c.office == _of.office) & (counter_day.c.day == _of.day),
        )
        .join(office, office.c.id == _of.office)
        .outerjoin(told, _is_told(bank))
        .where(
            counter_day.c.state == DayState.CLOSED.name,
            _of.state != ReceiptState.CANCELLED.name,
            told.c.id.is_(None),
        )
        .order_by(_of.day, _of.office, _of.serial)
        .limit(limit)
    )
    return [
        CounterReceipt(
            reference=row.number,
            office=row.office_name,
            office_pin=row.pin,
            at=row.taken_at,
            licence=row.licence,
            licence_number=row.licence_number,
            licensee=row.licensee,
            amount_paise=row.amount_paise,
            mode=row.mode,
            instrument=row.instrument,
            instrument_bank=row.instrument_bank,
        )
        for row in rows
    ]


def new_outcomes(connection: Connection, bank: str, limit: int) -> list[ChequeOutcome]:
    """List what became of cheques and drafts, as far as no file has told it.

    A draft is money when it is taken: only that one bounced is news.
    """
    is_news = or_(
        told.c.outcome.is_(None),
        and_(told.c.outcome != _of.state, _of.state == Outcome.BOUNCED.name),
    )
    rows = connection.execute(
        select(_of.number, _of.state, _of.outcome_on, _of.outcome)
        .join(
            counter_day,
            (counter_day.c.office == _of.office) & (counter_day.c.day == _of.day),
        )
        .outerjoin(told, _is_told(bank))
        .where(
            counter_day.c.state == DayState.CLOSED.name,
            _of.state.in_(_OUTCOMES),
            or_(_of.mode == _CHEQUE, _of.state == Outcome.BOUNCED.name),
            or_(told.c.id.is_(None), is_news),
        )
        .order_by(_of.outcome_on, _of.number)
        .limit(limit)
    )
    return [
        ChequeOutcome(row.number, Outcome[row.state], row.outcome_on, row.outcome)
        for row in rows
    ]


def _is_told(bank: str) -> ColumnElement[bool]:
    return (told.c.bank == bank) & (told.c.reference == _of.number)

"""All SQL about receipts of post offices."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from dop_gateway.accounting.model import DayTotal, Outcome
from dop_gateway.accounting.tables import e_payment_receipt as receipt
from dop_gateway.offices.model import Office, OfficeId
from dop_gateway.offices.store import within_any
from dop_gateway.offices.tables import office
from protocol.values import Paise

_AT_A_TIME: Final = 500
CHEQUE: Final = "PO_CHEQUE"


def outcomes(
    connection: Connection, bank: str, references: Sequence[str]
) -> dict[str, Outcome | None]:
    """Say which receipts there are, and what became of each.

    What is no cheque is realised from the beginning.
    """
    found: dict[str, Outcome | None] = {}
    for start in range(0, len(references), _AT_A_TIME):
        some = references[start : start + _AT_A_TIME]
        rows = connection.execute(
            select(receipt.c.reference, receipt.c.mode, receipt.c.outcome).where(
                receipt.c.bank == bank, receipt.c.reference.in_(some)
            )
        )
        for row in rows:
            if row.outcome is None:
                is_cheque = row.mode == CHEQUE
                found[row.reference] = None if is_cheque else Outcome.REALISED
            else:
                found[row.reference] = Outcome[row.outcome]
    return found


def write(
    connection: Connection,
    bank: str,
    rows: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
) -> None:
    """Write receipts that are new, and then what became of cheques."""
    for start in range(0, len(rows), _AT_A_TIME):
        connection.execute(insert(receipt), rows[start : start + _AT_A_TIME])
    if changed:
        connection.execute(
            update(receipt).where(
                receipt.c.bank == bank, receipt.c.reference == bindparam("_reference")
            ),
            changed,
        )


def totals(
    connection: Connection,
    under: Iterable[Office],
    first: date,
    last: date,
    offices: Iterable[OfficeId] | None = None,
) -> list[DayTotal]:
    """Add up what offices accounted on some days, by office and day.

    Args:
        connection: To the database.
        under: Offices with all below them.
        first: The first day.
        last: The last one.
        offices: Of these alone.
    """
    wanted = [
        within_any(under),
        receipt.c.accounted_on >= first,
        receipt.c.accounted_on <= last,
    ]
    if offices is not None:
        wanted.append(receipt.c.office.in_(list(offices)))
    rows = connection.execute(
        select(
            receipt.c.office,
            receipt.c.accounted_on,
            func.count(),
            func.sum(receipt.c.amount_paise),
        )
        .join(office, office.c.id == receipt.c.office)
        .where(*wanted)
        .group_by(receipt.c.office, receipt.c.accounted_on)
        .order_by(receipt.c.accounted_on, receipt.c.office)
    )
    return [DayTotal(row[0], row[1], row[2], Paise(int(row[3]))) for row in rows]


def listed(
    connection: Connection, under: Iterable[Office], first: date, last: date
) -> Iterable[Row[Any]]:
    """List the receipts that offices accounted on some days, with their offices."""
    return connection.execute(
        select(
            receipt.c.accounted_on,
            office.c.facility,
            office.c.name,
            receipt.c.reference,
            receipt.c.at,
            receipt.c.licence,
            receipt.c.licence_number,
            receipt.c.licensee,
            receipt.c.mode,
            receipt.c.instrument,
            receipt.c.amount_paise,
        )
        .join(office, office.c.id == receipt.c.office)
        .where(
            within_any(under),
            receipt.c.accounted_on >= first,
            receipt.c.accounted_on <= last,
        )
        .order_by(receipt.c.accounted_on, office.c.path, receipt.c.reference)
    )

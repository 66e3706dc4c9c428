"""All SQL about receipts of post offices."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from dop_gateway.accounting.model import DayTotal, Outcome
from dop_gateway.accounting.tables import e_payment_receipt as receipt
from dop_gateway.offices.model import OfficeId
from dop_gateway.offices.tables import office
from protocol.values import Paise

_AT_A_TIME: Final = 500
_ONE_DAY: Final = timedelta(days=1)
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
    connection: Connection, offices: Collection[OfficeId], first: date, last: date
) -> list[DayTotal]:
    """Add up what offices accounted on some days, by day, office and mode."""
    found: list[DayTotal] = []
    wanted = sorted(offices)
    for start in range(0, len(wanted), _AT_A_TIME):
        rows = connection.execute(
            select(
                receipt.c.office,
                receipt.c.accounted_on,
                receipt.c.mode,
                func.count(),
                func.sum(receipt.c.amount_paise),
            )
            .where(
                receipt.c.office.in_(wanted[start : start + _AT_A_TIME]),
                receipt.c.accounted_on >= first,
                receipt.c.accounted_on <= last,
            )
            .group_by(receipt.c.office, receipt.c.accounted_on, receipt.c.mode)
        )
        found += [
            DayTotal(row[0], row[1], row[2], row[3], Paise(int(row[4]))) for row in rows
        ]
    return sorted(found, key=lambda one: (one.day, one.office, one.mode))


def listed(
    connection: Connection, offices: Collection[OfficeId], first: date, last: date
) -> Iterator[Row[Any]]:
    """List the receipts that offices accounted on some days, by day and number."""
    day = first
    wanted = sorted(offices)
    while day <= last:
        for start in range(0, len(wanted), _AT_A_TIME):
            yield from connection.execute(
                select(receipt, office.c.facility, office.c.name)
                .join(office, office.c.id == receipt.c.office)
                .where(
                    receipt.c.office.in_(wanted[start : start + _AT_A_TIME]),
                    receipt.c.accounted_on == day,
                )
                .order_by(office.c.path, receipt.c.reference)
            )
        day += _ONE_DAY

"""The licence-wise scroll of a bank's account, for the Central Pay and Accounts Office.

A line is what the account took in, with the licence that the bank captured, by day; so
the CPAO can hold it against what SBI consolidates. The form is ours.

Source: domain notes, section 14.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.bank import item_store
from dop_gateway.exports.table import Column, Kind, Listing, Row


@dataclass(frozen=True, slots=True)
class ScrollFilter:
    """A bank, from one day to another."""

    bank: str
    first: date
    last: date

    def words(self) -> Sequence[tuple[str, str]]:
        """Say it."""
        days = f"{self.first.isoformat()} to {self.last.isoformat()}"
        return (("bank", self.bank), ("days", days))


def _rows(connection: Connection, wanted: ScrollFilter) -> Iterator[Row]:
    for row in item_store.entered_days(
        connection, wanted.bank, wanted.first, wanted.last
    ):
        yield (
            row.entered_on,
            row.licence,
            row.licence_number,
            row.licensee,
            row.reference,
            row.mode,
            row.state,
            row.entered_paise,
        )


SCROLL: Final = Listing(
    "Scroll of deposits through the bank, for the CPAO",
    (
        Column("day", "Date", Kind.DAY),
        Column("licence", "License Identifier"),
        Column("licence_number", "License Number"),
        Column("licensee", "Licensee"),
        Column("reference", "Reference"),
        Column("mode", "Mode"),
        Column("state", "State"),
        Column("amount", "Amount", Kind.MONEY, summed=True),
    ),
    _rows,
)

"""The accounts in which the head stands, as tables (RMFS-22, RMFS-23).

Each has the same filter: an office and days. What is listed is this head and nothing
else: it is no part of the e-Payment total of other billers, in none of them.

    daily list        every receipt of an office (of a head office: of its units too)
    SO Account        the head, day by day
    SO Daily Account  the head by cash, drafts, cheques realised
    SO Summary        of a head office: its sub offices, day by day
    HO Summary        of a head office: its own counters and its sub offices
    HO Cash Book      the line of the receipt side, day by day
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from sqlalchemy import Connection

from dop_gateway.accounting import receipt_store, store
from dop_gateway.accounting.model import RMFS_E_PAYMENT, DayTotal, Schedule
from dop_gateway.accounting.places import HeadOffice, Unit, head_office, unit_of
from dop_gateway.exports.table import Column, Kind, Listing, Row
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeKind
from protocol.values import Paise

DAYS_MAX: Final = 366
_CASH: Final = "PO_CASH"
_DRAFT: Final = "PO_DRAFT"
_CHEQUE: Final = "PO_CHEQUE"

_DAY: Final = Column("day", "Date", Kind.DAY)
_HEAD: Final = (Column("head", "Head of account"), Column("code", "Code"))
_COUNT: Final = Column("count", "Receipts", Kind.COUNT, summed=True)
_OFFICE: Final = (Column("facility", "Facility"), Column("office", "Office"))


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """An office, from one day to another."""

    office: Office
    first: date
    last: date

    def words(self) -> Sequence[tuple[str, str]]:
        """Say it."""
        days = f"{self.first.isoformat()} to {self.last.isoformat()}"
        return (("office", self.office.name), ("days", days))


class Account(Enum):
    """An account, by the name that routes and commands know it by."""

    DAILY_LIST = "daily-list"
    SO_ACCOUNT = "so-account"
    SO_DAILY_ACCOUNT = "so-daily-account"
    SO_SUMMARY = "so-summary"
    HO_SUMMARY = "ho-summary"
    HO_CASH_BOOK = "ho-cash-book"

    @property
    def listing(self) -> Listing[AccountFilter]:
        """Its columns and rows."""
        return _LISTINGS[self]


def _money(name: str, title: str) -> Column:
    return Column(name, title, Kind.MONEY, summed=True)


def _daily_list(connection: Connection, wanted: AccountFilter) -> Iterator[Row]:
    members = unit_of(connection, wanted.office).members
    if wanted.office.kind is OfficeKind.HO:
        members = head_office(connection, wanted.office).members
    elif wanted.office.kind is OfficeKind.BO:
        members = frozenset({wanted.office.office_id})
    found = receipt_store.listed(connection, members, wanted.first, wanted.last)
    for row in found:
        yield (
            row.accounted_on,
            row.facility,
            row.name,
            row.reference,
            row.at,
            row.licence,
            row.licence_number,
            row.licensee,
            row.mode,
            row.instrument,
            row.amount_paise,
        )


def _so_account(connection: Connection, wanted: AccountFilter) -> Iterator[Row]:
    head = store.head(connection, RMFS_E_PAYMENT)
    unit = unit_of(connection, wanted.office)
    for day, some in _by_day(_totals(connection, unit, wanted)):
        yield day, head.name, head.code, _count(some), _sum(some)


def _so_daily_account(connection: Connection, wanted: AccountFilter) -> Iterator[Row]:
    head = store.head(connection, RMFS_E_PAYMENT)
    unit = unit_of(connection, wanted.office)
    for day, some in _by_day(_totals(connection, unit, wanted)):
        modes = [
            _sum(one for one in some if one.mode == mode)
            for mode in (_CASH, _DRAFT, _CHEQUE)
        ]
        yield day, head.name, head.code, *modes, _sum(some)


def _so_summary(connection: Connection, wanted: AccountFilter) -> Iterator[Row]:
    found = head_office(connection, wanted.office)
    totals = _of_head_office(connection, found, wanted)
    for day, some in _by_day(totals):
        for unit in found.sub_offices:
            own = [one for one in some if one.office in unit.members]
            if own:
                yield day, unit.facility, unit.name, _count(own), _sum(own)


def _ho_summary(connection: Connection, wanted: AccountFilter) -> Iterator[Row]:
    head = store.head(connection, RMFS_E_PAYMENT)
    found = head_office(connection, wanted.office)
    for day, some in _by_day(_of_head_office(connection, found, wanted)):
        own = _sum(one for one in some if one.office in found.own.members)
        total = _sum(some)
        yield day, head.name, head.code, own, total - own, total


def _ho_cash_book(connection: Connection, wanted: AccountFilter) -> Iterator[Row]:
    head = store.head(connection, RMFS_E_PAYMENT)
    found = head_office(connection, wanted.office)
    for day, some in _by_day(_of_head_office(connection, found, wanted)):
        yield day, head.side.value, head.name, head.code, _sum(some)


def _totals(
    connection: Connection, unit: Unit, wanted: AccountFilter
) -> list[DayTotal]:
    members = unit.members
    return receipt_store.totals(connection, members, wanted.first, wanted.last)


def _of_head_office(
    connection: Connection, found: HeadOffice, wanted: AccountFilter
) -> list[DayTotal]:
    members = found.members
    return receipt_store.totals(connection, members, wanted.first, wanted.last)


def _by_day(totals: Sequence[DayTotal]) -> Iterator[tuple[date, list[DayTotal]]]:
    for day in sorted({one.day for one in totals}):
        yield day, [one for one in totals if one.day == day]


def _count(totals: Sequence[DayTotal]) -> int:
    return sum(one.count for one in totals)


def _sum(totals: "Iterator[DayTotal] | Sequence[DayTotal]") -> Paise:
    return Paise(sum(one.amount_paise for one in totals))


_LISTINGS: Final = {
    Account.DAILY_LIST: Listing(
        "Daily list: Revenue Realised in Cash on RMFS through E-payment",
        (
            _DAY,
            *_OFFICE,
            Column("receipt", "Receipt"),
            Column("at", "Taken at", Kind.MOMENT),
            Column("licence", "License Identifier"),
            Column("licence_number", "CRN"),
            Column("licensee", "Licensee"),
            Column("mode", "Mode"),
            Column("instrument", "Instrument"),
            _money("amount", "Amount"),
        ),
        _daily_list,
    ),
    Account.SO_ACCOUNT: Listing(
        "SO Account, receipt side",
        (_DAY, *_HEAD, _COUNT, _money("amount", "Amount")),
        _so_account,
    ),
    Account.SO_DAILY_ACCOUNT: Listing(
        "SO Daily Account, receipt side",
        (
            _DAY,
            *_HEAD,
            _money("cash", "Cash"),
            _money("drafts", "Drafts"),
            _money("cheques", "Cheques realised"),
            _money("total", "Total"),
        ),
        _so_daily_account,
    ),
    Account.SO_SUMMARY: Listing(
        "SO Summary, receipt side",
        (_DAY, *_OFFICE, _COUNT, _money("amount", "Amount")),
        _so_summary,
    ),
    Account.HO_SUMMARY: Listing(
        "HO Summary, receipt side",
        (
            _DAY,
            *_HEAD,
            _money("own", "Own counters"),
            _money("sub_offices", "Sub offices"),
            _money("total", "Total"),
        ),
        _ho_summary,
    ),
    Account.HO_CASH_BOOK: Listing(
        "HO Cash Book, receipt side",
        (_DAY, Column("side", "Side"), *_HEAD, _money("amount", "Amount")),
        _ho_cash_book,
    ),
}


@dataclass(frozen=True, slots=True)
class ScheduleFilter:
    """One schedule."""

    schedule: Schedule
    office: str

    def words(self) -> Sequence[tuple[str, str]]:
        """Say it."""
        return (("office", self.office), ("month", f"{self.schedule.month:%Y-%m}"))


def schedule_filter(connection: Connection, schedule: Schedule) -> ScheduleFilter:
    """Narrow the list of days to one schedule."""
    return ScheduleFilter(schedule, offices.get(connection, schedule.office).name)


def _schedule_days(connection: Connection, wanted: ScheduleFilter) -> Iterator[Row]:
    head = store.head(connection, RMFS_E_PAYMENT)
    for one in store.days_of(connection, wanted.schedule.id).values():
        yield one.day, head.name, head.code, one.listed_paise, one.booked_paise


SCHEDULE_LISTING: Final = Listing(
    "Monthly schedule to the Postal Accounts Office",
    (
        _DAY,
        *_HEAD,
        _money("listed", "Daily lists"),
        _money("booked", "Cash book"),
    ),
    _schedule_days,
)

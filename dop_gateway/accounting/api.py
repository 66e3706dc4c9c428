"""Routes of accounts: heads, accounts of offices, monthly schedules."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.accounting import service, store
from dop_gateway.accounting.accounts import DAYS_MAX, Account, AccountFilter
from dop_gateway.accounting.model import Head, HeadKey, Schedule, ScheduleId
from dop_gateway.accounting.schemas import (
    AccountRow,
    DifferenceShown,
    FacilityName,
    HeadBody,
    HeadShown,
    ReasonBody,
    ScheduleBody,
    ScheduleDayShown,
    ScheduleShown,
    ScheduleStateName,
    ScheduleWhole,
)
from dop_gateway.errors import FieldFinding, InvalidError, NotFoundError
from dop_gateway.exports.json_writer import named
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import By, Role, ScopeKind
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId
from dop_gateway.store.matching import Held
from dop_gateway.web.asking import Asked, AskedOnce
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed

ROUTES: Final = APIRouter(tags=["accounting"])

HeadName = Annotated[
    str, Path(pattern=r"^[A-Z_]{1,40}$", description="As RMFS_E_PAYMENT.")
]
Number = Annotated[int, Path(ge=1, le=2**53 - 1)]
AccountName = Literal[
    "daily-list",
    "so-account",
    "so-daily-account",
    "so-summary",
    "ho-summary",
    "ho-cash-book",
]

_POSTMASTERS: Final = frozenset({Role.POSTMASTER})
_ACCOUNTS: Final = frozenset({Role.ACCOUNTS_OFFICER})
_SEE: Final = frozenset(
    {
        Role.POSTMASTER,
        Role.ACCOUNTS_OFFICER,
        Role.POSTAL_AUTHORITY,
        Role.AUDITOR,
        Role.DCR_OPERATOR,
        Role.DCR_SUPERVISOR,
    }
)
_OF_OFFICE: Final = ScopeKind.OFFICE

ACCESS: Final = (
    Access("GET", "/heads-of-account", _SEE | {Role.ADMINISTRATOR}),
    Access("PUT", "/heads-of-account/{head}", frozenset({Role.ADMINISTRATOR})),
    Access("GET", "/accounts/{account}", _SEE, _OF_OFFICE),
    Access("GET", "/monthly-schedules", _SEE, _OF_OFFICE),
    Access("POST", "/monthly-schedules", _POSTMASTERS, _OF_OFFICE),
    Access("GET", "/monthly-schedules/{number}", _SEE, _OF_OFFICE),
    Access("POST", "/monthly-schedules/{number}/send", _POSTMASTERS, _OF_OFFICE),
    Access("POST", "/monthly-schedules/{number}/accept", _ACCOUNTS, _OF_OFFICE),
    Access("POST", "/monthly-schedules/{number}/send-back", _ACCOUNTS, _OF_OFFICE),
)


class AccountQuery(ListQuery):
    """Of which office, from which day to which; both are included."""

    office: FacilityName
    first: date
    last: date
    sort: Literal["day"] = "day"


class SchedulesQuery(ListQuery):
    """Which schedules."""

    state: ScheduleStateName | None = None
    sort: Literal["month", "-month"] = "-month"


@ROUTES.get("/heads-of-account")
def list_heads(asking: Asked) -> list[HeadShown]:
    """List heads of account, as this deployment has them."""
    with asking.reading() as connection:
        return [HeadShown.of(one) for one in store.heads(connection)]


@ROUTES.put("/heads-of-account/{head}")
def put_head(asking: AskedOnce, head: HeadName, body: HeadBody) -> HeadShown:
    """Say how this deployment calls a head, and by which code it is accounted."""

    def task(connection: Connection) -> HeadShown:
        before = store.head(connection, head)
        told = Head(HeadKey(head), body.name, before.side, body.code)
        service.set_head(connection, told, asking.by(body.reason))
        return HeadShown.of(told)

    return asking.once("set a head of account", body, HeadShown, task)


@ROUTES.get("/accounts/{account}", **listed(AccountRow))
def show_account(
    asking: Asked, account: AccountName, query: Annotated[AccountQuery, Query()]
) -> Any:
    """Show an account of an office, receipt side, day by day (RMFS-22)."""
    return answer_list(asking, _LISTS[account], query)


@ROUTES.get("/monthly-schedules", **listed(ScheduleShown))
def list_schedules(asking: Asked, query: Annotated[SchedulesQuery, Query()]) -> Any:
    """List monthly schedules, the latest first."""
    return answer_list(asking, _SCHEDULES, query)


@ROUTES.post("/monthly-schedules", status_code=HTTPStatus.CREATED)
def make_schedule(asking: AskedOnce, body: ScheduleBody) -> ScheduleWhole:
    """Make the schedule of a month, or make it anew (RMFS-23)."""

    def task(connection: Connection) -> ScheduleWhole:
        office = _office(connection, asking.permit, body.office)
        year, month = map(int, body.month.split("-"))
        by = asking.by(body.reason)
        booked = body.booked_by_day()
        first = date(year, month, 1)
        made = service.make_schedule(connection, office, first, by, booked)
        return _whole(connection, made)

    made = asking.once("make a schedule", body, ScheduleWhole, task)
    asking.made(f"/monthly-schedules/{made.number}")
    return made


@ROUTES.get("/monthly-schedules/{number}")
def show_schedule(asking: Asked, number: Number) -> ScheduleWhole:
    """Show a schedule, its days, and the days that do not tally."""
    with asking.reading() as connection:
        return _whole(connection, _schedule(connection, asking.permit, number))


@ROUTES.post("/monthly-schedules/{number}/send")
def send_schedule(asking: AskedOnce, number: Number, body: ReasonBody) -> ScheduleShown:
    """Send a schedule that tallies to the Postal Accounts Office."""
    return _move(asking, number, body, service.send_schedule)


@ROUTES.post("/monthly-schedules/{number}/accept")
def accept_schedule(
    asking: AskedOnce, number: Number, body: ReasonBody
) -> ScheduleShown:
    """Accept a schedule at the Postal Accounts Office."""
    return _move(asking, number, body, service.accept_schedule)


@ROUTES.post("/monthly-schedules/{number}/send-back")
def send_back_schedule(
    asking: AskedOnce, number: Number, body: ReasonBody
) -> ScheduleShown:
    """Send a schedule back to the Postmaster."""
    return _move(asking, number, body, service.send_back_schedule)


def _move(
    asking: AskedOnce,
    number: int,
    body: ReasonBody,
    act: Callable[[Connection, ScheduleId, By], Schedule],
) -> ScheduleShown:
    def task(connection: Connection) -> ScheduleShown:
        known = _schedule(connection, asking.permit, number)
        by = asking.by(body.reason)
        return _shown(connection, act(connection, known.id, by))

    return asking.once("move a schedule", body, ScheduleShown, task)


def _rows(
    account: Account, connection: Connection, permit: Permit, query: AccountQuery
) -> Held[Row]:
    days = (query.last - query.first).days
    if not 0 <= days < DAYS_MAX:
        words = f"from the first day on, at most {DAYS_MAX} days"
        raise InvalidError([FieldFinding("/last", "out_of_range", words)])
    office = _office(connection, permit, query.office)
    wanted = AccountFilter(office, query.first, query.last)
    rows = tuple(account.listing.rows(connection, wanted))
    # They come in the order of the book.
    places = {id(row): place for place, row in enumerate(rows)}
    return Held(rows, {"day": lambda row: places[id(row)]})


def _show_rows(
    account: Account, _connection: Connection, found: Sequence[Row]
) -> list[AccountRow]:
    columns = account.listing.columns
    return [AccountRow(named(columns, row)) for row in found]


def _list(account: Account) -> WebList[AccountQuery, Row, AccountRow]:
    listing = account.listing
    return WebList(
        account.value,
        listing.title,
        listing.columns,
        partial(_rows, account),
        partial(_show_rows, account),
        lambda row: row,
    )


_LISTS: Final = {account.value: _list(account) for account in Account}


def _schedules(
    connection: Connection, permit: Permit, query: SchedulesQuery
) -> Held[ScheduleShown]:
    found = store.schedules_within(connection, _tops(connection, permit))
    shown = [
        _shown(connection, one) for one in found if query.state in {None, one.state}
    ]
    return Held(shown, {"month": lambda one: (one.month, one.number)})


_SCHEDULES: Final = WebList(
    "monthly-schedules",
    "Monthly schedules to the Postal Accounts Office",
    (
        Column("month", "Month"),
        Column("office", "Facility"),
        Column("office_name", "Head office"),
        Column("state", "State"),
        Column("total", "Total", Kind.MONEY, summed=True),
    ),
    _schedules,
    lambda _connection, found: list(found),
    lambda one: (
        one.month,
        one.office,
        one.office_name,
        one.state.name,
        one.total,
    ),
)


def _office(connection: Connection, permit: Permit, facility: str) -> Office:
    found = offices.by_facility(connection, facility)
    if found is None or not _reaches(connection, permit, found):
        raise NotFoundError(f"there is no office {facility}")
    return found


def _schedule(connection: Connection, permit: Permit, number: int) -> Schedule:
    found = store.schedule(connection, number)
    office = offices.get(connection, found.office)
    if not _reaches(connection, permit, office):
        raise NotFoundError(f"there is no schedule {number}")
    return found


def _reaches(connection: Connection, permit: Permit, office: Office) -> bool:
    return any(office.is_within(top) for top in _tops(connection, permit))


def _tops(connection: Connection, permit: Permit) -> list[Office]:
    """Give the offices that somebody's roles are for."""
    if permit.reaches_everything:
        top = offices.top(connection)
        return [] if top is None else [top]
    return [
        offices.get(connection, OfficeId(int(one)))
        for one in sorted(permit.scopes(ScopeKind.OFFICE))
    ]


def _shown(connection: Connection, one: Schedule) -> ScheduleShown:
    office = offices.get(connection, one.office)
    return ScheduleShown.of(one, office.facility, office.name)


def _whole(connection: Connection, one: Schedule) -> ScheduleWhole:
    return ScheduleWhole(
        **dict(_shown(connection, one)),
        days=[
            ScheduleDayShown.of(day)
            for day in store.days_of(connection, one.id).values()
        ],
        differences=[
            DifferenceShown.of(found) for found in service.differences(connection, one)
        ],
    )

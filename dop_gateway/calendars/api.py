"""Routes of calendars: which days are worked, and what people say of days."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Final, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from dop_gateway.access import EVERYBODY, Access
from dop_gateway.calendars import service, store
from dop_gateway.calendars.model import COMMON, DCR, CalendarDay, CalendarName
from dop_gateway.calendars.reading import NAME_CHARACTERS_MAX, YearList
from dop_gateway.calendars.store import YearImported
from dop_gateway.errors import FieldFinding, InvalidError, NotFoundError
from dop_gateway.identity.model import Role
from dop_gateway.offices import list_store as offices
from dop_gateway.offices.model import OfficeKind
from dop_gateway.web.asking import Asked
from dop_gateway.web.fields import Body, Reason, show_moment
from protocol.calendar import WEEKDAYS
from protocol.parameters import business_date

ROUTES: Final = APIRouter(tags=["calendars"])
_ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
_HOLIDAYS_MAX: Final = 366
_COUNT_MAX: Final = 366
YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2199
Name = Annotated[
    str,
    Path(
        pattern=r"^(COMMON|DCR|[A-Z]{2})$",
        description="COMMON, DCR, or the two letters of a Circle.",
    ),
]
Year = Annotated[int, Field(ge=YEAR_MIN, le=YEAR_MAX)]
Day = Annotated[date, Field(ge=date(YEAR_MIN, 1, 1), le=date(YEAR_MAX, 12, 31))]
HolidayName = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX)]

ACCESS: Final = (
    Access("GET", "/calendars", EVERYBODY),
    Access("GET", "/calendars/{name}", EVERYBODY),
    Access("GET", "/calendars/{name}/working-day", EVERYBODY),
    Access("POST", "/calendars/{name}/days", _ADMINISTRATORS),
    Access("POST", "/calendars/{name}/days/{day}/take-back", _ADMINISTRATORS),
    Access("POST", "/calendars/{name}/years", _ADMINISTRATORS),
)


class CalendarDayShown(BaseModel):
    """A day of which a calendar itself says something."""

    day: date
    works: bool
    name: str
    listed: bool
    added_at: str
    added_by: str
    added_for: str
    removed_at: str | None
    removed_by: str | None
    removed_for: str | None

    @classmethod
    def of(cls, one: CalendarDay) -> Self:
        """Tell of a day."""
        at = one.removed_at
        return cls(
            day=one.day,
            works=one.works,
            name=one.name,
            listed=one.listed,
            added_at=show_moment(one.added_at),
            added_by=one.added_by,
            added_for=one.added_for,
            removed_at=None if at is None else show_moment(at),
            removed_by=one.removed_by,
            removed_for=one.removed_for,
        )


class YearShown(BaseModel):
    """A year of a calendar.

    `is_known` says whether the list of its holidays is there; `not_worked` are all days
    that are not worked besides the weekly off; `days` are those of which this calendar
    itself says something, or said before.
    """

    calendar: str
    year: int
    is_known: bool
    weekly_off: list[str]
    not_worked: list[date]
    days: list[CalendarDayShown]


class WorkingDay(BaseModel):
    """The working day that is so many after another day."""

    day: date


class DayBody(Body):
    """A day that is a holiday, or worked all the same."""

    day: Day
    name: HolidayName
    works: bool = False
    reason: Reason


class TakeBackBody(Body):
    """Why a calendar says nothing of a day any more."""

    reason: Reason


class Holiday(Body):
    """A holiday of a list."""

    day: Day
    name: HolidayName


class YearBody(Body):
    """The holidays of a year, in place of those that were brought in before."""

    year: Year
    source: Annotated[str, Field(min_length=1, max_length=200)]
    holidays: Annotated[list[Holiday], Field(max_length=_HOLIDAYS_MAX)]
    reason: Reason


class YearTaken(BaseModel):
    """How many days are holidays now, are none any more, were kept, or unchanged."""

    added: int
    removed: int
    kept: int
    unchanged: int

    @classmethod
    def of(cls, done: YearImported) -> Self:
        """Tell what became of a list."""
        return cls(
            added=done.added,
            removed=done.removed,
            kept=done.kept,
            unchanged=done.unchanged,
        )


@ROUTES.get("/calendars")
def list_calendars(asking: Asked) -> list[str]:
    """List the calendars: the common one, that of DCR, and one of each Circle."""
    with asking.reading() as connection:
        circles = offices.codes_of(connection, OfficeKind.CIRCLE)
    return [COMMON, DCR, *circles]


@ROUTES.get("/calendars/{name}")
def show_calendar(
    asking: Asked, name: Name, year: Annotated[Year | None, Query()] = None
) -> YearShown:
    """Show a year of a calendar; this year if none is named."""
    of = business_date(asking.now).year if year is None else year
    with asking.reading() as connection:
        known = store.calendar(connection, _found(connection, name))
        days = store.days(connection, CalendarName(name), of, removed=True)
    first = date(of, 1, 1).toordinal()
    every = (
        date.fromordinal(one) for one in range(first, date(of, 12, 31).toordinal() + 1)
    )
    return YearShown(
        calendar=name,
        year=of,
        is_known=known.is_known(of),
        weekly_off=[WEEKDAYS[one] for one in sorted(known.weekly_off)],
        not_worked=[
            day
            for day in every
            if day.weekday() not in known.weekly_off and not known.is_working_day(day)
        ],
        days=[CalendarDayShown.of(one) for one in days],
    )


@ROUTES.get("/calendars/{name}/working-day")
def count_working_days(
    asking: Asked,
    name: Name,
    after: Annotated[Day, Query()],
    days: Annotated[int, Query(ge=0, le=_COUNT_MAX)] = 1,
) -> WorkingDay:
    """Find the working day that is so many after a day; 0 gives the day if worked."""
    with asking.reading() as connection:
        known = store.calendar(connection, _found(connection, name))
    return WorkingDay(day=known.add_working_days(after, days))


@ROUTES.post("/calendars/{name}/days", status_code=HTTPStatus.NO_CONTENT)
def say_day(asking: Asked, name: Name, body: DayBody) -> None:
    """Say that a day is a holiday, or that it is worked all the same."""
    with asking.writing("say what a day is") as connection:
        service.say(
            connection,
            CalendarName(name),
            body.day,
            body.name,
            asking.by(body.reason),
            works=body.works,
        )


@ROUTES.post(
    "/calendars/{name}/days/{day}/take-back", status_code=HTTPStatus.NO_CONTENT
)
def take_back_day(asking: Asked, name: Name, day: date, body: TakeBackBody) -> None:
    """Take out of force what a calendar says of a day."""
    with asking.writing("take back what a day is") as connection:
        by = asking.by(body.reason)
        service.take_back(connection, _found(connection, name), day, by)


@ROUTES.post("/calendars/{name}/years")
def bring_in_year(asking: Asked, name: Name, body: YearBody) -> YearTaken:
    """Take over the list of a year; the same list again changes nothing."""
    holidays = {one.day: one.name for one in body.holidays}
    strange = next((day for day in holidays if day.year != body.year), None)
    if strange is not None or len(holidays) < len(body.holidays):
        words = "each has to be a day of the year, and to stand there once"
        raise InvalidError([FieldFinding("/holidays", "wrong_day", words)])
    year = YearList(body.year, body.source, holidays)
    with asking.writing("bring in a year") as connection:
        by = asking.by(body.reason)
        done = service.bring_in_year(connection, CalendarName(name), year, by)
    return YearTaken.of(done)


def _found(connection: Connection, name: str) -> CalendarName:
    if name not in {COMMON, DCR, *offices.codes_of(connection, OfficeKind.CIRCLE)}:
        raise NotFoundError(f"no Circle has the code {name}")
    return CalendarName(name)

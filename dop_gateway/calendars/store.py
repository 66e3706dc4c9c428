"""All SQL about calendars.

`calendar` gives what the rest of the gateway asks: the shipped list, on top of it what
the common calendar says, on top of that what the own one says. The last word of a day
is that of the calendar itself. Where the common list of a year was brought in, it
stands instead of the shipped one.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from dop_gateway.calendars.model import (
    COMMON,
    DCR,
    CalendarDay,
    CalendarName,
    parse_calendar_name,
)
from dop_gateway.calendars.reading import YearList
from dop_gateway.calendars.tables import calendar_day, calendar_year
from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId, OfficeKind
from protocol.calendar import Calendar, shipped_calendar
from protocol.values import EpochSeconds


@dataclass(frozen=True, slots=True)
class YearImported:
    """What became of the list of a year.

    Attributes:
        added: Days that are holidays now.
        removed: Days that the list of the year had before and has no more.
        kept: Days of the list of which a person has said something: that stands.
        unchanged: Days that were listed before.
    """

    added: int
    removed: int
    kept: int
    unchanged: int


def calendar(connection: Connection, name: CalendarName) -> Calendar:
    """Give a calendar that counts working days."""
    shipped = shipped_calendar()
    listed = connection.execute(
        select(calendar_year.c.year).where(calendar_year.c.calendar == COMMON)
    ).scalars()
    days: dict[date, bool] = {}
    # The own days come last, and so have the last word.
    for one in dict.fromkeys((COMMON, name)):
        rows = connection.execute(
            select(calendar_day.c.day, calendar_day.c.works).where(
                calendar_day.c.calendar == one, calendar_day.c.removed_at.is_(None)
            )
        )
        days |= {row.day: row.works for row in rows}
    years = {**shipped.years, **{year: frozenset[date]() for year in listed}}
    return Calendar(shipped.weekly_off, years, shipped.every_year, days)


def calendar_of(connection: Connection, office_id: OfficeId) -> Calendar:
    """Give the calendar of an office: its Circle's, or the common one.

    Raises:
        NotFoundError: There is no such office.
    """
    circle = offices.of_kind(connection, office_id, OfficeKind.CIRCLE)
    code = None if circle is None else circle.code
    return calendar(connection, COMMON if code is None else CalendarName(code))


def days(
    connection: Connection, name: CalendarName, year: int, *, removed: bool = False
) -> list[CalendarDay]:
    """List what a calendar itself says of a year, by day; also what it said before."""
    where = [
        calendar_day.c.calendar == name,
        calendar_day.c.day.between(date(year, 1, 1), date(year, 12, 31)),
    ]
    if not removed:
        where.append(calendar_day.c.removed_at.is_(None))
    rows = connection.execute(
        select(calendar_day)
        .where(*where)
        .order_by(calendar_day.c.day, calendar_day.c.id)
    )
    return [_day(row) for row in rows]


def add_day(
    connection: Connection,
    name: CalendarName,
    day: date,
    what: str,
    by: By,
    *,
    works: bool = False,
) -> None:
    """Say that a day is a holiday, or that it is worked all the same.

    Args:
        connection: To the database, writing.
        name: The calendar.
        day: The day.
        what: Name of the holiday, or why the day is worked.
        by: Who says so.
        works: Whether it is worked.

    Raises:
        LocalProtocolError: There is no such calendar.
        NotFoundError: No Circle has such a code.
        ConflictError: The calendar says something of this day already.
    """
    _check(connection, name)
    if _in_force(connection, name, day) is not None:
        message = (
            f"the calendar {name} says something of {day} already: "
            "take that out of force first"
        )
        raise ConflictError(message)
    _add(connection, name, day, what, by, works=works, listed=False)


def remove_day(connection: Connection, name: CalendarName, day: date, by: By) -> None:
    """Take out of force what a calendar says of a day.

    Raises:
        NotFoundError: It says nothing of it.
    """
    found = _in_force(connection, name, day)
    if found is None:
        message = (
            f"the calendar {name} itself says nothing of {day}: a holiday of the "
            "shipped or the common list is undone by a day that is worked"
        )
        raise NotFoundError(message)
    _remove(connection, found.id, by)


def import_year(
    connection: Connection, name: CalendarName, year: YearList, by: By
) -> YearImported:
    """Take over the list of a year, in place of the one that was brought in before.

    The same list again changes nothing.

    Raises:
        LocalProtocolError: There is no such calendar.
        NotFoundError: No Circle has such a code.
    """
    _check(connection, name)
    before = {one.day: one for one in days(connection, name, year.year)}
    counts = {"added": 0, "removed": 0, "kept": 0, "unchanged": 0}
    for day, what in year.holidays.items():
        old = before.get(day)
        if old is not None and not old.listed:
            counts["kept"] += 1
        elif old is not None and old.name == what:
            counts["unchanged"] += 1
        else:
            if old is not None:
                remove_day(connection, name, day, by)
                counts["removed"] += 1
            _add(connection, name, day, what, by, works=False, listed=True)
            counts["added"] += 1
    for day, old in before.items():
        if old.listed and day not in year.holidays:
            remove_day(connection, name, day, by)
            counts["removed"] += 1
    _note(connection, name, year, by)
    return YearImported(**counts)


def _note(connection: Connection, name: CalendarName, year: YearList, by: By) -> None:
    table = calendar_year
    here = (table.c.calendar == name) & (table.c.year == year.year)
    said = {
        "source": year.source,
        "person": by.actor.login,
        "reason": by.reason,
        "at": by.now,
    }
    known = connection.execute(select(table.c.source).where(here)).scalar_one_or_none()
    if known is None:
        connection.execute(insert(table).values(calendar=name, year=year.year, **said))
    elif known != year.source:
        connection.execute(update(table).where(here).values(**said))


def _check(connection: Connection, name: CalendarName) -> None:
    if parse_calendar_name(name) in {COMMON, DCR}:
        return
    circle = offices.by_code(connection, name)
    if circle is None or circle.kind is not OfficeKind.CIRCLE:
        raise NotFoundError(f"no Circle has the code {name}")


def _in_force(connection: Connection, name: CalendarName, day: date) -> Row[Any] | None:
    return connection.execute(
        select(calendar_day.c.id).where(
            calendar_day.c.calendar == name,
            calendar_day.c.day == day,
            calendar_day.c.removed_at.is_(None),
        )
    ).one_or_none()


def _add(
    connection: Connection,
    name: CalendarName,
    day: date,
    what: str,
    by: By,
    *,
    works: bool,
    listed: bool,
) -> None:
    connection.execute(
        insert(calendar_day).values(
            calendar=name,
            day=day,
            works=works,
            name=what,
            listed=listed,
            added_at=by.now,
            added_by=by.actor.login,
            added_for=by.reason,
        )
    )


def _remove(connection: Connection, row_id: int, by: By) -> None:
    connection.execute(
        update(calendar_day)
        .where(calendar_day.c.id == row_id)
        .values(removed_at=by.now, removed_by=by.actor.login, removed_for=by.reason)
    )


def _day(row: Row[Any]) -> CalendarDay:
    return CalendarDay(
        calendar=CalendarName(row.calendar),
        day=row.day,
        works=row.works,
        name=row.name,
        listed=row.listed,
        added_at=EpochSeconds(row.added_at),
        added_by=row.added_by,
        added_for=row.added_for,
        removed_at=None if row.removed_at is None else EpochSeconds(row.removed_at),
        removed_by=row.removed_by,
        removed_for=row.removed_for,
    )

"""What people do to calendars: each act is done, and told to the audit."""

from datetime import date
from typing import Any

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.calendars import store
from dop_gateway.calendars.model import CalendarName
from dop_gateway.calendars.reading import NAME_CHARACTERS_MAX, YearList
from dop_gateway.calendars.store import YearImported
from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.identity.model import By


def say(
    connection: Connection,
    name: CalendarName,
    day: date,
    what: str,
    by: By,
    *,
    works: bool = False,
) -> None:
    """Say that a day is a holiday, or that it is worked all the same.

    Raises:
        InvalidError: It has no name.
        LocalProtocolError: There is no such calendar.
        NotFoundError: No Circle has such a code.
        ConflictError: The calendar says something of this day already.
    """
    if not 1 <= len(what.strip()) <= NAME_CHARACTERS_MAX:
        words = f"1 to {NAME_CHARACTERS_MAX} characters are needed"
        raise InvalidError([FieldFinding("/name", "wrong_length", words)])
    store.add_day(connection, name, day, what.strip(), by, works=works)
    act = "say it is worked" if works else "say holiday"
    _tell(connection, by, act, name, day=day.isoformat(), what=what.strip())


def take_back(connection: Connection, name: CalendarName, day: date, by: By) -> None:
    """Take out of force what a calendar says of a day.

    Raises:
        NotFoundError: It says nothing of it.
    """
    store.remove_day(connection, name, day, by)
    _tell(connection, by, "take back", name, day=day.isoformat())


def bring_in_year(
    connection: Connection, name: CalendarName, year: YearList, by: By
) -> YearImported:
    """Take over the list of a year, in place of the one that was brought in before.

    Raises:
        LocalProtocolError: There is no such calendar.
        NotFoundError: No Circle has such a code.
    """
    done = store.import_year(connection, name, year, by)
    _tell(
        connection,
        by,
        "bring in year",
        name,
        year=year.year,
        source=year.source,
        added=done.added,
        removed=done.removed,
        kept=done.kept,
    )
    return done


def _tell(
    connection: Connection,
    by: By,
    act: str,
    name: CalendarName,
    **detail: Any,
) -> None:
    subject = Subject("calendar", name)
    trail.add(connection, by, act, subject, **detail)

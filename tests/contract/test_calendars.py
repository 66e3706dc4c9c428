"""Calendars on both engines: what is shipped, what all say, what one says itself."""

from collections.abc import Iterator
from datetime import date

import pytest

from dop_gateway.calendars import store as calendars
from dop_gateway.calendars.model import COMMON, DCR, CalendarName, parse_calendar_name
from dop_gateway.calendars.reading import UNNAMED, parse_years
from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeKind
from hw.database import Store
from protocol.errors import LocalProtocolError
from tests.gateway import ASHA, NOW, gateway_at

KN = CalendarName("KN")
MH = CalendarName("MH")
RAJYOTSAVA = date(2027, 11, 1)
YEAR = """
[[year]]
year = 2027
source = "a circular"
holidays = [
    {day = 2027-11-01, name = "Kannada Rajyotsava"},
    2027-01-26,
]
"""


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    """Open a database with two Circles and an office in the first."""
    with gateway_at(store_place) as store:
        with store.writing("offices") as connection:
            top = offices.add(
                connection, None, OfficeKind.DIRECTORATE, "Department", ASHA
            )
            for name, code in (("Karnataka", "KN"), ("Maharashtra", "MH")):
                offices.add(connection, top, OfficeKind.CIRCLE, name, ASHA, code=code)
        yield store


def works(store: Store, name: CalendarName, day: date) -> bool:
    with store.reading() as connection:
        return calendars.calendar(connection, name).is_working_day(day)


def test_without_a_word_every_calendar_is_the_shipped_one(store: Store) -> None:
    for name in (COMMON, DCR, KN):
        assert not works(store, name, date(2026, 12, 25))
        assert not works(store, name, date(2026, 11, 22))
        assert works(store, name, date(2026, 11, 28))


def test_a_holiday_of_a_circle_stops_neither_another_circle_nor_the_exchange(
    store: Store,
) -> None:
    """GW-10: each Circle has its calendar, and the exchange that of DCR."""
    with store.writing("test") as connection:
        calendars.add_day(connection, KN, RAJYOTSAVA, "Rajyotsava", ASHA)
    assert not works(store, KN, RAJYOTSAVA)
    assert works(store, MH, RAJYOTSAVA)
    assert works(store, DCR, RAJYOTSAVA)


def test_a_common_holiday_holds_for_all_and_one_may_work_all_the_same(
    store: Store,
) -> None:
    with store.writing("test") as connection:
        calendars.add_day(connection, COMMON, RAJYOTSAVA, "A poll", ASHA)
        calendars.add_day(connection, DCR, RAJYOTSAVA, "Duty", ASHA, works=True)
        calendars.add_day(
            connection, DCR, date(2027, 11, 7), "A Sunday", ASHA, works=True
        )
    assert [works(store, one, RAJYOTSAVA) for one in (COMMON, KN, DCR)] == [
        *(False, False, True)
    ]
    assert works(store, DCR, date(2027, 11, 7))


def test_a_day_that_is_taken_out_of_force_stays_written_with_who_and_why(
    store: Store,
) -> None:
    with store.writing("test") as connection:
        calendars.add_day(connection, KN, RAJYOTSAVA, "Rajyotsava", ASHA)
        with pytest.raises(ConflictError, match="says something of 2027-11-01"):
            calendars.add_day(connection, KN, RAJYOTSAVA, "Again", ASHA)
        calendars.remove_day(connection, KN, RAJYOTSAVA, ASHA)
        with pytest.raises(NotFoundError, match="itself says nothing"):
            calendars.remove_day(connection, KN, RAJYOTSAVA, ASHA)
        assert calendars.days(connection, KN, 2027) == []
        (old,) = calendars.days(connection, KN, 2027, removed=True)
        calendars.add_day(connection, KN, RAJYOTSAVA, "After all", ASHA)
    assert (old.name, old.added_by, old.removed_by) == ("Rajyotsava", "asha", "asha")
    assert (old.added_at, old.removed_at, old.removed_for) == (NOW, NOW, "a test")
    assert not works(store, KN, RAJYOTSAVA)


def test_the_list_of_a_year_replaces_the_one_before_and_again_changes_nothing(
    store: Store,
) -> None:
    (year,) = parse_years(YEAR)
    (other,) = parse_years(YEAR.replace("2027-01-26", "2027-01-27"))
    with store.writing("test") as connection:
        calendars.add_day(connection, KN, date(2027, 1, 14), "Sankranti", ASHA)
        first = calendars.import_year(connection, KN, year, ASHA)
        again = calendars.import_year(connection, KN, year, ASHA)
        second = calendars.import_year(connection, KN, other, ASHA)
        said = calendars.days(connection, KN, 2027)
    assert (first.added, first.removed, first.unchanged) == (2, 0, 0)
    assert (again.added, again.removed, again.unchanged) == (0, 0, 2)
    assert (second.added, second.removed, second.unchanged) == (1, 1, 1)
    assert [(one.day.month, one.day.day, one.name) for one in said] == [
        (1, 14, "Sankranti"),
        (1, 27, UNNAMED),
        (11, 1, "Kannada Rajyotsava"),
    ]


def test_what_a_person_said_of_a_day_stands_before_a_list(store: Store) -> None:
    (year,) = parse_years(YEAR)
    with store.writing("test") as connection:
        calendars.add_day(connection, KN, RAJYOTSAVA, "Duty", ASHA, works=True)
        done = calendars.import_year(connection, KN, year, ASHA)
    assert (done.kept, done.added) == (1, 1)
    assert works(store, KN, RAJYOTSAVA)


def test_a_common_list_stands_instead_of_the_shipped_one(store: Store) -> None:
    (year,) = parse_years(YEAR.replace("2027", "2026"))
    with store.writing("test") as connection:
        calendars.import_year(connection, COMMON, year, ASHA)
        common = calendars.calendar(connection, COMMON)
        circle = calendars.calendar(connection, KN)
    assert common.is_known(2026)
    assert not common.is_known(2027)
    for one in (common, circle):
        # Christmas is in the shipped list only, 1 November (a Sunday) in the new one.
        assert one.is_working_day(date(2026, 12, 25))
        assert not one.is_working_day(date(2026, 1, 26))


def test_an_office_has_the_calendar_of_its_circle(store: Store) -> None:
    with store.writing("test") as connection:
        calendars.add_day(connection, KN, RAJYOTSAVA, "Rajyotsava", ASHA)
        circle = offices.by_code(connection, "KN")
        assert circle is not None
        assert circle.parent is not None
        division = offices.add(
            connection, circle, OfficeKind.DIVISION, "Kolar", ASHA, code="KN14"
        )
        office = offices.add(
            connection, division, OfficeKind.SO, "Malur", ASHA, pin="563130"
        )
        of_office = calendars.calendar_of(connection, office.office_id)
        of_top = calendars.calendar_of(connection, circle.parent)
    assert not of_office.is_working_day(RAJYOTSAVA)
    assert of_top.is_working_day(RAJYOTSAVA)


@pytest.mark.parametrize("name", ["KN14", "XX"])
def test_a_calendar_belongs_to_a_circle_that_there_is(store: Store, name: str) -> None:
    with (
        pytest.raises((NotFoundError, LocalProtocolError), match=name),
        store.writing("test") as connection,
    ):
        calendars.add_day(connection, CalendarName(name), RAJYOTSAVA, "X", ASHA)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("2027-01-26", "2026-01-26", "2026-01-26 is not one of its days"),
        ("2027-01-26", "2027-01-26T09:30:00", "is not one of its days"),
        ("2027-01-26", "2027-11-01", "2027-11-01 stands twice"),
        ("2027-01-26", '"2027-01-26"', "is not one of its days"),
        ('"Kannada Rajyotsava"', '""', "needs a name"),
        ('source = "a circular"', "", "its source are needed"),
        ("year = 2027", "year = true", "its number and its source are needed"),
        ("source", "sauce", "sauce is not known"),
        ("[[year]]", "[[years]]", "years was found"),
        ("[[year]]", "[[year", "cannot be read"),
    ],
)
def test_a_list_with_a_mistake_is_refused(before: str, after: str, reason: str) -> None:
    with pytest.raises(LocalProtocolError, match=reason):
        parse_years(YEAR.replace(before, after))


def test_a_year_stands_once_in_a_file() -> None:
    with pytest.raises(LocalProtocolError, match="a year stands twice"):
        parse_years(YEAR + YEAR)


@pytest.mark.parametrize("name", ["", "kn", "KN06", "COMMONS"])
def test_what_is_no_calendar_is_refused(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="is no calendar"):
        parse_calendar_name(name)

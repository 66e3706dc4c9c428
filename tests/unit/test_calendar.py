"""Working days of the Department of Posts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.calendar import (
    Calendar,
    is_known,
    is_working_day,
    next_working_day,
    shipped_calendar,
)
from protocol.errors import LocalProtocolError


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 11, 20), date(2026, 11, 21)),  # Friday; Saturday is a working day
        (date(2026, 11, 21), date(2026, 11, 23)),  # Saturday before a Sunday
        (date(2026, 11, 23), date(2026, 11, 25)),  # the 24th is a holiday
        (date(2026, 10, 1), date(2026, 10, 3)),
        (date(2026, 8, 14), date(2026, 8, 17)),  # a holiday, then a Sunday
        (date(2026, 12, 31), date(2027, 1, 1)),
        (date(2027, 1, 25), date(2027, 1, 27)),  # a national holiday of any year
    ],
)
def test_the_next_working_day_is_neither_a_sunday_nor_a_holiday(
    day: date, following: date
) -> None:
    assert next_working_day(day) == following


def test_second_and_fourth_saturdays_are_working_days() -> None:
    assert is_working_day(date(2026, 11, 14))
    assert is_working_day(date(2026, 11, 28))


def test_2026_has_the_holidays_of_its_list() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    free = [day for day in days if not is_working_day(day) and day.weekday() != 6]
    # 14 holidays are listed; 8 November is a Sunday.
    assert len(free) == 13
    assert date(2026, 12, 25) in free


def test_a_year_without_a_list_has_the_national_holidays_only() -> None:
    assert (is_known(2026), is_known(2027)) == (True, False)
    assert not is_working_day(date(2028, 1, 26))
    assert not is_working_day(date(2028, 8, 15))
    assert not is_working_day(date(2028, 10, 2))
    assert is_working_day(date(2028, 12, 25))


def test_working_days_are_counted_after_the_day() -> None:
    friday = date(2026, 11, 20)
    counted = [shipped_calendar().add_working_days(friday, n) for n in range(4)]
    # Saturday, Monday; then a holiday, so Wednesday.
    assert [day.day for day in counted] == [20, 21, 23, 25]


def test_no_working_days_after_a_holiday_are_the_next_working_day() -> None:
    sunday = date(2026, 11, 22)
    assert shipped_calendar().add_working_days(sunday, 0) == date(2026, 11, 23)


@given(
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.integers(min_value=1, max_value=40),
    st.dictionaries(st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.booleans()),
)
def test_so_many_working_days_lie_between(
    day: date, count: int, days: dict[date, bool]
) -> None:
    shipped = shipped_calendar()
    calendar = Calendar(shipped.weekly_off, shipped.years, shipped.every_year, days)
    end = calendar.add_working_days(day, count)
    passed = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(calendar.is_working_day(one) for one in passed) == count
    assert calendar.is_working_day(end)


def test_a_calendar_without_a_working_day_is_an_error() -> None:
    never = Calendar(frozenset(range(7)), {}, frozenset())
    with pytest.raises(LocalProtocolError, match="no day of the year after"):
        never.add_working_days(date(2026, 11, 20), 1)


def test_a_negative_number_of_working_days_is_an_error() -> None:
    with pytest.raises(LocalProtocolError, match="-1 working days"):
        shipped_calendar().add_working_days(date(2026, 11, 20), -1)

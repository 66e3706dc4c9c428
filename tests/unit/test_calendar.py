"""Working days of the Department of Posts."""

from datetime import date, timedelta

import pytest

from protocol.calendar import is_known, is_working_day, next_working_day


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

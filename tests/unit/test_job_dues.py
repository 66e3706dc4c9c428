"""Moments at which jobs are due: times of India's days, by parameters and calendar."""

from datetime import date, datetime, time

import pytest

from dop_gateway.jobs.dues import Almanac, at_times, daily, window_ends, window_starts
from hw.clock import epoch_seconds
from protocol.calendar import Calendar
from protocol.errors import LocalProtocolError
from protocol.parameter_values import ParameterType, Value, Window
from protocol.parameters import INDIA, Parameter, ParameterTable
from protocol.values import EpochSeconds

SUNDAY_OFF = Calendar(
    frozenset({6}), {2026: frozenset({date(2026, 11, 17)})}, frozenset()
)
MORNING = Window(time(9, 30), time(10))
EVENING = Window(time(16, 30), time(17))
CHANGED = date(2026, 11, 20)


def parameter(key: str, value: Value, since: date, until: date) -> Parameter:
    kind = ParameterType.WINDOWS if key == "windows" else ParameterType.TIME_OF_DAY
    return Parameter(key, kind, value, since, until, "own", "a test")


KNOWN = Almanac(
    ParameterTable(
        [
            parameter("bank", time(22), date.min, date(2026, 11, 19)),
            parameter("bank", time(21), CHANGED, date.max),
            parameter("windows", (MORNING, EVENING), date.min, date.max),
        ]
    ),
    SUNDAY_OFF,
)


def at(text: str) -> EpochSeconds:
    return epoch_seconds(datetime.fromisoformat(text).replace(tzinfo=INDIA))


def shown(moment: EpochSeconds) -> str:
    return datetime.fromtimestamp(moment, INDIA).strftime("%Y-%m-%d %H:%M")


def test_a_daily_job_is_due_on_sundays_too_and_by_the_time_of_its_day() -> None:
    due, moment, moments = daily("bank"), at("2026-11-18 22:00"), []
    for _ in range(4):
        moment = due(KNOWN, moment)
        moments.append(shown(moment))
    assert moments == [
        "2026-11-19 22:00",
        "2026-11-20 21:00",
        "2026-11-21 21:00",
        "2026-11-22 21:00",
    ]


def test_windows_are_due_on_working_days_only() -> None:
    due, moment, moments = window_starts("windows"), at("2026-11-14 09:30"), []
    for _ in range(4):
        moment = due(KNOWN, moment)
        moments.append(shown(moment))
    assert moments == [
        "2026-11-14 16:30",
        "2026-11-16 09:30",
        "2026-11-16 16:30",
        "2026-11-18 09:30",
    ]
    assert shown(window_ends("windows")(KNOWN, at("2026-11-16 09:59"))) == (
        "2026-11-16 10:00"
    )


def test_what_is_never_due_is_told_and_not_searched_for_ever() -> None:
    with pytest.raises(LocalProtocolError, match="nothing is due"):
        at_times(lambda _known, _day: [])(KNOWN, at("2026-11-14 09:30"))

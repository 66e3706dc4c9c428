"""When something is due: times of the day in India, by dated parameters and a calendar.

A due function gives the first moment after another one, so that all moments between
two can be listed, also those at which nobody was there. It asks the parameters of each
day for themselves: a time that was changed from some day on holds from that day on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import Connection

from dop_gateway.calendars import store as calendars
from dop_gateway.calendars.model import DCR
from dop_gateway.parameters import store as parameters
from hw.clock import epoch_seconds
from protocol.calendar import Calendar
from protocol.errors import LocalProtocolError
from protocol.parameters import INDIA, ParameterTable, business_date
from protocol.values import EpochSeconds

DAYS_SEARCHED_MAX: Final = 400
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Almanac:
    """What moments depend on.

    Attributes:
        parameters: Times, by day.
        calendar: That of DCR.
    """

    parameters: ParameterTable
    calendar: Calendar


def almanac(connection: Connection) -> Almanac:
    """Read what holds now."""
    return Almanac(parameters.table(connection), calendars.calendar(connection, DCR))


Due = Callable[[Almanac, EpochSeconds], EpochSeconds]
"""Gives the first moment after another one."""
Times = Callable[[Almanac, date], Sequence[time]]
"""Gives the times of a day; none of a day on which nothing is due."""


def at_times(times: Times) -> Due:
    """Make a due function of the times of each day.

    The function raises `LocalProtocolError` when nothing is due in more than a year.
    """

    def due(known: Almanac, since: EpochSeconds) -> EpochSeconds:
        day = business_date(since)
        for _ in range(DAYS_SEARCHED_MAX):
            for at in sorted(times(known, day)):
                moment = epoch_seconds(datetime.combine(day, at, INDIA))
                if moment > since:
                    return moment
            day += _ONE_DAY
        raise LocalProtocolError(f"nothing is due within {DAYS_SEARCHED_MAX} days")

    return due


def daily(key: str) -> Due:
    """Be due every day at the time that a parameter says, as in ``bank.run_at``."""
    return at_times(lambda known, day: [known.parameters.time_of_day(key, day)])


def window_starts(key: str) -> Due:
    """Be due where windows begin, on working days, as in ``exchange.windows``."""
    return at_times(
        lambda known, day: [
            window.start
            for window in known.parameters.windows(key, day)
            if known.calendar.is_working_day(day)
        ]
    )


def window_ends(key: str) -> Due:
    """Be due where windows end, on working days."""
    return at_times(
        lambda known, day: [
            window.end
            for window in known.parameters.windows(key, day)
            if known.calendar.is_working_day(day)
        ]
    )

"""When files are exchanged: three windows of every working day of DCR.

Times are dated parameters, days the calendar of the Department; both ship with the
product (RMFS-31).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from hw.clock import epoch_seconds
from protocol.calendar import Calendar, shipped_calendar
from protocol.errors import LocalProtocolError
from protocol.exchange import BY_HAND
from protocol.parameters import (
    INDIA,
    ParameterTable,
    business_date,
    shared_parameters,
)
from protocol.values import EpochSeconds

WINDOWS: Final = "exchange.windows"
DAYS_SEARCHED_MAX: Final = 400
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A window of a day; `BY_HAND` is the time outside of all."""

    day: date
    window: int

    @property
    def is_window(self) -> bool:
        """Whether files are exchanged now."""
        return self.window != BY_HAND

    def __str__(self) -> str:
        """Show it to a person."""
        where = f"window {self.window}" if self.is_window else "by hand"
        return f"{self.day.isoformat()}, {where}"


class Windows:
    """The windows of a table of parameters, on the working days of a calendar."""

    def __init__(
        self, table: ParameterTable | None = None, calendar: Calendar | None = None
    ) -> None:
        """Use these, or those that ship with the product."""
        self._table = shared_parameters() if table is None else table
        self._calendar = shipped_calendar() if calendar is None else calendar

    def at(self, now: EpochSeconds) -> Slot:
        """Say in which window a moment is."""
        day = business_date(now)
        for number, (start, end) in enumerate(self._of(day), start=1):
            if start <= now < end:
                return Slot(day, number)
        return Slot(day, BY_HAND)

    def next_start(self, now: EpochSeconds) -> EpochSeconds:
        """Find the start of the first window that begins after a moment.

        Raises:
            LocalProtocolError: There is none within more than a year.
        """
        day = business_date(now)
        for _ in range(DAYS_SEARCHED_MAX):
            for start, _end in self._of(day):
                if start > now:
                    return start
            day += _ONE_DAY
        raise LocalProtocolError(f"no window opens within {DAYS_SEARCHED_MAX} days")

    def _of(self, day: date) -> list[tuple[EpochSeconds, EpochSeconds]]:
        if not self._calendar.is_working_day(day):
            return []
        return [
            (
                epoch_seconds(datetime.combine(day, window.start, INDIA)),
                epoch_seconds(datetime.combine(day, window.end, INDIA)),
            )
            for window in self._table.windows(WINDOWS, day)
        ]

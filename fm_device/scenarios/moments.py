"""When a step is taken: a moment, a time of the day, or so long after the step before.

2026-11-24 10:00    that moment, in Indian time; seconds may follow
10:00               the next time that the clock shows it; now, if it does now
+2d 3h 15m 10s      so long after the step before
+31d 10:00          at that time of the day, so many days on
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from fm_device.scenarios.form import WrongValueError, shown, text
from protocol.parameters import INDIA

_MOMENT: Final = re.compile(
    r"(?:(?P<moment>\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?)"
    r"|(?P<clock>\d{2}:\d{2}(?::\d{2})?)"
    r"|\+(?P<days>\d+)d (?P<at>\d{2}:\d{2}(?::\d{2})?)"
    r"|\+(?P<lapse>\d+[dhms](?: \d+[dhms])*))",
    re.ASCII,
)
_UNITS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_DAYS_MAX: Final = 40 * 366


@dataclass(frozen=True, slots=True)
class Moment:
    """When, in one of four ways; two of the fields together name a time some days on.

    Attributes:
        instant: A moment of its own.
        clock: A time of the Indian day.
        days: So many days on, at `clock`.
        lapse: So long after the step before.
    """

    instant: datetime | None = None
    clock: time | None = None
    days: int | None = None
    lapse: timedelta | None = None

    def after(self, now: datetime) -> datetime:
        """Say when that is, seen from `now`; a moment of its own may be past."""
        if self.instant is not None:
            return self.instant
        if self.lapse is not None:
            return now + self.lapse
        today = now.astimezone(INDIA).date()
        clock = self.clock or time()
        if self.days is not None:
            return datetime.combine(today + timedelta(self.days), clock, INDIA)
        then = datetime.combine(today, clock, INDIA)
        return then if then >= now else then + timedelta(days=1)


def instant(value: Any) -> datetime:
    """Read a moment of its own, in Indian time."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=INDIA)
    try:
        return datetime.fromisoformat(text(value)).replace(tzinfo=INDIA)
    except ValueError:
        message = f'{shown(value)} is no moment: write "2026-11-24 10:00"'
        raise WrongValueError(message) from None


def moment(value: Any) -> Moment:
    """Read when a step is taken."""
    if isinstance(value, datetime):
        return Moment(instant=instant(value))
    if isinstance(value, time):
        return Moment(clock=value)
    found = _MOMENT.fullmatch(text(value))
    try:
        if found is not None:
            return _moment(found)
    except (ValueError, OverflowError):
        pass
    raise WrongValueError(
        f'{shown(value)} is no time: write "10:00", "2026-11-24 10:00", "+2d 3h" or '
        '"+31d 10:00"'
    )


def _moment(found: re.Match[str]) -> Moment:
    if found["moment"]:
        return Moment(instant=instant(found["moment"]))
    if found["clock"]:
        return Moment(clock=time.fromisoformat(found["clock"]))
    if found["days"]:
        clock = time.fromisoformat(found["at"])
        return Moment(clock=clock, days=_few(int(found["days"])))
    parts = found["lapse"].split()
    seconds = sum(int(part[:-1]) * _UNITS[part[-1]] for part in parts)
    _few(seconds // _UNITS["d"])
    return Moment(lapse=timedelta(seconds=seconds))


def _few(days: int) -> int:
    if days > _DAYS_MAX:
        raise ValueError(days)
    return days

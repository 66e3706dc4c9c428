"""The windows of a working day: which one a moment is in, and when the next ones end.

Source: RMFS-31; the calendar is that of DCR (domain notes, section 23, no. 17).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from dop_gateway.jobs.dues import Almanac, window_ends
from hw.clock import epoch_seconds
from protocol.exchange import BY_HAND
from protocol.parameters import INDIA, business_date
from protocol.values import EpochSeconds

WINDOWS: Final = "exchange.windows"
_end_after: Final = window_ends(WINDOWS)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a file is made for.

    Attributes:
        business_date: Day of India.
        window: Of that day, from 1; `BY_HAND` outside the windows.
        start: When the window begins.
        end: When it ends; outside the windows the same.
    """

    business_date: date
    window: int
    start: EpochSeconds
    end: EpochSeconds


def turns_of(known: Almanac, day: date) -> list[Turn]:
    """List the windows of a day; a day that is not worked has none."""
    if not known.calendar.is_working_day(day):
        return []
    found = known.parameters.windows(WINDOWS, day)
    return [
        Turn(
            day,
            number,
            epoch_seconds(datetime.combine(day, window.start, INDIA)),
            epoch_seconds(datetime.combine(day, window.end, INDIA)),
        )
        for number, window in enumerate(found, start=1)
    ]


def turn_at(known: Almanac, moment: EpochSeconds) -> Turn:
    """Say in which window a moment is; one outside them has a turn of its own."""
    day = business_date(moment)
    for turn in turns_of(known, day):
        if turn.start <= moment < turn.end:
            return turn
    return Turn(day, BY_HAND, moment, moment)


def turn_until(known: Almanac, end: EpochSeconds) -> Turn | None:
    """Find the window that ends at a moment."""
    found = turns_of(known, business_date(end))
    return next((turn for turn in found if turn.end == end), None)


def answer_by(known: Almanac, made_at: EpochSeconds) -> EpochSeconds:
    """Say until when a file has to be answered: the end of the window after its own."""
    first = _end_after(known, made_at)
    if turn_at(known, made_at).window == BY_HAND:
        return first
    return _end_after(known, first)


def next_end(known: Almanac, moment: EpochSeconds) -> EpochSeconds:
    """Say when the next window ends."""
    return _end_after(known, moment)

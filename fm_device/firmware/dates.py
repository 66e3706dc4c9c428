"""Which day a frank shows: today, or a day ahead, and never a day that is past.

An operator may frank today what is posted tomorrow. The day may be advanced up to a
limit: a dated parameter, and below it the supervisor's own. Whatever the day shown,
registers and reports go by the real one.

A chosen day ends when it is of no use or a surprise to the next person: at midnight,
and when the department changes. From a time of the day that the supervisor sets the
machine offers the next working day, which the operator confirms; it never changes the
day by itself.

Source: foreign machines advance up to 30 days, never back, reset at a change of cost
centre, and offer the next working day at a set time; no Indian rule is public but that
mail with a past date is refused. The PSD checks the day once more (`psd.franking`).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from fm_device.psd.franking import DATE_ADVANCE_MAX_DAYS
from protocol.calendar import next_working_day
from protocol.coded import Coded
from protocol.parameters import parameter


class DateRefusal(Coded):
    """Why a day is not taken: a code for service, words for the operator."""

    PAST = ("FMW-27-001", "DATE IS PAST: choose today or a later day")
    TOO_FAR = ("FMW-27-002", "DATE TOO FAR AHEAD: choose an earlier day")


class NextWorkingDay(Enum):
    """A wish for the first day after today on which the Department works."""

    WANTED = "next working day"


@dataclass(frozen=True, slots=True)
class DateChoice:
    """A day that an operator has chosen.

    Attributes:
        printed_on: The day that franks show.
        chosen_on: The real day on which it was chosen.
        department: The department that was franking then; 0 for none.
    """

    printed_on: date
    chosen_on: date
    department: int


def advance(
    today: date, wanted: int | date | NextWorkingDay, limit_days: int
) -> date | DateRefusal:
    """Choose the day that franks show.

    Args:
        today: The real day in India.
        wanted: So many days ahead (0 for today), a day, or the next working day.
        limit_days: The supervisor's limit; the dated parameter stands above it.

    Returns:
        The day, or why it is not taken. A next working day beyond the limit is too
        far as well: a long holiday is no reason to pass it.
    """
    if isinstance(wanted, NextWorkingDay):
        day = next_working_day(today)
    elif isinstance(wanted, date):
        day = wanted
    else:
        try:
            day = today + timedelta(days=wanted)
        except OverflowError:
            return DateRefusal.TOO_FAR if wanted > 0 else DateRefusal.PAST
    if day < today:
        return DateRefusal.PAST
    if (day - today).days > largest_advance(today, limit_days):
        return DateRefusal.TOO_FAR
    return day


def largest_advance(today: date, limit_days: int) -> int:
    """Say how many days ahead a frank's date may be."""
    return min(limit_days, parameter(DATE_ADVANCE_MAX_DAYS, today))


def printed_on(choice: DateChoice | None, today: date, department: int) -> date:
    """Say which day a frank shows now: the chosen one while that holds, else today.

    Args:
        choice: What was chosen, or None.
        today: The real day in India.
        department: The department that franks now.
    """
    if choice is None or not still_holds(choice, today, department):
        return today
    return choice.printed_on


def still_holds(choice: DateChoice, today: date, department: int) -> bool:
    """Whether a choice was made today, by the department that franks now.

    A clock that was set back or forward over midnight ends it like midnight itself.
    """
    return choice.chosen_on == today and choice.department == department


def offered_day(today: date, minute: int, from_minute: int | None) -> date | None:
    """Say which day the machine offers by itself, for the operator to confirm.

    Args:
        today: The real day in India.
        minute: Minutes since midnight.
        from_minute: From when on it is offered; None for never.

    Returns:
        The next working day, or None before that time.
    """
    if from_minute is None or minute < from_minute:
        return None
    return next_working_day(today)

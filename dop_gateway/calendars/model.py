"""Which calendars there are, and what is written in them."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, NewType

from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

CalendarName = NewType("CalendarName", str)
"""``COMMON``, ``DCR``, or the two letters of a Circle."""

COMMON: Final = CalendarName("COMMON")
"""The holidays of all; the others stand on it."""
DCR: Final = CalendarName("DCR")
"""That of the exchange windows: a Circle's own holiday does not stop the exchange.

Source: domain notes, section 23, no. 17.
"""

_CIRCLE: Final = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of which a calendar says something.

    Attributes:
        works: False of a holiday, True of a day that is worked all the same.
        listed: Whether the list of its year brought it.
        removed_at: When it was taken out of force; None while it is in force.
    """

    calendar: CalendarName
    day: date
    works: bool
    name: str
    listed: bool
    added_at: EpochSeconds
    added_by: str
    added_for: str
    removed_at: EpochSeconds | None
    removed_by: str | None
    removed_for: str | None


def parse_calendar_name(text: str) -> CalendarName:
    """Check the name of a calendar that a person or a file gives.

    Raises:
        LocalProtocolError: It is neither ``COMMON`` nor ``DCR`` nor two letters.
    """
    if text not in {COMMON, DCR} and _CIRCLE.fullmatch(text) is None:
        message = (
            f"{text!r} is no calendar: {COMMON}, {DCR} or the two letters of a Circle, "
            "as in KN, are needed"
        )
        raise LocalProtocolError(message)
    return CalendarName(text)

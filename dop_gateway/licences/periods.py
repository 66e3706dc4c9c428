"""Days of a licence: how long it is valid, and what its renewal costs.

    a licence issued on 16-11-2026 ends on 15-11-2031
    one that ends on 31-03-2027 is renewed from 01-04-2027 until 31-03-2032

A day that a year does not have is the first of March: a licence that begins on a 29th
of February ends on the last day of a February.

Source: domain notes, sections 6.2, 6.3 and 23 (nos. 1, 2).
"""

from datetime import date, timedelta
from typing import Final

from protocol.parameters import ParameterTable
from protocol.values import Paise

_ONE_DAY: Final = timedelta(days=1)
_MONTHS: Final = 12


def last_day(first: date, years: int) -> date:
    """Give the last day of a period that begins on a day."""
    try:
        next_first = first.replace(year=first.year + years)
    except ValueError:
        next_first = date(first.year + years, 3, 1)
    return next_first - _ONE_DAY


def months_after(day: date, months: int) -> date:
    """Give the same day so many months later; the last of the month if it lacks it."""
    year, month = divmod(day.year * _MONTHS + day.month + months, _MONTHS)
    last = date(year, month + 1, 1) - _ONE_DAY
    return last.replace(day=min(day.day, last.day))


def renewed_until(expires_on: date, parameters: ParameterTable) -> date:
    """Give the last day of the period that follows the one that ends on a day."""
    first = expires_on + _ONE_DAY
    return last_day(first, parameters.years("licence.years", first))


def issue_fee(parameters: ParameterTable, applied_on: date) -> Paise:
    """Give the fee of a new licence."""
    return parameters.paise("licence.fee_paise", applied_on)


def renewal_fee(
    parameters: ParameterTable, applied_on: date, expires_on: date
) -> Paise:
    """Give the fee of a renewal: more when it is applied for late, or after expiry."""
    days_left = (expires_on - applied_on).days
    in_time = days_left >= parameters.days("renewal.threshold_days", applied_on)
    key = "renewal.fee_paise" if in_time else "renewal.fee_late_paise"
    return parameters.paise(key, applied_on)

"""What reports are asked with: days, jurisdiction, groups, order, language."""

import calendar
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field

from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.reports.model import PERIOD_DAYS_MAX, Group, Narrowed, Period
from dop_gateway.web.lists import ListQuery
from protocol.parameters import business_date
from protocol.values import EpochSeconds

Language = Literal["en", "hi"]
DAY_MIN: Final = date(2000, 1, 1)
DAY_MAX: Final = date(2199, 12, 31)
_Month = Annotated[str, Field(pattern=r"^(2[01][0-9]{2}-(0[1-9]|1[0-2]))?$")]
_Licence = Annotated[str, Field(pattern=r"^([A-Z][0-9]{6})?$")]
_Office = Annotated[str, Field(pattern=r"^(F[0-9]{9})?$")]
_Maker = Annotated[str, Field(pattern=r"^[A-Z]?$")]
_Day = Annotated[date, Field(ge=DAY_MIN, le=DAY_MAX)]


class ReportQuery(ListQuery):
    """What every report is asked with.

    Days are India's, both included: `month` as in ``2026-11``, or `first` and `last`;
    with none of them it is the month of today. `office` is a facility id, and means
    all offices below it too.
    """

    month: _Month = ""
    first: _Day | None = None
    last: _Day | None = None
    licence: _Licence = ""
    office: _Office = ""
    maker: _Maker = ""
    lang: Language = "en"

    def words(self) -> Sequence[tuple[str, str]]:
        """Say what the report is narrowed to; the language narrows nothing."""
        return [pair for pair in super().words() if pair[0] != "lang"]

    def narrowed(self, now: EpochSeconds) -> Narrowed:
        """Say what the report is narrowed to.

        Raises:
            InvalidError: The days make no period.
        """
        period = self._period(business_date(now))
        return Narrowed(period, self.licence, self.office, self.maker)

    def _period(self, today: date) -> Period:
        if self.month:
            if self.first is not None or self.last is not None:
                raise _wrong("/month", "not_both", "a month, or days: not both")
            return _month_of(date.fromisoformat(f"{self.month}-01"))
        if self.first is None and self.last is None:
            return _month_of(today)
        last = self.last or max(today, self.first or today)
        period = Period(self.first or last.replace(day=1), last)
        if period.days < 1:
            raise _wrong("/last", "before_first", "the last day is before the first")
        if period.days > PERIOD_DAYS_MAX:
            words = f"{period.days} days are too many: {PERIOD_DAYS_MAX} at most"
            raise _wrong("/last", "too_long", words)
        return period


def _month_of(day: date) -> Period:
    _, days = calendar.monthrange(day.year, day.month)
    return Period(day.replace(day=1), day.replace(day=days))


def _wrong(pointer: str, code: str, words: str) -> InvalidError:
    return InvalidError([FieldFinding(pointer, code, words)])


GROUPS: Final = {group.name.lower(): group for group in Group}
OfLicences = Literal["licence", "division", "region", "circle", "maker"]
OfLicencesAndDays = Literal["licence", "division", "region", "circle", "maker", "day"]


class MonthQuery(ReportQuery):
    """The month's report; ``name`` orders by what a line is about."""

    group: OfLicences = "licence"
    sort: Literal[
        "name",
        "-name",
        "deposits",
        "-deposits",
        "downloads",
        "-downloads",
        "usage",
        "-usage",
        "remaining",
        "-remaining",
    ] = "name"


class DepositsReportQuery(ReportQuery):
    """Deposits by the day of the payment."""

    group: OfLicencesAndDays = "licence"
    sort: Literal["name", "-name", "amount", "-amount"] = "name"


class DownloadsReportQuery(ReportQuery):
    """Credits by the day of the machine's word."""

    group: OfLicencesAndDays = "licence"
    sort: Literal["name", "-name", "amount", "-amount"] = "name"


class UsageReportQuery(ReportQuery):
    """What was franked, by the day of the dial-in that told of it."""

    group: Literal[
        "licence", "division", "region", "circle", "maker", "day", "product_class"
    ] = "licence"
    sort: Literal["name", "-name", "amount", "-amount"] = "name"


class RemainingReportQuery(ReportQuery):
    """The three balances at the end of the last day, which are never added."""

    group: OfLicences = "licence"
    sort: Literal[
        "name",
        "-name",
        "deposited",
        "-deposited",
        "remaining",
        "-remaining",
        "in_machine",
        "-in_machine",
    ] = "name"


class SilentQuery(ReportQuery):
    """Machines in use that did not dial in; the longest silence comes first."""

    sort: Literal["last_dial_in", "-last_dial_in", "name", "-name"] = "last_dial_in"


class DialInsQuery(ReportQuery):
    """Machines that dialled in, by day, with what they downloaded.

    With `window` it is what the files made for that window told, whenever a machine
    had dialled in.
    """

    window: Annotated[int | None, Field(ge=1, le=9)] = None
    sort: Literal["day", "-day", "name", "-name", "amount", "-amount"] = "-day"


class FailedQuery(ReportQuery):
    """Dial-ins that failed, as makers tell of them."""

    code: Annotated[str, Field(max_length=64)] = ""
    sort: Literal["at", "-at", "name", "-name"] = "-at"


class WindowsReportQuery(ReportQuery):
    """Windows of the exchange that makers met and missed."""

    group: Literal["maker_and_day", "maker", "day"] = "maker_and_day"
    sort: Literal["day", "-day", "name", "-name", "missed", "-missed"] = "-day"


class UnmatchedQuery(ReportQuery):
    """Lines that match nothing: of banks, in suspense, refused by either side."""

    kind: Literal["", "BANK", "SUSPENSE", "REFUSED_BY_US", "REFUSED_BY_MAKER"] = ""
    sort: Literal["day", "-day", "amount", "-amount"] = "-day"


class DownloadedQuery(ReportQuery):
    """Who had which list as a file; days are those on which it was had."""

    person: Annotated[str, Field(max_length=80)] = ""
    report: Annotated[str, Field(max_length=80)] = ""
    sort: Literal["at", "-at"] = "-at"

"""All reports by their names, as routes and the command line have them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dop_gateway.reports import (
    files_lists,
    machines_lists,
    money_lists,
    month_list,
    queries,
)
from dop_gateway.reports.queries import ReportQuery
from dop_gateway.web.lists import WebList
from protocol.values import EpochSeconds


@dataclass(frozen=True, slots=True)
class Report:
    """A report.

    Attributes:
        query: What it is asked with.
        make: Makes it as it is asked for, at a moment.
    """

    query: type[ReportQuery]
    make: Callable[[Any, EpochSeconds], WebList[Any, Any, Any]]


REPORTS: Final[dict[str, Report]] = {
    "month": Report(queries.MonthQuery, month_list.month),
    "deposits": Report(queries.DepositsReportQuery, money_lists.deposits),
    "downloads": Report(queries.DownloadsReportQuery, money_lists.downloads),
    "usage": Report(queries.UsageReportQuery, money_lists.usage),
    "remaining": Report(queries.RemainingReportQuery, money_lists.remaining),
    "silent": Report(queries.SilentQuery, machines_lists.silent),
    "dial-ins": Report(queries.DialInsQuery, machines_lists.dial_ins),
    "failed-dial-ins": Report(queries.FailedQuery, machines_lists.failed),
    "windows": Report(queries.WindowsReportQuery, files_lists.windows),
    "unmatched": Report(queries.UnmatchedQuery, files_lists.unmatched),
    "downloaded": Report(queries.DownloadedQuery, files_lists.downloaded),
}

"""Routes of the reports to postal authorities.

Whoever may see money of licences may ask; what is told are the licences that their
roles reach.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from dop_gateway.access import Access
from dop_gateway.downloads.api import SEE
from dop_gateway.identity.model import Role, ScopeKind
from dop_gateway.reports import (
    files_lists,
    machines_lists,
    money_lists,
    month_list,
    queries,
)
from dop_gateway.web.asking import Asked
from dop_gateway.web.lists import answer_list, listed

ROUTES: Final = APIRouter(prefix="/reports", tags=["reports"])
_SEE_AUDIT: Final = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
_NAMES: Final = (
    "month",
    "deposits",
    "downloads",
    "usage",
    "remaining",
    "silent",
    "dial-ins",
    "failed-dial-ins",
    "windows",
    "unmatched",
)

ACCESS: Final = (
    *(Access("GET", f"/reports/{name}", SEE, ScopeKind.LICENCE) for name in _NAMES),
    Access("GET", "/reports/downloaded", _SEE_AUDIT),
)


@ROUTES.get("/month", **listed(month_list.MonthShown))
def report_month(asking: Asked, query: Annotated[queries.MonthQuery, Query()]) -> Any:
    """Sum all figures of the month up, of each licence or in each jurisdiction."""
    return answer_list(asking, month_list.month(query, asking.now), query)


@ROUTES.get("/deposits", **listed(money_lists.DepositsShown))
def report_deposits(
    asking: Asked, query: Annotated[queries.DepositsReportQuery, Query()]
) -> Any:
    """Sum deposits up by the day of the payment, by where they were paid."""
    return answer_list(asking, money_lists.deposits(query, asking.now), query)


@ROUTES.get("/downloads", **listed(money_lists.DownloadsShown))
def report_downloads(
    asking: Asked, query: Annotated[queries.DownloadsReportQuery, Query()]
) -> Any:
    """Sum up what machines took and gave back, and what is held as not yet taken."""
    return answer_list(asking, money_lists.downloads(query, asking.now), query)


@ROUTES.get("/usage", **listed(money_lists.UsageShown))
def report_usage(
    asking: Asked, query: Annotated[queries.UsageReportQuery, Query()]
) -> Any:
    """Sum up what machines franked, as registers rose and as they told it by class."""
    return answer_list(asking, money_lists.usage(query, asking.now), query)


@ROUTES.get("/remaining", **listed(money_lists.RemainingShown))
def report_remaining(
    asking: Asked, query: Annotated[queries.RemainingReportQuery, Query()]
) -> Any:
    """Tell the three balances at the end of the last day; they are never added."""
    return answer_list(asking, money_lists.remaining(query, asking.now), query)


@ROUTES.get("/silent", **listed(machines_lists.SilentShown))
def report_silent(asking: Asked, query: Annotated[queries.SilentQuery, Query()]) -> Any:
    """List machines in use that did not dial in, the longest silence first."""
    return answer_list(asking, machines_lists.silent(query, asking.now), query)


@ROUTES.get("/dial-ins", **listed(machines_lists.DialInsShown))
def report_dial_ins(
    asking: Asked, query: Annotated[queries.DialInsQuery, Query()]
) -> Any:
    """List machines that dialled in, by day, with what they downloaded (RMFS-32)."""
    return answer_list(asking, machines_lists.dial_ins(query, asking.now), query)


@ROUTES.get("/failed-dial-ins", **listed(machines_lists.FailedShown))
def report_failed(asking: Asked, query: Annotated[queries.FailedQuery, Query()]) -> Any:
    """List dial-ins that failed, as makers tell of them."""
    return answer_list(asking, machines_lists.failed(query, asking.now), query)


@ROUTES.get("/windows", **listed(files_lists.WindowsShown))
def report_windows(
    asking: Asked, query: Annotated[queries.WindowsReportQuery, Query()]
) -> Any:
    """Count the windows that makers met and missed, by maker and day."""
    return answer_list(asking, files_lists.windows(query, asking.now), query)


@ROUTES.get("/unmatched", **listed(files_lists.UnmatchedShown))
def report_unmatched(
    asking: Asked, query: Annotated[queries.UnmatchedQuery, Query()]
) -> Any:
    """List lines of banks, payments in suspense and refused lines of files."""
    return answer_list(asking, files_lists.unmatched(query, asking.now), query)


@ROUTES.get("/downloaded", **listed(files_lists.DownloadedShown))
def report_downloaded(
    asking: Asked, query: Annotated[queries.DownloadedQuery, Query()]
) -> Any:
    """List who had which list as a file, when and with which filter (RMFS-37)."""
    return answer_list(asking, files_lists.downloaded(query, asking.now), query)

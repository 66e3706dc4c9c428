"""Reports of files: windows, lines that match nothing, and who had which report."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.audit import reading
from dop_gateway.audit.reading import AuditFilter, AuditRow
from dop_gateway.exports.table import Kind, Row
from dop_gateway.reports import files_store as store
from dop_gateway.reports.files_store import Unmatched, Windows
from dop_gateway.reports.queries import (
    DownloadedQuery,
    UnmatchedQuery,
    WindowsReportQuery,
)
from dop_gateway.reports.sheets import Spec, count, money, sheet, shown_model
from dop_gateway.store.matching import Held, Matching, Selection
from dop_gateway.web.lists import WebList
from protocol.values import EpochSeconds

_DAY: Final = Spec("day", Kind.DAY)
_MAKER: Final = Spec("maker")
_WINDOWS: Final = (count("met"), count("missed"), count("late"))
_UNMATCHED: Final = (
    Spec("kind"),
    Spec("party"),
    Spec("reference"),
    Spec("licence"),
    _DAY,
    money("amount"),
    Spec("refusal"),
    Spec("why"),
)
_DOWNLOADED: Final = (
    Spec("at", Kind.MOMENT),
    Spec("person"),
    Spec("report"),
    Spec("format"),
    Spec("rows", Kind.COUNT),
    Spec("filter"),
    Spec("request"),
)
WindowsShown: Final = shown_model("WindowsLineShown", _MAKER, _DAY, *_WINDOWS)
UnmatchedShown: Final = shown_model("UnmatchedLineShown", *_UNMATCHED)
DownloadedShown: Final = shown_model("DownloadedReportShown", *_DOWNLOADED)


def windows(
    query: WindowsReportQuery, now: EpochSeconds
) -> WebList[WindowsReportQuery, Windows, BaseModel]:
    """Make the report of windows that makers met and missed, as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed, lang = query.narrowed(now), query.lang
    by_maker, by_day = query.group != "day", query.group != "maker"
    keys = (*((_MAKER,) if by_maker else ()), *((_DAY,) if by_day else ()))

    def matching(
        connection: Connection, permit: Permit, _query: WindowsReportQuery
    ) -> Selection[Windows]:
        found = store.windows(connection, permit, narrowed)
        lines = store.counted(found, by_maker=by_maker, by_day=by_day)
        return Held(
            lines,
            {
                "day": lambda one: (one.day or date.min, one.maker),
                "name": lambda one: (one.maker, one.day or date.min),
                "missed": lambda one: (one.missed, one.maker, one.day or date.min),
            },
        )

    def cells(one: Windows) -> Row:
        maker = (one.maker,) if by_maker else ()
        day = (one.day,) if by_day else ()
        return (*maker, *day, one.met, one.missed, one.late)

    return sheet(
        "windows",
        query,
        narrowed.period,
        [one.column(lang) for one in (*keys, *_WINDOWS)],
        model=WindowsShown,
        matching=matching,
        cells=cells,
    )


def unmatched(
    query: UnmatchedQuery, now: EpochSeconds
) -> WebList[UnmatchedQuery, Unmatched, BaseModel]:
    """Make the report of lines that match nothing, as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed = query.narrowed(now)

    def matching(
        connection: Connection, permit: Permit, query: UnmatchedQuery
    ) -> Selection[Unmatched]:
        return store.unmatched(connection, permit, narrowed, query.kind)

    def cells(one: Unmatched) -> Row:
        return (
            one.kind,
            one.party,
            one.reference,
            one.licence,
            one.day,
            one.amount_paise,
            one.code,
            one.words,
        )

    return sheet(
        "unmatched",
        query,
        narrowed.period,
        [one.column(query.lang) for one in _UNMATCHED],
        model=UnmatchedShown,
        matching=matching,
        cells=cells,
    )


def downloaded(
    query: DownloadedQuery, now: EpochSeconds
) -> WebList[DownloadedQuery, AuditRow, BaseModel]:
    """Make the list of who had which list as a file (RMFS-37), from the audit trail.

    Raises:
        InvalidError: The days make no period.
    """
    period = query.narrowed(now).period

    def matching(
        _connection: Connection, permit: Permit, query: DownloadedQuery
    ) -> Selection[AuditRow]:
        if not permit.reaches_everything:
            nothing: Sequence[AuditRow] = ()
            return Held(nothing, {"at": lambda row: row.number})
        found = reading.matching(
            AuditFilter(
                person=query.person,
                move="download",
                subject_kind="list",
                subject=query.report,
                since=period.since,
                before=period.until,
            )
        )
        return Matching(found.rows, {"at": found.orders["number"]}, found.read)

    return sheet(
        "downloaded",
        query,
        period,
        [one.column(query.lang) for one in _DOWNLOADED],
        model=DownloadedShown,
        matching=matching,
        cells=_had_cells,
    )


def _had_cells(row: AuditRow) -> Row:
    detail: dict[str, Any] = json.loads(row.detail)
    narrowed = "; ".join(f"{name}: {one}" for name, one in detail["filter"].items())
    return (
        row.at,
        row.person,
        row.subject,
        detail["format"],
        detail["rows"],
        narrowed,
        row.request_id,
    )

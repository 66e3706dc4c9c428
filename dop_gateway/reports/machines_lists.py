"""Reports of machines: who dialled in, who did not, whose dial-ins failed."""

from typing import Final

from pydantic import BaseModel
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.exports.table import Kind, Row
from dop_gateway.reports import machines_store as store
from dop_gateway.reports.licences_store import within
from dop_gateway.reports.machines_store import Dialled, Failed, Silent
from dop_gateway.reports.queries import DialInsQuery, FailedQuery, SilentQuery
from dop_gateway.reports.sheets import (
    LICENCE,
    Spec,
    count,
    in_language,
    licence_cells,
    money,
    sheet,
    shown_model,
)
from dop_gateway.store.matching import Selection
from dop_gateway.web.lists import WebList
from protocol.parameters import business_date
from protocol.values import EpochSeconds

_SILENT: Final = (
    *LICENCE,
    Spec("maker"),
    Spec("machine_state"),
    Spec("last_dial_in", Kind.DAY),
    Spec("days_silent", Kind.COUNT),
)
_DIALLED: Final = (
    Spec("day", Kind.DAY),
    *LICENCE,
    Spec("maker"),
    count("dial_ins"),
    Spec("first_at", Kind.MOMENT),
    Spec("last_at", Kind.MOMENT),
    count("downloads"),
    money("downloads_amount"),
)
_FAILED: Final = (
    Spec("at", Kind.MOMENT),
    Spec("maker"),
    Spec("licence"),
    Spec("licence_number"),
    Spec("licensee"),
    Spec("refusal"),
    Spec("why"),
)
SilentShown: Final = shown_model("SilentMachineShown", *_SILENT)
DialInsShown: Final = shown_model("DialledMachineShown", *_DIALLED)
FailedShown: Final = shown_model("FailedDialInReported", *_FAILED)


def silent(
    query: SilentQuery, now: EpochSeconds
) -> WebList[SilentQuery, Silent, BaseModel]:
    """Make the report of machines that did not dial in, as it is asked for.

    Days of silence are counted to the end of the period, or to today where it is not
    over; a machine that never dialled in has been silent since its licence was issued.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed, lang = query.narrowed(now), query.lang
    end = min(narrowed.period.last, business_date(now))

    def matching(
        connection: Connection, permit: Permit, _query: SilentQuery
    ) -> Selection[Silent]:
        return store.silent(within(connection, permit, narrowed), narrowed.period)

    def cells(one: Silent) -> Row:
        since = one.last_dial_in or one.of.issued_on
        return (
            *licence_cells(one.of, lang),
            one.of.maker,
            one.machine_state.name,
            one.last_dial_in,
            max((end - since).days, 0),
        )

    return sheet(
        "silent",
        query,
        narrowed.period,
        [one.column(lang) for one in _SILENT],
        model=SilentShown,
        matching=matching,
        cells=cells,
    )


def dial_ins(
    query: DialInsQuery, now: EpochSeconds
) -> WebList[DialInsQuery, Dialled, BaseModel]:
    """Make the report of machines that dialled in (RMFS-32), as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed, lang = query.narrowed(now), query.lang

    def matching(
        connection: Connection, permit: Permit, query: DialInsQuery
    ) -> Selection[Dialled]:
        where = within(connection, permit, narrowed)
        return store.dialled(where, narrowed.period, query.window)

    def cells(one: Dialled) -> Row:
        return (
            one.day,
            *licence_cells(one.of, lang),
            one.of.maker,
            one.dial_ins,
            one.first_at,
            one.last_at,
            one.downloads,
            one.downloads_paise,
        )

    return sheet(
        "dial-ins",
        query,
        narrowed.period,
        [one.column(lang) for one in _DIALLED],
        model=DialInsShown,
        matching=matching,
        cells=cells,
    )


def failed(
    query: FailedQuery, now: EpochSeconds
) -> WebList[FailedQuery, Failed, BaseModel]:
    """Make the report of dial-ins that failed, as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed, lang = query.narrowed(now), query.lang

    def matching(
        connection: Connection, permit: Permit, query: FailedQuery
    ) -> Selection[Failed]:
        return store.failed(connection, permit, narrowed, query.code)

    def cells(one: Failed) -> Row:
        return (
            one.at,
            one.maker,
            one.licence,
            one.licence_number,
            in_language(one.licensee or "", one.licensee_hi, lang),
            one.code,
            one.words,
        )

    return sheet(
        "failed-dial-ins",
        query,
        narrowed.period,
        [one.column(lang) for one in _FAILED],
        model=FailedShown,
        matching=matching,
        cells=cells,
    )

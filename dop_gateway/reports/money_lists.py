"""Reports of money: deposits, downloads, usage, and what remains."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.exports.table import Kind, Row
from dop_gateway.ledger import Source
from dop_gateway.reports import gathering, sums_store
from dop_gateway.reports.gathering import BY_NAME, Walk
from dop_gateway.reports.licences_store import Licences, there_in, within
from dop_gateway.reports.model import (
    Group,
    GroupLine,
    LicenceLine,
    Named,
    Narrowed,
    SumLine,
    by_key,
)
from dop_gateway.reports.queries import (
    GROUPS,
    DepositsReportQuery,
    DownloadsReportQuery,
    Language,
    RemainingReportQuery,
    UsageReportQuery,
)
from dop_gateway.reports.sheets import (
    KEYS,
    Spec,
    count,
    group_columns,
    key_cells,
    licence_cells,
    money,
    sheet,
    shown_model,
)
from dop_gateway.reports.sums_store import Summed
from dop_gateway.store.matching import Held, Selection
from dop_gateway.web.lists import WebList
from protocol.parameters import business_date
from protocol.values import EpochSeconds

_SumQuery = TypeVar(
    "_SumQuery", bound=DepositsReportQuery | DownloadsReportQuery | UsageReportQuery
)
_DEPOSITS: Final = (
    count("deposits"),
    money("deposits_amount"),
    *(money(f"by_{one.name.lower()}") for one in Source),
    count("taken_back"),
    money("taken_back_amount"),
)
_DOWNLOADS: Final = (
    count("downloads"),
    money("downloads_amount"),
    money("given_back"),
    count("held"),
    money("held_amount"),
)
_BY_REGISTERS: Final = (count("items"), money("usage"))
_BY_CLASS: Final = (count("classed_items"), money("classed_usage"))
_BALANCES: Final = (
    money("deposited"),
    money("remaining"),
    money("in_machine"),
    money("told"),
)
_TOLD_AT: Final = Spec("told_at", Kind.MOMENT)
DepositsShown: Final = shown_model("DepositsLineShown", *KEYS, *_DEPOSITS)
DownloadsShown: Final = shown_model("DownloadsLineShown", *KEYS, *_DOWNLOADS)
UsageShown: Final = shown_model("UsageLineShown", *KEYS, *_BY_REGISTERS, *_BY_CLASS)
RemainingShown: Final = shown_model(
    "RemainingLineShown", *KEYS, count("machines"), *_BALANCES, _TOLD_AT
)


def deposits(
    query: DepositsReportQuery, now: EpochSeconds
) -> WebList[DepositsReportQuery, SumLine, BaseModel]:
    """Make the report of deposits as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed = query.narrowed(now)
    summed = sums_store.deposits(narrowed.period)
    return _summed(
        "deposits", query, narrowed, summed, specs=_DEPOSITS, model=DepositsShown
    )


def downloads(
    query: DownloadsReportQuery, now: EpochSeconds
) -> WebList[DownloadsReportQuery, SumLine, BaseModel]:
    """Make the report of downloads as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed = query.narrowed(now)
    summed = sums_store.downloads(narrowed.period)
    return _summed(
        "downloads", query, narrowed, summed, specs=_DOWNLOADS, model=DownloadsShown
    )


def usage(
    query: UsageReportQuery, now: EpochSeconds
) -> WebList[UsageReportQuery, SumLine, BaseModel]:
    """Make the report of usage as it is asked for.

    By licence, office and maker it is what registers rose by, and beside it what
    machines told by class; by day and class only the latter is known.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed, group = query.narrowed(now), GROUPS[query.group]
    if group in {Group.DAY, Group.PRODUCT_CLASS}:
        summed = sums_store.classed_usage(narrowed.period)
        return _summed(
            "usage", query, narrowed, summed, specs=_BY_CLASS, model=UsageShown
        )

    def matching(
        connection: Connection, permit: Permit, _query: UsageReportQuery
    ) -> Selection[SumLine]:
        where = within(connection, permit, narrowed)
        licences = Licences((*where, *there_in(narrowed.period)))
        walk = Walk(
            licences,
            gathering.usage_of(narrowed.period),
            {"amount": lambda one: (one.sums[1], *by_key(one.of))},
        )
        if group is Group.LICENCE:
            return walk
        lines = walk.all(connection, BY_NAME)
        return sums_store.held(gathering.fold_sums(connection, lines, group))

    specs = (*_BY_REGISTERS, *_BY_CLASS)
    return sheet(
        "usage",
        query,
        narrowed.period,
        (*group_columns(group, query.lang), *_columns(specs, query.lang)),
        model=UsageShown,
        matching=matching,
        cells=lambda line: _sum_cells(line, group, query.lang),
    )


def remaining(
    query: RemainingReportQuery, now: EpochSeconds
) -> WebList[RemainingReportQuery, Any, BaseModel]:
    """Make the report of balances as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    narrowed, lang = query.narrowed(now), query.lang
    group = GROUPS[query.group]
    many = () if group is Group.LICENCE else (count("machines"),)
    told_at = (_TOLD_AT,) if group is Group.LICENCE else ()

    def matching(
        connection: Connection, permit: Permit, _query: RemainingReportQuery
    ) -> Selection[Any]:
        where = within(connection, permit, narrowed)
        licences = Licences((*where, *there_in(narrowed.period)))
        today = business_date(now)
        orders: dict[str, Any] = {
            "deposited": lambda one: one.figures.deposited_paise,
            "remaining": lambda one: one.figures.remaining_paise,
            "in_machine": lambda one: one.figures.machine_paise,
        }
        gather = gathering.remaining_of(licences, narrowed.period, today)
        walk = Walk(licences, gather, orders)
        if group is Group.LICENCE:
            return walk
        lines = gathering.fold(connection, walk.all(connection, BY_NAME), group)
        return Held(lines, {**orders, BY_NAME: lambda one: by_key(one.of)})

    def cells(line: LicenceLine | GroupLine) -> Row:
        of = line.figures
        held = (
            of.deposited_paise,
            of.remaining_paise,
            of.machine_paise,
            of.told_paise,
        )
        if isinstance(line, GroupLine):
            return (*key_cells(line.of, group, lang), of.machines, *held)
        return (*licence_cells(line.of, lang), *held, line.told_at)

    return sheet(
        "remaining",
        query,
        narrowed.period,
        (
            *group_columns(group, lang),
            *_columns((*many, *_BALANCES, *told_at), lang),
        ),
        model=RemainingShown,
        matching=matching,
        cells=cells,
    )


def _summed(
    name: str,
    query: _SumQuery,
    narrowed: Narrowed,
    summed: Summed,
    *,
    specs: Sequence[Spec],
    model: type[BaseModel],
) -> WebList[_SumQuery, SumLine, BaseModel]:
    group = GROUPS[query.group]

    def matching(
        connection: Connection, permit: Permit, _query: _SumQuery
    ) -> Selection[SumLine]:
        where = within(connection, permit, narrowed)
        return summed.select(connection, group, where)

    return sheet(
        name,
        query,
        narrowed.period,
        (*group_columns(group, query.lang), *_columns(specs, query.lang)),
        model=model,
        matching=matching,
        cells=lambda line: _sum_cells(line, group, query.lang),
    )


def _columns(specs: Sequence[Spec], lang: Language) -> list[Any]:
    return [one.column(lang) for one in specs]


def _sum_cells(line: SumLine, group: Group, lang: Language) -> Row:
    if isinstance(line.of, Named):
        return (*licence_cells(line.of, lang), *line.sums)
    return (*key_cells(line.of, group, lang), *line.sums)

"""The month's report: all figures of each licence, or of all in a jurisdiction."""

from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.access import Permit
from dop_gateway.exports.table import Kind, Row
from dop_gateway.reports import gathering
from dop_gateway.reports.gathering import BY_NAME, Walk
from dop_gateway.reports.licences_store import Licences, there_in, within
from dop_gateway.reports.model import (
    Figures,
    Group,
    GroupLine,
    LicenceLine,
    by_key,
)
from dop_gateway.reports.queries import GROUPS, MonthQuery
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
from dop_gateway.store.matching import Held, Selection
from dop_gateway.web.lists import WebList
from protocol.parameters import business_date
from protocol.values import EpochSeconds

_OF_MANY: Final = (count("machines"), count("silent"))
_SUMS: Final = (
    count("deposits"),
    money("deposits_amount"),
    count("downloads"),
    money("downloads_amount"),
    money("given_back"),
    count("items"),
    money("usage"),
    money("deposited"),
    money("remaining"),
    money("in_machine"),
    money("told"),
    count("dial_ins"),
    count("failed"),
)
_OF_ONE: Final = (
    Spec("told_at", Kind.MOMENT),
    Spec("last_dial_in", Kind.DAY),
    Spec("days_silent", Kind.COUNT),
)
MonthShown: Final = shown_model("MonthLineShown", *KEYS, *_OF_MANY, *_SUMS, *_OF_ONE)
_ORDERS: Final = {
    "deposits": "deposits_paise",
    "downloads": "downloads_paise",
    "usage": "used_paise",
    "remaining": "remaining_paise",
}


def month(query: MonthQuery, now: EpochSeconds) -> WebList[MonthQuery, Any, Any]:
    """Make the month's report as it is asked for.

    Raises:
        InvalidError: The days make no period.
    """
    group, lang = GROUPS[query.group], query.lang
    narrowed = query.narrowed(now)
    own = _OF_ONE if group is Group.LICENCE else _OF_MANY
    sums = (*own, *_SUMS) if own is _OF_MANY else (*_SUMS, *own)
    columns = (
        *group_columns(group, lang),
        *(one.column(lang) for one in sums),
    )

    def matching(
        connection: Connection, permit: Permit, _query: MonthQuery
    ) -> Selection[Any]:
        where = within(connection, permit, narrowed)
        licences = Licences((*where, *there_in(narrowed.period)))
        walk = Walk(
            licences,
            gathering.month_of(licences, narrowed.period, business_date(now)),
            {name: _key(field) for name, field in _ORDERS.items()},
        )
        if group is Group.LICENCE:
            return walk
        lines = gathering.fold(connection, walk.all(connection, BY_NAME), group)
        orders = {name: _key(field) for name, field in _ORDERS.items()}
        return Held(lines, {**orders, BY_NAME: lambda one: by_key(one.of)})

    def cells(line: LicenceLine | GroupLine) -> Row:
        figures = _cells(line.figures)
        if isinstance(line, GroupLine):
            many = (line.figures.machines, line.figures.silent)
            return (*key_cells(line.of, group, lang), *many, *figures)
        one = (line.told_at, line.last_dial_in, line.days_silent)
        return (*licence_cells(line.of, lang), *figures, *one)

    return sheet(
        "month",
        query,
        narrowed.period,
        columns,
        model=MonthShown,
        matching=matching,
        cells=cells,
    )


def _key(field: str) -> Any:
    return lambda line: getattr(line.figures, field)


def _cells(of: Figures) -> Row:
    return (
        of.deposits,
        of.deposits_paise,
        of.downloads,
        of.downloads_paise,
        of.given_back_paise,
        of.items,
        of.used_paise,
        of.deposited_paise,
        of.remaining_paise,
        of.machine_paise,
        of.told_paise,
        of.dial_ins,
        of.failed,
    )

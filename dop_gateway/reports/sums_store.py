"""All SQL that sums rows of a feature up: by licence, or by what licences belong to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Label,
    Row,
    Select,
    case,
    func,
    select,
)

from dop_gateway.deposits.model import DepositState
from dop_gateway.deposits.tables import deposit
from dop_gateway.downloads.model import HELD, DownloadState
from dop_gateway.downloads.tables import download_line
from dop_gateway.ledger import Source
from dop_gateway.licences.tables import licence
from dop_gateway.offices.tables import office
from dop_gateway.reports.days import DayOf
from dop_gateway.reports.figures_store import REACHED, sums_of_downloads
from dop_gateway.reports.licences_store import (
    NAMED,
    OfficeKeys,
    maker_keys,
    read_named,
)
from dop_gateway.reports.model import Group, Key, Named, Period, SumLine, by_key
from dop_gateway.store.matching import Held, Matching, Selection
from dop_gateway.usage.tables import usage_dial_in, usage_product
from protocol.errors import InvariantError

_TAKEN_BACK: Final = sorted(
    state.name
    for state in (DepositState.BOUNCED, DepositState.REVERSED, DepositState.RETURNED)
)
_HELD: Final = sorted(state.name for state in HELD)


@dataclass(frozen=True, slots=True)
class Summed:
    """What is summed up.

    Attributes:
        of: Rows joined with their licences.
        day: Of a row.
        sums: Columns; the second one is what lines are ordered by as their amount.
        where: Which rows.
        product_class: Of a row, where it has one.
    """

    of: FromClause
    day: ColumnElement[Any]
    sums: tuple[Label[Any], ...]
    where: tuple[ColumnElement[bool], ...]
    product_class: ColumnElement[Any] | None = None

    def select(
        self, connection: Connection, group: Group, where: Sequence[ColumnElement[bool]]
    ) -> Selection[SumLine]:
        """Give the lines of a group.

        Args:
            connection: To the database.
            group: What a line is about.
            where: Conditions over licences and their offices.
        """
        if group is Group.LICENCE:
            rows = self._rows(NAMED, (licence.c.identifier, office.c.id), where)
            last = licence.c.identifier
            orders = {"name": (last,), "amount": (self.sums[1], last)}
            return Matching(rows, orders, lambda row: self._line(read_named(row), row))
        return held(self._groups(connection, group, where))

    def _groups(
        self, connection: Connection, group: Group, where: Sequence[ColumnElement[bool]]
    ) -> list[SumLine]:
        column, key_of = self._key(connection, group)
        # Groups of one kind may come from several: many post offices have one Circle.
        sums: dict[Key, tuple[int, ...]] = {}
        rows = self._rows((column.label("key"),), (column,), where)
        for row in connection.execute(rows):
            key, line = key_of(row.key), self._line(Key(), row).sums
            before = sums.get(key, (0,) * len(line))
            sums[key] = tuple(map(sum, zip(before, line, strict=True)))
        return [SumLine(key, line) for key, line in sums.items()]

    def _key(
        self, connection: Connection, group: Group
    ) -> tuple[ColumnElement[Any], Callable[[Any], Key]]:
        if group is Group.DAY:
            return self.day, lambda day: Key(day=day)
        if group is Group.PRODUCT_CLASS and self.product_class is not None:
            return self.product_class, lambda one: Key(product_class=one)
        if group is Group.MAKER:
            return licence.c.maker, maker_keys(connection).__getitem__
        kind = group.office_kind
        if kind is None:
            raise InvariantError(f"these rows are not grouped by {group.name}")
        return office.c.path, OfficeKeys(connection, kind).above

    def _rows(
        self,
        columns: Sequence[ColumnElement[Any]],
        grouped: Sequence[ColumnElement[Any]],
        where: Sequence[ColumnElement[bool]],
    ) -> Select[Any]:
        return (
            select(*columns, *self.sums)
            .select_from(self.of.join(office, office.c.id == licence.c.office))
            .where(*self.where, *where)
            .group_by(*grouped)
        )

    def _line(self, of: Named | Key, row: Row[Any]) -> SumLine:
        values = row[len(row) - len(self.sums) :]
        return SumLine(of, tuple(map(int, values)))


def held(lines: Sequence[SumLine]) -> Held[SumLine]:
    """Hold lines about groups, so that they can be ordered."""
    return Held(
        lines,
        {
            "name": lambda one: by_key(one.of),
            "amount": lambda one: (one.sums[1], *by_key(one.of)),
        },
    )


def deposits(period: Period) -> Summed:
    """Sum deposits of licences up by the day of the payment.

    Columns: how many reached the licence and how much, how much by bank, post offices,
    notional credit and portal, how many were taken back or given back and how much.
    """
    of = deposit.c
    reached = of.state.in_(REACHED)
    back = of.state.in_(_TAKEN_BACK)
    return Summed(
        deposit.join(licence, licence.c.identifier == of.licence),
        of.value_date,
        (
            _how_many(reached, "deposits"),
            _how_much(reached, of.amount_paise, "deposits_amount"),
            *(
                _how_much(
                    reached & (of.source == one.name),
                    of.amount_paise,
                    f"by_{one.name.lower()}",
                )
                for one in Source
            ),
            _how_many(back, "taken_back"),
            _how_much(back, of.amount_paise, "taken_back_amount"),
        ),
        (
            of.value_date.between(period.first, period.last),
            # Not by the index of states: that one goes through the whole history.
            of.state.concat("").in_((*REACHED, *_TAKEN_BACK)),
        ),
    )


def downloads(period: Period) -> Summed:
    """Sum credits up by the day of the machine's word, as makers tell it.

    Columns: how many recharges and how much, how much machines gave back, how many
    lines are held and how much.
    """
    of = download_line.c
    taken = of.state == DownloadState.TAKEN.name
    held = of.state.in_(_HELD)
    return Summed(
        download_line.join(licence, licence.c.identifier == of.licence),
        DayOf(of.at),
        (
            *sums_of_downloads(taken),
            _how_many(held, "held"),
            _how_much(held, of.amount_paise, "held_amount"),
        ),
        (
            of.at >= period.since,
            of.at < period.until,
            of.state != DownloadState.REFUSED.name,
        ),
    )


def classed_usage(period: Period) -> Summed:
    """Sum up what was franked as machines told it by class, by day of the dial-in."""
    told, product = usage_dial_in.c, usage_product.c
    return Summed(
        usage_product.join(usage_dial_in).join(
            licence, licence.c.identifier == told.licence
        ),
        told.on_day,
        (
            func.sum(product.new_items).label("classed_items"),
            func.sum(product.new_paise).label("classed_usage"),
        ),
        (told.on_day.between(period.first, period.last), product.new_items > 0),
        product.product_class,
    )


def _how_many(which: ColumnElement[bool], name: str) -> Label[Any]:
    return func.sum(case((which, 1), else_=0)).label(name)


def _how_much(
    which: ColumnElement[bool], amount: ColumnElement[Any], name: str
) -> Label[Any]:
    return func.sum(case((which, amount), else_=0)).label(name)

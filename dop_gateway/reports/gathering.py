"""The figures of licences, gathered a portion of them at a time, or folded into groups.

Memory holds one portion of licences and their figures, whatever the report's length; a
report that is ordered by a figure has to hold its lines, and is bounded for that.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.ledger import Balances
from dop_gateway.reports import figures_store as store
from dop_gateway.reports.licences_store import (
    Licences,
    OfficeKeys,
    identifiers,
    maker_keys,
)
from dop_gateway.reports.model import (
    Figures,
    Group,
    GroupLine,
    Key,
    LicenceLine,
    Named,
    Period,
    SumLine,
    by_key,
)
from protocol.errors import InvariantError
from protocol.values import Paise

ORDERED_LINES_MAX: Final = 50_000
"""More are not held to be ordered by a figure; by identifier they need not be held."""
BY_NAME: Final = "name"

T = TypeVar("T")
Gather = Callable[[Connection, Sequence[Named]], list[T]]
"""Makes lines of a portion of licences, one of each."""


Begin = Callable[[Connection], Gather[T]]
"""Prepares what is the same for all portions of a report."""


@dataclass(frozen=True, slots=True)
class Walk(Generic[T]):
    """Lines of a report, one of each licence: a `dop_gateway.store` selection.

    Attributes:
        licences: Of these.
        begin: Called once for each answer.
        orders: What lines are compared by, beside the identifier; by name of the order.
    """

    licences: Licences
    begin: Begin[T]
    orders: Mapping[str, Callable[[T], Any]]

    def count(self, connection: Connection) -> int:
        """Say how many there are."""
        return self.licences.count(connection)

    def page(
        self, connection: Connection, sort: str, first: int, rows_max: int
    ) -> list[T]:
        """Give so many, from behind the first ones on."""
        if sort.removeprefix("-") != BY_NAME:
            return self._ordered(connection, sort)[first : first + rows_max]
        descending = sort.startswith("-")
        found = self.licences.page(connection, first, rows_max, descending=descending)
        return self.begin(connection)(connection, found)

    def all(self, connection: Connection, sort: str) -> Iterator[T]:
        """Give all, some at a time.

        Raises:
            InvalidError: There are too many to be ordered by a figure.
        """
        if sort.removeprefix("-") != BY_NAME:
            return iter(self._ordered(connection, sort))
        return self._walked(connection, descending=sort.startswith("-"))

    def _walked(self, connection: Connection, *, descending: bool) -> Iterator[T]:
        gather = self.begin(connection)
        for portion in self.licences.portions(connection, descending=descending):
            yield from gather(connection, portion)

    def _ordered(self, connection: Connection, sort: str) -> list[T]:
        count = self.count(connection)
        if count > ORDERED_LINES_MAX:
            words = f"{count} lines are too many for this order: narrow the report"
            raise InvalidError([FieldFinding("/sort", "too_many", words)])
        lines = list(self._walked(connection, descending=False))
        key = self.orders[sort.removeprefix("-")]
        return sorted(lines, key=key, reverse=sort.startswith("-"))


def month_of(licences: Licences, period: Period, today: date) -> Begin[LicenceLine]:
    """Make what gathers the month's report.

    Args:
        licences: Of which ones.
        period: The days.
        today: Balances of a day that is not over are those of now.
    """

    def begin(connection: Connection) -> Gather[LicenceLine]:
        after = after_of(connection, licences, period, today)
        end = min(period.last, today)
        return lambda connection, found: _lines(connection, found, period, end, after)

    return begin


def after_of(
    connection: Connection, licences: Licences, period: Period, today: date
) -> Mapping[str, Balances]:
    """Sum what moved after a period; nothing, while its last day is not over."""
    if period.last >= today:
        return {}
    return store.moved_after(connection, licences.where, period.last)


def _lines(
    connection: Connection,
    found: Sequence[Named],
    period: Period,
    end: date,
    after: Mapping[str, Balances],
) -> list[LicenceLine]:
    some = identifiers(found)
    deposits = store.deposits(connection, some, period)
    downloads = store.downloads(connection, some, period)
    rises = store.rises(connection, some, period)
    dial_ins = store.dial_ins(connection, some, period)
    failed = store.failed(connection, some, period)
    told = store.told(connection, some)
    held = ledger.balances_of(connection, some)
    lines = []
    for one in found:
        of = one.identifier
        figures = Figures(machines=1)
        paid, taken = deposits.get(of), downloads.get(of)
        if paid is not None:
            figures.deposits = paid.deposits
            figures.deposits_paise = paid.deposits_paise
        if taken is not None:
            figures.downloads = taken.downloads
            figures.downloads_paise = taken.downloads_paise
            figures.given_back_paise = taken.given_back_paise
        figures.dial_ins = dial_ins.get(of, 0)
        figures.failed = failed.get(of, 0)
        figures.silent = int(figures.dial_ins == 0)
        put_balances(figures, held[of], after.get(of))
        rise = rises.get(of)
        if rise is not None:
            figures.items, figures.used_paise = rise.items, rise.used_paise
        said = told.get(of)
        if said is not None:
            figures.told_paise = said.told_paise
        last = None if rise is None else rise.last_dial_in
        silent = (end - (last or one.issued_on)).days
        told_at = None if said is None else said.at
        lines.append(LicenceLine(one, figures, last, max(silent, 0), told_at))
    return lines


def put_balances(figures: Figures, now: Balances, after: Balances | None) -> None:
    """Put the three balances of a day into figures: those of now, less what came after.

    Raises:
        InvariantError: More came after than there is: the ledger is wrong.
    """
    less = Balances(Paise(0), Paise(0), Paise(0)) if after is None else after
    figures.deposited_paise = now.deposited - less.deposited
    figures.remaining_paise = now.remaining - less.remaining
    figures.machine_paise = now.machine - less.machine
    lowest = min(
        figures.deposited_paise, figures.remaining_paise, figures.machine_paise
    )
    if lowest < 0:
        raise InvariantError("a balance of a day is below nothing: verify the ledger")


def fold(
    connection: Connection,
    lines: Iterator[LicenceLine],
    group: Group,
) -> list[GroupLine]:
    """Add lines of licences up by office or maker, in the order of the names."""
    key_of = keys(connection, group)
    sums: dict[Key, Figures] = {}
    for line in lines:
        key = key_of(line.of)
        if key not in sums:
            sums[key] = Figures()
        sums[key].add(line.figures)
    found = [GroupLine(key, figures) for key, figures in sums.items()]
    return sorted(found, key=lambda one: by_key(one.of))


def keys(connection: Connection, group: Group) -> Callable[[Named], Key]:
    """Give what says which group a licence belongs to.

    Raises:
        InvariantError: Licences do not belong to groups of this kind.
    """
    if group is Group.MAKER:
        makers = maker_keys(connection)
        return lambda one: makers[one.maker]
    kind = group.office_kind
    if kind is None:
        raise InvariantError(f"licences are not grouped by {group.name}")
    above = OfficeKeys(connection, kind)
    return lambda one: above.above(one.place.path)


def usage_of(period: Period) -> Begin[SumLine]:
    """Make what gathers usage: items and postage by registers, and both by class."""

    def lines(connection: Connection, found: Sequence[Named]) -> list[SumLine]:
        some = identifiers(found)
        rises = store.rises(connection, some, period)
        classed = store.classed(connection, some, period)
        gathered = []
        for one in found:
            rise, told = rises.get(one.identifier), classed.get(one.identifier)
            by_registers = (0, 0) if rise is None else (rise.items, rise.used_paise)
            by_class = (0, 0) if told is None else (told.items, told.used_paise)
            gathered.append(SumLine(one, (*by_registers, *by_class)))
        return gathered

    return lambda _connection: lines


def remaining_of(licences: Licences, period: Period, today: date) -> Begin[LicenceLine]:
    """Make what gathers the balances at the end of a period, and what makers told."""

    def begin(connection: Connection) -> Gather[LicenceLine]:
        after = after_of(connection, licences, period, today)
        return lambda connection, found: _balances(connection, found, after)

    return begin


def _balances(
    connection: Connection, found: Sequence[Named], after: Mapping[str, Balances]
) -> list[LicenceLine]:
    some = identifiers(found)
    held, told = ledger.balances_of(connection, some), store.told(connection, some)
    lines = []
    for one in found:
        figures = Figures(machines=1)
        put_balances(figures, held[one.identifier], after.get(one.identifier))
        said = told.get(one.identifier)
        if said is not None:
            figures.told_paise = said.told_paise
        told_at = None if said is None else said.at
        lines.append(LicenceLine(one, figures, None, 0, told_at))
    return lines


def fold_sums(
    connection: Connection, lines: Iterator[SumLine], group: Group
) -> list[SumLine]:
    """Add sums of licences up by office or maker."""
    key_of = keys(connection, group)
    sums: dict[Key, tuple[int, ...]] = {}
    for line in lines:
        if not isinstance(line.of, Named):
            raise InvariantError("only lines of licences are folded")
        key = key_of(line.of)
        before = sums.get(key, (0,) * len(line.sums))
        sums[key] = tuple(map(sum, zip(before, line.sums, strict=True)))
    return [SumLine(key, one) for key, one in sums.items()]

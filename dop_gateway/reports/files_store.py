"""All SQL about lines that match nothing, and windows that were met or missed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from dop_gateway.access import Permit
from dop_gateway.bank.model import ItemState
from dop_gateway.bank.tables import bank_item
from dop_gateway.deposits.model import DepositState
from dop_gateway.deposits.tables import deposit
from dop_gateway.exchange import reading
from dop_gateway.exchange.lists import reach
from dop_gateway.exchange.model import Direction
from dop_gateway.exchange.tables import exchange_file, exchange_refused_line
from dop_gateway.exchange.window_store import WindowMet
from dop_gateway.licences.reach import visible
from dop_gateway.licences.tables import licence
from dop_gateway.offices.tables import office
from dop_gateway.reports.licences_store import below
from dop_gateway.reports.model import Narrowed
from dop_gateway.store.matching import Matching
from hw.database.columns import INTEGER, IsoDate

UNMATCHED: Final = (
    ItemState.DIFFERS,
    ItemState.NOT_IN_ACCOUNT,
    ItemState.NOT_IN_FILE,
)
"""Items of banks about which the two files do not agree."""
_WORDS: Final = {state.name: state.value for state in UNMATCHED}
_KINDS: Final = {Direction.IN: "REFUSED_BY_US", Direction.OUT: "REFUSED_BY_MAKER"}


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A line that matches nothing.

    Attributes:
        kind: ``BANK``, ``SUSPENSE``, ``REFUSED_BY_US`` or ``REFUSED_BY_MAKER``.
        party: Bank, source or maker.
        reference: Of the payment, or file and line.
        licence: As it was captured; may be wrong, or empty.
        amount_paise: None where the line is no payment.
    """

    kind: str
    party: str
    reference: str
    licence: str
    day: date | None
    amount_paise: int | None
    code: str
    words: str


@dataclass(slots=True)
class Windows:
    """How often files that were due were there in time.

    Attributes:
        maker: Code of the party; empty: of all.
        day: None: of all days.
        late: Files that came after the end of their window.
    """

    maker: str = ""
    day: date | None = None
    met: int = 0
    missed: int = 0
    late: int = 0


def unmatched(
    connection: Connection, permit: Permit, narrowed: Narrowed, kind: str
) -> Matching[Unmatched]:
    """Give lines that match nothing, within what somebody's roles reach.

    Items of banks are for whoever sees everything; lines of makers for them and for the
    maker; a payment in suspense is seen by whoever sees the licence that it is of.
    """
    parts = [
        part
        for part in (
            _items(permit, narrowed),
            _suspended(connection, permit, narrowed),
            *(_refused(permit, narrowed, way) for way in _KINDS),
        )
        if part is not None
    ]
    lines = union_all(*parts).subquery()
    rows = select(lines)
    if kind:
        rows = rows.where(lines.c.kind == kind)
    last = (lines.c.kind, lines.c.key)
    orders = {
        "day": (func.coalesce(lines.c.day, ""), *last),
        "amount": (func.coalesce(lines.c.amount, 0), *last),
    }
    return Matching(rows, orders, _unmatched)


def _items(permit: Permit, narrowed: Narrowed) -> Select[Any] | None:
    # They are for DCR, and belong to no office: see `dop_gateway.bank.lists`.
    if not permit.reaches_everything or narrowed.office or narrowed.maker:
        return None
    of, period = bank_item.c, narrowed.period
    day = func.coalesce(of.entered_on, of.told_on)
    rows = select(
        literal("BANK").label("kind"),
        of.bank.label("party"),
        of.reference,
        of.licence.label("licence"),
        cast(day, IsoDate()).label("day"),
        func.coalesce(of.entered_paise, of.told_paise).label("amount"),
        of.state.label("code"),
        of.words,
        of.id.label("key"),
    ).where(
        of.state.in_([state.name for state in UNMATCHED]),
        day.between(period.first, period.last),
    )
    return rows.where(of.licence == narrowed.licence) if narrowed.licence else rows


def _suspended(
    connection: Connection, permit: Permit, narrowed: Narrowed
) -> Select[Any]:
    of, period = deposit.c, narrowed.period
    where: list[ColumnElement[bool]] = [
        visible(connection, permit, licence.c.maker, licence.c.identifier),
        of.state == DepositState.SUSPENSE.name,
        of.value_date.between(period.first, period.last),
    ]
    if narrowed.licence:
        where.append(
            or_(of.licence == narrowed.licence, of.licence_text == narrowed.licence)
        )
    if narrowed.maker:
        where.append(licence.c.maker == narrowed.maker)
    if narrowed.office:
        where.append(below(connection, narrowed.office))
    return (
        select(
            literal("SUSPENSE").label("kind"),
            of.source.label("party"),
            of.reference,
            func.coalesce(of.licence, of.licence_text).label("licence"),
            of.value_date.label("day"),
            of.amount_paise.label("amount"),
            func.coalesce(of.fault_code, "").label("code"),
            func.coalesce(of.fault_words, "").label("words"),
            of.id.label("key"),
        )
        .select_from(
            deposit.outerjoin(licence, licence.c.identifier == of.licence).outerjoin(
                office, office.c.id == licence.c.office
            )
        )
        .where(*where)
    )


def _refused(permit: Permit, narrowed: Narrowed, way: Direction) -> Select[Any] | None:
    parties = reach(permit)
    if narrowed.office or narrowed.licence:
        # A refused line is kept by its id in its file: the file has its licence.
        return None
    of, file, period = exchange_refused_line.c, exchange_file.c, narrowed.period
    where = [
        file.direction == way.name,
        file.business_date.between(period.first, period.last),
    ]
    if parties is not None:
        where.append(file.party.in_(sorted(parties)))
    if narrowed.maker:
        where.append(file.party == narrowed.maker)
    return (
        select(
            literal(_KINDS[way]).label("kind"),
            file.party,
            (file.name + literal(" ") + of.line_id).label("reference"),
            literal("").label("licence"),
            file.business_date.label("day"),
            cast(null(), INTEGER).label("amount"),
            of.code,
            cast(of.words, Text).label("words"),
            of.id.label("key"),
        )
        .select_from(exchange_refused_line.join(exchange_file, file.id == of.file))
        .where(and_(*where))
    )


def _unmatched(row: Row[Any]) -> Unmatched:
    words = row.words or _WORDS.get(row.code, "")
    return Unmatched(
        row.kind,
        row.party,
        row.reference,
        row.licence,
        row.day,
        row.amount,
        row.code,
        words,
    )


def windows(
    connection: Connection, permit: Permit, narrowed: Narrowed
) -> Sequence[WindowMet]:
    """List what was due of makers in windows, within what somebody's roles reach.

    A window is of a maker, and of no office or licence: who sees only those sees none.
    """
    if narrowed.office or narrowed.licence:
        return ()
    codes = reach(permit)
    if narrowed.maker:
        known = codes is None or narrowed.maker in codes
        codes = frozenset({narrowed.maker} if known else ())
    period = narrowed.period
    return reading.windows(connection, codes, period.first, period.last).things


def counted(
    found: Iterable[WindowMet], *, by_maker: bool, by_day: bool
) -> list[Windows]:
    """Count windows that were met and missed."""
    sums: dict[tuple[str, date | None], Windows] = {}
    for one in found:
        key = (one.party if by_maker else "", one.business_date if by_day else None)
        of = sums.setdefault(key, Windows(*key))
        of.met += one.met
        of.missed += not one.met
        of.late += not one.met and one.came_at is not None
    return list(sums.values())

"""All SQL about which machines dialled in, which did not, and whose dial-ins failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    case,
    exists,
    func,
    literal,
    select,
    union_all,
)

from dop_gateway.access import Permit
from dop_gateway.downloads.model import DownloadState
from dop_gateway.downloads.tables import download_line
from dop_gateway.exchange.model import Direction, FileState
from dop_gateway.exchange.tables import exchange_file
from dop_gateway.licences.model import MachineState
from dop_gateway.licences.reach import visible
from dop_gateway.licences.tables import licence
from dop_gateway.offices.tables import office
from dop_gateway.reports.days import DayOf
from dop_gateway.reports.figures_store import RECHARGE
from dop_gateway.reports.licences_store import NAMED, below, read_named
from dop_gateway.reports.model import Named, Narrowed, Period
from dop_gateway.store.matching import Matching
from dop_gateway.usage.tables import failed_dial_in, usage_dial_in
from protocol.values import EpochSeconds

IN_USE: Final = (
    MachineState.INSTALLED,
    MachineState.IN_SERVICE,
    MachineState.BLOCKED,
    MachineState.LOCKED_OUT,
    MachineState.FAULT,
)
"""Machines that are expected to dial in."""
_dial_in = usage_dial_in.c
_download = download_line.c
_failed = failed_dial_in.c
_of = licence.c
Where = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Silent:
    """A machine that did not dial in.

    Attributes:
        last_dial_in: Day of the last one before; None: never.
    """

    of: Named
    machine_state: MachineState
    last_dial_in: date | None


@dataclass(frozen=True, slots=True)
class Dialled:
    """A machine that dialled in on a day.

    Attributes:
        dial_ins: Completed ones; 0 where only a credit was told of.
        first_at: The first word of the machine on that day.
    """

    of: Named
    day: date
    dial_ins: int
    first_at: EpochSeconds
    last_at: EpochSeconds
    downloads: int
    downloads_paise: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A dial-in that failed, as a maker tells it; the licence may be unknown to us."""

    at: EpochSeconds
    maker: str
    licence: str
    licence_number: str
    licensee: str | None
    licensee_hi: str | None
    code: str
    words: str


def silent(where: Where, period: Period) -> Matching[Silent]:
    """Give machines in use of which nothing was heard in a period."""
    last = (
        select(func.max(_dial_in.on_day))
        .where(_dial_in.licence == _of.identifier, _dial_in.on_day < period.first)
        .correlate(licence)
        .scalar_subquery()
    )
    dialled = exists().where(
        _dial_in.licence == _of.identifier,
        _dial_in.on_day.between(period.first, period.last),
    )
    credited = exists().where(
        _download.licence == _of.identifier,
        _download.at >= period.since,
        _download.at < period.until,
        _download.state == DownloadState.TAKEN.name,
    )
    rows = (
        select(*NAMED, _of.machine_state, last.label("last_dial_in"))
        .join_from(licence, office, office.c.id == _of.office)
        .where(
            *where,
            _of.machine_state.in_([state.name for state in IN_USE]),
            _of.issued_on <= period.last,
            ~dialled,
            ~credited,
        )
    )
    # Who never dialled in comes first: both engines sort an empty text so, and NULLs
    # each in its own way.
    known = func.coalesce(last, "")
    orders = {"name": (_of.identifier,), "last_dial_in": (known, _of.identifier)}
    return Matching(rows, orders, _silent)


def _silent(row: Row[Any]) -> Silent:
    state = MachineState[row.machine_state]
    return Silent(read_named(row), state, row.last_dial_in)


def dialled(where: Where, period: Period, window: int | None) -> Matching[Dialled]:
    """Give machines that dialled in, by day, with what they downloaded.

    A credit is proof of a dial-in too, where its usage has not come yet.
    """
    some = (
        select(_of.identifier)
        .join_from(licence, office, office.c.id == _of.office)
        .where(*where)
    )
    acts = union_all(
        _dial_ins(period, window).where(_dial_in.licence.in_(some)),
        _credits(period, window).where(_download.licence.in_(some)),
    ).subquery()
    amount = func.sum(acts.c.paise)
    rows = (
        select(
            *NAMED,
            acts.c.day,
            func.sum(acts.c.dial_ins).label("dial_ins"),
            func.min(acts.c.at).label("first_at"),
            func.max(acts.c.at).label("last_at"),
            func.sum(acts.c.downloads).label("downloads"),
            amount.label("amount"),
        )
        .select_from(
            acts.join(licence, _of.identifier == acts.c.licence).join(
                office, office.c.id == _of.office
            )
        )
        .group_by(_of.identifier, office.c.id, acts.c.day)
    )
    orders = {
        "day": (acts.c.day, _of.identifier),
        "name": (_of.identifier, acts.c.day),
        "amount": (amount, _of.identifier, acts.c.day),
    }
    return Matching(rows, orders, _dialled)


def _dial_ins(period: Period, window: int | None) -> Select[Any]:
    rows = select(
        _dial_in.licence,
        _dial_in.on_day.label("day"),
        _dial_in.at,
        literal(1).label("dial_ins"),
        literal(0).label("downloads"),
        literal(0).label("paise"),
    )
    if window is None:
        return rows.where(_dial_in.on_day.between(period.first, period.last))
    file = exchange_file.c
    return rows.select_from(
        usage_dial_in.join(
            exchange_file,
            (file.file_id == _dial_in.file_id)
            & (file.party == func.substr(_dial_in.licence, 1, 1)),
        )
    ).where(
        file.direction == Direction.IN.name,
        file.state != FileState.REFUSED.name,
        file.business_date.between(period.first, period.last),
        file.window_of_day == window,
    )


def _credits(period: Period, window: int | None) -> Select[Any]:
    recharge = _download.kind == RECHARGE
    rows = select(
        _download.licence,
        DayOf(_download.at).label("day"),
        _download.at,
        literal(0).label("dial_ins"),
        case((recharge, 1), else_=0).label("downloads"),
        case((recharge, _download.amount_paise), else_=0).label("paise"),
    ).where(_download.state == DownloadState.TAKEN.name)
    if window is None:
        return rows.where(_download.at >= period.since, _download.at < period.until)
    return rows.where(
        _download.day.between(period.first, period.last),
        _download.window_of_day == window,
    )


def _dialled(row: Row[Any]) -> Dialled:
    return Dialled(
        read_named(row),
        row.day,
        int(row.dial_ins),
        EpochSeconds(row.first_at),
        EpochSeconds(row.last_at),
        int(row.downloads),
        int(row.amount),
    )


def failed(
    connection: Connection, permit: Permit, narrowed: Narrowed, code: str
) -> Matching[Failed]:
    """Give dial-ins that failed, within what somebody's roles reach."""
    period = narrowed.period
    where = [
        visible(connection, permit, _failed.maker, _of.identifier),
        _failed.on_day.between(period.first, period.last),
    ]
    if narrowed.licence:
        where.append(_failed.licence == narrowed.licence)
    if narrowed.maker:
        where.append(_failed.maker == narrowed.maker)
    if narrowed.office:
        where.append(below(connection, narrowed.office))
    if code:
        where.append(_failed.code == code)
    rows = (
        select(
            failed_dial_in,
            _of.licensee,
            _of.licensee_hi,
        )
        .select_from(
            failed_dial_in.outerjoin(
                licence,
                (_of.identifier == _failed.licence) & (_of.maker == _failed.maker),
            ).outerjoin(office, office.c.id == _of.office)
        )
        .where(*where)
    )
    orders = {
        "at": (_failed.at, _failed.id),
        "name": (_failed.licence, _failed.at, _failed.id),
    }
    return Matching(rows, orders, _failed_of)


def _failed_of(row: Row[Any]) -> Failed:
    return Failed(
        EpochSeconds(row.at),
        row.maker,
        row.licence,
        row.licence_number,
        row.licensee,
        row.licensee_hi,
        row.code,
        row.words,
    )

"""All SQL about the figures of some licences at a time.

Each function asks once for a portion of licences, by an index that begins with the
licence and goes on with the day: what it costs is what these licences did in these
days, however many others there are and however long the history is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    case,
    func,
    select,
    true,
)

from dop_gateway.deposits.model import COUNTS_AS_FIRST
from dop_gateway.deposits.tables import deposit
from dop_gateway.downloads.model import DownloadState
from dop_gateway.downloads.tables import download_line
from dop_gateway.ledger.model import PER_LICENCE, Balances
from dop_gateway.ledger.tables import ledger
from dop_gateway.licences.tables import licence, licence_credential
from dop_gateway.offices.tables import office
from dop_gateway.remaining.tables import remaining_fund
from dop_gateway.reports.model import Figures, Period
from dop_gateway.usage.tables import failed_dial_in, usage_dial_in, usage_product
from protocol.errors import InvariantError
from protocol.keys import MachineProvisioning
from protocol.registers import VoucherKind
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

Some = Sequence[LicenceIdentifier]
"""A portion of licences."""
REACHED = sorted(state.name for state in COUNTS_AS_FIRST)
"""Deposits in these states are in the three accounts of their licence."""
RECHARGE = VoucherKind.RECHARGE.name
GIVEN_BACK = (VoucherKind.WITHDRAWAL.name, VoucherKind.REFUND.name)
_dial_in = usage_dial_in.c
_download = download_line.c
_product = usage_product.c
# A collection of columns has a method of this name.
ITEMS = usage_dial_in.c["items"]


@dataclass(frozen=True, slots=True)
class Rise:
    """What the registers of a machine rose by.

    Attributes:
        last_dial_in: Day of the last dial-in until the end of the period.
    """

    items: int
    used_paise: int
    last_dial_in: date


@dataclass(frozen=True, slots=True)
class Told:
    """What a maker said last that remains."""

    told_paise: int
    at: EpochSeconds


def deposits(connection: Connection, some: Some, period: Period) -> dict[str, Figures]:
    """Count and sum the deposits that reached licences, by day of the payment."""
    of = deposit.c
    rows = connection.execute(
        select(of.licence, func.count().label("deposits"), _sum(of.amount_paise))
        .where(
            of.licence.in_(some),
            of.value_date.between(period.first, period.last),
            of.state.in_(REACHED),
        )
        .group_by(of.licence)
    )
    return {
        row.licence: Figures(deposits=row.deposits, deposits_paise=int(row.total))
        for row in rows
    }


def downloads(connection: Connection, some: Some, period: Period) -> dict[str, Figures]:
    """Count and sum what machines took and gave back, by day of their word."""
    rows = connection.execute(
        select(_download.licence, *sums_of_downloads(true()))
        .where(
            _download.licence.in_(some),
            _download.at >= period.since,
            _download.at < period.until,
            _download.state == DownloadState.TAKEN.name,
        )
        .group_by(_download.licence)
    )
    return {
        row.licence: Figures(
            downloads=int(row.downloads),
            downloads_paise=int(row.taken),
            given_back_paise=int(row.given_back),
        )
        for row in rows
    }


def sums_of_downloads(
    taken: ColumnElement[bool],
) -> tuple[Label[int], Label[int], Label[int]]:
    """Give the columns that count and sum lines: those that were `taken`."""
    amount = _download.amount_paise
    recharge = taken & (_download.kind == RECHARGE)
    given_back = taken & _download.kind.in_(GIVEN_BACK)
    return (
        func.sum(case((recharge, 1), else_=0)).label("downloads"),
        func.sum(case((recharge, amount), else_=0)).label("taken"),
        func.sum(case((given_back, amount), else_=0)).label("given_back"),
    )


def dial_ins(connection: Connection, some: Some, period: Period) -> dict[str, int]:
    """Count the dial-ins that were completed."""
    rows = connection.execute(
        select(_dial_in.licence, func.count().label("dial_ins"))
        .where(
            _dial_in.licence.in_(some),
            _dial_in.on_day.between(period.first, period.last),
        )
        .group_by(_dial_in.licence)
    )
    return {row.licence: row.dial_ins for row in rows}


def failed(connection: Connection, some: Some, period: Period) -> dict[str, int]:
    """Count the dial-ins that failed."""
    of = failed_dial_in.c
    rows = connection.execute(
        select(of.licence, func.count().label("failed"))
        .where(of.licence.in_(some), of.at >= period.since, of.at < period.until)
        .group_by(of.licence)
    )
    return {row.licence: row.failed for row in rows}


def rises(connection: Connection, some: Some, period: Period) -> dict[str, Rise]:
    """Say what registers rose by; machines that never dialled in are left out.

    It is the machine's own word, also where its maker tells no classes: AR and items of
    the last dial-in until the end of the period, less those of the last one before it.

    Raises:
        InvariantError: A machine dialled in whose keys are not known.
    """
    found = select(
        licence.c.identifier,
        _last(_dial_in.on_day < period.first).label("before"),
        _last(_dial_in.on_day <= period.last).label("last"),
    ).where(licence.c.identifier.in_(some))
    ends = found.subquery("ends")
    before, last = usage_dial_in.alias("before"), usage_dial_in.alias("last")
    began = case((ends.c.before.is_(None), licence_credential.c.provisioning))
    rows = connection.execute(
        select(
            ends.c.identifier,
            before.c.ascending_paise.label("from_paise"),
            before.c["items"].label("from_items"),
            last.c.ascending_paise.label("to_paise"),
            last.c["items"].label("to_items"),
            last.c.on_day.label("on_day"),
            began.label("provisioning"),
        ).select_from(
            ends.join(last, last.c.id == ends.c.last)
            .outerjoin(before, before.c.id == ends.c.before)
            .outerjoin(
                licence_credential, licence_credential.c.licence == ends.c.identifier
            )
        )
    )
    return {row.identifier: _rise(row) for row in rows}


def _last(until: ColumnElement[bool]) -> Any:
    return (
        select(_dial_in.id)
        .where(_dial_in.licence == licence.c.identifier, until)
        .order_by(_dial_in.on_day.desc(), _dial_in.number.desc())
        .limit(1)
        .scalar_subquery()
    )


def _rise(row: Any) -> Rise:
    paise, items = row.from_paise, row.from_items
    if paise is None:
        # No dial-in before: what the machine was registered with.
        if row.provisioning is None:
            raise InvariantError(f"{row.identifier} dialled in and has no keys")
        began = MachineProvisioning.decode(row.provisioning)
        paise, items = began.ascending_paise, began.items
    return Rise(row.to_items - items, row.to_paise - paise, row.on_day)


def classed(connection: Connection, some: Some, period: Period) -> dict[str, Figures]:
    """Sum what was franked as machines told it by class."""
    rows = connection.execute(
        select(
            _dial_in.licence,
            func.sum(_product.new_items).label("franked"),
            func.sum(_product.new_paise).label("postage"),
        )
        .select_from(usage_dial_in.join(usage_product))
        .where(
            _dial_in.licence.in_(some),
            _dial_in.on_day.between(period.first, period.last),
        )
        .group_by(_dial_in.licence)
    )
    return {
        row.licence: Figures(items=int(row.franked), used_paise=int(row.postage))
        for row in rows
    }


def told(connection: Connection, some: Some) -> dict[str, Told]:
    """Give what makers said last that remains, with what is reserved."""
    of = remaining_fund.c
    rows = connection.execute(
        select(of.licence, of.remaining_paise, of.reserved_paise, of.made_at).where(
            of.licence.in_(some)
        )
    )
    return {
        row.licence: Told(row.remaining_paise + row.reserved_paise, row.made_at)
        for row in rows
    }


def moved_after(
    connection: Connection, where: Sequence[ColumnElement[bool]], last: date
) -> dict[str, Balances]:
    """Sum what moved in the accounts of licences after a day.

    A balance of that day is the balance of now without it.

    Args:
        connection: To the database.
        where: Conditions over licences and their offices.
        last: The day.
    """
    account, entry, journal = ledger.account.c, ledger.entry.c, ledger.journal.c
    # Journals are numbered as they are posted: entries from the first one on are one
    # range of an index, and the day of each is looked at all the same.
    first = connection.execute(
        select(func.min(journal.id)).where(journal.business_date > last)
    ).scalar_one()
    if first is None:
        return {}
    rows = connection.execute(
        select(account.licence, account.kind, _sum(entry.amount_paise))
        .select_from(
            ledger.entry.join(ledger.journal)
            .join(ledger.account, account.id == entry.account)
            .join(licence, licence.c.identifier == account.licence)
            .join(office, office.c.id == licence.c.office)
        )
        .where(entry.journal >= first, journal.business_date > last, *where)
        .group_by(account.licence, account.kind)
    )
    moved: dict[str, dict[str, int]] = {}
    for row in rows:
        moved.setdefault(row.licence, {})[row.kind] = int(row.total)
    return {of: _balances(kinds) for of, kinds in moved.items()}


def _balances(kinds: dict[str, int]) -> Balances:
    return Balances(*(Paise(kinds.get(kind.name, 0)) for kind in PER_LICENCE))


def _sum(column: ColumnElement[Any]) -> Label[Any]:
    return func.sum(column).label("total")

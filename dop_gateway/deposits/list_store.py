"""SQL of lists of deposits, within what somebody's roles reach."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, select

from dop_gateway.access import Permit
from dop_gateway.deposits.model import Deposit, DepositId, DepositState
from dop_gateway.deposits.store import read
from dop_gateway.deposits.tables import deposit
from dop_gateway.ledger import Source
from dop_gateway.licences.reach import visible
from dop_gateway.licences.tables import licence
from dop_gateway.offices.tables import office
from dop_gateway.store.matching import Matching
from protocol.exchange import PaymentMode

_of = deposit.c
_ORDERS: Final = {
    "id": (_of.id,),
    "value_date": (_of.value_date, _of.id),
    "amount": (_of.amount_paise, _of.id),
    "state": (_of.state, _of.id),
    "suspended_at": (_of.suspended_at, _of.id),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deposits; None and empty narrow nothing."""

    state: DepositState | None = None
    source: Source | None = None
    mode: PaymentMode | None = None
    licence: str = ""
    maker: str = ""
    reference: str = ""
    dated_from: date | None = None
    dated_to: date | None = None


def matching(
    connection: Connection, permit: Permit, wanted: Wanted
) -> Matching[Deposit]:
    """Give the deposits that a filter lets through, of those within reach."""
    rows = _within_reach(connection, permit).where(*_conditions(wanted))
    return Matching(rows, _ORDERS, read)


def find(
    connection: Connection, permit: Permit, deposit_id: DepositId
) -> Deposit | None:
    """Find a deposit within reach; None if there is none."""
    query = _within_reach(connection, permit).where(_of.id == deposit_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else read(row)


def _within_reach(connection: Connection, permit: Permit) -> Select[Any]:
    # One that belongs to no licence is seen by those only who see everything.
    reached = visible(connection, permit, licence.c.maker, licence.c.identifier)
    joined = deposit.outerjoin(licence, licence.c.identifier == _of.licence).outerjoin(
        office, office.c.id == licence.c.office
    )
    return select(deposit).select_from(joined).where(reached)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    told: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        told.append(_of.state == wanted.state.name)
    if wanted.source is not None:
        told.append(_of.source == wanted.source.name)
    if wanted.mode is not None:
        told.append(_of.mode == wanted.mode.name)
    if wanted.licence:
        told.append(_of.licence == wanted.licence)
    if wanted.maker:
        told.append(licence.c.maker == wanted.maker)
    if wanted.reference:
        told.append(_of.reference == wanted.reference)
    if wanted.dated_from is not None:
        told.append(_of.value_date >= wanted.dated_from)
    if wanted.dated_to is not None:
        told.append(_of.value_date <= wanted.dated_to)
    return told

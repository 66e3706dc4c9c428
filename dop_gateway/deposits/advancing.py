"""What time and machines do to deposits: they come due, and are used up.

How much of its deposits a licence has downloaded is not told by any file: it follows
from the ledger. What is left of all its deposits together is what ``remaining:`` holds;
the oldest deposit is used up first, and what a machine gives back fills the newest.

Source: RMFS-25, RMFS-39.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, func, select

from dop_gateway import ledger
from dop_gateway.deposits import store
from dop_gateway.deposits.model import (
    IN_REMAINING,
    Deposit,
    DepositEvent,
    DepositState,
)
from dop_gateway.deposits.steps import Steps
from dop_gateway.deposits.tables import deposit
from dop_gateway.identity.model import By
from dop_gateway.ledger import AccountKind, JournalKind
from protocol.values import LicenceIdentifier, Paise

_S = DepositState
_E = DepositEvent
_of = deposit.c
_IN_HAND: Final = frozenset(
    {_S.ACKNOWLEDGED, _S.AVAILABLE, _S.PARTLY_DOWNLOADED, _S.DOWNLOADED}
)
_RECALLED: Final = frozenset({_S.RECALLED, _S.OWED, _S.PAID_AGAIN})
_REMAINING: Final = [state.name for state in IN_REMAINING]


@dataclass(frozen=True, slots=True)
class Advanced:
    """What was found.

    Attributes:
        came_due: Deposits that a machine may ask for now.
        used: Licences whose deposits are used up as the ledger says now.
    """

    came_due: int
    used: int


def advance(connection: Connection, today: date, by: By) -> Advanced:
    """Bring deposits to where time and the ledger have brought them.

    Args:
        connection: A writing transaction.
        today: Business date.
        by: Who.
    """
    steps = Steps(by)
    due = store.lock_where(
        connection,
        (_of.state == _S.ACKNOWLEDGED.name) & (_of.available_from <= today),
    )
    for one in due:
        steps.move(one, _E.CAME_DUE)
    steps.write(connection, "come due")
    parted = _parted(connection)
    _use(connection, steps, parted)
    steps.write(connection, "use up")
    return Advanced(len(due), len(parted))


def _parted(connection: Connection) -> list[LicenceIdentifier]:
    """List licences whose deposits say another rest than the ledger."""
    rest = _of.amount_paise - _of.downloaded_paise - _of.refunded_paise
    rows = connection.execute(
        select(_of.licence, func.sum(rest).label("rest"))
        .where(_of.state.in_(_REMAINING))
        .group_by(_of.licence)
        .order_by(_of.licence)
    ).all()
    named = [LicenceIdentifier(row.licence) for row in rows]
    held = ledger.balances_of(connection, named)
    return [
        licence
        for licence, row in zip(named, rows, strict=True)
        if int(row.rest) != held[licence].remaining
    ]


def _use(
    connection: Connection, steps: Steps, licences: Sequence[LicenceIdentifier]
) -> None:
    held = ledger.balances_of(connection, licences)
    kind = AccountKind.REMAINING
    moved = ledger.sums_by_kind(connection, kind, licences)
    of_licence: dict[LicenceIdentifier, list[Deposit]] = {}
    for some in store.chunks(licences):
        where = _of.licence.in_(some) & _of.state.in_(_REMAINING)
        for one in store.lock_where(connection, where):
            if one.licence is not None:
                of_licence.setdefault(one.licence, []).append(one)
    for licence in licences:
        deposits = of_licence.get(licence, [])
        refunded = -moved.get((licence, JournalKind.REFUNDED), 0)
        _share(steps, deposits, held[licence].remaining, refunded)


def _share(
    steps: Steps, deposits: Sequence[Deposit], remaining: Paise, refunded: int
) -> None:
    """Say of each deposit of a licence what is left of it."""
    # What is taken back already is used last: the maker may still give it back.
    order = sorted(deposits, key=lambda one: (one.state in _RECALLED, one.id))
    back = refunded - sum(one.refunded_paise for one in order)
    used = sum(one.rest_paise for one in order) - remaining - back
    rests = {one.id: one.rest_paise for one in order}
    spent = _spread(order, used, lambda one: rests[one.id])
    paid: dict[int, int] = {}
    if back > 0:
        left = {one.id: rests[one.id] - spent.get(one.id, 0) for one in order}
        paid = _spread(order, back, lambda one: left[one.id])
    for one in order:
        down = one.downloaded_paise + spent.get(one.id, 0)
        out = one.refunded_paise + paid.get(one.id, 0)
        if (down, out) != (one.downloaded_paise, one.refunded_paise):
            _say(steps, one, Paise(down), Paise(out))


def _spread(
    order: Sequence[Deposit], amount: int, room: Callable[[Deposit], int]
) -> dict[int, int]:
    """Take an amount from the oldest on, or give it back from the newest on."""
    shares: dict[int, int] = {}
    each: Iterable[Deposit] = order if amount > 0 else reversed(order)
    left = abs(amount)
    for one in each:
        part = min(left, room(one) if amount > 0 else one.downloaded_paise)
        if part > 0:
            shares[one.id] = part if amount > 0 else -part
            left -= part
    return shares


def _say(steps: Steps, one: Deposit, down: Paise, out: Paise) -> None:
    event = _use_of(one, down, out)
    if event is None:
        steps.note(one, downloaded_paise=down, refunded_paise=out)
    else:
        steps.move(one, event, downloaded_paise=down, refunded_paise=out)


def _use_of(one: Deposit, down: Paise, out: Paise) -> DepositEvent | None:
    """Say what happened to a deposit; None where its state does not tell its use."""
    whole = down + out == one.amount_paise
    if one.state not in _IN_HAND:
        return None
    if out > one.refunded_paise and whole:
        return _E.REFUNDED
    if whole:
        return _E.DOWNLOADED_WHOLLY
    if down + out > one.downloaded_paise + one.refunded_paise:
        return _E.DOWNLOADED_PARTLY
    return _E.GIVEN_BACK_WHOLLY if down == 0 else _E.GIVEN_BACK_PARTLY

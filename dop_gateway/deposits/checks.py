"""Do the states of deposits say what the ledger says? Findings are mistakes.

- What is authenticated and not answered is in ``deposited:``.
- What is left of the deposits at the maker is in ``remaining:``; while machines were
  busy since `advancing` ran last, less may be there, or more.
- What waits in suspense, less what banks took back and nobody gave back yet, is in
  ``suspense``.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from dop_gateway import ledger
from dop_gateway.deposits.model import (
    CLAIMED,
    IN_DEPOSITED,
    IN_REMAINING,
    DepositState,
)
from dop_gateway.deposits.tables import deposit
from dop_gateway.ledger import AccountKind, JournalKind, movements
from hw.database.ledger_checks import Finding
from protocol.values import LicenceIdentifier

_of = deposit.c
_USE: Final = (
    JournalKind.DOWNLOADED,
    JournalKind.WITHDRAWN,
    JournalKind.REFUNDED,
)


def verify(connection: Connection) -> Iterator[Finding]:
    """Compare all deposits with the ledger."""
    yield from _suspense(connection)
    deposited = _sums(connection, IN_DEPOSITED)
    brought = _sums(connection, IN_REMAINING)
    licences = sorted(deposited.keys() | brought.keys())
    held = ledger.balances_of(connection, licences)
    used = ledger.sums_by_kind(connection, AccountKind.REMAINING, licences)
    for licence in licences:
        expected = deposited.get(licence, 0)
        found = held[licence].deposited
        if expected != found:
            detail = f"deposits say {expected} paise, the ledger {found}"
            yield Finding("deposits are in deposited:", licence, detail)
        out = sum(used.get((licence, kind), 0) for kind in _USE)
        expected = brought.get(licence, 0) + out
        found = held[licence].remaining
        if expected != found:
            detail = f"deposits less their use say {expected} paise, the ledger {found}"
            yield Finding("deposits are in remaining:", licence, detail)


def _suspense(connection: Connection) -> Iterator[Finding]:
    claimed = (_of.recalled_for == DepositState.BOUNCED.name) & _of.state.in_(
        [state.name for state in CLAIMED]
    )
    total = func.coalesce(func.sum(_of.amount_paise), 0)
    waiting = select(total).where(_of.state == DepositState.SUSPENSE.name)
    expected = _one(connection, waiting) - _one(
        connection, select(total).where(claimed)
    )
    found = ledger.balance_paise(connection, movements.SUSPENSE)
    if expected != found:
        detail = f"deposits say {expected} paise, the ledger {found}"
        yield Finding("suspense is what waits, less claims", "suspense", detail)


def _sums(
    connection: Connection, states: Collection[DepositState]
) -> dict[LicenceIdentifier, int]:
    rows = connection.execute(
        select(_of.licence, func.sum(_of.amount_paise).label("total"))
        .where(_of.state.in_([state.name for state in states]))
        .group_by(_of.licence)
    )
    return {LicenceIdentifier(row.licence): int(row.total) for row in rows}


def _one(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())

"""The Department's ledger in the database: open, post, read, recompute.

How money moves in it: `hw.database.ledger`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from dop_gateway.identity.model import By
from dop_gateway.ledger.model import (
    PER_LICENCE,
    POOLED,
    AccountKind,
    Balances,
    JournalKind,
)
from dop_gateway.ledger.movements import Movement, account_of, pooled
from dop_gateway.ledger.tables import ledger as tables
from hw.database.ledger import AccountName, Ledger, Posted, request_hash
from hw.database.ledger_batch import LedgerBatch, Posting
from hw.database.ledger_checks import LedgerChecks
from protocol.errors import InvariantError
from protocol.values import LicenceIdentifier, Paise

_POOLED: Final = {pooled(kind): kind for kind in POOLED}
_LEDGER: Final = Ledger(tables, _POOLED)
_BATCH: Final = LedgerBatch(tables)
_LICENCES_AT_A_TIME: Final = 1_000

balance_paise: Final = _LEDGER.balance_paise
"""Read what an account holds, by its name; a pooled one is summed up."""
close_period: Final = _LEDGER.close_period
find: Final = _LEDGER.find
"""Find a journal by its key."""
lock_accounts_of: Final = _LEDGER.lock_accounts_of
"""Lock the balances of a licence for this transaction."""
statement_of_account: Final = _LEDGER.statement_of_account
"""List the newest entries of a licence's accounts, newest first."""
total_paise: Final = _LEDGER.total_paise
verify: Final = LedgerChecks(tables, _POOLED).verify
"""Recompute the ledger; findings are mistakes."""


def open_licence(connection: Connection, licence: LicenceIdentifier) -> None:
    """Open the three accounts of a licence that is issued."""
    for kind in PER_LICENCE:
        _LEDGER.open_account(connection, account_of(kind, licence), kind, licence)


def post(connection: Connection, movement: Movement, by: By) -> Posted:
    """Move money, or find that it was moved.

    Raises:
        InvariantError: The key was used for another movement, or an account would fall
            below zero: nothing of this transaction may stay.
        LocalProtocolError: The licence has no accounts.
    """
    return post_many(connection, [movement], by)[0]


def post_many(
    connection: Connection, movements: Iterable[Movement], by: By
) -> list[Posted]:
    """Move money many times, in this order; each as `post` does."""
    postings = [_posting(one, by.actor.login) for one in movements]
    return _BATCH.post(connection, postings, by.now)


def balances(connection: Connection, licence: LicenceIdentifier) -> Balances:
    """Read the three balances of a licence; 0 each where it has no accounts yet."""
    return next(iter(balances_of(connection, [licence]).values()))


def balances_of(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, Balances]:
    """Read the three balances of licences, in their order."""
    account, balance = tables.account.c, tables.balance.c
    held: dict[tuple[str, str], int] = {}
    for start in range(0, len(licences), _LICENCES_AT_A_TIME):
        some = licences[start : start + _LICENCES_AT_A_TIME]
        rows = connection.execute(
            select(account.licence, account.kind, balance.balance_paise)
            .select_from(tables.account.join(tables.balance))
            .where(account.licence.in_(some))
        )
        held.update({(row.licence, row.kind): row.balance_paise for row in rows})
    return {
        licence: Balances(
            *(Paise(held.get((licence, kind.name), 0)) for kind in PER_LICENCE)
        )
        for licence in licences
    }


def sums_by_kind(
    connection: Connection, kind: AccountKind, licences: Sequence[LicenceIdentifier]
) -> dict[tuple[LicenceIdentifier, JournalKind], int]:
    """Sum the entries of licences' accounts of one kind by why money moved.

    Returns:
        Paise by licence and kind of journal, with sign; what never moved is missing.
    """
    account, entry, journal = tables.account.c, tables.entry.c, tables.journal.c
    sums: dict[tuple[LicenceIdentifier, JournalKind], int] = {}
    for start in range(0, len(licences), _LICENCES_AT_A_TIME):
        some = licences[start : start + _LICENCES_AT_A_TIME]
        rows = connection.execute(
            select(
                account.licence,
                journal.kind,
                func.sum(entry.amount_paise).label("total"),
            )
            .select_from(tables.entry.join(tables.account).join(tables.journal))
            .where(account.licence.in_(some), account.kind == kind.name)
            .group_by(account.licence, journal.kind)
        )
        for row in rows:
            sums[row.licence, JournalKind[row.kind]] = int(row.total)
    return sums


def all_balances(connection: Connection) -> Iterator[tuple[AccountName, Paise]]:
    """Read what each account holds, pooled ones first."""
    for name in sorted(_POOLED):
        yield name, balance_paise(connection, name)
    account, balance = tables.account.c, tables.balance.c
    rows = connection.execute(
        select(account.name, balance.balance_paise)
        .select_from(tables.account.join(tables.balance))
        .order_by(account.licence, account.id)
    )
    for row in rows:
        yield AccountName(row.name), Paise(row.balance_paise)


def _posting(movement: Movement, person: str) -> Posting:
    if movement.amount_paise <= 0:
        message = f"{movement.key}: more than 0 goes from one account to another"
        raise InvariantError(message)
    hashed = request_hash(
        movement.kind.name,
        movement.from_account,
        movement.to_account,
        movement.amount_paise,
    )
    return Posting(
        movement.key,
        hashed,
        movement.kind,
        (
            (movement.from_account, -movement.amount_paise),
            (movement.to_account, movement.amount_paise),
        ),
        movement.reason,
        person,
    )

"""The server's ledger: which accounts there are. How money moves: `hw.database.ledger`.

Accounts: ``department`` and ``suspense`` are pooled; each licence has ``funds:``,
``reserved:`` and ``machine:`` accounts, which can never be negative.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from hw.database.gathering import Gathering, Pen
from hw.database.ledger import AccountName, Ledger, Line, Posted, request_hash
from hw.database.ledger_batch import LedgerBatch, Posting
from hw.database.ledger_checks import LedgerChecks
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.store import schema
from rmfs_server.store.schema import AccountKind, JournalKind

__all__ = [
    "BATCH",
    "DEPARTMENT",
    "SUSPENSE",
    "AccountName",
    "Line",
    "Posted",
    "balance_paise",
    "close_period",
    "enter",
    "find",
    "funds_of",
    "lock_accounts",
    "lock_accounts_of",
    "machine_of",
    "open_accounts",
    "open_pooled_accounts",
    "post",
    "request_hash",
    "reserved_of",
    "reverse",
    "statement_of_account",
    "total_paise",
    "verify",
]

DEPARTMENT: Final = AccountName("department")
SUSPENSE: Final = AccountName("suspense")
_POOLED: Final = {
    DEPARTMENT: AccountKind.DEPARTMENT,
    SUSPENSE: AccountKind.SUSPENSE,
}
_PER_LICENCE: Final = (AccountKind.FUNDS, AccountKind.RESERVED, AccountKind.MACHINE)
_LEDGER: Final = Ledger(schema.ledger, _POOLED)
BATCH: Final = LedgerBatch(schema.ledger)
"""Posts what was gathered."""

balance_paise: Final = _LEDGER.balance_paise
close_period: Final = _LEDGER.close_period
find: Final = _LEDGER.find
lock_accounts: Final = _LEDGER.lock_accounts
lock_accounts_of: Final = _LEDGER.lock_accounts_of
post: Final = _LEDGER.post
statement_of_account: Final = _LEDGER.statement_of_account
total_paise: Final = _LEDGER.total_paise
verify: Final = LedgerChecks(schema.ledger, _POOLED).verify


def funds_of(licence: LicenceIdentifier) -> AccountName:
    """Name the account of the funds that remain at this server."""
    return AccountName(f"funds:{licence}")


def reserved_of(licence: LicenceIdentifier) -> AccountName:
    """Name the account of what a voucher under way holds."""
    return AccountName(f"reserved:{licence}")


def machine_of(licence: LicenceIdentifier) -> AccountName:
    """Name the account of the machine's control total."""
    return AccountName(f"machine:{licence}")


def open_pooled_accounts(connection: Connection) -> None:
    """Open the accounts that belong to no licence, of new books."""
    for name, kind in _POOLED.items():
        _LEDGER.open_pooled(connection, name, kind)


def open_accounts(connection: Connection, licence: LicenceIdentifier) -> None:
    """Open the accounts of a new licence."""
    for kind in _PER_LICENCE:
        name = AccountName(f"{kind.name.lower()}:{licence}")
        _LEDGER.open_account(connection, name, kind, licence)


def enter(
    pen: Pen,
    *,
    idem: str,
    request_hash: bytes,
    kind: JournalKind,
    entries: Sequence[tuple[AccountName, int]],
    now: EpochSeconds,
    reason: str,
    person: str | None = None,
) -> None:
    """Post a journal as `post` does, or let it wait with what is gathered.

    Raises:
        InvariantError: The key was used for another request, the entries do not add up,
            an account would fall below zero, or the business date is closed; of what
            waits this is raised when it is written.
        LocalProtocolError: An account does not exist.
    """
    if isinstance(pen, Gathering):
        posting = Posting(idem, request_hash, kind, entries, reason, person)
        pen.add(BATCH, (posting, now))
        return
    post(
        pen,
        idem=idem,
        request_hash=request_hash,
        kind=kind,
        entries=entries,
        now=now,
        reason=reason,
        person=person,
    )


def reverse(
    connection: Connection,
    journal: int,
    *,
    now: EpochSeconds,
    reason: str,
    person: str,
) -> Posted:
    """Take a journal back by its exact opposite; a second time changes nothing.

    Raises:
        InvariantError: An account would fall below zero.
        LocalProtocolError: There is no such journal.
    """
    return _LEDGER.reverse(
        connection,
        journal,
        kind=JournalKind.REVERSAL,
        now=now,
        reason=reason,
        person=person,
    )

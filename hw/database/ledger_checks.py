"""Recompute a ledger: balances from entries, journals from what they must sum to.

Source: reliability notes, rules L3, L6 to L8 and L16.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hw.database.ledger_tables import LedgerTables
from hw.database.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the books that does not add up.

    Attributes:
        rule: Short name of the rule that is broken.
        subject: What breaks it: a journal, an account, a licence.
        detail: What was expected and what was found.
    """

    rule: str
    subject: str
    detail: str


class LedgerChecks:
    """The checks of one ledger; built once, for they are executed often."""

    def __init__(self, tables: LedgerTables, pooled: Iterable[str]) -> None:
        """Check the ledger in these tables; `pooled` accounts have no balance row."""
        self._pooled = frozenset(pooled)
        account, balance = tables.account, tables.balance
        journal, entry = tables.journal, tables.entry
        self._unbalanced = Prepared(
            select(
                journal.c.id,
                func.count(entry.c.id).label("entries"),
                func.coalesce(func.sum(entry.c.amount_paise), 0).label("total"),
            )
            .select_from(journal.outerjoin(entry))
            .group_by(journal.c.id)
            .having(
                (func.count(entry.c.id) < 2)  # noqa: PLR2004
                | (func.sum(entry.c.amount_paise) != 0)
            )
        )
        self._orphans = Prepared(
            select(entry.c.id)
            .select_from(entry.outerjoin(journal))
            .where(journal.c.id.is_(None))
        )
        self._sums = Prepared(
            select(
                account.c.name,
                balance.c.balance_paise,
                balance.c.seq,
                func.coalesce(func.sum(entry.c.amount_paise), 0).label("total"),
                func.count(entry.c.id).label("entries"),
                func.count(entry.c.seq).label("numbered"),
                func.coalesce(func.max(entry.c.seq), 0).label("last"),
            )
            .select_from(account.outerjoin(balance).outerjoin(entry))
            .group_by(account.c.id, balance.c.account)
        )

    def verify(self, connection: Connection) -> Iterator[Finding]:
        """Recompute journals and balances from the entries; findings are mistakes."""
        for row in self._unbalanced.all(connection, {}):
            detail = f"{row.entries} entries sum to {row.total} paise"
            yield Finding("journal balanced", f"journal {row.id}", detail)
        for orphan in self._orphans.all(connection, {}):
            subject = f"entry {orphan.id}"
            yield Finding("entry in a journal", subject, "its journal is missing")
        for row in self._sums.all(connection, {}):
            yield from self._verify_account(row)

    def _verify_account(self, row: Row[Any]) -> Iterator[Finding]:
        if row.name in self._pooled:
            if row.balance_paise is not None or row.numbered:
                detail = "it has a balance row or numbers"
                yield Finding("pooled account", row.name, detail)
            return
        if row.balance_paise != row.total:
            detail = f"{row.balance_paise} paise, its entries sum to {row.total}"
            yield Finding("balance is the sum of entries", row.name, detail)
        # Numbers are unique and positive: as many as the last one leave no gap.
        if not row.entries == row.numbered == row.last == row.seq:
            detail = (
                f"{row.entries} entries, last number {row.last}, row says {row.seq}"
            )
            yield Finding("entries numbered without gaps", row.name, detail)

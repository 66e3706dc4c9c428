"""A double-entry ledger: post, look up, lock. Money moves by it and in no other way.

A journal is written once, with entries that sum to zero; nothing is ever changed. Who
starts a movement gives it an idempotency key made of what it is about
(``reserve:N123456:7``): the same key with the same request gives the journal that is
there, with another request it is an error.

- A pooled account has no balance row, so that no row is common to all movements; it may
  have any sum. Every other account has one, which can never be negative, and numbers
  its entries without gaps.
- Entries come first and the journal row seals them: its trigger counts and sums them,
  and no entry can follow (`hw.database.guards.ledger_guards`).
- Whoever reads a balance in order to act on it locks it first, always in the order of
  the accounts' ids.

Which accounts there are and why money moves is each party's own.

Source: reliability notes, section 3, rules L1 to L10 and L15.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from hashlib import sha256
from typing import Any, Final, NewType

from sqlalchemy import Connection, Row, bindparam, func, insert, select, text, update

from hw.database.columns import INTEGER
from hw.database.ledger_tables import LedgerTables
from hw.database.prepared import Prepared, PreparedIn
from protocol.errors import InvariantError, LocalProtocolError
from protocol.parameters import business_date
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

AccountName = NewType("AccountName", str)
"""Name of an account, as in ``funds:N123456``."""

_NEXT: Final = text("SELECT nextval('journal_number')")


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal that is in the ledger.

    Attributes:
        journal: Its id.
        repeated: It was there already: nothing was posted now.
    """

    journal: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a person reads it.

    Attributes:
        kind: Name of the journal's kind.
    """

    journal: int
    posted_at: EpochSeconds
    kind: str
    account: AccountName
    amount_paise: int
    reason: str


def request_hash(*parts: object) -> bytes:
    """Hash what is asked for, so that a key is never used for two requests."""
    return sha256("\x1f".join(map(str, parts)).encode()).digest()


class Ledger:
    """The ledger in tables of its own.

    Its statements are built once: building one takes SQLAlchemy as long as SQLite takes
    to run it. A list in an IN is spelled out anew at each execution.
    """

    def __init__(self, tables: LedgerTables, pooled: Iterable[AccountName]) -> None:
        """Keep the ledger in these tables.

        Args:
            tables: From `hw.database.ledger_tables`.
            pooled: The pooled accounts by name.
        """
        self._tables = tables
        self._pooled = frozenset(pooled)
        account, balance = tables.account, tables.balance
        journal, entry = tables.journal, tables.entry
        balances = (
            select(account.c.name, balance.c.balance_paise)
            .select_from(balance.join(account))
            .order_by(account.c.id)
            .with_for_update(of=balance)
        )
        self._lock = balances.where(
            account.c.name.in_(bindparam("names", expanding=True))
        )
        self._lock_all_of = PreparedIn(balances, account.c.licence)
        self._balance = Prepared(
            select(account.c.id, balance.c.balance_paise)
            .select_from(account.outerjoin(balance))
            .where(account.c.name == bindparam("name"))
        )
        self._by_key = select(journal.c.id).where(journal.c.idem == bindparam("idem"))
        self._ids_of_names = select(account.c.id, account.c.name).where(
            account.c.name.in_(bindparam("names", expanding=True))
        )
        self._move = Prepared(
            update(balance)
            .where(
                balance.c.account == bindparam("of_account"),
                balance.c.balance_paise + bindparam("amount", type_=INTEGER) >= 0,
            )
            .values(
                balance_paise=balance.c.balance_paise
                + bindparam("amount", type_=INTEGER),
                seq=balance.c.seq + 1,
            )
            .returning(balance.c.seq)
        )
        self._enter = Prepared(insert(entry))
        self._seal = Prepared(insert(journal))
        largest = select(func.max(journal.c.id).label("id")).subquery("largest")
        # The journal of a key, if there is one, the largest id of any, two accounts.
        self._look_up = Prepared(
            select(
                largest.c.id.label("largest"),
                journal.c.id,
                journal.c.request_hash,
                account.c.id.label("account"),
                account.c.name,
            ).select_from(
                largest.outerjoin(journal, journal.c.idem == bindparam("idem")).join(
                    account,
                    account.c.name.in_([bindparam("one"), bindparam("other")]),
                )
            )
        )

    def open_pooled(
        self, connection: Connection, name: AccountName, kind: Enum
    ) -> None:
        """Open a pooled account."""
        connection.execute(
            insert(self._tables.account).values(name=name, kind=kind.name)
        )

    def open_account(
        self,
        connection: Connection,
        name: AccountName,
        kind: Enum,
        licence: LicenceIdentifier,
    ) -> None:
        """Open an account of a licence, with nothing in it."""
        row = connection.execute(
            insert(self._tables.account)
            .values(name=name, kind=kind.name, licence=licence)
            .returning(self._tables.account.c.id)
        ).scalar_one()
        connection.execute(
            insert(self._tables.balance).values(account=row, balance_paise=0, seq=0)
        )

    def lock_accounts(
        self, connection: Connection, names: Iterable[AccountName]
    ) -> dict[AccountName, Paise]:
        """Lock balances for this transaction, in the one global order.

        Returns:
            The balance of each; pooled accounts are not locked and not listed.
        """
        rows = connection.execute(self._lock, {"names": list(names)})
        return {AccountName(row.name): Paise(row.balance_paise) for row in rows}

    def lock_accounts_of(
        self, connection: Connection, *licences: LicenceIdentifier
    ) -> None:
        """Lock the balances of licences for this transaction, in the global order.

        Args:
            connection: A writing transaction.
            licences: At most `KEYS_MAX` of `hw.database.prepared`.
        """
        # SQLite has one writer at a time: whoever writes has locked everything.
        if connection.dialect.name == "postgresql" and licences:
            self._lock_all_of.all(connection, licences)

    def balance_paise(self, connection: Connection, name: AccountName) -> Paise:
        """Read the balance of a licence's account, or sum up a pooled one.

        Raises:
            LocalProtocolError: There is no such account.
        """
        row = self._balance.one_or_none(connection, {"name": name})
        if row is None:
            raise LocalProtocolError(f"there is no account {name}")
        if row.balance_paise is not None:
            return Paise(row.balance_paise)
        entry = self._tables.entry.c
        total = connection.execute(
            select(func.coalesce(func.sum(entry.amount_paise), 0)).where(
                entry.account == row.id
            )
        ).scalar_one()
        return Paise(int(total))

    def statement_of_account(
        self, connection: Connection, licence: LicenceIdentifier, rows_max: int
    ) -> list[Line]:
        """List the newest entries of a licence's accounts, newest first."""
        tables = self._tables
        entry, account, journal = tables.entry.c, tables.account.c, tables.journal.c
        rows = connection.execute(
            select(
                journal.id,
                journal.posted_at,
                journal.kind,
                journal.reason,
                account.name,
                entry.amount_paise,
            )
            .select_from(tables.entry.join(tables.account).join(tables.journal))
            .where(account.licence == licence)
            .order_by(journal.id.desc(), entry.id)
            .limit(rows_max)
        )
        return [
            Line(
                row.id,
                EpochSeconds(row.posted_at),
                row.kind,
                AccountName(row.name),
                row.amount_paise,
                row.reason,
            )
            for row in rows
        ]

    def find(self, connection: Connection, idem: str) -> int | None:
        """Find a journal by its key."""
        return connection.execute(self._by_key, {"idem": idem}).scalar_one_or_none()

    def post(
        self,
        connection: Connection,
        *,
        idem: str,
        request_hash: bytes,
        kind: Enum,
        entries: Sequence[tuple[AccountName, int]],
        now: EpochSeconds,
        reason: str,
        person: str | None = None,
        reverses: int | None = None,
        refers_to: int | None = None,
    ) -> Posted:
        """Post a journal, or find the one that has this key.

        Args:
            connection: A writing transaction.
            idem: The caller's key, made of what the posting is about.
            request_hash: 32 octets over what is asked for; see `request_hash`.
            kind: Why value moves.
            entries: Account and amount in paise, two at least, summing to 0.
            now: When; the business date follows from it.
            reason: A sentence for people.
            person: Who decided it, when somebody did.
            reverses: The journal that this one takes back; at most one may.
            refers_to: The journal that this one is about.

        Raises:
            InvariantError: The key was used for another request, the entries do not add
                up, an account would fall below zero, or the business date is closed.
            LocalProtocolError: An account does not exist.
        """
        check_sum(idem, entries)
        accounts = [name for name, _ in entries]
        one, other = accounts[:2]
        found = self._look_up.all(
            connection, {"idem": idem, "one": one, "other": other}
        )
        ids = self._account_ids(connection, accounts, found)
        first = found[0]
        if first.id is not None:
            if first.request_hash != request_hash:
                raise InvariantError(f"{idem} is in the ledger with another request")
            return Posted(first.id, repeated=True)
        journal = _next_id(connection, first.largest)
        in_order = sorted((ids[name], name, amount) for name, amount in entries)
        self._write_entries(connection, journal, in_order)
        self._seal.run(
            connection,
            {
                "id": journal,
                "idem": idem,
                "request_hash": request_hash,
                "kind": kind.name,
                "reverses": reverses,
                "refers_to": refers_to,
                "business_date": business_date(now),
                "posted_at": now,
                "reason": reason,
                "person": person,
            },
        )
        return Posted(journal, repeated=False)

    def reverse(
        self,
        connection: Connection,
        journal: int,
        *,
        kind: Enum,
        now: EpochSeconds,
        reason: str,
        person: str,
    ) -> Posted:
        """Take a journal back by its exact opposite; a second time changes nothing.

        Raises:
            InvariantError: An account would fall below zero.
            LocalProtocolError: There is no such journal.
        """
        account, entry = self._tables.account, self._tables.entry
        rows = connection.execute(
            select(account.c.name, entry.c.amount_paise)
            .select_from(entry.join(account))
            .where(entry.c.journal == journal)
        ).all()
        if not rows:
            raise LocalProtocolError(f"there is no journal {journal}")
        return self.post(
            connection,
            idem=f"reversal:{journal}",
            request_hash=request_hash("reversal", journal),
            kind=kind,
            entries=[(AccountName(row.name), -row.amount_paise) for row in rows],
            now=now,
            reason=reason,
            person=person,
            reverses=journal,
        )

    def close_period(
        self, connection: Connection, through: date, *, now: EpochSeconds, person: str
    ) -> None:
        """Close every business date up to one that is over.

        Raises:
            LocalProtocolError: The date is not over yet.
        """
        if through >= business_date(now):
            raise LocalProtocolError(f"{through.isoformat()} is not over yet")
        connection.execute(
            insert(self._tables.closed_period).values(
                through=through, closed_at=now, person=person
            )
        )

    def total_paise(self, connection: Connection) -> int:
        """Sum every entry there is: 0, or money was made or lost (L3)."""
        amount = self._tables.entry.c.amount_paise
        query = select(func.coalesce(func.sum(amount), 0))
        return int(connection.execute(query).scalar_one())

    def _account_ids(
        self,
        connection: Connection,
        accounts: Sequence[AccountName],
        found: Iterable[Row[Any]],
    ) -> Mapping[AccountName, int]:
        """Give the ids of accounts, of which the first two are found already."""
        ids = {AccountName(row.name): int(row.account) for row in found}
        others = accounts[2:]
        if others:
            rows = connection.execute(self._ids_of_names, {"names": list(others)})
            ids.update({AccountName(row.name): int(row.id) for row in rows})
        missing = [name for name in accounts if name not in ids]
        if missing:
            raise LocalProtocolError(f"there is no account {missing[0]}")
        return ids

    def _write_entries(
        self,
        connection: Connection,
        journal: int,
        entries: Iterable[tuple[int, AccountName, int]],
    ) -> None:
        """Change the balances, and write the entries with the places they have there.

        Args:
            connection: A writing transaction.
            journal: That will seal them.
            entries: Id, name and amount in paise of each account, ordered by the ids.
        """
        rows = []
        for account, name, amount in entries:
            seq = None
            if name not in self._pooled:
                seq = self._change(connection, name, account, amount)
            rows.append(
                {
                    "journal": journal,
                    "account": account,
                    "amount_paise": amount,
                    "seq": seq,
                }
            )
        self._enter.run_many(connection, rows)

    def _change(
        self, connection: Connection, name: AccountName, account: int, amount: int
    ) -> int:
        """Change a balance and give its new count: check and act are one."""
        row = self._move.one_or_none(
            connection, {"of_account": account, "amount": amount}
        )
        if row is None:
            raise InvariantError(f"{name} does not hold {-amount} paise")
        return int(row.seq)


def check_sum(idem: str, entries: Sequence[tuple[AccountName, int]]) -> None:
    """Check what is to be posted under a key.

    Raises:
        InvariantError: It does not sum to 0 over two accounts at least.
    """
    # The database holds the same rules; this says which posting broke them.
    if sum(amount for _, amount in entries) != 0:
        raise InvariantError(f"{idem}: the entries do not sum to 0")
    accounts = {name for name, amount in entries if amount != 0}
    if len(accounts) != len(entries) or len(entries) < 2:  # noqa: PLR2004
        message = f"{idem}: two entries at least, each account once, none of 0"
        raise InvariantError(message)


def _next_id(connection: Connection, largest: int | None) -> int:
    """Take the id of a journal before its row is written: entries come first."""
    if connection.dialect.name == "postgresql":
        return int(connection.execute(_NEXT).scalar_one())
    # SQLite has one writer at a time: nobody else can take this number.
    return (largest or 0) + 1

"""Many journals of a ledger posted at once, as those of a file with 100,000 lines.

What is posted, and what is refused, is what `hw.database.ledger.Ledger.post` would do
with each of them in their order; but accounts are looked up and balances are written
once for all. The database holds the same rules of both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    select,
    update,
)

from hw.database.columns import INTEGER
from hw.database.ledger import AccountName, Posted, check_sum
from hw.database.ledger_tables import LedgerTables
from hw.database.prepared import Prepared, PreparedIn
from protocol.errors import InvariantError, LocalProtocolError
from protocol.parameters import business_date
from protocol.values import EpochSeconds


@dataclass(frozen=True, slots=True)
class Posting:
    """One journal that is to be posted.

    Attributes:
        idem: The caller's key, made of what the posting is about.
        request_hash: 32 octets over what is asked for; see `ledger.request_hash`.
        kind: Why value moves.
        entries: Account and amount in paise, two at least, summing to 0.
        reason: A sentence for people.
        person: Who decided it, when somebody did.
    """

    idem: str
    request_hash: bytes
    kind: Enum
    entries: Sequence[tuple[AccountName, int]]
    reason: str
    person: str | None = None


@dataclass(slots=True)
class _Account:
    """An account, and what it holds after the postings so far."""

    id: int
    balance_paise: int | None
    seq: int
    moved: bool = False


class LedgerBatch:
    """Posts many journals in the tables of a ledger; its statements are built once."""

    def __init__(self, tables: LedgerTables) -> None:
        """Post in these tables, from `hw.database.ledger_tables`."""
        account, balance = tables.account, tables.balance
        journal, entry = tables.journal, tables.entry
        self._known = PreparedIn(
            select(journal.c.idem, journal.c.id, journal.c.request_hash), journal.c.idem
        )
        self._largest = Prepared(select(func.max(journal.c.id).label("id")))
        self._accounts = PreparedIn(
            select(account.c.id, account.c.name), account.c.name
        )
        # The one global order, so that two batches never wait for each other.
        self._balances = PreparedIn(
            select(balance.c.account, balance.c.balance_paise, balance.c.seq)
            .order_by(balance.c.account)
            .with_for_update(),
            balance.c.account,
        )
        self._set = Prepared(
            update(balance)
            .where(balance.c.account == bindparam("of_account"))
            .values(
                balance_paise=bindparam("holds", type_=INTEGER),
                seq=bindparam("count", type_=INTEGER),
            )
        )
        self._enter = Prepared(insert(entry))
        self._seal = Prepared(insert(journal))

    def post(
        self, connection: Connection, postings: Sequence[Posting], now: EpochSeconds
    ) -> list[Posted]:
        """Post journals, or find those that have these keys.

        Args:
            connection: A writing transaction.
            postings: In their order.
            now: When; the business date follows from it.

        Returns:
            One for each posting.

        Raises:
            InvariantError: A key was used for another request, the entries do not add
                up, an account would fall below zero, or the business date is closed.
            LocalProtocolError: An account does not exist.
        """
        known = self._find_known(connection, postings)
        new: dict[str, Posting] = {}
        for posting in postings:
            check_sum(posting.idem, posting.entries)
            there = known.get(posting.idem)
            said = new.get(posting.idem)
            expected = said.request_hash if said is not None else None
            if there is not None:
                expected = there[1]
            if expected is None:
                new[posting.idem] = posting
            elif expected != posting.request_hash:
                message = f"{posting.idem} is in the ledger with another request"
                raise InvariantError(message)
        ids = self._write(connection, list(new.values()), now)
        posted = []
        for posting in postings:
            there = known.get(posting.idem)
            if there is not None:
                posted.append(Posted(there[0], repeated=True))
                continue
            first = new.pop(posting.idem, None) is not None
            posted.append(Posted(ids[posting.idem], repeated=not first))
        return posted

    def run_many(
        self, connection: Connection, rows: Sequence[tuple[Posting, EpochSeconds]]
    ) -> None:
        """Post what was gathered, each with its moment; raises what `post` raises."""
        for now, some in groupby(rows, key=itemgetter(1)):
            self.post(connection, [posting for posting, _ in some], now)

    def _find_known(
        self, connection: Connection, postings: Iterable[Posting]
    ) -> dict[str, tuple[int, bytes]]:
        """Give id and request of the journals that are there, by key."""
        rows = self._known.all(connection, [one.idem for one in postings])
        return {row.idem: (row.id, row.request_hash) for row in rows}

    def _write(
        self, connection: Connection, postings: Sequence[Posting], now: EpochSeconds
    ) -> dict[str, int]:
        """Write balances, entries, and the journals that seal them."""
        if not postings:
            return {}
        accounts = self._lock(connection, postings)
        ids = self._next_ids(connection, len(postings))
        entries: list[dict[str, Any]] = []
        for journal, posting in zip(ids, postings, strict=True):
            for name, amount in posting.entries:
                account = accounts[name]
                entries.append(
                    {
                        "journal": journal,
                        "account": account.id,
                        "amount_paise": amount,
                        "seq": _moved(name, account, amount),
                    }
                )
        changed = [
            {"of_account": one.id, "holds": one.balance_paise, "count": one.seq}
            for one in sorted(accounts.values(), key=lambda one: one.id)
            if one.moved
        ]
        if changed:
            self._set.run_many(connection, changed)
        self._enter.run_many(connection, entries)
        day = business_date(now)
        self._seal.run_many(
            connection,
            [
                {
                    "id": journal,
                    "idem": posting.idem,
                    "request_hash": posting.request_hash,
                    "kind": posting.kind.name,
                    "reverses": None,
                    "refers_to": None,
                    "business_date": day,
                    "posted_at": now,
                    "reason": posting.reason,
                    "person": posting.person,
                }
                for journal, posting in zip(ids, postings, strict=True)
            ],
        )
        return {one.idem: number for number, one in zip(ids, postings, strict=True)}

    def _lock(
        self, connection: Connection, postings: Iterable[Posting]
    ) -> dict[AccountName, _Account]:
        """Find the accounts, and lock those that have a balance."""
        names = dict.fromkeys(
            name for posting in postings for name, _ in posting.entries
        )
        found = {
            AccountName(row.name): _Account(row.id, None, 0)
            for row in self._accounts.all(connection, list(names))
        }
        missing = next((name for name in names if name not in found), None)
        if missing is not None:
            raise LocalProtocolError(f"there is no account {missing}")
        by_id = {one.id: one for one in found.values()}
        for row in self._balances.all(connection, sorted(by_id)):
            account = by_id[row.account]
            account.balance_paise, account.seq = row.balance_paise, row.seq
        return found

    def _next_ids(self, connection: Connection, count: int) -> list[int]:
        """Take the ids of journals before their rows are written."""
        if connection.dialect.name == "postgresql":
            numbers = func.generate_series(1, count).table_valued("one")
            query = select(func.nextval("journal_number")).select_from(numbers)
            return sorted(int(one) for one in connection.execute(query).scalars())
        # SQLite has one writer at a time: nobody else can take these numbers.
        largest = self._largest.one(connection, {}).id or 0
        return list(range(largest + 1, largest + count + 1))


def _moved(name: AccountName, account: _Account, amount: int) -> int | None:
    """Change what an account holds, and give the number of the entry there."""
    if account.balance_paise is None:
        return None
    account.balance_paise += amount
    if account.balance_paise < 0:
        raise InvariantError(f"{name} does not hold {-amount} paise")
    account.seq += 1
    account.moved = True
    return account.seq

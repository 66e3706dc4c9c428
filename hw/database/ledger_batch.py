"""Many journals of a ledger posted at once, as those of a file with 100,000 lines.

What is posted, and what is refused, is what `hw.database.ledger.Ledger.post` would do
with each of them in their order; but accounts are looked up and balances are written
once for all. The database holds the same rules of both.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    select,
    update,
)

from hw.database.columns import INTEGER
from hw.database.ledger import AccountName, Posted
from hw.database.ledger_tables import LedgerTables
from hw.database.prepared import Prepared
from protocol.errors import InvariantError, LocalProtocolError
from protocol.parameters import business_date
from protocol.values import EpochSeconds

_ROWS_AT_A_TIME: Final = 1_000
"""Far below the most parameters of a statement, 32,766 in SQLite."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Posting:
    """One journal that is to be posted: an amount goes from one account to another.

    Attributes:
        idem: The caller's key, made of what the posting is about.
        request_hash: 32 octets over what is asked for; see `ledger.request_hash`.
        kind: Why value moves.
        amount_paise: More than 0.
        reason: A sentence for people.
        person: Who decided it, when somebody did.
    """

    idem: str
    request_hash: bytes
    kind: Enum
    from_account: AccountName
    to_account: AccountName
    amount_paise: int
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
        self._known = select(journal.c.idem, journal.c.id, journal.c.request_hash)
        self._idem = journal.c.idem
        self._largest = select(func.max(journal.c.id))
        self._account_name = account.c.name
        self._accounts = select(account.c.id, account.c.name)
        self._balance_account = balance.c.account
        # The one global order, so that two batches never wait for each other.
        self._balances = (
            select(balance.c.account, balance.c.balance_paise, balance.c.seq)
            .order_by(balance.c.account)
            .with_for_update()
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
            InvariantError: A key was used for another request, an account would fall
                below zero, an amount is not more than 0, or the business date is
                closed.
            LocalProtocolError: An account does not exist.
        """
        known = self._find_known(connection, postings)
        new: dict[str, Posting] = {}
        for posting in postings:
            _check(posting)
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

    def _find_known(
        self, connection: Connection, postings: Iterable[Posting]
    ) -> dict[str, tuple[int, bytes]]:
        """Give id and request of the journals that are there, by key."""
        known = {}
        for keys in _chunks(one.idem for one in postings):
            rows = connection.execute(self._known.where(self._idem.in_(keys)))
            known.update({row.idem: (row.id, row.request_hash) for row in rows})
        return known

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
            both = (
                (posting.from_account, -posting.amount_paise),
                (posting.to_account, posting.amount_paise),
            )
            for name, amount in both:
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
            name for one in postings for name in (one.from_account, one.to_account)
        )
        found: dict[AccountName, _Account] = {}
        for some in _chunks(names):
            rows = connection.execute(
                self._accounts.where(self._account_name.in_(some))
            )
            found.update(
                {AccountName(row.name): _Account(row.id, None, 0) for row in rows}
            )
        missing = next((name for name in names if name not in found), None)
        if missing is not None:
            raise LocalProtocolError(f"there is no account {missing}")
        by_id = {one.id: one for one in found.values()}
        for ids in _chunks(sorted(by_id)):
            rows = connection.execute(
                self._balances.where(self._balance_account.in_(ids))
            )
            for row in rows:
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
        largest = connection.execute(self._largest).scalar_one() or 0
        return list(range(largest + 1, largest + count + 1))


def _check(posting: Posting) -> None:
    if posting.amount_paise <= 0 or posting.from_account == posting.to_account:
        message = f"{posting.idem}: more than 0 goes from one account to another"
        raise InvariantError(message)


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


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while some := list(islice(rest, _ROWS_AT_A_TIME)):
        yield some

"""The double-entry ledger: post, look up, lock. Money moves here and nowhere else.

A journal is written once, with entries that sum to zero; nothing is ever changed. Who
starts a movement gives it an idempotency key made of what it is about
(``reserve:N123456:7``): the same key with the same request gives the journal that is
there, with another request it is an error.

Accounts: ``department`` and ``suspense`` are pooled and may have any sum; each licence
has ``funds:``, ``reserved:`` and ``machine:`` accounts, which can never be negative.
Whoever reads a balance in order to act on it locks it first, always in the order of the
accounts' ids.

Source: reliability notes, section 3, rules L1 to L10 and L15.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Final, NewType

from sqlalchemy import Connection, Row, bindparam, func, insert, select, text, update

from protocol.errors import InvariantError, LocalProtocolError
from protocol.parameters import business_date
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from rmfs_server.store import schema
from rmfs_server.store.columns import INTEGER
from rmfs_server.store.prepared import Prepared
from rmfs_server.store.schema import AccountKind, JournalKind

AccountName = NewType("AccountName", str)
"""Name of an account, as in ``funds:N123456``."""

DEPARTMENT: Final = AccountName("department")
SUSPENSE: Final = AccountName("suspense")
_PER_LICENCE: Final = (AccountKind.FUNDS, AccountKind.RESERVED, AccountKind.MACHINE)

# Statements of the recharge path are built once: building one takes SQLAlchemy as long
# as SQLite takes to run it. A list in an IN is spelled out anew at each execution.
_BALANCES: Final = (
    select(schema.account.c.name, schema.balance.c.balance_paise)
    .select_from(schema.balance.join(schema.account))
    .order_by(schema.account.c.id)
    .with_for_update(of=schema.balance)
)
_LOCK: Final = _BALANCES.where(
    schema.account.c.name.in_(bindparam("names", expanding=True))
)
_LOCK_ALL_OF: Final = Prepared(
    _BALANCES.where(schema.account.c.licence == bindparam("licence"))
)
_BALANCE: Final = Prepared(
    select(schema.account.c.id, schema.balance.c.balance_paise)
    .select_from(schema.account.outerjoin(schema.balance))
    .where(schema.account.c.name == bindparam("name"))
)
_BY_KEY: Final = select(schema.journal.c.id).where(
    schema.journal.c.idem == bindparam("idem")
)
_IDS_OF_NAMES: Final = select(schema.account.c.id, schema.account.c.name).where(
    schema.account.c.name.in_(bindparam("names", expanding=True))
)
_MOVE: Final = Prepared(
    update(schema.balance)
    .where(
        schema.balance.c.account == bindparam("of_account"),
        schema.balance.c.balance_paise + bindparam("amount", type_=INTEGER) >= 0,
    )
    .values(
        balance_paise=schema.balance.c.balance_paise
        + bindparam("amount", type_=INTEGER),
        seq=schema.balance.c.seq + 1,
    )
    .returning(schema.balance.c.seq)
)
_ENTER: Final = Prepared(insert(schema.entry))
_SEAL: Final = Prepared(insert(schema.journal))
_LARGEST: Final = select(func.max(schema.journal.c.id).label("id")).subquery("largest")
_LOOK_UP: Final = Prepared(
    select(
        _LARGEST.c.id.label("largest"),
        schema.journal.c.id,
        schema.journal.c.request_hash,
        schema.account.c.id.label("account"),
        schema.account.c.name,
    ).select_from(
        _LARGEST.outerjoin(
            schema.journal, schema.journal.c.idem == bindparam("idem")
        ).join(
            schema.account,
            schema.account.c.name.in_([bindparam("one"), bindparam("other")]),
        )
    )
)
"""The journal of a key, if there is one, the largest id of any, and two accounts."""
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
    """One entry as a person reads it."""

    journal: int
    posted_at: EpochSeconds
    kind: JournalKind
    account: AccountName
    amount_paise: int
    reason: str


def funds_of(licence: LicenceIdentifier) -> AccountName:
    """Name the account of the funds that remain at this server."""
    return AccountName(f"funds:{licence}")


def reserved_of(licence: LicenceIdentifier) -> AccountName:
    """Name the account of what a voucher under way holds."""
    return AccountName(f"reserved:{licence}")


def machine_of(licence: LicenceIdentifier) -> AccountName:
    """Name the account of the machine's control total."""
    return AccountName(f"machine:{licence}")


def request_hash(*parts: object) -> bytes:
    """Hash what is asked for, so that a key is never used for two requests."""
    return sha256("\x1f".join(map(str, parts)).encode()).digest()


def open_accounts(connection: Connection, licence: LicenceIdentifier) -> None:
    """Open the accounts of a new licence."""
    for kind in _PER_LICENCE:
        name = f"{kind.name.lower()}:{licence}"
        row = connection.execute(
            insert(schema.account)
            .values(name=name, kind=kind.name, licence=licence)
            .returning(schema.account.c.id)
        ).scalar_one()
        connection.execute(
            insert(schema.balance).values(account=row, balance_paise=0, seq=0)
        )


def lock_accounts(
    connection: Connection, names: Iterable[AccountName]
) -> dict[AccountName, Paise]:
    """Lock balances for this transaction, in the one global order.

    Returns:
        The balance of each; pooled accounts are not locked and not listed.
    """
    rows = connection.execute(_LOCK, {"names": list(names)})
    return {AccountName(row.name): Paise(row.balance_paise) for row in rows}


def lock_accounts_of(connection: Connection, licence: LicenceIdentifier) -> None:
    """Lock the balances of a licence for this transaction, in the one global order."""
    # SQLite has one writer at a time: whoever writes has locked everything.
    if connection.dialect.name == "postgresql":
        _LOCK_ALL_OF.run(connection, {"licence": licence})


def balance_paise(connection: Connection, name: AccountName) -> Paise:
    """Read the balance of a licence's account, or sum up a pooled one.

    Raises:
        LocalProtocolError: There is no such account.
    """
    row = _BALANCE.one_or_none(connection, {"name": name})
    if row is None:
        raise LocalProtocolError(f"there is no account {name}")
    if row.balance_paise is not None:
        return Paise(row.balance_paise)
    total = connection.execute(
        select(func.coalesce(func.sum(schema.entry.c.amount_paise), 0)).where(
            schema.entry.c.account == row.id
        )
    ).scalar_one()
    return Paise(int(total))


def statement_of_account(
    connection: Connection, licence: LicenceIdentifier, rows_max: int
) -> list[Line]:
    """List the newest entries of a licence's accounts, newest first."""
    entry, account, journal = schema.entry.c, schema.account.c, schema.journal.c
    rows = connection.execute(
        select(
            journal.id,
            journal.posted_at,
            journal.kind,
            journal.reason,
            account.name,
            entry.amount_paise,
        )
        .select_from(schema.entry.join(schema.account).join(schema.journal))
        .where(account.licence == licence)
        .order_by(journal.id.desc(), entry.id)
        .limit(rows_max)
    )
    return [
        Line(
            row.id,
            EpochSeconds(row.posted_at),
            JournalKind[row.kind],
            AccountName(row.name),
            row.amount_paise,
            row.reason,
        )
        for row in rows
    ]


def find(connection: Connection, idem: str) -> int | None:
    """Find a journal by its key."""
    return connection.execute(_BY_KEY, {"idem": idem}).scalar_one_or_none()


def post(
    connection: Connection,
    *,
    idem: str,
    request_hash: bytes,
    kind: JournalKind,
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
    _check_sum(idem, entries)
    names = [name for name, _ in entries]
    one, other = names[:2]
    found = _LOOK_UP.all(connection, {"idem": idem, "one": one, "other": other})
    ids = _account_ids(connection, names, found)
    first = found[0]
    if first.id is not None:
        if first.request_hash != request_hash:
            raise InvariantError(f"{idem} is in the ledger with another request")
        return Posted(first.id, repeated=True)
    journal = _next_id(connection, first.largest)
    in_order = sorted((ids[name], name, amount) for name, amount in entries)
    _enter(connection, journal, in_order)
    _SEAL.run(
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
    rows = connection.execute(
        select(schema.account.c.name, schema.entry.c.amount_paise)
        .select_from(schema.entry.join(schema.account))
        .where(schema.entry.c.journal == journal)
    ).all()
    if not rows:
        raise LocalProtocolError(f"there is no journal {journal}")
    return post(
        connection,
        idem=f"reversal:{journal}",
        request_hash=request_hash("reversal", journal),
        kind=JournalKind.REVERSAL,
        entries=[(AccountName(row.name), -row.amount_paise) for row in rows],
        now=now,
        reason=reason,
        person=person,
        reverses=journal,
    )


def close_period(
    connection: Connection, through: date, *, now: EpochSeconds, person: str
) -> None:
    """Close every business date up to one that is over.

    Raises:
        LocalProtocolError: The date is not over yet.
    """
    if through >= business_date(now):
        raise LocalProtocolError(f"{through.isoformat()} is not over yet")
    connection.execute(
        insert(schema.closed_period).values(
            through=through, closed_at=now, person=person
        )
    )


def _check_sum(idem: str, entries: Sequence[tuple[AccountName, int]]) -> None:
    # The database holds the same rules; this says which posting broke them.
    if sum(amount for _, amount in entries) != 0:
        raise InvariantError(f"{idem}: the entries do not sum to 0")
    names = {name for name, amount in entries if amount != 0}
    if len(names) != len(entries) or len(entries) < 2:  # noqa: PLR2004
        message = f"{idem}: two entries at least, each account once, none of 0"
        raise InvariantError(message)


def _account_ids(
    connection: Connection, names: Sequence[AccountName], found: Iterable[Row[Any]]
) -> Mapping[AccountName, int]:
    """Give the ids of accounts, of which the first two are found already."""
    ids = {AccountName(row.name): int(row.account) for row in found}
    others = names[2:]
    if others:
        rows = connection.execute(_IDS_OF_NAMES, {"names": list(others)})
        ids.update({AccountName(row.name): int(row.id) for row in rows})
    missing = [name for name in names if name not in ids]
    if missing:
        raise LocalProtocolError(f"there is no account {missing[0]}")
    return ids


def _enter(
    connection: Connection,
    journal: int,
    entries: Iterable[tuple[int, AccountName, int]],
) -> None:
    """Change the balances, and write the entries with the places they have there.

    Args:
        connection: A writing transaction.
        journal: That will seal them.
        entries: Id, name and amount in paise of each account, in the order of the ids.
    """
    rows = []
    for account, name, amount in entries:
        seq = None
        if name not in (DEPARTMENT, SUSPENSE):
            seq = _move(connection, name, account, amount)
        rows.append(
            {"journal": journal, "account": account, "amount_paise": amount, "seq": seq}
        )
    _ENTER.run_many(connection, rows)


def _move(connection: Connection, name: AccountName, account: int, amount: int) -> int:
    """Change a balance and give the new count of its entries: check and act are one."""
    row = _MOVE.one_or_none(connection, {"of_account": account, "amount": amount})
    if row is None:
        raise InvariantError(f"{name} does not hold {-amount} paise")
    return int(row.seq)


def _next_id(connection: Connection, largest: int | None) -> int:
    """Take the id of a journal before its row is written: entries come first."""
    if connection.dialect.name == "postgresql":
        return int(connection.execute(_NEXT).scalar_one())
    # SQLite has one writer at a time: nobody else can take this number.
    return (largest or 0) + 1


def total_paise(connection: Connection) -> int:
    """Sum every entry there is: 0, or money was made or lost (L3)."""
    query = select(func.coalesce(func.sum(schema.entry.c.amount_paise), 0))
    return int(connection.execute(query).scalar_one())

"""The tables of a double-entry ledger; its triggers are in `hw.database.guards`."""

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from hw.database.columns import INTEGER, IsoDate, names, octets, one_of
from hw.database.tables import key, paise, table
from protocol.values import AMOUNT_PAISE_MAX


@dataclass(frozen=True, slots=True)
class LedgerTables:
    """The tables of a ledger, in a schema that has a table of licences."""

    account: Table
    balance: Table
    journal: Table
    entry: Table
    closed_period: Table


def ledger_tables(
    metadata: MetaData,
    accounts: type[Enum],
    pooled: frozenset[Enum],
    journals: type[Enum],
) -> LedgerTables:
    """Add the tables of a ledger to a schema.

    Args:
        metadata: The schema; it has a table ``licence`` with key ``identifier``.
        accounts: The kinds of accounts.
        pooled: Those that belong to no licence.
        journals: Why money moves.
    """
    account = table(
        metadata,
        "account",
        key(),
        Column("name", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("licence", Text, ForeignKey("licence.identifier")),
        one_of("kind", accounts),
        CheckConstraint(
            f"(licence IS NULL) = (kind IN ({names(pooled)}))", name="pooled"
        ),
        UniqueConstraint("licence", "kind"),
    )
    balance = table(
        metadata,
        "balance",
        Column(
            "account",
            INTEGER,
            ForeignKey("account.id"),
            primary_key=True,
            autoincrement=False,
        ),
        paise("balance_paise"),
        Column("seq", INTEGER, nullable=False),
        CheckConstraint("balance_paise >= 0", name="not_negative"),
    )
    journal = table(
        metadata,
        "journal",
        Column("id", INTEGER, primary_key=True, autoincrement=False),
        Column("idem", Text, nullable=False, unique=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("kind", Text, nullable=False),
        Column("reverses", INTEGER, ForeignKey("journal.id"), unique=True),
        Column("refers_to", INTEGER, ForeignKey("journal.id")),
        Column("business_date", IsoDate, nullable=False),
        Column("posted_at", INTEGER, nullable=False),
        Column("reason", Text, nullable=False),
        Column("person", Text),
        one_of("kind", journals),
        octets("request_hash", 32),
    )
    entry = table(
        metadata,
        "entry",
        key(),
        Column(
            "journal",
            INTEGER,
            ForeignKey("journal.id", deferrable=True, initially="DEFERRED"),
            nullable=False,
            index=True,
        ),
        Column("account", INTEGER, ForeignKey("account.id"), nullable=False),
        paise("amount_paise"),
        Column("seq", INTEGER),
        CheckConstraint("amount_paise <> 0", name="amount_not_zero"),
        CheckConstraint(
            f"amount_paise BETWEEN -{AMOUNT_PAISE_MAX} AND {AMOUNT_PAISE_MAX}",
            name="amount_range",
        ),
        UniqueConstraint("account", "seq"),
        UniqueConstraint("journal", "account"),
    )
    closed_period = table(
        metadata,
        "closed_period",
        Column("through", IsoDate, primary_key=True),
        Column("closed_at", INTEGER, nullable=False),
        Column("person", Text, nullable=False),
    )
    return LedgerTables(account, balance, journal, entry, closed_period)

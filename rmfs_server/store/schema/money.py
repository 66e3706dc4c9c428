"""Tables of money: accounts, the journal, and the fund files of the Department."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from protocol.values import AMOUNT_PAISE_MAX
from rmfs_server.store.columns import INTEGER, Flag, IsoDate, flag, octets, one_of
from rmfs_server.store.schema.building import key, paise, table
from rmfs_server.store.schema.kinds import AccountKind, JournalKind

account = table(
    "account",
    key(),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("licence", Text, ForeignKey("licence.identifier")),
    one_of("kind", AccountKind),
    CheckConstraint(
        "(licence IS NULL) = (kind IN ('DEPARTMENT', 'SUSPENSE'))", name="pooled"
    ),
    UniqueConstraint("licence", "kind"),
)

balance = table(
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
"""Cache of the sum of an account's entries; pooled accounts have no row."""

journal = table(
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
    one_of("kind", JournalKind),
    octets("request_hash", 32),
)

entry = table(
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
    "closed_period",
    Column("through", IsoDate, primary_key=True),
    Column("closed_at", INTEGER, nullable=False),
    Column("person", Text, nullable=False),
)
"""Business dates up to this one take no more postings."""

fund_file = table(
    "fund_file",
    Column("file_id", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("octets", LargeBinary, nullable=False),
    Column("made_on", IsoDate, nullable=False),
    Column("lines", INTEGER, nullable=False),
    paise("total_paise"),
    Column("imported_at", INTEGER, nullable=False),
    octets("sha256", 32),
)
"""A fund file of the Department, as it came."""

fund_line = table(
    "fund_line",
    Column("file_id", Text, ForeignKey("fund_file.file_id"), primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("line_number", INTEGER, nullable=False),
    Column("record", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("licence_number", Text, nullable=False),
    Column("licensee", Text, nullable=False),
    paise("amount_paise"),
    Column("mode", Text),
    Column("value_date", IsoDate, nullable=False),
    Column("available_from", IsoDate, nullable=False),
    Column("corrects_file_id", Text),
    Column("corrects_line_id", Text),
    CheckConstraint("record IN ('D', 'C')", name="record_known"),
)
"""Every line of every fund file, whatever became of it; its licence may be unknown."""

suspense = table(
    "suspense",
    Column("file_id", Text, primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("opened_at", INTEGER, nullable=False),
    Column("closed_at", INTEGER),
    Column("outcome", Text),
    Column("closed_by_file_id", Text),
    Column("closed_by_line_id", Text),
    ForeignKeyConstraint(
        ["file_id", "line_id"], ["fund_line.file_id", "fund_line.line_id"]
    ),
    CheckConstraint("outcome IN ('APPLIED', 'CLOSED')", name="outcome_known"),
    CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed_whole"),
)
"""Lines that could not be applied; opened, and closed once."""

fund_credit = table(
    "fund_credit",
    Column("file_id", Text, primary_key=True),
    Column("line_id", Text, primary_key=True),
    Column("licence", Text, ForeignKey("licence.identifier"), nullable=False),
    paise("amount_paise"),
    Column("available_from", IsoDate, nullable=False),
    Column("deposit_file_id", Text, nullable=False),
    Column("deposit_line_id", Text, nullable=False),
    Column("first_deposit", Flag, nullable=False),
    Column("journal", INTEGER, ForeignKey("journal.id"), nullable=False, unique=True),
    ForeignKeyConstraint(
        ["file_id", "line_id"], ["fund_line.file_id", "fund_line.line_id"]
    ),
    ForeignKeyConstraint(
        ["deposit_file_id", "deposit_line_id"],
        ["fund_line.file_id", "fund_line.line_id"],
    ),
    CheckConstraint("amount_paise <> 0", name="amount_not_zero"),
    flag("first_deposit"),
    Index("ix_fund_credit_licence", "licence", "available_from"),
)
"""What a line did to the funds of a licence, and from which day it may be used."""

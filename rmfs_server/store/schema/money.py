"""Tables of money: accounts, the journal, and the fund files of the Department."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
)

from hw.database.columns import INTEGER, Flag, IsoDate, flag, octets
from hw.database.ledger_tables import ledger_tables
from hw.database.tables import paise
from rmfs_server.store.schema.building import metadata, table
from rmfs_server.store.schema.kinds import POOLED, AccountKind, JournalKind

ledger = ledger_tables(metadata, AccountKind, POOLED, JournalKind)
account = ledger.account
journal = ledger.journal
entry = ledger.entry

fund_file = table(
    "fund_file",
    Column("file_id", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("octets", LargeBinary, nullable=False),
    Column("made_on", IsoDate, nullable=False),
    Column("lines", INTEGER, nullable=False),
    paise("total_paise"),
    Column("imported_at", INTEGER, nullable=False),
    Column("vouched_by", Text),
    octets("sha256", 32),
)
"""A fund file of the Department, as it came, and who vouched for it."""

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
    Column("code", Text),
    ForeignKeyConstraint(
        ["file_id", "line_id"], ["fund_line.file_id", "fund_line.line_id"]
    ),
    CheckConstraint("outcome IN ('APPLIED', 'CLOSED')", name="outcome_known"),
    CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed_whole"),
)
"""Lines that could not be applied; opened, and closed once.

The code is that of the reason; lines that waited before there were codes have none.
"""

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

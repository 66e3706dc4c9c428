"""Tables of banks, their files, the items of both, and of accounting."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from dop_gateway.accounting import tables as _accounting
from dop_gateway.bank.model import STORED, BankKind, FileState, Side
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, Flag, IsoDate, flag, octets, one_of
from hw.database.tables import key, paise

ACCOUNTING = _accounting
"""Named so that whoever imports this has those tables too."""

bank = table(
    "bank",
    Column("code", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("port", INTEGER, nullable=False),
    Column("login", Text, nullable=False),
    Column("host_key", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("key_x", LargeBinary, nullable=False),
    Column("key_y", LargeBinary, nullable=False),
    Column("in_use", Flag, nullable=False),
    Column("known_since", INTEGER, nullable=False),
    one_of("kind", BankKind),
    octets("key_x", 32),
    octets("key_y", 32),
    flag("in_use"),
    CheckConstraint("(account = '') = (kind = 'E_PAYMENT')", name="account_of_bank"),
)
"""A bank or the e-Payment Central Server; it is taken out of use, never removed."""

bank_file = table(
    "bank_file",
    key(),
    Column("bank", Text, ForeignKey("bank.code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("modified_at", INTEGER, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("octet_count", INTEGER, nullable=False),
    Column("layout", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("sequence", INTEGER),
    Column("business_date", IsoDate),
    Column("line_count", INTEGER, nullable=False),
    paise("total_paise"),
    paise("opening_paise", nullable=True),
    paise("closing_paise", nullable=True),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("received_at", INTEGER, nullable=False),
    UniqueConstraint("bank", "name", "sha256"),
    Index("ix_bank_file_day", "bank", "layout", "business_date"),
    Index("ix_bank_file_received_at", "received_at"),
    one_of("state", FileState),
    octets("sha256", 64),
    CheckConstraint("(state = 'TAKEN') = (code = '')", name="code_told"),
    CheckConstraint(
        "state = 'REFUSED' OR (sequence IS NOT NULL AND business_date IS NOT NULL "
        "AND file_id <> '')",
        name="read_if_taken",
    ),
)
"""A file as it was handed over. Its octets stay, also of one that was refused."""

bank_item = table(
    "bank_item",
    key(),
    Column("bank", Text, ForeignKey("bank.code"), nullable=False),
    Column("reference", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("licence_number", Text, nullable=False),
    Column("licensee", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("value_date", IsoDate),
    Column("realised_on", IsoDate),
    Column("words", Text, nullable=False),
    paise("told_paise", nullable=True),
    Column("told_file", INTEGER, ForeignKey("bank_file.id")),
    Column("told_line", Text),
    Column("told_on", IsoDate),
    paise("entered_paise", nullable=True),
    Column("entered_file", INTEGER, ForeignKey("bank_file.id")),
    Column("entered_line", Text),
    Column("entered_on", IsoDate),
    UniqueConstraint("bank", "reference", "side"),
    Index("ix_bank_item_state", "bank", "state", "entered_on"),
    Index("ix_bank_item_entered_on", "entered_on"),
    one_of("side", Side),
    one_of("state", STORED),
    CheckConstraint("(told_paise IS NULL) = (told_file IS NULL)", name="told_whole"),
    CheckConstraint(
        "(entered_paise IS NULL) = (entered_file IS NULL)", name="entered_whole"
    ),
    CheckConstraint(
        "told_file IS NOT NULL OR entered_file IS NOT NULL", name="from_a_file"
    ),
    CheckConstraint(
        "state <> 'AGREED' OR told_paise = entered_paise", name="agreed_same"
    ),
)
"""A payment, or one that is taken back, as file of payments and account tell it."""

"""Banks, their files, and accounting.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard

revision: Final = "0008"
down_revision: Final = "0007"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

KEPT: Final = (
    "bank",
    "bank_file",
    "bank_item",
    "e_payment_receipt",
    "head_of_account",
    "monthly_schedule",
)
"""Tables that lose no row."""

GUARDS: Final = (
    Guard(
        "bank_file_as_received",
        "bank_file",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.bank <> OLD.bank OR NEW.name <> OLD.name "
        "OR NEW.sha256 <> OLD.sha256 OR NEW.octets <> OLD.octets "
        "OR OLD.state <> 'HELD'",
        "a file of a bank stays what it was",
    ),
    Guard(
        "bank_item_known_by",
        "bank_item",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.bank <> OLD.bank OR NEW.reference <> OLD.reference "
        "OR NEW.side <> OLD.side OR OLD.state IN ('AGREED', 'DIFFERS')",
        "an item keeps its reference, and is settled once",
    ),
    Guard(
        "e_payment_receipt_as_taken",
        "e_payment_receipt",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.bank <> OLD.bank OR NEW.reference <> OLD.reference "
        "OR NEW.amount_paise <> OLD.amount_paise OR OLD.outcome = 'BOUNCED'",
        "a receipt keeps its number and amount",
    ),
)


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "bank",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", INTEGER, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("host_key", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("key_x", sa.LargeBinary(), nullable=False),
        sa.Column("key_y", sa.LargeBinary(), nullable=False),
        sa.Column("in_use", sa.Integer(), nullable=False),
        sa.Column("known_since", INTEGER, nullable=False),
        sa.CheckConstraint(
            "(account = '') = (kind = 'E_PAYMENT')",
            name=op.f("ck_bank_account_of_bank"),
        ),
        sa.CheckConstraint(
            "kind IN ('BANK', 'E_PAYMENT')", name=op.f("ck_bank_kind_known")
        ),
        sa.CheckConstraint("in_use IN (0, 1)", name=op.f("ck_bank_in_use_flag")),
        sa.CheckConstraint("length(key_x) = 32", name=op.f("ck_bank_key_x_octets")),
        sa.CheckConstraint("length(key_y) = 32", name=op.f("ck_bank_key_y_octets")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_bank")),
        sqlite_strict=True,
    )
    op.create_table(
        "head_of_account",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "side IN ('PAYMENT', 'RECEIPT')", name=op.f("ck_head_of_account_side_known")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_head_of_account")),
        sqlite_strict=True,
    )
    op.create_table(
        "bank_file",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("modified_at", INTEGER, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("octet_count", INTEGER, nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("sequence", INTEGER, nullable=True),
        sa.Column("business_date", sa.Text(), nullable=True),
        sa.Column("line_count", INTEGER, nullable=False),
        sa.Column("total_paise", INTEGER, nullable=False),
        sa.Column("opening_paise", INTEGER, nullable=True),
        sa.Column("closing_paise", INTEGER, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("received_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "(state = 'TAKEN') = (code = '')", name=op.f("ck_bank_file_code_told")
        ),
        sa.CheckConstraint(
            "state = 'REFUSED' OR (sequence IS NOT NULL AND business_date IS NOT NULL "
            "AND file_id <> '')",
            name=op.f("ck_bank_file_read_if_taken"),
        ),
        sa.CheckConstraint(
            "state IN ('HELD', 'REFUSED', 'TAKEN')",
            name=op.f("ck_bank_file_state_known"),
        ),
        sa.CheckConstraint(
            "length(sha256) = 64", name=op.f("ck_bank_file_sha256_octets")
        ),
        sa.ForeignKeyConstraint(
            ["bank"], ["bank.code"], name=op.f("fk_bank_file_bank")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file")),
        sa.UniqueConstraint(
            "bank", "name", "sha256", name=op.f("uq_bank_file_bank_name_sha256")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_bank_file_day",
        "bank_file",
        ["bank", "layout", "business_date"],
        unique=False,
    )
    op.create_index(
        "ix_bank_file_received_at", "bank_file", ["received_at"], unique=False
    )
    op.create_table(
        "monthly_schedule",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("office", INTEGER, nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total_paise", INTEGER, nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ACCEPTED', 'MADE', 'SENT')",
            name=op.f("ck_monthly_schedule_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_monthly_schedule_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monthly_schedule")),
        sa.UniqueConstraint(
            "office", "month", name=op.f("uq_monthly_schedule_office_month")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "bank_item",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=False),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("value_date", sa.Text(), nullable=True),
        sa.Column("realised_on", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("told_paise", INTEGER, nullable=True),
        sa.Column("told_file", INTEGER, nullable=True),
        sa.Column("told_line", sa.Text(), nullable=True),
        sa.Column("told_on", sa.Text(), nullable=True),
        sa.Column("entered_paise", INTEGER, nullable=True),
        sa.Column("entered_file", INTEGER, nullable=True),
        sa.Column("entered_line", sa.Text(), nullable=True),
        sa.Column("entered_on", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "side IN ('CREDIT', 'DEBIT')", name=op.f("ck_bank_item_side_known")
        ),
        sa.CheckConstraint(
            "state <> 'AGREED' OR told_paise = entered_paise",
            name=op.f("ck_bank_item_agreed_same"),
        ),
        sa.CheckConstraint(
            "state IN ('AGREED', 'DIFFERS', 'ENTERED', 'NOT_IN_ACCOUNT', "
            "'NOT_IN_FILE', 'TOLD', 'UNREALISED')",
            name=op.f("ck_bank_item_state_known"),
        ),
        sa.CheckConstraint(
            "(entered_paise IS NULL) = (entered_file IS NULL)",
            name=op.f("ck_bank_item_entered_whole"),
        ),
        sa.CheckConstraint(
            "(told_paise IS NULL) = (told_file IS NULL)",
            name=op.f("ck_bank_item_told_whole"),
        ),
        sa.CheckConstraint(
            "told_file IS NOT NULL OR entered_file IS NOT NULL",
            name=op.f("ck_bank_item_from_a_file"),
        ),
        sa.ForeignKeyConstraint(
            ["bank"], ["bank.code"], name=op.f("fk_bank_item_bank")
        ),
        sa.ForeignKeyConstraint(
            ["entered_file"], ["bank_file.id"], name=op.f("fk_bank_item_entered_file")
        ),
        sa.ForeignKeyConstraint(
            ["told_file"], ["bank_file.id"], name=op.f("fk_bank_item_told_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_item")),
        sa.UniqueConstraint(
            "bank", "reference", "side", name=op.f("uq_bank_item_bank_reference_side")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_bank_item_entered_on", "bank_item", ["entered_on"], unique=False
    )
    op.create_index(
        "ix_bank_item_state", "bank_item", ["bank", "state", "entered_on"], unique=False
    )
    op.create_table(
        "e_payment_receipt",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("file", INTEGER, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("office", INTEGER, nullable=True),
        sa.Column("office_name", sa.Text(), nullable=False),
        sa.Column("office_pin", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=False),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_bank", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_on", sa.Text(), nullable=True),
        sa.Column("outcome_words", sa.Text(), nullable=False),
        sa.Column("accounted_on", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('BOUNCED', 'REALISED')",
            name=op.f("ck_e_payment_receipt_outcome_known"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (outcome_on IS NULL)",
            name=op.f("ck_e_payment_receipt_outcome_whole"),
        ),
        sa.CheckConstraint(
            "amount_paise > 0", name=op.f("ck_e_payment_receipt_amount_positive")
        ),
        sa.ForeignKeyConstraint(
            ["bank"], ["bank.code"], name=op.f("fk_e_payment_receipt_bank")
        ),
        sa.ForeignKeyConstraint(
            ["file"], ["bank_file.id"], name=op.f("fk_e_payment_receipt_file")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_e_payment_receipt_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_e_payment_receipt")),
        sa.UniqueConstraint(
            "bank", "reference", name=op.f("uq_e_payment_receipt_bank_reference")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_e_payment_receipt_day",
        "e_payment_receipt",
        ["office", "accounted_on"],
        unique=False,
    )
    op.create_table(
        "schedule_day",
        sa.Column("schedule", INTEGER, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("listed_paise", INTEGER, nullable=False),
        sa.Column("booked_paise", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule"], ["monthly_schedule.id"], name=op.f("fk_schedule_day_schedule")
        ),
        sa.PrimaryKeyConstraint("schedule", "day", name=op.f("pk_schedule_day")),
        sqlite_strict=True,
    )
    guard(GUARDS, KEPT)

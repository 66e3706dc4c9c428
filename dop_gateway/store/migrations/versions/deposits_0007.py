"""The ledger, deposits, suspense and counters.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, ledger_guards, only_grow

revision: Final = "0007"
down_revision: Final = "0006"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

POOLED: Final = (
    "BANK",
    "NOTIONAL",
    "PORTAL",
    "POSTAGE",
    "POST_OFFICE",
    "REFUNDS",
    "SUSPENSE",
)
"""Accounts that belong to no licence; their names are these in small letters."""

APPEND_ONLY: Final = ("closed_period", "journal", "entry", "deposit_move")

KEPT: Final = (
    *APPEND_ONLY,
    "account",
    "balance",
    "counter_day",
    "counter_receipt",
    "deposit",
    "fund_line",
    "deposit_proposal",
)
"""Tables that lose no row."""

GUARDS: Final = (
    *ledger_guards(),
    *only_grow(APPEND_ONLY),
    Guard(
        "deposit_as_captured",
        "deposit",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.source <> OLD.source "
        "OR NEW.reference <> OLD.reference OR NEW.licence_text <> OLD.licence_text "
        "OR NEW.number_text <> OLD.number_text "
        "OR NEW.licensee_text <> OLD.licensee_text "
        "OR NEW.amount_paise <> OLD.amount_paise OR NEW.mode <> OLD.mode "
        "OR NEW.value_date <> OLD.value_date OR NEW.steps < OLD.steps",
        "a payment stays as it was captured",
    ),
    Guard(
        "deposit_over",
        "deposit",
        "BEFORE UPDATE",
        "OLD.state IN ('BOUNCED', 'RETURNED', 'REVERSED') AND NEW.state <> OLD.state",
        "a deposit that is given back is over",
    ),
    Guard(
        "fund_line_as_made",
        "fund_line",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.deposit <> OLD.deposit OR NEW.kind <> OLD.kind "
        "OR NEW.licence <> OLD.licence OR NEW.told_paise <> OLD.told_paise "
        "OR (OLD.state IN ('TAKEN', 'REFUSED', 'DROPPED') AND NEW.state <> OLD.state) "
        "OR (OLD.file_id IS NOT NULL AND NEW.file_id <> OLD.file_id)",
        "a line stays in its file, and is answered once",
    ),
    Guard(
        "deposit_proposal_decided_once",
        "deposit_proposal",
        "BEFORE UPDATE",
        "OLD.state <> 'PROPOSED' OR NEW.proposed_by <> OLD.proposed_by "
        "OR NEW.deposit <> OLD.deposit OR NEW.action <> OLD.action",
        "a proposal is decided once",
    ),
    Guard(
        "counter_day_closed_once",
        "counter_day",
        "BEFORE UPDATE",
        "OLD.state = 'CLOSED' OR NEW.serial < OLD.serial",
        "a day of a counter is closed once",
    ),
    Guard(
        "counter_receipt_as_given",
        "counter_receipt",
        "BEFORE UPDATE",
        "NEW.number <> OLD.number OR NEW.licence <> OLD.licence "
        "OR NEW.amount_paise <> OLD.amount_paise OR NEW.mode <> OLD.mode "
        "OR OLD.state IN ('REALISED', 'BOUNCED', 'CANCELLED')",
        "a receipt stays as it was given",
    ),
)


def upgrade() -> None:
    """Build everything."""
    _make_ledger()
    _make_counter()
    _make_deposits()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE journal_number")
    account = sa.table("account", sa.column("name"), sa.column("kind"))
    op.bulk_insert(account, [{"name": one.lower(), "kind": one} for one in POOLED])
    guard(GUARDS, KEPT)


def _make_ledger() -> None:
    op.create_table(
        "closed_period",
        sa.Column("through", sa.Text(), nullable=False),
        sa.Column("closed_at", INTEGER, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("through", name=op.f("pk_closed_period")),
        sqlite_strict=True,
    )
    op.create_table(
        "account",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(licence IS NULL) = (kind IN ('BANK', 'NOTIONAL', "
            "'PORTAL', 'POSTAGE', 'POST_OFFICE', 'REFUNDS', "
            "'SUSPENSE'))",
            name=op.f("ck_account_pooled"),
        ),
        sa.CheckConstraint(
            "kind IN ('BANK', 'DEPOSITED', 'MACHINE', 'NOTIONAL', "
            "'PORTAL', 'POSTAGE', 'POST_OFFICE', 'REFUNDS', "
            "'REMAINING', 'SUSPENSE')",
            name=op.f("ck_account_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_account_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("licence", "kind", name=op.f("uq_account_licence_kind")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "balance",
        sa.Column("account", INTEGER, autoincrement=False, nullable=False),
        sa.Column("balance_paise", INTEGER, nullable=False),
        sa.Column("seq", INTEGER, nullable=False),
        sa.CheckConstraint("balance_paise >= 0", name=op.f("ck_balance_not_negative")),
        sa.ForeignKeyConstraint(
            ["account"], ["account.id"], name=op.f("fk_balance_account")
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_balance")),
        sqlite_strict=True,
    )
    op.create_table(
        "journal",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("idem", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reverses", INTEGER, nullable=True),
        sa.Column("refers_to", INTEGER, nullable=True),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("posted_at", INTEGER, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('ACKNOWLEDGED', 'AUTHENTICATED', 'CLAIMED', "
            "'DOWNLOADED', 'RECALLED', 'REFUNDED', 'REFUSED_BY_MAKER', "
            "'RELEASED', 'RETURNED', 'REVERSED', 'SUSPENDED', 'USED', "
            "'WITHDRAWN')",
            name=op.f("ck_journal_kind_known"),
        ),
        sa.CheckConstraint(
            "length(request_hash) = 32", name=op.f("ck_journal_request_hash_octets")
        ),
        sa.ForeignKeyConstraint(
            ["refers_to"], ["journal.id"], name=op.f("fk_journal_refers_to")
        ),
        sa.ForeignKeyConstraint(
            ["reverses"], ["journal.id"], name=op.f("fk_journal_reverses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sa.UniqueConstraint("idem", name=op.f("uq_journal_idem")),
        sa.UniqueConstraint("reverses", name=op.f("uq_journal_reverses")),
        sqlite_strict=True,
    )
    op.create_table(
        "entry",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("journal", INTEGER, nullable=False),
        sa.Column("account", INTEGER, nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("seq", INTEGER, nullable=True),
        sa.CheckConstraint("amount_paise <> 0", name=op.f("ck_entry_amount_not_zero")),
        sa.CheckConstraint(
            "amount_paise BETWEEN -9007199254740991 AND 9007199254740991",
            name=op.f("ck_entry_amount_range"),
        ),
        sa.ForeignKeyConstraint(
            ["account"], ["account.id"], name=op.f("fk_entry_account")
        ),
        sa.ForeignKeyConstraint(
            ["journal"],
            ["journal.id"],
            name=op.f("fk_entry_journal"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("account", "seq", name=op.f("uq_entry_account_seq")),
        sa.UniqueConstraint(
            "journal", "account", name=op.f("uq_entry_journal_account")
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_entry_journal"), "entry", ["journal"], unique=False)


def _make_counter() -> None:
    op.create_table(
        "counter_day",
        sa.Column("office", INTEGER, autoincrement=False, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("serial", INTEGER, nullable=False),
        sa.Column("receipts", INTEGER, nullable=False),
        sa.Column("total_paise", INTEGER, nullable=False),
        sa.Column("closed_by", INTEGER, nullable=True),
        sa.Column("closed_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (state = 'OPEN') AND (closed_by IS "
            "NULL) = (state = 'OPEN')",
            name=op.f("ck_counter_day_closed_whole"),
        ),
        sa.CheckConstraint(
            "state IN ('CLOSED', 'OPEN')", name=op.f("ck_counter_day_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["person.id"], name=op.f("fk_counter_day_closed_by")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_counter_day_office")
        ),
        sa.PrimaryKeyConstraint("office", "day", name=op.f("pk_counter_day")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_counter_day_day", "counter_day", ["day", "office"], unique=False
    )
    op.create_table(
        "counter_receipt",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("office", INTEGER, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("serial", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=False),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("depositor", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_bank", sa.Text(), nullable=False),
        sa.Column("instrument_dated", sa.Text(), nullable=True),
        sa.Column("payee", INTEGER, nullable=True),
        sa.Column("taken_at", INTEGER, nullable=False),
        sa.Column("taken_by", INTEGER, nullable=False),
        sa.Column("outcome_on", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(mode = 'PO_CASH') = (payee IS NULL) AND (payee IS NULL) ="
            " (instrument_dated IS NULL)",
            name=op.f("ck_counter_receipt_instrument_whole"),
        ),
        sa.CheckConstraint(
            "(outcome_on IS NULL) = (state NOT IN ('REALISED', 'BOUNCED'))",
            name=op.f("ck_counter_receipt_outcome_whole"),
        ),
        sa.CheckConstraint(
            "mode <> 'PO_CASH' OR state IN ('TAKEN', 'CANCELLED')",
            name=op.f("ck_counter_receipt_cash_stays"),
        ),
        sa.CheckConstraint(
            "mode IN ('NETBANKING', 'NOTIONAL', 'PORTAL_UPI', "
            "'PO_CASH', 'PO_CHEQUE', 'PO_DRAFT', 'SBI_CASH', "
            "'SBI_CHEQUE', 'SBI_DRAFT')",
            name=op.f("ck_counter_receipt_mode_known"),
        ),
        sa.CheckConstraint(
            "state IN ('BOUNCED', 'CANCELLED', 'REALISED', 'TAKEN', 'WITH_TREASURER')",
            name=op.f("ck_counter_receipt_state_known"),
        ),
        sa.CheckConstraint(
            "amount_paise > 0", name=op.f("ck_counter_receipt_amount_positive")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_counter_receipt_licence")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_counter_receipt_office")
        ),
        sa.ForeignKeyConstraint(
            ["payee"], ["office.id"], name=op.f("fk_counter_receipt_payee")
        ),
        sa.ForeignKeyConstraint(
            ["taken_by"], ["person.id"], name=op.f("fk_counter_receipt_taken_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_receipt")),
        sa.UniqueConstraint("number", name=op.f("uq_counter_receipt_number")),
        sa.UniqueConstraint(
            "office", "day", "serial", name=op.f("uq_counter_receipt_office_day_serial")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_counter_receipt_licence", "counter_receipt", ["licence", "id"], unique=False
    )
    op.create_index(
        "ix_counter_receipt_state", "counter_receipt", ["state", "office"], unique=False
    )


def _make_deposits() -> None:
    op.create_table(
        "deposit",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("licence_text", sa.Text(), nullable=False),
        sa.Column("number_text", sa.Text(), nullable=False),
        sa.Column("licensee_text", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("value_date", sa.Text(), nullable=False),
        sa.Column("realised_on", sa.Text(), nullable=True),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("line_id", sa.Text(), nullable=True),
        sa.Column("received_at", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("steps", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("available_from", sa.Text(), nullable=True),
        sa.Column("confirmed_at", INTEGER, nullable=True),
        sa.Column("suspended_at", INTEGER, nullable=True),
        sa.Column("fault_code", sa.Text(), nullable=True),
        sa.Column("fault_words", sa.Text(), nullable=True),
        sa.Column("downloaded_paise", INTEGER, nullable=False),
        sa.Column("refunded_paise", INTEGER, nullable=False),
        sa.Column("recalled_for", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "licence IS NOT NULL OR state IN ('BOUNCED', 'REALISED', "
            "'RECEIVED', 'RETURNED', 'SUSPENSE', 'VERIFIED')",
            name=op.f("ck_deposit_licence_known"),
        ),
        sa.CheckConstraint(
            "mode IN ('NETBANKING', 'NOTIONAL', 'PORTAL_UPI', "
            "'PO_CASH', 'PO_CHEQUE', 'PO_DRAFT', 'SBI_CASH', "
            "'SBI_CHEQUE', 'SBI_DRAFT')",
            name=op.f("ck_deposit_mode_known"),
        ),
        sa.CheckConstraint(
            "recalled_for IN ('BOUNCED', 'REVERSED')",
            name=op.f("ck_deposit_recalled_for_known"),
        ),
        sa.CheckConstraint(
            "source IN ('BANK', 'NOTIONAL', 'PORTAL', 'POST_OFFICE')",
            name=op.f("ck_deposit_source_known"),
        ),
        sa.CheckConstraint(
            "state IN ('ACKNOWLEDGED', 'AUTHENTICATED', 'AVAILABLE', "
            "'BOUNCED', 'DOWNLOADED', 'OWED', 'PARTLY_DOWNLOADED', "
            "'REALISED', 'RECALLED', 'RECALLED_UNANSWERED', 'RECEIVED',"
            " 'REFUNDED', 'RETURNED', 'REVERSED', 'SENT_TO_OEM', "
            "'SUSPENSE', 'VERIFIED')",
            name=op.f("ck_deposit_state_known"),
        ),
        sa.CheckConstraint(
            "(fault_code IS NULL) = (fault_words IS NULL)",
            name=op.f("ck_deposit_fault_whole"),
        ),
        sa.CheckConstraint("amount_paise > 0", name=op.f("ck_deposit_amount_positive")),
        sa.CheckConstraint(
            "downloaded_paise >= 0 AND refunded_paise >= 0 AND "
            "downloaded_paise + refunded_paise <= amount_paise",
            name=op.f("ck_deposit_parts_within"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_deposit_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit")),
        sa.UniqueConstraint(
            "source", "reference", name=op.f("uq_deposit_source_reference")
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_deposit_licence", "deposit", ["licence", "id"], unique=False)
    op.create_index("ix_deposit_state", "deposit", ["state", "id"], unique=False)
    op.create_index(
        "ix_deposit_value_date", "deposit", ["value_date", "id"], unique=False
    )
    op.create_table(
        "deposit_move",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("deposit", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("person", INTEGER, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "move IN ('ACKNOWLEDGED', 'AUTHENTICATED', 'BOUNCED', "
            "'CAME_DUE', 'DOWNLOADED_PARTLY', 'DOWNLOADED_WHOLLY', "
            "'GIVEN_BACK_PARTLY', 'GIVEN_BACK_WHOLLY', 'KEPT', "
            "'REALISED', 'RECALL_BOUNCED', 'RECALL_REFUSED', "
            "'RECALL_REVERSED', 'RECEIVED', 'REFUNDED', 'REFUSED', "
            "'RELEASED', 'RETURNED', 'REVERSED', 'SENT', 'SUSPENDED', "
            "'VERIFIED')",
            name=op.f("ck_deposit_move_move_known"),
        ),
        sa.ForeignKeyConstraint(
            ["deposit"], ["deposit.id"], name=op.f("fk_deposit_move_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_deposit_move_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_move")),
        sa.UniqueConstraint(
            "deposit", "number", name=op.f("uq_deposit_move_deposit_number")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "fund_line",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("deposit", INTEGER, nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("told_paise", INTEGER, nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("corrects", INTEGER, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("answered_at", INTEGER, nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (state IN ('WAITING', 'DROPPED', 'SENT'))",
            name=op.f("ck_fund_line_answered_whole"),
        ),
        sa.CheckConstraint(
            "(corrects IS NULL) = (kind = 'DEPOSIT')",
            name=op.f("ck_fund_line_corrects_one"),
        ),
        sa.CheckConstraint(
            "(file_id IS NULL) = (state IN ('WAITING', 'DROPPED'))",
            name=op.f("ck_fund_line_in_a_file"),
        ),
        sa.CheckConstraint(
            "kind IN ('AGAIN', 'DEPOSIT', 'TAKE_BACK')",
            name=op.f("ck_fund_line_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('DROPPED', 'REFUSED', 'SENT', 'TAKEN', 'WAITING')",
            name=op.f("ck_fund_line_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["corrects"], ["fund_line.id"], name=op.f("fk_fund_line_corrects")
        ),
        sa.ForeignKeyConstraint(
            ["deposit"], ["deposit.id"], name=op.f("fk_fund_line_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_fund_line_licence")
        ),
        sa.ForeignKeyConstraint(
            ["maker"], ["maker.letter"], name=op.f("fk_fund_line_maker")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_line")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_fund_line_deposit"), "fund_line", ["deposit"], unique=False
    )
    op.create_index("ix_fund_line_file_id", "fund_line", ["file_id"], unique=False)
    op.create_index(
        "ix_fund_line_maker", "fund_line", ["maker", "state", "id"], unique=False
    )
    op.create_table(
        "deposit_proposal",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("deposit", INTEGER, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", INTEGER, nullable=False),
        sa.Column("proposed_at", INTEGER, nullable=False),
        sa.Column("decided_by", INTEGER, nullable=True),
        sa.Column("decided_at", INTEGER, nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (state = 'PROPOSED') AND "
            "(decided_at IS NULL) = (decided_by IS NULL)",
            name=op.f("ck_deposit_proposal_decided_whole"),
        ),
        sa.CheckConstraint(
            "(licence IS NOT NULL) = (action = 'RELEASE')",
            name=op.f("ck_deposit_proposal_to_licence"),
        ),
        sa.CheckConstraint(
            "action IN ('RELEASE', 'RETURN', 'REVERSE')",
            name=op.f("ck_deposit_proposal_action_known"),
        ),
        sa.CheckConstraint(
            "state IN ('APPROVED', 'PROPOSED', 'REJECTED', 'WITHDRAWN')",
            name=op.f("ck_deposit_proposal_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('APPROVED', 'REJECTED') OR decided_by <> proposed_by",
            name=op.f("ck_deposit_proposal_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["person.id"], name=op.f("fk_deposit_proposal_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["deposit"], ["deposit.id"], name=op.f("fk_deposit_proposal_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["licence"],
            ["licence.identifier"],
            name=op.f("fk_deposit_proposal_licence"),
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["person.id"], name=op.f("fk_deposit_proposal_proposed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_proposal")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_deposit_proposal_deposit"),
        "deposit_proposal",
        ["deposit"],
        unique=False,
    )
    op.create_index(
        "uq_deposit_proposal_open",
        "deposit_proposal",
        ["deposit"],
        unique=True,
        sqlite_where=sa.text("state = 'PROPOSED'"),
        postgresql_where=sa.text("state = 'PROPOSED'"),
    )

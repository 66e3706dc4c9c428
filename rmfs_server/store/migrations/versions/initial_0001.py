"""The first schema: ledger, machines, recharges, evidence, funds; and its triggers.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`rmfs_server.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, ledger_guards, only_grow

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

APPEND_ONLY: Final = (
    "journal",
    "entry",
    "signed_message",
    "act",
    "credit_key",
    "closed_period",
    "fund_file",
    "fund_line",
    "fund_credit",
)

KEPT: Final = (
    *APPEND_ONLY,
    "licence",
    "credential",
    "machine",
    "recharge",
    "machine_order",
    "discrepancy",
    "account",
    "balance",
    "suspense",
)
"""Tables that lose no row; only `usage` is rewritten when a person adopts it."""

GUARDS: Final = (
    *ledger_guards(),
    Guard(
        "recharge_as_granted",
        "recharge",
        "BEFORE UPDATE",
        "NEW.licence <> OLD.licence OR NEW.number <> OLD.number "
        "OR NEW.kind <> OLD.kind OR NEW.amount_paise <> OLD.amount_paise "
        "OR NEW.voucher <> OLD.voucher OR "
        "(OLD.void IS NOT NULL AND (NEW.void IS NULL OR NEW.void <> OLD.void))",
        "a granted recharge keeps its number, amount and octets",
    ),
    Guard(
        "recharge_settled_once",
        "recharge",
        "BEFORE UPDATE",
        "OLD.state NOT IN ('RESERVED', 'FROZEN')",
        "a settled recharge does not change",
    ),
    Guard(
        "machine_number_rises",
        "machine",
        "BEFORE UPDATE",
        "NEW.number < OLD.number OR NEW.call_generation < OLD.call_generation",
        "recharge numbers and call generations do not fall",
    ),
    Guard(
        "credential_stays_revoked",
        "credential",
        "BEFORE UPDATE",
        "OLD.state = 'REVOKED' OR NEW.credential_hash <> OLD.credential_hash "
        "OR NEW.signing_x <> OLD.signing_x OR NEW.dh_x <> OLD.dh_x",
        "a revoked credential does not come back, and no key changes",
    ),
    *only_grow(APPEND_ONLY),
)


def upgrade() -> None:
    """Make the tables, then the rules that the database itself holds."""
    _make_tables()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE journal_number")
    guard(GUARDS, KEPT)


def _make_tables() -> None:
    op.create_table(
        "act",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("second_person", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_act")),
        sqlite_strict=True,
    )
    op.create_index("ix_act_licence", "act", ["licence"], unique=False)
    op.create_table(
        "closed_period",
        sa.Column("through", sa.Text(), nullable=False),
        sa.Column("closed_at", INTEGER, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("through", name=op.f("pk_closed_period")),
        sqlite_strict=True,
    )
    op.create_table(
        "credit_key",
        sa.Column("key_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("realm", INTEGER, nullable=False),
        sa.Column("x", sa.LargeBinary(), nullable=False),
        sa.Column("y", sa.LargeBinary(), nullable=False),
        sa.Column("first_used_at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_credit_key")),
        sqlite_strict=True,
    )
    op.create_table(
        "fund_file",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("made_on", sa.Text(), nullable=False),
        sa.Column("lines", INTEGER, nullable=False),
        sa.Column("total_paise", INTEGER, nullable=False),
        sa.Column("imported_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "length(sha256) = 32", name=op.f("ck_fund_file_sha256_octets")
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_fund_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_fund_file_sha256")),
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
            "kind IN ('ENROL', 'DEPOSIT', 'CORRECTION', 'RESERVE', 'POST', 'VOID', "
            "'RESTORE', 'ADOPT', 'REVERSAL')",
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
        "licence",
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_on", sa.Text(), nullable=False),
        sa.Column("refund_allowed", sa.Integer(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "state IN ('REGISTERED', 'RENEWED', 'BLOCKED', 'WITHHELD', 'EXPIRED', "
            "'CANCELLED')",
            name=op.f("ck_licence_state_known"),
        ),
        sa.CheckConstraint(
            "refund_allowed IN (0, 1)", name=op.f("ck_licence_refund_allowed_flag")
        ),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_licence")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_licence_number"), "licence", ["number"], unique=False)
    op.create_table(
        "account",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(licence IS NULL) = (kind IN ('DEPARTMENT', 'SUSPENSE'))",
            name=op.f("ck_account_pooled"),
        ),
        sa.CheckConstraint(
            "kind IN ('DEPARTMENT', 'SUSPENSE', 'FUNDS', 'RESERVED', 'MACHINE')",
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
        "credential",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("generation", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("psd_serial", sa.Text(), nullable=False),
        sa.Column("realm", INTEGER, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("firmware", sa.Text(), nullable=False),
        sa.Column("dh_x", sa.LargeBinary(), nullable=False),
        sa.Column("dh_y", sa.LargeBinary(), nullable=False),
        sa.Column("signing_x", sa.LargeBinary(), nullable=False),
        sa.Column("signing_y", sa.LargeBinary(), nullable=False),
        sa.Column("credential_hash", sa.LargeBinary(), nullable=False),
        sa.Column("base_ascending_paise", INTEGER, nullable=False),
        sa.Column("base_descending_paise", INTEGER, nullable=False),
        sa.Column("base_control_total_paise", INTEGER, nullable=False),
        sa.Column("base_items", INTEGER, nullable=False),
        sa.Column("base_items_with_zero", INTEGER, nullable=False),
        sa.Column("base_number", INTEGER, nullable=False),
        sa.Column("enrolled_at", INTEGER, nullable=False),
        sa.Column("revoked_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "state IN ('ACTIVE', 'REVOKED')", name=op.f("ck_credential_state_known")
        ),
        sa.CheckConstraint(
            "length(credential_hash) = 8",
            name=op.f("ck_credential_credential_hash_octets"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_credential_licence")
        ),
        sa.PrimaryKeyConstraint("licence", name=op.f("pk_credential")),
        sa.UniqueConstraint(
            "credential_hash", name=op.f("uq_credential_credential_hash")
        ),
        sa.UniqueConstraint("dh_x", name=op.f("uq_credential_dh_x")),
        sa.UniqueConstraint("signing_x", name=op.f("uq_credential_signing_x")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_credential_psd_serial"), "credential", ["psd_serial"], unique=False
    )
    op.create_table(
        "fund_line",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("line_number", INTEGER, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=False),
        sa.Column("licensee", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("value_date", sa.Text(), nullable=False),
        sa.Column("available_from", sa.Text(), nullable=False),
        sa.Column("corrects_file_id", sa.Text(), nullable=True),
        sa.Column("corrects_line_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "record IN ('D', 'C')", name=op.f("ck_fund_line_record_known")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["fund_file.file_id"], name=op.f("fk_fund_line_file_id")
        ),
        sa.PrimaryKeyConstraint("file_id", "line_id", name=op.f("pk_fund_line")),
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
    op.create_table(
        "fund_credit",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("available_from", sa.Text(), nullable=False),
        sa.Column("deposit_file_id", sa.Text(), nullable=False),
        sa.Column("deposit_line_id", sa.Text(), nullable=False),
        sa.Column("first_deposit", sa.Integer(), nullable=False),
        sa.Column("journal", INTEGER, nullable=False),
        sa.CheckConstraint(
            "amount_paise <> 0", name=op.f("ck_fund_credit_amount_not_zero")
        ),
        sa.CheckConstraint(
            "first_deposit IN (0, 1)", name=op.f("ck_fund_credit_first_deposit_flag")
        ),
        sa.ForeignKeyConstraint(
            ["deposit_file_id", "deposit_line_id"],
            ["fund_line.file_id", "fund_line.line_id"],
            name=op.f("fk_fund_credit_deposit_file_id_deposit_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["file_id", "line_id"],
            ["fund_line.file_id", "fund_line.line_id"],
            name=op.f("fk_fund_credit_file_id_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["journal"], ["journal.id"], name=op.f("fk_fund_credit_journal")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_fund_credit_licence")
        ),
        sa.PrimaryKeyConstraint("file_id", "line_id", name=op.f("pk_fund_credit")),
        sa.UniqueConstraint("journal", name=op.f("uq_fund_credit_journal")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_fund_credit_licence",
        "fund_credit",
        ["licence", "available_from"],
        unique=False,
    )
    op.create_table(
        "machine",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_ascending_paise", INTEGER, nullable=False),
        sa.Column("last_descending_paise", INTEGER, nullable=False),
        sa.Column("last_control_total_paise", INTEGER, nullable=False),
        sa.Column("last_items", INTEGER, nullable=False),
        sa.Column("last_items_with_zero", INTEGER, nullable=False),
        sa.Column("base_paise", INTEGER, nullable=False),
        sa.Column("settled_paise", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("mark_acknowledged", sa.LargeBinary(), nullable=False),
        sa.Column("mark_issued", sa.LargeBinary(), nullable=True),
        sa.Column("call_generation", INTEGER, nullable=False),
        sa.Column("dial_in", INTEGER, nullable=False),
        sa.Column("frozen", sa.Integer(), nullable=False),
        sa.Column("order_serial", INTEGER, nullable=False),
        sa.Column("usage_base_paise", INTEGER, nullable=False),
        sa.Column("usage_ascending_paise", INTEGER, nullable=False),
        sa.Column("stated_at", INTEGER, nullable=True),
        sa.Column("completed_at", INTEGER, nullable=True),
        sa.Column("presented_voucher", sa.LargeBinary(), nullable=True),
        sa.Column("presented_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "state IN ('UNINSTALLED', 'INSTALLED', 'IN_SERVICE', 'BLOCKED', 'LOCKED', "
            "'FAULT', 'WITHDRAWN')",
            name=op.f("ck_machine_state_known"),
        ),
        sa.CheckConstraint(
            "base_paise + settled_paise >= 0", name=op.f("ck_machine_control_total")
        ),
        sa.CheckConstraint("frozen IN (0, 1)", name=op.f("ck_machine_frozen_flag")),
        sa.CheckConstraint(
            "last_ascending_paise + last_descending_paise = last_control_total_paise",
            name=op.f("ck_machine_registers_balanced"),
        ),
        sa.CheckConstraint(
            "length(mark_acknowledged) = 8",
            name=op.f("ck_machine_mark_acknowledged_octets"),
        ),
        sa.CheckConstraint(
            "length(mark_issued) = 8", name=op.f("ck_machine_mark_issued_octets")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["credential.licence"], name=op.f("fk_machine_licence")
        ),
        sa.PrimaryKeyConstraint("licence", name=op.f("pk_machine")),
        sqlite_strict=True,
    )
    op.create_table(
        "signed_message",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("binding", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("call_generation", INTEGER, nullable=False),
        sa.Column("received_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "kind IN ('STATEMENT', 'CONFIRMATION')",
            name=op.f("ck_signed_message_kind_known"),
        ),
        sa.CheckConstraint(
            "length(binding) = 32", name=op.f("ck_signed_message_binding_octets")
        ),
        sa.CheckConstraint(
            "length(digest) = 32", name=op.f("ck_signed_message_digest_octets")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["credential.licence"], name=op.f("fk_signed_message_licence")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_signed_message")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_signed_message_licence",
        "signed_message",
        ["licence", "call_generation"],
        unique=False,
    )
    op.create_table(
        "suspense",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", INTEGER, nullable=False),
        sa.Column("closed_at", INTEGER, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("closed_by_file_id", sa.Text(), nullable=True),
        sa.Column("closed_by_line_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('APPLIED', 'CLOSED')", name=op.f("ck_suspense_outcome_known")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (outcome IS NULL)",
            name=op.f("ck_suspense_closed_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["file_id", "line_id"],
            ["fund_line.file_id", "fund_line.line_id"],
            name=op.f("fk_suspense_file_id_line_id"),
        ),
        sa.PrimaryKeyConstraint("file_id", "line_id", name=op.f("pk_suspense")),
        sqlite_strict=True,
    )
    op.create_table(
        "discrepancy",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("found_in", sa.LargeBinary(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("found_at", INTEGER, nullable=False),
        sa.Column("resolved_at", INTEGER, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("second_person", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "code IN ('AMOUNT_STEP', 'FUNDS_SHORT', 'FUNDS_NOT_YET_AVAILABLE', "
            "'AMOUNT_LIMIT', 'LICENCE_BLOCKED', 'LICENCE_WITHHELD', "
            "'LICENCE_CANCELLED', 'LICENCE_EXPIRED', 'MACHINE_STATE', "
            "'KIND_NOT_OFFERED', 'CONTROL_TOTAL_SUM', 'CONTROL_TOTAL_HISTORY', "
            "'ASCENDING_BACK', 'ITEMS_BACK', 'MARK_WRONG', 'NUMBER_AHEAD', "
            "'NUMBER_BEHIND', 'USAGE_MISMATCH', 'ACCOUNT_FROZEN')",
            name=op.f("ck_discrepancy_code_known"),
        ),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (resolution IS NULL)",
            name=op.f("ck_discrepancy_resolved_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["found_in"],
            ["signed_message.digest"],
            name=op.f("fk_discrepancy_found_in"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["machine.licence"], name=op.f("fk_discrepancy_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_discrepancy_licence",
        "discrepancy",
        ["licence", "resolved_at"],
        unique=False,
    )
    op.create_table(
        "machine_order",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("serial", INTEGER, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", INTEGER, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("acknowledged_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "kind IN ('CLOCK', 'LOCK', 'UNLOCK', 'NEXT_CALL', 'TARIFF', 'SLOGAN', "
            "'FIRMWARE', 'KEY_ROTATION')",
            name=op.f("ck_machine_order_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["machine.licence"], name=op.f("fk_machine_order_licence")
        ),
        sa.PrimaryKeyConstraint("licence", "serial", name=op.f("pk_machine_order")),
        sqlite_strict=True,
    )
    op.create_table(
        "recharge",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("control_total_before_paise", INTEGER, nullable=False),
        sa.Column("control_total_after_paise", INTEGER, nullable=False),
        sa.Column("voucher", sa.LargeBinary(), nullable=False),
        sa.Column("void", sa.LargeBinary(), nullable=True),
        sa.Column("requested_in", sa.LargeBinary(), nullable=True),
        sa.Column("settled_in", sa.LargeBinary(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("reserved_at", INTEGER, nullable=False),
        sa.Column("voided_at", INTEGER, nullable=True),
        sa.Column("settled_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(state IN ('RESERVED', 'FROZEN')) = (settled_at IS NULL)",
            name=op.f("ck_recharge_settled_once"),
        ),
        sa.CheckConstraint(
            "kind IN ('RECHARGE', 'WITHDRAWAL', 'VOID', 'REFUND')",
            name=op.f("ck_recharge_kind_known"),
        ),
        sa.CheckConstraint(
            "settled_by IN ('CONFIRMATION', 'STATEMENT', 'PERSON')",
            name=op.f("ck_recharge_settled_by_known"),
        ),
        sa.CheckConstraint(
            "state IN ('RESERVED', 'FROZEN', 'POSTED', 'VOIDED', 'REVERSED')",
            name=op.f("ck_recharge_state_known"),
        ),
        sa.CheckConstraint(
            "amount_paise BETWEEN 0 AND 9007199254740991",
            name=op.f("ck_recharge_amount_range"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["machine.licence"], name=op.f("fk_recharge_licence")
        ),
        sa.ForeignKeyConstraint(
            ["requested_in"],
            ["signed_message.digest"],
            name=op.f("fk_recharge_requested_in"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["settled_in"],
            ["signed_message.digest"],
            name=op.f("fk_recharge_settled_in"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recharge")),
        sa.UniqueConstraint(
            "licence", "number", name=op.f("uq_recharge_licence_number")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_recharge_open",
        "recharge",
        ["licence"],
        unique=True,
        sqlite_where=sa.text("state IN ('RESERVED', 'FROZEN')"),
        postgresql_where=sa.text("state IN ('RESERVED', 'FROZEN')"),
    )
    op.create_table(
        "usage",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("product_class", INTEGER, autoincrement=False, nullable=False),
        sa.Column("items", INTEGER, nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.CheckConstraint(
            "items >= 0 AND amount_paise >= 0", name=op.f("ck_usage_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["machine.licence"], name=op.f("fk_usage_licence")
        ),
        sa.PrimaryKeyConstraint("licence", "product_class", name=op.f("pk_usage")),
        sqlite_strict=True,
    )

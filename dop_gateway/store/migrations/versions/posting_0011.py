"""Usage, statements of mailing, rebates, refunds, franks seen.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, only_grow

revision: Final = "0011"
down_revision: Final = "0010"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

KEPT: Final = (
    "usage_dial_in",
    "usage_product",
    "usage_posted",
    "seen_frank",
    "mailing",
    "mailing_line",
    "claim",
    "rebate",
    "unused_credit",
)
"""Tables that lose no row."""

GUARDS: Final = (
    *only_grow(
        ("usage_dial_in", "seen_frank", "mailing_line", "rebate", "unused_credit")
    ),
    Guard(
        "usage_posted_rises",
        "usage_posted",
        "BEFORE UPDATE",
        "NEW.licence <> OLD.licence OR NEW.posted_paise < OLD.posted_paise "
        "OR NEW.ascending_paise < OLD.ascending_paise",
        "what was posted of usage only rises",
    ),
    Guard(
        "mailing_as_captured",
        "mailing",
        "BEFORE UPDATE",
        "NEW.number <> OLD.number OR NEW.licence <> OLD.licence "
        "OR NEW.office <> OLD.office OR NEW.presented_on <> OLD.presented_on "
        "OR NEW.closing_ascending_paise <> OLD.closing_ascending_paise "
        "OR NEW.closing_descending_paise <> OLD.closing_descending_paise "
        "OR NEW.amount_paise <> OLD.amount_paise OR OLD.state = 'VOIDED'",
        "a statement of mailing stays as it was captured",
    ),
    Guard(
        "claim_as_proposed",
        "claim",
        "BEFORE UPDATE",
        "NEW.kind <> OLD.kind OR NEW.licence <> OLD.licence "
        "OR NEW.office <> OLD.office OR NEW.gross_paise <> OLD.gross_paise "
        "OR NEW.deduction_paise <> OLD.deduction_paise "
        "OR NEW.proposed_by <> OLD.proposed_by OR OLD.state IN ('PAID', 'REFUSED')",
        "a claim stays as it was proposed, and is paid once",
    ),
)


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "usage_dial_in",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("on_day", sa.Text(), nullable=False),
        sa.Column("ascending_paise", INTEGER, nullable=False),
        sa.Column("descending_paise", INTEGER, nullable=False),
        sa.Column("items", INTEGER, nullable=False),
        sa.Column("machine_state", sa.Text(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("binding", sa.LargeBinary(), nullable=False),
        sa.Column("has_products", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("taken_at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "ascending_paise >= 0 AND descending_paise >= 0",
            name=op.f("ck_usage_dial_in_registers_counted"),
        ),
        sa.CheckConstraint(
            "has_products IN (0, 1)", name=op.f("ck_usage_dial_in_has_products_flag")
        ),
        sa.CheckConstraint(
            "length(binding) = 32", name=op.f("ck_usage_dial_in_binding_octets")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_usage_dial_in_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_dial_in")),
        sa.UniqueConstraint(
            "licence", "number", name=op.f("uq_usage_dial_in_licence_number")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_usage_dial_in_on_day", "usage_dial_in", ["on_day", "licence"], unique=False
    )
    op.create_table(
        "usage_product",
        sa.Column("dial_in", INTEGER, nullable=False),
        sa.Column("product_class", INTEGER, autoincrement=False, nullable=False),
        sa.Column("items", INTEGER, nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("new_items", INTEGER, nullable=False),
        sa.Column("new_paise", INTEGER, nullable=False),
        sa.CheckConstraint(
            "new_items >= 0 AND new_paise >= 0 AND items >= new_items AND "
            "amount_paise >= new_paise",
            name=op.f("ck_usage_product_never_less"),
        ),
        sa.CheckConstraint(
            "product_class BETWEEN 1 AND 255", name=op.f("ck_usage_product_class_known")
        ),
        sa.ForeignKeyConstraint(
            ["dial_in"], ["usage_dial_in.id"], name=op.f("fk_usage_product_dial_in")
        ),
        sa.PrimaryKeyConstraint(
            "dial_in", "product_class", name=op.f("pk_usage_product")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "usage_posted",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("ascending_paise", INTEGER, nullable=False),
        sa.Column("posted_paise", INTEGER, nullable=False),
        sa.CheckConstraint(
            "posted_paise >= 0", name=op.f("ck_usage_posted_posted_counted")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_usage_posted_licence")
        ),
        sa.PrimaryKeyConstraint("licence", name=op.f("pk_usage_posted")),
        sqlite_strict=True,
    )
    op.create_table(
        "seen_frank",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("item", INTEGER, nullable=False),
        sa.Column("unsigned", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("office", INTEGER, nullable=False),
        sa.Column("seen_on", sa.Text(), nullable=False),
        sa.Column("seen_at", INTEGER, nullable=False),
        sa.Column("seen_by", INTEGER, nullable=False),
        sa.CheckConstraint(
            "purpose IN ('CHECK', 'MAIL', 'SPOILED')",
            name=op.f("ck_seen_frank_purpose_known"),
        ),
        sa.CheckConstraint(
            "realm IN ('PRODUCTION', 'TEST')", name=op.f("ck_seen_frank_realm_known")
        ),
        sa.CheckConstraint(
            "length(unsigned) = 45", name=op.f("ck_seen_frank_unsigned_octets")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_seen_frank_licence")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_seen_frank_office")
        ),
        sa.ForeignKeyConstraint(
            ["seen_by"], ["person.id"], name=op.f("fk_seen_frank_seen_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seen_frank")),
        sa.UniqueConstraint(
            "licence",
            "realm",
            "item",
            "unsigned",
            name=op.f("uq_seen_frank_licence_realm_item_unsigned"),
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_seen_frank_office", "seen_frank", ["office", "seen_on"], unique=False
    )
    op.create_table(
        "mailing",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("running", INTEGER, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("office", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("presented_on", sa.Text(), nullable=False),
        sa.Column("mail_dated", sa.Text(), nullable=False),
        sa.Column("closed_at", INTEGER, nullable=True),
        sa.Column("opening_ascending_paise", INTEGER, nullable=False),
        sa.Column("opening_descending_paise", INTEGER, nullable=False),
        sa.Column("closing_ascending_paise", INTEGER, nullable=False),
        sa.Column("closing_descending_paise", INTEGER, nullable=False),
        sa.Column("items", INTEGER, nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("is_sorted", sa.Integer(), nullable=False),
        sa.Column("copies", INTEGER, nullable=False),
        sa.Column("shortage_due_paise", INTEGER, nullable=False),
        sa.Column("shortage_collected_paise", INTEGER, nullable=False),
        sa.Column("captured_by", INTEGER, nullable=False),
        sa.Column("captured_at", INTEGER, nullable=False),
        sa.Column("voided_by", INTEGER, nullable=True),
        sa.Column("voided_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(state = 'VOIDED') = (voided_by IS NOT NULL) AND (voided_by IS NULL) = "
            "(voided_at IS NULL) AND (voided_by IS NULL OR voided_by <> captured_by)",
            name=op.f("ck_mailing_voided_whole"),
        ),
        sa.CheckConstraint(
            "state IN ('CAPTURED', 'VOIDED')", name=op.f("ck_mailing_state_known")
        ),
        sa.CheckConstraint(
            "closing_ascending_paise >= opening_ascending_paise",
            name=op.f("ck_mailing_never_less"),
        ),
        sa.CheckConstraint(
            "is_sorted IN (0, 1)", name=op.f("ck_mailing_is_sorted_flag")
        ),
        sa.ForeignKeyConstraint(
            ["captured_by"], ["person.id"], name=op.f("fk_mailing_captured_by")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_mailing_licence")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_mailing_office")
        ),
        sa.ForeignKeyConstraint(
            ["voided_by"], ["person.id"], name=op.f("fk_mailing_voided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_mailing_office", "mailing", ["office", "presented_on"], unique=False
    )
    op.create_index(
        "uq_mailing_running",
        "mailing",
        ["licence", "running"],
        unique=True,
        sqlite_where=sa.text("state = 'CAPTURED'"),
        postgresql_where=sa.text("state = 'CAPTURED'"),
    )
    op.create_table(
        "mailing_line",
        sa.Column("mailing", INTEGER, nullable=False),
        sa.Column("product_class", INTEGER, autoincrement=False, nullable=False),
        sa.Column("is_registered", sa.Integer(), nullable=False),
        sa.Column("items", INTEGER, nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.CheckConstraint(
            "is_registered IN (0, 1)", name=op.f("ck_mailing_line_is_registered_flag")
        ),
        sa.CheckConstraint(
            "items > 0 AND amount_paise > 0", name=op.f("ck_mailing_line_some")
        ),
        sa.CheckConstraint(
            "product_class BETWEEN 1 AND 255", name=op.f("ck_mailing_line_class_known")
        ),
        sa.ForeignKeyConstraint(
            ["mailing"], ["mailing.id"], name=op.f("fk_mailing_line_mailing")
        ),
        sa.PrimaryKeyConstraint(
            "mailing", "product_class", "is_registered", name=op.f("pk_mailing_line")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "claim",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("office", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimed_on", sa.Text(), nullable=False),
        sa.Column("gross_paise", INTEGER, nullable=False),
        sa.Column("deduction_paise", INTEGER, nullable=False),
        sa.Column("proposed_by", INTEGER, nullable=False),
        sa.Column("proposed_at", INTEGER, nullable=False),
        sa.Column("confirmed_by", INTEGER, nullable=True),
        sa.Column("sanctioned_by", INTEGER, nullable=True),
        sa.Column("refused_by", INTEGER, nullable=True),
        sa.Column("paid_out_by", INTEGER, nullable=True),
        sa.Column("paid_by", sa.Text(), nullable=True),
        sa.Column("schedule_on", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'PAID') = (paid_by IS NOT NULL) AND (paid_by IS NULL) = "
            "(schedule_on IS NULL) AND (paid_by IS NULL) = (paid_out_by IS NULL)",
            name=op.f("ck_claim_paid_whole"),
        ),
        sa.CheckConstraint(
            "kind IN ('REBATE', 'SPOILED', 'UNUSED')", name=op.f("ck_claim_kind_known")
        ),
        sa.CheckConstraint(
            "paid_by IN ('CASH', 'CHEQUE')", name=op.f("ck_claim_paid_by_known")
        ),
        sa.CheckConstraint(
            "state IN ('CONFIRMED', 'PAID', 'PROPOSED', 'REFUSED', 'SANCTIONED')",
            name=op.f("ck_claim_state_known"),
        ),
        sa.CheckConstraint(
            "gross_paise > 0 AND deduction_paise >= 0 AND deduction_paise < "
            "gross_paise",
            name=op.f("ck_claim_something_payable"),
        ),
        sa.CheckConstraint(
            "sanctioned_by IS NULL OR sanctioned_by <> proposed_by",
            name=op.f("ck_claim_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["person.id"], name=op.f("fk_claim_confirmed_by")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_claim_licence")
        ),
        sa.ForeignKeyConstraint(
            ["office"], ["office.id"], name=op.f("fk_claim_office")
        ),
        sa.ForeignKeyConstraint(
            ["paid_out_by"], ["person.id"], name=op.f("fk_claim_paid_out_by")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["person.id"], name=op.f("fk_claim_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["refused_by"], ["person.id"], name=op.f("fk_claim_refused_by")
        ),
        sa.ForeignKeyConstraint(
            ["sanctioned_by"], ["person.id"], name=op.f("fk_claim_sanctioned_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_claim_licence", "claim", ["licence", "kind", "state"], unique=False
    )
    op.create_index(
        "ix_claim_schedule", "claim", ["schedule_on", "office"], unique=False
    )
    op.create_table(
        "rebate",
        sa.Column("claim", INTEGER, nullable=False),
        sa.Column("from_mailing", INTEGER, nullable=True),
        sa.Column("to_mailing", INTEGER, nullable=False),
        sa.Column("from_ascending_paise", INTEGER, nullable=False),
        sa.Column("to_ascending_paise", INTEGER, nullable=False),
        sa.Column("rate_basis_points", INTEGER, nullable=False),
        sa.Column("rebate_paise", INTEGER, nullable=False),
        sa.Column("sorted_paise", INTEGER, nullable=False),
        sa.Column("sorted_basis_points", INTEGER, nullable=False),
        sa.Column("sorted_rebate_paise", INTEGER, nullable=False),
        sa.CheckConstraint(
            "to_ascending_paise > from_ascending_paise", name=op.f("ck_rebate_consumed")
        ),
        sa.ForeignKeyConstraint(["claim"], ["claim.id"], name=op.f("fk_rebate_claim")),
        sa.ForeignKeyConstraint(
            ["from_mailing"], ["mailing.id"], name=op.f("fk_rebate_from_mailing")
        ),
        sa.ForeignKeyConstraint(
            ["to_mailing"], ["mailing.id"], name=op.f("fk_rebate_to_mailing")
        ),
        sa.PrimaryKeyConstraint("claim", name=op.f("pk_rebate")),
        sqlite_strict=True,
    )
    op.create_table(
        "spoiled_frank",
        sa.Column("frank", INTEGER, nullable=False),
        sa.Column("claim", INTEGER, nullable=False),
        sa.Column("value_paise", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["claim"], ["claim.id"], name=op.f("fk_spoiled_frank_claim")
        ),
        sa.ForeignKeyConstraint(
            ["frank"], ["seen_frank.id"], name=op.f("fk_spoiled_frank_frank")
        ),
        sa.PrimaryKeyConstraint("frank", name=op.f("pk_spoiled_frank")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_spoiled_frank_claim"), "spoiled_frank", ["claim"], unique=False
    )
    op.create_table(
        "unused_credit",
        sa.Column("claim", INTEGER, nullable=False),
        sa.Column("last_mailing", INTEGER, nullable=True),
        sa.Column("descending_paise", INTEGER, nullable=False),
        sa.Column("remaining_paise", INTEGER, nullable=False),
        sa.Column("cancelled_on", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "descending_paise >= 0 AND remaining_paise >= 0",
            name=op.f("ck_unused_credit_amounts_counted"),
        ),
        sa.ForeignKeyConstraint(
            ["claim"], ["claim.id"], name=op.f("fk_unused_credit_claim")
        ),
        sa.ForeignKeyConstraint(
            ["last_mailing"], ["mailing.id"], name=op.f("fk_unused_credit_last_mailing")
        ),
        sa.PrimaryKeyConstraint("claim", name=op.f("pk_unused_credit")),
        sqlite_strict=True,
    )
    guard(GUARDS, KEPT)

"""Incidents, downloads, remaining funds, reconciliation.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard

revision: Final = "0010"
down_revision: Final = "0009"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

KEPT: Final = ("incident", "maker_discrepancy", "download_line")
"""Tables that lose no row."""

GUARDS: Final = (
    Guard(
        "incident_as_found",
        "incident",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.subject <> OLD.subject "
        "OR NEW.found_at <> OLD.found_at OR NEW.found_by <> OLD.found_by",
        "an incident keeps what it is about",
    ),
    Guard(
        "download_line_as_told",
        "download_line",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.maker <> OLD.maker OR NEW.file_id <> OLD.file_id "
        "OR NEW.licence <> OLD.licence OR NEW.number <> OLD.number "
        "OR NEW.amount_paise <> OLD.amount_paise OR NEW.voucher <> OLD.voucher "
        "OR (length(OLD.message) > 0 AND NEW.message <> OLD.message) "
        "OR OLD.state IN ('TAKEN', 'REFUSED')",
        "a credit keeps what was signed, and is taken or refused once",
    ),
    Guard(
        "maker_discrepancy_as_told",
        "maker_discrepancy",
        "BEFORE UPDATE",
        "NEW.maker <> OLD.maker OR NEW.number <> OLD.number "
        "OR NEW.licence <> OLD.licence OR NEW.code <> OLD.code",
        "a discrepancy keeps what was found",
    ),
)


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "reconciliation",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("ran_at", INTEGER, nullable=False),
        sa.Column("licences", INTEGER, nullable=False),
        sa.Column("unexplained_paise", INTEGER, nullable=False),
        sa.Column("whole", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_reconciliation")),
        sqlite_strict=True,
    )
    op.create_table(
        "download_line",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("window_of_day", INTEGER, nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("control_total_before_paise", INTEGER, nullable=False),
        sa.Column("control_total_after_paise", INTEGER, nullable=False),
        sa.Column("ascending_paise", INTEGER, nullable=False),
        sa.Column("descending_paise", INTEGER, nullable=False),
        sa.Column("items", INTEGER, nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("binding", sa.LargeBinary(), nullable=False),
        sa.Column("voucher", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("came_at", INTEGER, nullable=False),
        sa.Column("taken_at", INTEGER, nullable=True),
        sa.Column("journal", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(state = 'REFUSED') <= (code <> '')",
            name=op.f("ck_download_line_refusal_told"),
        ),
        sa.CheckConstraint(
            "(taken_at IS NOT NULL) = (state = 'TAKEN')",
            name=op.f("ck_download_line_taken_whole"),
        ),
        sa.CheckConstraint(
            "kind IN ('RECHARGE', 'REFUND', 'VOID', 'WITHDRAWAL')",
            name=op.f("ck_download_line_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('BROKEN', 'REFUSED', 'TAKEN', 'UNFUNDED', 'UNPROVED', "
            "'WAITING')",
            name=op.f("ck_download_line_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["journal"], ["journal.id"], name=op.f("fk_download_line_journal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download_line")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_download_line_came", "download_line", ["came_at", "id"], unique=False
    )
    op.create_index(
        "ix_download_line_file", "download_line", ["maker", "file_id"], unique=False
    )
    op.create_index(
        "ix_download_line_held",
        "download_line",
        ["licence", "number"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('TAKEN', 'REFUSED')"),
        postgresql_where=sa.text("state NOT IN ('TAKEN', 'REFUSED')"),
    )
    op.create_index(
        "uq_download_line_number",
        "download_line",
        ["licence", "number"],
        unique=True,
        sqlite_where=sa.text("state <> 'REFUSED'"),
        postgresql_where=sa.text("state <> 'REFUSED'"),
    )
    op.create_table(
        "incident",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", INTEGER, nullable=False),
        sa.Column("found_by", INTEGER, nullable=False),
        sa.Column("seen_at", INTEGER, nullable=False),
        sa.Column("owner", INTEGER, nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("acted_by", INTEGER, nullable=True),
        sa.Column("closed_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (state <> 'CLOSED')",
            name=op.f("ck_incident_closed_whole"),
        ),
        sa.CheckConstraint(
            "state <> 'ASSIGNED' OR owner IS NOT NULL",
            name=op.f("ck_incident_owner_named"),
        ),
        sa.CheckConstraint(
            "state IN ('ACTED', 'ASSIGNED', 'CLOSED', 'OPEN')",
            name=op.f("ck_incident_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["acted_by"], ["person.id"], name=op.f("fk_incident_acted_by")
        ),
        sa.ForeignKeyConstraint(
            ["found_by"], ["person.id"], name=op.f("fk_incident_found_by")
        ),
        sa.ForeignKeyConstraint(
            ["owner"], ["person.id"], name=op.f("fk_incident_owner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sqlite_strict=True,
    )
    op.create_index("ix_incident_licence", "incident", ["licence", "id"], unique=False)
    op.create_index(
        "ix_incident_one_open",
        "incident",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("state <> 'CLOSED'"),
        postgresql_where=sa.text("state <> 'CLOSED'"),
    )
    op.create_index("ix_incident_state", "incident", ["state", "id"], unique=False)
    op.create_table(
        "maker_discrepancy",
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("found_at", INTEGER, nullable=False),
        sa.Column("recharge_number", INTEGER, nullable=True),
        sa.Column("control_total_paise", INTEGER, nullable=True),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("binding", sa.LargeBinary(), nullable=True),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("told_at", INTEGER, nullable=False),
        sa.Column("resolved_at", INTEGER, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (resolution = '')",
            name=op.f("ck_maker_discrepancy_resolved_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["licence"],
            ["licence.identifier"],
            name=op.f("fk_maker_discrepancy_licence"),
        ),
        sa.PrimaryKeyConstraint("maker", "number", name=op.f("pk_maker_discrepancy")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_maker_discrepancy_licence",
        "maker_discrepancy",
        ["licence", "resolved_at"],
        unique=False,
    )
    op.create_table(
        "reconciliation_part",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("balance", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.Column("since", INTEGER, nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "balance IN ('DEPOSITED', 'MACHINE', 'REMAINING')",
            name=op.f("ck_reconciliation_part_balance_known"),
        ),
        sa.ForeignKeyConstraint(
            ["day"], ["reconciliation.day"], name=op.f("fk_reconciliation_part_day")
        ),
        sa.ForeignKeyConstraint(
            ["licence"],
            ["licence.identifier"],
            name=op.f("fk_reconciliation_part_licence"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_part")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_reconciliation_part_day",
        "reconciliation_part",
        ["day", "licence"],
        unique=False,
    )
    op.create_index(
        "ix_reconciliation_part_licence",
        "reconciliation_part",
        ["licence", "day"],
        unique=False,
    )
    op.create_table(
        "remaining_fund",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("window_of_day", INTEGER, nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("applied_at", INTEGER, nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=False),
        sa.Column("remaining_paise", INTEGER, nullable=False),
        sa.Column("reserved_paise", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("control_total_paise", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_remaining_fund_licence")
        ),
        sa.PrimaryKeyConstraint("licence", name=op.f("pk_remaining_fund")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_remaining_fund_maker", "remaining_fund", ["maker", "licence"], unique=False
    )
    # What was done to one thing is read from the audit trail, as of an incident.
    op.create_index(
        "ix_audit_subject",
        "audit",
        ["subject_kind", "subject", "number"],
        unique=False,
    )
    guard(GUARDS, KEPT)

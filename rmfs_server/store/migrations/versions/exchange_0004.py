"""Files to and from the Department, and what waits to be told to it.

What happened before is told too: every settled recharge, every STATEMENT and every
discrepancy of the books that are migrated gets its row.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`rmfs_server.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, only_grow

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

NUMBERED: Final = {
    "IN": ("acknowledgement", "fund", "license-issue", "license-modification"),
    "OUT": (
        "acknowledgement",
        "credit-download",
        "discrepancy",
        "remaining-fund",
        "usage",
    ),
}
"""Both sides begin to count at 1."""

# Name, table, event, condition, and what is put into told_item.
TELLING: Final = (
    (
        "told_statement",
        "signed_message",
        "AFTER INSERT",
        "NEW.kind = 'STATEMENT'",
        "(kind, licence, message) VALUES ('STATEMENT', NEW.licence, NEW.digest)",
    ),
    (
        "told_recharge_settled",
        "recharge",
        "AFTER UPDATE",
        "OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL",
        "(kind, licence, recharge) VALUES ('RECHARGE', NEW.licence, NEW.id)",
    ),
    (
        "told_recharge_entered",
        "recharge",
        "AFTER INSERT",
        "NEW.settled_at IS NOT NULL",
        "(kind, licence, recharge) VALUES ('RECHARGE', NEW.licence, NEW.id)",
    ),
    (
        "told_found",
        "discrepancy",
        "AFTER INSERT",
        "NEW.id IS NOT NULL",
        "(kind, licence, discrepancy) VALUES ('FOUND', NEW.licence, NEW.id)",
    ),
    (
        "told_resolved",
        "discrepancy",
        "AFTER UPDATE",
        "OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL",
        "(kind, licence, discrepancy) VALUES ('RESOLVED', NEW.licence, NEW.id)",
    ),
)

BEFORE: Final = (
    (
        "(kind, licence, message) SELECT 'STATEMENT', licence, digest "
        "FROM signed_message WHERE kind = 'STATEMENT' ORDER BY received_at, digest"
    ),
    (
        "(kind, licence, recharge) SELECT 'RECHARGE', licence, id "
        "FROM recharge WHERE settled_at IS NOT NULL ORDER BY settled_at, id"
    ),
    (
        "(kind, licence, discrepancy) SELECT 'FOUND', licence, id "
        "FROM discrepancy ORDER BY id"
    ),
    (
        "(kind, licence, discrepancy) SELECT 'RESOLVED', licence, id "
        "FROM discrepancy WHERE resolved_at IS NOT NULL ORDER BY id"
    ),
)
"""What happened in books that are older than this schema."""

GUARDS: Final = (
    Guard(
        "received_file_as_it_came",
        "received_file",
        "BEFORE UPDATE",
        "NEW.octets <> OLD.octets OR NEW.sha256 <> OLD.sha256 "
        "OR (OLD.state IN ('TAKEN', 'TAKEN_IN_PART') AND NEW.state <> OLD.state)",
        "a file stays as it came, and what was carried out stays so",
    ),
    Guard(
        "sent_file_as_it_went",
        "sent_file",
        "BEFORE UPDATE",
        "NEW.octets <> OLD.octets OR NEW.sha256 <> OLD.sha256 "
        "OR NEW.file_id <> OLD.file_id OR NEW.sequence <> OLD.sequence",
        "a file stays as it went",
    ),
    *only_grow(("usage_report",)),
)


def upgrade() -> None:
    """Build everything, and put what happened before among what is to be told."""
    op.execute("ALTER TABLE suspense ADD COLUMN code TEXT")
    op.create_table(
        "file_number",
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("next", INTEGER, nullable=False),
        sa.CheckConstraint(
            "direction IN ('IN', 'OUT')", name=op.f("ck_file_number_direction_known")
        ),
        sa.CheckConstraint("next >= 1", name=op.f("ck_file_number_next_counts")),
        sa.PrimaryKeyConstraint("direction", "layout", name=op.f("pk_file_number")),
        sqlite_strict=True,
    )
    op.create_table(
        "sent_file",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("sequence", INTEGER, nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("window_of_day", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("lines", INTEGER, nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("handed_at", INTEGER, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("answered_at", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(state = 'OFFERED') = (answered_at IS NULL)",
            name=op.f("ck_sent_file_answered"),
        ),
        sa.CheckConstraint(
            "state IN ('OFFERED', 'REFUSED', 'TAKEN', 'TAKEN_IN_PART')",
            name=op.f("ck_sent_file_state_known"),
        ),
        sa.CheckConstraint(
            "length(sha256) = 32", name=op.f("ck_sent_file_sha256_octets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_file")),
        sa.UniqueConstraint("file_id", name=op.f("uq_sent_file_file_id")),
        sa.UniqueConstraint("sha256", name=op.f("uq_sent_file_sha256")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_sent_file_offered",
        "sent_file",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'OFFERED'"),
        postgresql_where=sa.text("state = 'OFFERED'"),
    )
    op.create_index(
        "uq_sent_file_sequence",
        "sent_file",
        ["layout", "sequence"],
        unique=True,
        sqlite_where=sa.text("state <> 'REFUSED'"),
        postgresql_where=sa.text("state <> 'REFUSED'"),
    )
    op.create_index(
        "ix_sent_file_window",
        "sent_file",
        ["business_date", "window_of_day"],
        unique=False,
    )
    op.create_table(
        "received_file",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INTEGER, nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("sequence", INTEGER, nullable=True),
        sa.Column("business_date", sa.Text(), nullable=True),
        sa.Column("window_of_day", INTEGER, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("judged_at", INTEGER, nullable=True),
        sa.Column("answered_in", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(state = 'WAITING') = (judged_at IS NULL)",
            name=op.f("ck_received_file_judged"),
        ),
        sa.CheckConstraint(
            "(state IN ('TAKEN', 'WAITING')) = (code IS NULL)",
            name=op.f("ck_received_file_reason_told"),
        ),
        sa.CheckConstraint(
            "state IN ('REFUSED', 'TAKEN', 'TAKEN_IN_PART', 'WAITING')",
            name=op.f("ck_received_file_state_known"),
        ),
        sa.CheckConstraint(
            "length(sha256) = 32", name=op.f("ck_received_file_sha256_octets")
        ),
        sa.ForeignKeyConstraint(
            ["answered_in"], ["sent_file.id"], name=op.f("fk_received_file_answered_in")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_received_file_sha256")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_received_file_file_id", "received_file", ["file_id"], unique=False
    )
    op.create_index(
        "ix_received_file_open",
        "received_file",
        ["id"],
        unique=False,
        sqlite_where=sa.text("answered_in IS NULL"),
        postgresql_where=sa.text("answered_in IS NULL"),
    )
    op.create_index(
        "ix_received_file_sequence",
        "received_file",
        ["layout", "sequence"],
        unique=False,
    )
    op.create_table(
        "sent_refusal",
        sa.Column("file", INTEGER, nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file"], ["sent_file.id"], name=op.f("fk_sent_refusal_file")
        ),
        sa.PrimaryKeyConstraint("file", "line_id", name=op.f("pk_sent_refusal")),
        sqlite_strict=True,
    )
    op.create_table(
        "issued_licence",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("file", INTEGER, nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=True),
        sa.Column("psd_serial", sa.LargeBinary(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file"], ["received_file.id"], name=op.f("fk_issued_licence_file")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_issued_licence_licence")
        ),
        sa.PrimaryKeyConstraint("licence", name=op.f("pk_issued_licence")),
        sqlite_strict=True,
    )
    op.create_table(
        "received_refusal",
        sa.Column("file", INTEGER, nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file"], ["received_file.id"], name=op.f("fk_received_refusal_file")
        ),
        sa.PrimaryKeyConstraint("file", "line_id", name=op.f("pk_received_refusal")),
        sqlite_strict=True,
    )
    op.create_table(
        "usage_report",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("usage_digest", sa.LargeBinary(), nullable=False),
        sa.Column("product_class", INTEGER, autoincrement=False, nullable=False),
        sa.Column("items", INTEGER, nullable=False),
        sa.Column("amount_paise", INTEGER, nullable=False),
        sa.CheckConstraint(
            "length(usage_digest) = 8", name=op.f("ck_usage_report_usage_digest_octets")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["machine.licence"], name=op.f("fk_usage_report_licence")
        ),
        sa.PrimaryKeyConstraint(
            "licence", "usage_digest", "product_class", name=op.f("pk_usage_report")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "told_item",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("recharge", INTEGER, nullable=True),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("discrepancy", INTEGER, nullable=True),
        sa.Column("file", INTEGER, nullable=True),
        sa.Column("line_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('FOUND', 'RECHARGE', 'RESOLVED', 'STATEMENT')",
            name=op.f("ck_told_item_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["discrepancy"], ["discrepancy.id"], name=op.f("fk_told_item_discrepancy")
        ),
        sa.ForeignKeyConstraint(
            ["file"], ["sent_file.id"], name=op.f("fk_told_item_file")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_told_item_licence")
        ),
        sa.ForeignKeyConstraint(
            ["message"], ["signed_message.digest"], name=op.f("fk_told_item_message")
        ),
        sa.ForeignKeyConstraint(
            ["recharge"], ["recharge.id"], name=op.f("fk_told_item_recharge")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_item")),
        sa.UniqueConstraint(
            "kind", "discrepancy", name=op.f("uq_told_item_kind_discrepancy")
        ),
        sa.UniqueConstraint("kind", "message", name=op.f("uq_told_item_kind_message")),
        sa.UniqueConstraint(
            "kind", "recharge", name=op.f("uq_told_item_kind_recharge")
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_told_item_file", "told_item", ["file"], unique=False)
    op.create_index(
        "ix_told_item_waiting",
        "told_item",
        ["kind", "id"],
        unique=False,
        sqlite_where=sa.text("file IS NULL"),
        postgresql_where=sa.text("file IS NULL"),
    )
    for direction, layouts in NUMBERED.items():
        for layout in layouts:
            op.execute(
                f"INSERT INTO file_number VALUES ('{direction}', '{layout}', 1)"  # noqa: S608
            )
    for one in BEFORE:
        op.execute(f"INSERT INTO told_item {one}")
    for name, table, event, condition, told in TELLING:
        _tell(name, table, event, condition, f"INSERT INTO told_item {told};")
    guard(
        GUARDS,
        ("received_file", "sent_file", "told_item", "file_number", "usage_report"),
    )


def _tell(name: str, table: str, event: str, condition: str, told: str) -> None:
    """Let the database note what the Department is to be told."""
    if op.get_bind().dialect.name != "postgresql":
        op.execute(
            f"CREATE TRIGGER {name} {event} ON {table} WHEN {condition} "
            f"BEGIN {told} END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {told} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW "
        f"WHEN ({condition}) EXECUTE FUNCTION {name}()"
    )

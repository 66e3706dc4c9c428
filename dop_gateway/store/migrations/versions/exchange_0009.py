"""Parties, their keys and accounts, and the files that went and came.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard, only_grow

revision: Final = "0009"
down_revision: Final = "0008"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
OURS: Final = sa.text("direction = 'OUT'")
STANDS: Final = sa.text("direction = 'IN' AND state <> 'REFUSED'")
NUMBERED: Final = sa.text("direction = 'IN' AND state <> 'REFUSED' AND sequence > 0")

APPEND_ONLY: Final = ("exchange_octets", "exchange_refused_line", "exchange_window")

KEPT: Final = (
    *APPEND_ONLY,
    "party",
    "party_key",
    "exchange_sequence",
    "exchange_file",
)
"""Tables that lose no row."""

GUARDS: Final = (
    *only_grow(APPEND_ONLY),
    Guard(
        "party_as_added",
        "party",
        "BEFORE UPDATE",
        "NEW.code <> OLD.code OR NEW.kind <> OLD.kind OR NEW.since <> OLD.since",
        "a party keeps its code and what it is",
    ),
    Guard(
        "party_key_as_added",
        "party_key",
        "BEFORE UPDATE",
        "NEW.party <> OLD.party OR NEW.key_id <> OLD.key_id OR NEW.x <> OLD.x "
        "OR NEW.y <> OLD.y OR NEW.valid_from <> OLD.valid_from",
        "a key keeps what it is",
    ),
    Guard(
        "exchange_sequence_goes_on",
        "exchange_sequence",
        "BEFORE UPDATE",
        "NEW.last < OLD.last",
        "a number keeps its place: files are numbered forward only",
    ),
    Guard(
        "exchange_file_as_it_was",
        "exchange_file",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.direction <> OLD.direction "
        "OR NEW.party <> OLD.party OR NEW.layout <> OLD.layout "
        "OR NEW.name <> OLD.name OR NEW.sha256 <> OLD.sha256 "
        "OR NEW.size <> OLD.size OR NEW.at <> OLD.at OR (NEW.state <> OLD.state "
        "AND OLD.state IN ('ACKNOWLEDGED', 'ACKNOWLEDGED_IN_PART', 'APPLIED', "
        "'APPLIED_IN_PART', 'REFUSED'))",
        "a file stays what it was, and is answered once",
    ),
)


def upgrade() -> None:
    """Build everything."""
    _make_parties()
    _make_files()
    _make_turns()
    guard(GUARDS, KEPT)


def _make_parties() -> None:
    op.create_table(
        "party",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", INTEGER, nullable=False),
        sa.CheckConstraint(
            "kind IN ('BANK', 'E_PAYMENT', 'MAKER')", name=op.f("ck_party_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('CLOSED', 'OPEN')", name=op.f("ck_party_state_known")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_party")),
        sqlite_strict=True,
    )
    op.create_table(
        "party_key",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("x", sa.LargeBinary(), nullable=False),
        sa.Column("y", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.CheckConstraint("length(x) = 32", name=op.f("ck_party_key_x_octets")),
        sa.CheckConstraint("length(y) = 32", name=op.f("ck_party_key_y_octets")),
        sa.CheckConstraint(
            "valid_to >= valid_from", name=op.f("ck_party_key_valid_some_day")
        ),
        sa.ForeignKeyConstraint(
            ["party"], ["party.code"], name=op.f("fk_party_key_party")
        ),
        sa.PrimaryKeyConstraint("party", "key_id", name=op.f("pk_party_key")),
        sqlite_strict=True,
    )
    op.create_table(
        "party_account",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["party"], ["party.code"], name=op.f("fk_party_account_party")
        ),
        sa.PrimaryKeyConstraint("party", name=op.f("pk_party_account")),
        sa.UniqueConstraint("login", name=op.f("uq_party_account_login")),
        sqlite_strict=True,
    )


def _make_files() -> None:
    op.create_table(
        "exchange_file",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sequence", INTEGER, nullable=True),
        sa.Column("business_date", sa.Text(), nullable=True),
        sa.Column("window_of_day", INTEGER, nullable=True),
        sa.Column("made_for", INTEGER, nullable=True),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", INTEGER, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("lines", INTEGER, nullable=False),
        sa.Column("refused", INTEGER, nullable=False),
        sa.Column("offers", INTEGER, nullable=False),
        sa.Column("answer_by", INTEGER, nullable=True),
        sa.Column("owed", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(direction = 'OUT') = (state IN ('ACKNOWLEDGED', "
            "'ACKNOWLEDGED_IN_PART', 'OFFERED', 'TAKEN'))",
            name=op.f("ck_exchange_file_state_of_direction"),
        ),
        sa.CheckConstraint(
            "direction IN ('IN', 'OUT')", name=op.f("ck_exchange_file_direction_known")
        ),
        sa.CheckConstraint(
            "state <> 'REFUSED' OR code <> ''",
            name=op.f("ck_exchange_file_refusal_told"),
        ),
        sa.CheckConstraint(
            "state = 'REFUSED' OR (file_id IS NOT NULL AND sequence IS NOT NULL "
            "AND business_date IS NOT NULL AND window_of_day IS NOT NULL)",
            name=op.f("ck_exchange_file_header_known"),
        ),
        sa.CheckConstraint(
            "state IN ('ACKNOWLEDGED', 'ACKNOWLEDGED_IN_PART', 'APPLIED', "
            "'APPLIED_IN_PART', 'OFFERED', 'RECEIVED', 'REFUSED', 'TAKEN', 'WAITING')",
            name=op.f("ck_exchange_file_state_known"),
        ),
        sa.CheckConstraint(
            "length(sha256) = 32", name=op.f("ck_exchange_file_sha256_octets")
        ),
        sa.CheckConstraint("owed IN (0, 1)", name=op.f("ck_exchange_file_owed_flag")),
        sa.ForeignKeyConstraint(
            ["party"], ["party.code"], name=op.f("fk_exchange_file_party")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_file")),
        sa.UniqueConstraint(
            "party",
            "layout",
            "made_for",
            name=op.f("uq_exchange_file_party_layout_made_for"),
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_exchange_file_name",
        "exchange_file",
        ["party", "direction", "name"],
        unique=False,
    )
    op.create_index(
        "ix_exchange_file_octets", "exchange_file", ["party", "sha256"], unique=False
    )
    op.create_index(
        "ix_exchange_file_state",
        "exchange_file",
        ["party", "direction", "state"],
        unique=False,
    )
    op.create_index(
        "uq_exchange_file_came",
        "exchange_file",
        ["party", "file_id"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    op.create_index(
        "uq_exchange_file_came_turn",
        "exchange_file",
        ["party", "layout", "sequence"],
        unique=True,
        sqlite_where=NUMBERED,
        postgresql_where=NUMBERED,
    )
    op.create_index(
        "uq_exchange_file_given",
        "exchange_file",
        ["file_id"],
        unique=True,
        sqlite_where=OURS,
        postgresql_where=OURS,
    )
    op.create_index(
        "uq_exchange_file_given_turn",
        "exchange_file",
        ["party", "layout", "sequence"],
        unique=True,
        sqlite_where=OURS,
        postgresql_where=OURS,
    )
    op.create_table(
        "exchange_octets",
        sa.Column("file", INTEGER, autoincrement=False, nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file"], ["exchange_file.id"], name=op.f("fk_exchange_octets_file")
        ),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_exchange_octets")),
        sqlite_strict=True,
    )
    op.create_table(
        "exchange_refused_line",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("file", INTEGER, nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file"], ["exchange_file.id"], name=op.f("fk_exchange_refused_line_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_refused_line")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_exchange_refused_line_file"),
        "exchange_refused_line",
        ["file"],
        unique=False,
    )


def _make_turns() -> None:
    op.create_table(
        "exchange_sequence",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("last", INTEGER, nullable=False),
        sa.CheckConstraint(
            "direction IN ('IN', 'OUT')",
            name=op.f("ck_exchange_sequence_direction_known"),
        ),
        sa.CheckConstraint("last >= 0", name=op.f("ck_exchange_sequence_last_counts")),
        sa.ForeignKeyConstraint(
            ["party"], ["party.code"], name=op.f("fk_exchange_sequence_party")
        ),
        sa.PrimaryKeyConstraint(
            "party", "direction", "layout", name=op.f("pk_exchange_sequence")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "exchange_window",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Text(), nullable=False),
        sa.Column("window_of_day", INTEGER, autoincrement=False, nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("ended_at", INTEGER, nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.CheckConstraint("met IN (0, 1)", name=op.f("ck_exchange_window_met_flag")),
        sa.ForeignKeyConstraint(
            ["party"], ["party.code"], name=op.f("fk_exchange_window_party")
        ),
        sa.PrimaryKeyConstraint(
            "party",
            "business_date",
            "window_of_day",
            "layout",
            name=op.f("pk_exchange_window"),
        ),
        sqlite_strict=True,
    )

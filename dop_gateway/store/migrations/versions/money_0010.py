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

KEPT: Final = ("incident",)
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
)


def upgrade() -> None:
    """Build everything."""
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
    guard(GUARDS, KEPT)

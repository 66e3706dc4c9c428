"""Messages to people.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

GUARDS: Final = (
    Guard(
        "message_as_put",
        "message",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.channel <> OLD.channel "
        "OR NEW.template <> OLD.template OR NEW.language <> OLD.language "
        "OR NEW.recipient <> OLD.recipient OR NEW.created_at <> OLD.created_at "
        "OR NEW.created_by <> OLD.created_by OR OLD.state = 'SENT'",
        "a message stays as it was put in, and is sent once",
    ),
)


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "message",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("next_attempt_at", INTEGER, nullable=False),
        sa.Column("leased_until", INTEGER, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("created_by", INTEGER, nullable=False),
        sa.Column("sent_at", INTEGER, nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('MAIL', 'SMS')", name=op.f("ck_message_channel_known")
        ),
        sa.CheckConstraint(
            "language IN ('EN', 'HI')", name=op.f("ck_message_language_known")
        ),
        sa.CheckConstraint(
            "state IN ('GIVEN_UP', 'SENT', 'WAITING')",
            name=op.f("ck_message_state_known"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_message_attempts_counted")),
        sa.CheckConstraint(
            "(sent_at IS NOT NULL) = (state = 'SENT')",
            name=op.f("ck_message_sent_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("fk_message_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_message_due",
        "message",
        ["next_attempt_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'WAITING'"),
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    guard(GUARDS, ())

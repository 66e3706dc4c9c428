"""Dial-ins that failed, as makers tell of them.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import guard, only_grow

revision: Final = "0012"
down_revision: Final = "0011"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "failed_dial_in",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("on_day", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("came_at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_dial_in")),
        sa.UniqueConstraint(
            "maker",
            "file_id",
            "line_id",
            name=op.f("uq_failed_dial_in_maker_file_id_line_id"),
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_failed_dial_in_on_day", "failed_dial_in", ["on_day", "licence"])
    op.create_index("ix_failed_dial_in_licence", "failed_dial_in", ["licence", "at"])
    guard(only_grow(("failed_dial_in",)), ("failed_dial_in",))

"""Requests that were answered, so that the same one again gets the same answer.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "answered",
        sa.Column("person", INTEGER, nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("at", INTEGER, nullable=False),
        sa.CheckConstraint(
            "length(fingerprint) = 32", name=op.f("ck_answered_fingerprint_octets")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_answered_person")
        ),
        sa.PrimaryKeyConstraint("person", "route", "key", name=op.f("pk_answered")),
        sqlite_strict=True,
    )
    op.create_index("ix_answered_at", "answered", ["at"], unique=False)

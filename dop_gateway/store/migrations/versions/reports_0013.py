"""Indexes for reports: what a licence did in some days, and what moved since a day.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

from alembic import op

revision: Final = "0013"
down_revision: Final = "0012"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Build everything."""
    op.create_index("ix_deposit_licence_day", "deposit", ["licence", "value_date"])
    op.create_index("ix_download_line_at", "download_line", ["licence", "at"])
    op.create_index("ix_download_line_day", "download_line", ["at", "licence"])
    op.create_index(
        "ix_usage_dial_in_licence_day", "usage_dial_in", ["licence", "on_day", "number"]
    )
    op.create_index("ix_journal_business_date", "journal", ["business_date"])

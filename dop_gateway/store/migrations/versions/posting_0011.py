"""Usage, statements of mailing, rebates, refunds, franks seen.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

revision: Final = "0011"
down_revision: Final = "0010"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Build everything."""

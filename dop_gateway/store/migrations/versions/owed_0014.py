"""What licensees owe is settled by other payments.

A migration is never edited after it has been released, and so imports nothing of ours
but what is added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import guard, only_grow
from hw.database.widening import Widened, widen

revision: Final = "0014"
down_revision: Final = "0013"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

WIDENED: Final = (
    Widened(
        "deposit",
        "ck_deposit_state_known",
        "state",
        (
            "ACKNOWLEDGED",
            "AUTHENTICATED",
            "AVAILABLE",
            "BOUNCED",
            "DOWNLOADED",
            "OWED",
            "PARTLY_DOWNLOADED",
            "REALISED",
            "RECALLED",
            "RECALLED_UNANSWERED",
            "RECEIVED",
            "REFUNDED",
            "RETURNED",
            "REVERSED",
            "SENT_TO_OEM",
            "SUSPENSE",
            "VERIFIED",
        ),
        ("PAID_AGAIN", "PAID_OWED"),
    ),
    Widened(
        "deposit_move",
        "ck_deposit_move_move_known",
        "move",
        (
            "ACKNOWLEDGED",
            "AUTHENTICATED",
            "BOUNCED",
            "CAME_DUE",
            "DOWNLOADED_PARTLY",
            "DOWNLOADED_WHOLLY",
            "GIVEN_BACK_PARTLY",
            "GIVEN_BACK_WHOLLY",
            "KEPT",
            "REALISED",
            "RECALL_BOUNCED",
            "RECALL_REFUSED",
            "RECALL_REVERSED",
            "RECEIVED",
            "REFUNDED",
            "REFUSED",
            "RELEASED",
            "RETURNED",
            "REVERSED",
            "SENT",
            "SUSPENDED",
            "VERIFIED",
        ),
        ("OWED_AGAIN", "PAID_AGAIN", "PAID_OWED"),
    ),
    Widened(
        "deposit_proposal",
        "ck_deposit_proposal_action_known",
        "action",
        ("RELEASE", "RETURN", "REVERSE"),
        ("SETTLE",),
    ),
)


def upgrade() -> None:
    """Know the new states, moves and act, and by what each debt is settled."""
    widen(WIDENED)
    op.create_table(
        "deposit_settlement",
        sa.Column("proposal", INTEGER, autoincrement=False, nullable=False),
        sa.Column("paid_by", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["paid_by"], ["deposit.id"], name=op.f("fk_deposit_settlement_paid_by")
        ),
        sa.ForeignKeyConstraint(
            ["proposal"],
            ["deposit_proposal.id"],
            name=op.f("fk_deposit_settlement_proposal"),
        ),
        sa.PrimaryKeyConstraint("proposal", name=op.f("pk_deposit_settlement")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_deposit_settlement_paid_by"),
        "deposit_settlement",
        ["paid_by"],
        unique=False,
    )
    guard(only_grow(("deposit_settlement",)), ("deposit_settlement",))

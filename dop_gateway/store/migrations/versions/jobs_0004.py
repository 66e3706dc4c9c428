"""Jobs by the clock, and the record of their runs.

A migration is never edited after it has been released, and so imports nothing of ours
but the guards, which are added to only; a contract test compares what it builds with
`dop_gateway.store.schema`.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from hw.database.guards import Guard, guard

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None

INTEGER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

KEPT: Final = ("job", "job_run")
"""Tables that lose no row."""

GUARDS: Final = (
    Guard(
        "job_goes_forward",
        "job",
        "BEFORE UPDATE",
        "NEW.name <> OLD.name OR NEW.known_since <> OLD.known_since "
        "OR NEW.planned_until < OLD.planned_until",
        "a job keeps its name, and is planned forward only",
    ),
    Guard(
        "job_run_as_planned",
        "job_run",
        "BEFORE UPDATE",
        "NEW.id <> OLD.id OR NEW.job <> OLD.job OR NEW.for_moment <> OLD.for_moment "
        "OR NEW.planned_at <> OLD.planned_at OR NEW.attempts < OLD.attempts "
        "OR OLD.outcome IN ('DONE', 'NOTHING_TO_DO')",
        "a run keeps its moment, and is done once",
    ),
)


def upgrade() -> None:
    """Build everything."""
    op.create_table(
        "job",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("known_since", INTEGER, nullable=False),
        sa.Column("planned_until", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job")),
        sqlite_strict=True,
    )
    op.create_table(
        "job_run",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("for_moment", INTEGER, nullable=False),
        sa.Column("planned_at", INTEGER, nullable=False),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("try_at", INTEGER, nullable=False),
        sa.Column("started_at", INTEGER, nullable=True),
        sa.Column("ended_at", INTEGER, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('DONE', 'FAILED', 'GIVEN_UP', 'NOTHING_TO_DO')",
            name=op.f("ck_job_run_outcome_known"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL)",
            name=op.f("ck_job_run_ended_whole"),
        ),
        sa.CheckConstraint(
            "(attempts = 0) = (started_at IS NULL)",
            name=op.f("ck_job_run_begun_whole"),
        ),
        sa.ForeignKeyConstraint(["job"], ["job.name"], name=op.f("fk_job_run_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint(
            "job", "for_moment", name=op.f("uq_job_run_job_for_moment")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_job_run_outcome", "job_run", ["job", "outcome", "for_moment"], unique=False
    )
    guard(GUARDS, KEPT)

"""Tables of jobs: how far each is planned, and a row for each of its moments."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
)

from dop_gateway.jobs.model import Ending
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, one_of
from hw.database.tables import key

job = table(
    "job",
    Column("name", Text, primary_key=True),
    Column("known_since", INTEGER, nullable=False),
    Column("planned_until", INTEGER, nullable=False),
)
"""Every moment of a job up to `planned_until` has its row in `job_run`."""

job_run = table(
    "job_run",
    key(),
    Column("job", Text, ForeignKey("job.name"), nullable=False),
    Column("for_moment", INTEGER, nullable=False),
    Column("planned_at", INTEGER, nullable=False),
    Column("attempts", INTEGER, nullable=False),
    Column("try_at", INTEGER, nullable=False),
    Column("started_at", INTEGER),
    Column("ended_at", INTEGER),
    Column("outcome", Text),
    Column("detail", Text, nullable=False),
    Column("host", Text, nullable=False),
    UniqueConstraint("job", "for_moment"),
    one_of("outcome", Ending),
    CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended_whole"),
    CheckConstraint("(attempts = 0) = (started_at IS NULL)", name="begun_whole"),
    Index("ix_job_run_outcome", "job", "outcome", "for_moment"),
)
"""A moment of a job, and what became of it."""

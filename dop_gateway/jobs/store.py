"""All SQL about jobs."""

from typing import Any

from sqlalchemy import Connection, Insert, Row, Table, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dop_gateway.jobs.model import Ending, JobRun, RunId
from dop_gateway.jobs.tables import job, job_run
from dop_gateway.store.matching import Matching
from protocol.values import EpochSeconds

_of = job_run.c
_is_open = or_(_of.outcome.is_(None), _of.outcome == Ending.FAILED.name)


def planned_until(connection: Connection, name: str) -> EpochSeconds | None:
    """Say how far a job is planned; None if nobody has seen it before."""
    found = connection.execute(
        select(job.c.planned_until).where(job.c.name == name)
    ).scalar_one_or_none()
    return None if found is None else EpochSeconds(found)


def lock_job(connection: Connection, name: str, now: EpochSeconds) -> EpochSeconds:
    """Say how far a job is planned, and let nobody else plan it in the meantime.

    A job that is new begins now: nothing before was missed.
    """
    connection.execute(
        _insert_new(connection, job).values(
            name=name, known_since=now, planned_until=now
        )
    )
    found = connection.execute(
        select(job.c.planned_until).where(job.c.name == name).with_for_update()
    ).scalar_one()
    return EpochSeconds(found)


def set_planned(connection: Connection, name: str, until: EpochSeconds) -> None:
    """Say that every moment up to this one has its row."""
    connection.execute(
        update(job).where(job.c.name == name).values(planned_until=until)
    )


def plan(
    connection: Connection, name: str, moment: EpochSeconds, now: EpochSeconds
) -> None:
    """Make the row of a moment, if there is none."""
    connection.execute(
        _insert_new(connection, job_run).values(
            job=name,
            for_moment=moment,
            planned_at=now,
            attempts=0,
            try_at=moment,
            detail="",
            host="",
        )
    )


def first_open(connection: Connection, name: str) -> JobRun | None:
    """Find the earliest moment of a job that is not over, and lock its row."""
    row = connection.execute(
        select(job_run)
        .where(
            _of.job == name,
            _is_open,
        )
        .order_by(_of.for_moment)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    return None if row is None else _run(row)


def find(connection: Connection, name: str, moment: EpochSeconds) -> JobRun | None:
    """Find a moment, and lock its row."""
    row = connection.execute(
        select(job_run)
        .where(_of.job == name, _of.for_moment == moment)
        .with_for_update()
    ).one_or_none()
    return None if row is None else _run(row)


def begin(
    connection: Connection,
    run: JobRun,
    *,
    now: EpochSeconds,
    lease_until: EpochSeconds,
    host: str,
) -> int:
    """Begin a moment whose row is locked; gives the number of the attempt."""
    attempt = run.attempts + 1
    connection.execute(
        update(job_run)
        .where(_of.id == run.id)
        .values(
            attempts=attempt,
            try_at=lease_until,
            started_at=now,
            ended_at=None,
            outcome=None,
            host=host,
        )
    )
    return attempt


def renew(
    connection: Connection, run: RunId, attempt: int, lease_until: EpochSeconds
) -> bool:
    """Let an attempt that runs go on; False if it has ended, or another has begun."""
    done = connection.execute(
        update(job_run)
        .where(_of.id == run, _of.attempts == attempt, _of.outcome.is_(None))
        .values(try_at=lease_until)
    )
    return done.rowcount > 0


def end(
    connection: Connection,
    run: RunId,
    attempt: int,
    ending: Ending,
    detail: str,
    *,
    now: EpochSeconds,
    try_at: EpochSeconds,
) -> bool:
    """Say how an attempt ended; False if that was said, or another has begun."""
    done = connection.execute(
        update(job_run)
        .where(_of.id == run, _of.attempts == attempt, _is_open)
        .values(ended_at=now, outcome=ending.name, detail=detail, try_at=try_at)
    )
    return done.rowcount > 0


def runs(
    connection: Connection, name: str | None, rows_max: int, *, open_only: bool = False
) -> list[JobRun]:
    """List moments, or only those that are to run or run, the latest first."""
    wanted = select(job_run).order_by(_of.for_moment.desc(), _of.id.desc())
    if name is not None:
        wanted = wanted.where(_of.job == name)
    if open_only:
        wanted = wanted.where(_is_open)
    return [_run(row) for row in connection.execute(wanted.limit(rows_max))]


def runs_matching(
    *, job_name: str = "", ending: Ending | None = None, open_only: bool | None = None
) -> Matching[JobRun]:
    """Give the moments that a filter lets through.

    Args:
        job_name: Of this job; empty: of all.
        ending: That ended so.
        open_only: Those that are to run or run, or only the others.
    """
    rows = select(job_run)
    if job_name:
        rows = rows.where(_of.job == job_name)
    if ending is not None:
        rows = rows.where(_of.outcome == ending.name)
    if open_only is not None:
        rows = rows.where(_is_open if open_only else not_(_is_open))
    return Matching(rows, {"moment": (_of.for_moment, _of.id)}, _run)


def get(connection: Connection, of: RunId) -> JobRun | None:
    """Read a moment."""
    row = connection.execute(select(job_run).where(_of.id == of)).one_or_none()
    return None if row is None else _run(row)


def _insert_new(connection: Connection, into: Table) -> Insert:
    """Insert a row unless there is one of that key; two may try at the same time."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(into).on_conflict_do_nothing()
    return sqlite.insert(into).on_conflict_do_nothing()


def _run(row: Row[Any]) -> JobRun:
    return JobRun(
        id=RunId(row.id),
        job=row.job,
        moment=EpochSeconds(row.for_moment),
        attempts=row.attempts,
        try_at=EpochSeconds(row.try_at),
        started_at=None if row.started_at is None else EpochSeconds(row.started_at),
        ended_at=None if row.ended_at is None else EpochSeconds(row.ended_at),
        ending=None if row.outcome is None else Ending[row.outcome],
        detail=row.detail,
        host=row.host,
    )

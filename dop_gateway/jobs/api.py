"""Routes of jobs: what is done by the clock, what became of it, and once by hand."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, BackgroundTasks, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.errors import FieldFinding, InvalidError, NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role
from dop_gateway.jobs import store
from dop_gateway.jobs.catalogue import JOBS
from dop_gateway.jobs.dues import almanac
from dop_gateway.jobs.model import Ending, JobRun, RunId
from dop_gateway.jobs.scheduler import Scheduler
from dop_gateway.jobs.serving import run_claimed
from dop_gateway.store.matching import Selection
from dop_gateway.web.asking import Asked
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed
from hw.clock import epoch_seconds
from protocol.values import EpochSeconds

ROUTES: Final = APIRouter(tags=["jobs"])
_SEE: Final = frozenset(
    {Role.ADMINISTRATOR, Role.AUDITOR, Role.DCR_OPERATOR, Role.DCR_SUPERVISOR}
)
_RUN: Final = frozenset({Role.ADMINISTRATOR, Role.DCR_SUPERVISOR})
JobName = Annotated[str, Field(max_length=80)]
EndingName = Annotated[Ending, ByName(Ending)]

ACCESS: Final = (
    Access("GET", "/jobs", _SEE),
    Access("POST", "/jobs/{name}/run", _RUN),
    Access("GET", "/job-runs", _SEE),
    Access("GET", "/job-runs/{number}", _SEE),
)


class JobShown(BaseModel):
    """A job, and when it is due next."""

    name: str
    words: str
    due: str


class RunBody(Body):
    """For which moment a job is run, and why by hand."""

    moment: AwareDatetime
    reason: Reason


class JobRunShown(BaseModel):
    """A moment at which a job was due, and what became of it.

    `ending` is null while it waits or runs.
    """

    number: int
    job: str
    moment: str
    running: bool
    ending: EndingName | None
    attempts: int
    started_at: str | None
    ended_at: str | None
    detail: str
    host: str

    @classmethod
    def of(cls, run: JobRun) -> Self:
        """Tell of a moment."""
        return cls(
            number=run.id,
            job=run.job,
            moment=show_moment(run.moment),
            running=run.is_running,
            ending=run.ending,
            attempts=run.attempts,
            started_at=None if run.started_at is None else show_moment(run.started_at),
            ended_at=None if run.ended_at is None else show_moment(run.ended_at),
            detail=run.detail,
            host=run.host,
        )


class JobRunsQuery(ListQuery):
    """Which moments; `open` are those that wait, run or are tried again."""

    job: JobName = ""
    ending: EndingName | None = None
    open: bool | None = None
    sort: Literal["moment", "-moment"] = "-moment"


def _matching(
    _connection: Connection, _permit: Permit, query: JobRunsQuery
) -> Selection[JobRun]:
    return store.runs_matching(
        job_name=query.job, ending=query.ending, open_only=query.open
    )


def _show(_connection: Connection, runs: Sequence[JobRun]) -> list[JobRunShown]:
    return [JobRunShown.of(run) for run in runs]


def _cells(run: JobRun) -> Row:
    ending = "" if run.ending is None else run.ending.name
    return (
        run.job,
        run.moment,
        ending,
        run.attempts,
        run.started_at,
        run.ended_at,
        run.detail,
        run.host,
    )


RUNS: Final = WebList(
    "job-runs",
    "Job runs",
    (
        Column("job", "Job"),
        Column("moment", "Due at", Kind.MOMENT),
        Column("ending", "Ending"),
        Column("attempts", "Attempts", Kind.COUNT),
        Column("started_at", "Started at", Kind.MOMENT),
        Column("ended_at", "Ended at", Kind.MOMENT),
        Column("detail", "Detail"),
        Column("host", "Run by"),
    ),
    _matching,
    _show,
    _cells,
)


@ROUTES.get("/jobs")
def list_jobs(asking: Asked) -> list[JobShown]:
    """List the jobs, and when each is due next."""
    with asking.reading() as connection:
        known = almanac(connection)
    return [
        JobShown(
            name=job.name,
            words=job.words,
            due=show_moment(job.due(known, asking.now)),
        )
        for job in JOBS
    ]


@ROUTES.post("/jobs/{name}/run", status_code=HTTPStatus.ACCEPTED)
def run_job(
    asking: Asked,
    name: Annotated[str, Path(max_length=80)],
    body: RunBody,
    behind: BackgroundTasks,
) -> JobRunShown:
    """Run a job now for a moment at which it was due, behind the answer."""
    moment = _whole_second(body.moment)
    host = f"asked for by {asking.permit.actor.login}"
    scheduler = Scheduler(asking.parts, JOBS, host)
    claim = scheduler.begin_by_hand(name, moment, asking.by(body.reason))
    behind.add_task(run_claimed, scheduler, claim)
    with asking.reading() as connection:
        return JobRunShown.of(_get(connection, claim.run))


@ROUTES.get("/job-runs", **listed(JobRunShown))
def list_job_runs(asking: Asked, query: Annotated[JobRunsQuery, Query()]) -> Any:
    """List moments at which jobs were due, or have the list as a file."""
    return answer_list(asking, RUNS, query)


@ROUTES.get("/job-runs/{number}")
def show_job_run(
    asking: Asked, number: Annotated[int, Path(ge=1, le=2**53)]
) -> JobRunShown:
    """Show a moment of a job, and what became of it."""
    with asking.reading() as connection:
        return JobRunShown.of(_get(connection, RunId(number)))


def _get(connection: Connection, number: RunId) -> JobRun:
    found = store.get(connection, number)
    if found is None:
        raise NotFoundError(f"there is no run {number}")
    return found


def _whole_second(moment: datetime) -> EpochSeconds:
    if moment.microsecond:
        words = "a job is due at a whole second"
        raise InvalidError([FieldFinding("/moment", "not_whole", words)])
    return epoch_seconds(moment)

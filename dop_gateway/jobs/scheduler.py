"""Plans the moments of jobs, and runs each once, in order.

- A moment gets its row before it runs, in one transaction with how far its job is
  planned. What was missed is planned when somebody looks again, some at a time.
- The earliest moment of a job that is not over is the only one that may run; a failure
  is tried again after a pause that doubles, and a person is waited for in the end. Then
  the next moment has its turn.
- Beginning a moment takes a lease on its row. While it holds, no other gateway begins
  it. When it is over and no end was written, the run has crashed: it is begun again,
  and what the first still says of it is not written.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.jobs import store
from dop_gateway.jobs.dues import Almanac, almanac
from dop_gateway.jobs.model import (
    FOR_GOOD,
    Claim,
    Ending,
    Job,
    JobRun,
    Outcome,
)
from dop_gateway.parts import Parts
from protocol.errors import LocalProtocolError, RmfsError
from protocol.values import EpochSeconds

PLANNED_AT_ONCE: Final = 100
"""Moments that one transaction plans, when many were missed."""
PAUSE_S: Final = 60
PAUSE_S_MAX: Final = 1_800
_DETAIL_CHARACTERS_MAX: Final = 500


class Scheduler:
    """The jobs of one gateway; others may have the same ones on the same database."""

    def __init__(
        self,
        parts: Parts,
        jobs: Sequence[Job],
        host: str,
        known: Callable[[Connection], Almanac] = almanac,
    ) -> None:
        """Take the jobs.

        Args:
            parts: The gateway.
            jobs: Each with a name of its own.
            host: Names this gateway in the record.
            known: Reads calendar and parameters.

        Raises:
            LocalProtocolError: Two jobs have one name.
        """
        self.jobs = tuple(jobs)
        self._by_name = {job.name: job for job in jobs}
        if len(self._by_name) < len(self.jobs):
            raise LocalProtocolError("two jobs have one name")
        self._parts = parts
        self._host = host
        self._known = known

    def job(self, name: str) -> Job:
        """Find a job.

        Raises:
            NotFoundError: There is none of that name.
        """
        found = self._by_name.get(name)
        if found is None:
            names = ", ".join(self._by_name) or "none"
            raise NotFoundError(f"there is no job {name}; there are: {names}")
        return found

    def turn(self, job: Job) -> Claim | EpochSeconds:
        """Plan what has come due, and begin the earliest moment that may run.

        Returns:
            The moment that is ours to `run` now; or when it is worth asking again.

        Raises:
            StoreError: The database failed.
        """
        now = self._parts.clock.now()
        with self._parts.store.reading() as connection:
            known = self._known(connection)
            until = store.planned_until(connection, job.name)
            waiting = store.runs(connection, job.name, 1, open_only=True)
        due = None if until is None else job.due(known, until)
        if due is not None and due > now and not waiting:
            return due
        with self._parts.store.writing("begin a job") as connection:
            due = self._plan(connection, job, known, now)
            first = self._first(connection, job, now)
            if first is None:
                return due
            if first.try_at > now:
                return min(first.try_at, due)
            return self._begin(connection, job, first, now)

    def run(self, claim: Claim) -> Outcome:
        """Run a moment that is ours, and write what became of it.

        Whatever else than an `RmfsError` comes out of the job is passed on; `fail`
        writes it down.

        Raises:
            StoreError: The database failed while the end was written.
        """
        try:
            outcome = claim.job.run(self._parts, claim.moment)
        except RmfsError as error:
            outcome = Outcome(Ending.FAILED, str(error))
        return self._end(claim, outcome)

    def renew(self, claim: Claim) -> bool:
        """Keep a moment that still runs; False if it is not ours any more.

        Raises:
            StoreError: The database failed.
        """
        until = EpochSeconds(self._parts.clock.now() + claim.job.longest_s)
        with self._parts.store.writing("renew a lease") as connection:
            return store.renew(connection, claim.run, claim.attempt, until)

    def fail(self, claim: Claim, words: str) -> Outcome:
        """Write that a run came to no end of its own.

        Raises:
            StoreError: The database failed.
        """
        return self._end(claim, Outcome(Ending.FAILED, words))

    def begin_by_hand(self, name: str, moment: EpochSeconds, by: By) -> Claim:
        """Begin a moment that a person asks for, out of its order.

        It may be one before the gateway was there, or one that was given up.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It is not due then, or not yet; it is done, or runs.
        """
        job = self.job(name)
        now = self._parts.clock.now()
        with self._parts.store.writing("begin a job by hand") as connection:
            due = job.due(self._known(connection), EpochSeconds(moment - 1))
            if due != moment or moment > now:
                message = f"{name} is not due at that moment"
                raise ConflictError(
                    f"{message}: `rmfs dop job list` says when it is due next, "
                    "`rmfs dop job runs` which moments it had"
                )
            store.lock_job(connection, name, now)
            store.plan(connection, name, moment, now)
            run = store.find(connection, name, moment)
            if run is None or run.ending in FOR_GOOD:
                raise ConflictError(f"{name} is done for that moment already")
            if run.is_running and run.try_at > now:
                raise ConflictError(f"{name} runs for that moment on {run.host}")
            trail.add(connection, by, "run", Subject("job", name), moment=moment)
            return self._begin(connection, job, run, now)

    def _plan(
        self, connection: Connection, job: Job, known: Almanac, now: EpochSeconds
    ) -> EpochSeconds:
        """Make rows up to now; gives the first moment that has none."""
        until = store.lock_job(connection, job.name, now)
        due = job.due(known, until)
        for _ in range(PLANNED_AT_ONCE):
            if due > now:
                break
            store.plan(connection, job.name, due, now)
            store.set_planned(connection, job.name, due)
            due = job.due(known, due)
        return due

    def _first(
        self, connection: Connection, job: Job, now: EpochSeconds
    ) -> JobRun | None:
        """Find the earliest moment that is not over; give up what crashes each time."""
        while True:
            run = store.first_open(connection, job.name)
            if run is None or run.try_at > now or run.attempts < job.attempts_max:
                return run
            store.end(
                connection,
                run.id,
                run.attempts,
                Ending.GIVEN_UP,
                "its run came to no end",
                now=now,
                try_at=now,
            )

    def _begin(
        self, connection: Connection, job: Job, run: JobRun, now: EpochSeconds
    ) -> Claim:
        lease_until = EpochSeconds(now + job.longest_s)
        attempt = store.begin(
            connection, run, now=now, lease_until=lease_until, host=self._host
        )
        return Claim(job, run.id, run.moment, attempt)

    def _end(self, claim: Claim, outcome: Outcome) -> Outcome:
        now = self._parts.clock.now()
        if outcome.ending is Ending.FAILED and claim.attempt >= claim.job.attempts_max:
            outcome = Outcome(Ending.GIVEN_UP, outcome.words)
        pause_s = min(PAUSE_S << min(claim.attempt - 1, 16), PAUSE_S_MAX)
        with self._parts.store.writing("end a job") as connection:
            ours = store.end(
                connection,
                claim.run,
                claim.attempt,
                outcome.ending,
                outcome.words[:_DETAIL_CHARACTERS_MAX],
                now=now,
                try_at=EpochSeconds(now + pause_s),
            )
        if ours:
            return outcome
        words = "its end was written before, or another attempt has begun"
        return Outcome(Ending.FAILED, words)

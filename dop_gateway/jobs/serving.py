"""Sleeps until something is due, and runs it: the outermost loop of the jobs.

Each job has a thread of its own, so that a long one keeps no other from its moment.
Nobody sleeps longer than a minute: clocks are set, calendars are changed, and another
gateway's run crashes without telling anybody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from math import inf
from threading import Event, Thread
from typing import Final

from dop_gateway.jobs.model import Claim, Job
from dop_gateway.jobs.scheduler import Scheduler
from hw.clock import WallClock
from protocol.errors import RmfsError

SLEEP_S_MAX: Final = 60.0
SLEEP_S_MIN: Final = 1.0

RENEWED_PER_LEASE: Final = 3
RENEWALS_MAX: Final = 30
"""A run may take ten times as long as its job says."""

_log: Final = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]
"""`asyncio.sleep`, or that of a test."""


async def serve(
    scheduler: Scheduler, clock: WallClock, sleep: Sleep = asyncio.sleep
) -> None:
    """Run what is due, until this is cancelled; a run that has begun is waited for.

    Args:
        scheduler: The jobs.
        clock: The time of day.
        sleep: Waits so many seconds.
    """
    if not scheduler.jobs:
        return
    with ThreadPoolExecutor(len(scheduler.jobs), "job") as threads:
        async with asyncio.TaskGroup() as group:
            for job in scheduler.jobs:
                group.create_task(_keep(scheduler, job, threads, clock, sleep))


async def _keep(
    scheduler: Scheduler, job: Job, threads: Executor, clock: WallClock, sleep: Sleep
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        wake_at = await loop.run_in_executor(threads, _turn, scheduler, job)
        if wake_at is not None:
            pause_s = min(max(wake_at - clock.now(), SLEEP_S_MIN), SLEEP_S_MAX)
            await sleep(pause_s)


def _turn(scheduler: Scheduler, job: Job) -> float | None:
    """Run one moment; gives when to look again, or None for at once."""
    try:
        found = scheduler.turn(job)
        if not isinstance(found, Claim):
            return found
        run_claimed(scheduler, found)
    except RmfsError:
        # The database, above all: it comes back, and leases end by themselves.
        _log.exception("job %s", job.name)
        return inf
    return None


def run_claimed(scheduler: Scheduler, claim: Claim) -> None:
    """Run a moment that is ours; whatever comes out of it is written down.

    As long as it runs here its lease is renewed, `RENEWALS_MAX` times at most: a run
    that hangs is held to have crashed in the end.
    """
    over = Event()
    renewing = Thread(target=_renew, args=(scheduler, claim, over), daemon=True)
    renewing.start()
    try:
        _run_to_its_end(scheduler, claim)
    finally:
        over.set()
        renewing.join()


def _renew(scheduler: Scheduler, claim: Claim, over: Event) -> None:
    pause_s = claim.job.longest_s / RENEWED_PER_LEASE
    for _ in range(RENEWALS_MAX):
        if over.wait(pause_s):
            return
        try:
            if not scheduler.renew(claim):
                return
        except RmfsError:
            # The next renewal comes before the lease is over.
            _log.exception("job %s", claim.job.name)


def _run_to_its_end(scheduler: Scheduler, claim: Claim) -> None:
    try:
        outcome = scheduler.run(claim)
    except Exception as error:  # noqa: BLE001 - the outermost loop
        # A job that is broken must end neither the others nor the gateway.
        _log.exception("job %s", claim.job.name)
        scheduler.fail(claim, f"{type(error).__name__}: see the log")
        return
    _log.info("job %s: %s: %s", claim.job.name, outcome.ending.name, outcome.words)

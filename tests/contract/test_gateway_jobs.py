"""Each moment of a job is run once, in order, by two gateways and after a crash too."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, time
from threading import Event

import pytest
from sqlalchemy import select, text

from dop_gateway.audit.tables import audit
from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.jobs import store
from dop_gateway.jobs.catalogue import JOBS
from dop_gateway.jobs.dues import at_times
from dop_gateway.jobs.model import Claim, Ending, Job, JobRun, Outcome
from dop_gateway.jobs.scheduler import PAUSE_S, PLANNED_AT_ONCE, Scheduler
from dop_gateway.jobs.serving import SLEEP_S_MAX, run_claimed, serve
from dop_gateway.parts import Parts
from hw.clock import MemoryWallClock, epoch_seconds
from protocol.errors import InvariantError, RmfsError
from protocol.parameters import INDIA
from protocol.values import EpochSeconds
from tests.at_once import with_patience
from tests.gateway_desk import Gateway, new_gateway

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
LONGEST_S = 300
MOMENTS = 2
DONE = Outcome(Ending.DONE, "7 lines")


@dataclass
class Bank:
    """A job at 22:00 of each day that notes what it is asked for."""

    outcomes: list[Outcome | RmfsError] = field(default_factory=list)
    breaks: bool = False
    asked: list[str] = field(default_factory=list)

    def run(self, _parts: Parts, moment: EpochSeconds) -> Outcome:
        self.asked.append(shown(moment))
        if self.breaks:
            raise ZeroDivisionError
        outcome = self.outcomes.pop(0) if self.outcomes else DONE
        if isinstance(outcome, RmfsError):
            raise outcome
        return outcome

    def job(self, name: str = "bank", attempts_max: int = 8) -> Job:
        due = at_times(lambda _known, _day: [time(22)])
        return Job(name, "Dial the bank.", due, self.run, LONGEST_S, attempts_max)


def shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, INDIA).strftime("%d %H:%M")


def at(day: int, hour: int) -> EpochSeconds:
    return epoch_seconds(datetime(2026, 11, day, hour, tzinfo=INDIA))


def wait_until(gateway: Gateway, day: int, hour: int) -> None:
    gateway.clock.set(datetime(2026, 11, day, hour, tzinfo=INDIA))


def claimed(scheduler: Scheduler, name: str = "bank") -> Claim:
    found = scheduler.turn(scheduler.job(name))
    assert isinstance(found, Claim)
    return found


def waits(scheduler: Scheduler, name: str = "bank") -> str:
    found = scheduler.turn(scheduler.job(name))
    assert not isinstance(found, Claim)
    return shown(found)


def run_all(scheduler: Scheduler) -> None:
    while isinstance(found := scheduler.turn(scheduler.job("bank")), Claim):
        scheduler.run(found)


def runs(gateway: Gateway) -> list[JobRun]:
    with gateway.store.reading() as connection:
        return store.runs(connection, "bank", 1_000)[::-1]


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    """Give a gateway, on the 16th of November at 09:00."""
    return new_gateway(store_place)


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def scheduler(gateway: Gateway, bank: Bank) -> Scheduler:
    made = Scheduler(gateway.parts, [bank.job()], "one")
    # It is known from now on.
    assert waits(made) == "16 22:00"
    return made


def test_a_moment_is_run_when_it_has_come_and_once(
    gateway: Gateway, scheduler: Scheduler, bank: Bank
) -> None:
    wait_until(gateway, 16, 21)
    assert waits(scheduler) == "16 22:00"
    wait_until(gateway, 16, 22)
    assert scheduler.run(claimed(scheduler)) == DONE
    assert waits(scheduler) == "17 22:00"
    assert bank.asked == ["16 22:00"]
    (run,) = runs(gateway)
    assert (run.ending, run.detail, run.attempts) == (Ending.DONE, "7 lines", 1)
    assert (run.started_at, run.ended_at, run.host) == (at(16, 22), at(16, 22), "one")


def test_what_was_missed_is_caught_up_in_order(
    gateway: Gateway, scheduler: Scheduler, bank: Bank
) -> None:
    wait_until(gateway, 19, 8)
    run_all(scheduler)
    run_all(scheduler)
    assert bank.asked == ["16 22:00", "17 22:00", "18 22:00"]


def test_a_gateway_that_was_down_for_long_plans_some_moments_at_a_time(
    gateway: Gateway, scheduler: Scheduler, bank: Bank
) -> None:
    days = 2 * PLANNED_AT_ONCE + 5
    gateway.clock.advance(days * DAY_S)
    scheduler.turn(scheduler.job("bank"))
    assert len(runs(gateway)) == PLANNED_AT_ONCE
    gateway.clock.advance(LONGEST_S)
    run_all(scheduler)
    moments = [run.moment for run in runs(gateway)]
    assert moments == [at(16, 22) + number * DAY_S for number in range(days)]
    assert len(bank.asked) == days


def test_two_gateways_never_run_the_same_moment(
    gateway: Gateway, scheduler: Scheduler, bank: Bank
) -> None:
    other = Scheduler(gateway.parts, [bank.job()], "two")
    wait_until(gateway, 17, 23)
    claim = claimed(scheduler)
    # Nor the one after it, while the first is not over.
    assert waits(other) == "17 23:05"
    scheduler.run(claim)
    second = claimed(other)
    assert (shown(claim.moment), shown(second.moment)) == ("16 22:00", "17 22:00")


def test_two_gateways_that_look_all_the_time_share_the_moments(
    gateway: Gateway, scheduler: Scheduler, bank: Bank
) -> None:
    wait_until(gateway, 26, 8)
    schedulers = [scheduler, Scheduler(gateway.parts, [bank.job()], "two")]

    def work(one: Scheduler) -> None:
        while (found := one.turn(one.job("bank"))) != at(26, 22):
            if isinstance(found, Claim):
                one.run(found)

    with_patience(gateway.store)
    with ThreadPoolExecutor() as threads:
        list(threads.map(work, schedulers))
    assert bank.asked == [f"{day} 22:00" for day in range(16, 26)]
    assert [run.attempts for run in runs(gateway)] == [1] * len(bank.asked)


def test_a_run_that_crashed_is_run_again_when_its_lease_is_over(
    gateway: Gateway, scheduler: Scheduler, bank: Bank
) -> None:
    wait_until(gateway, 16, 22)
    crashed = claimed(scheduler)
    gateway.clock.advance(LONGEST_S)
    again = claimed(scheduler)
    assert (again.run, again.attempt) == (crashed.run, 2)
    # The first was only slow: what it says now is not written.
    assert "another attempt has begun" in scheduler.run(crashed).words
    assert [run.ending for run in runs(gateway)] == [None]
    assert scheduler.run(again) == DONE
    assert [run.ending for run in runs(gateway)] == [Ending.DONE]
    assert bank.asked == ["16 22:00", "16 22:00"]


def test_a_failure_is_tried_again_after_pauses_that_double(
    gateway: Gateway, scheduler: Scheduler, bank: Bank
) -> None:
    bank.outcomes = [RmfsError("no answer"), Outcome(Ending.FAILED, "no file"), DONE]
    wait_until(gateway, 16, 22)
    pauses = []
    while isinstance(found := scheduler.turn(scheduler.job("bank")), Claim):
        scheduler.run(found)
        (run,) = runs(gateway)
        if run.ending is Ending.FAILED:
            pauses.append(run.try_at - gateway.clock.now())
            assert waits(scheduler) == shown(run.try_at)
            gateway.clock.advance(pauses[-1])
    assert pauses == [PAUSE_S, 2 * PAUSE_S]
    assert [(run.ending, run.attempts) for run in runs(gateway)] == [(Ending.DONE, 3)]


@pytest.mark.parametrize("crashes", [False, True])
def test_what_fails_each_time_is_given_up_and_the_next_has_its_turn(
    gateway: Gateway, bank: Bank, crashes: bool
) -> None:
    scheduler = Scheduler(gateway.parts, [bank.job(attempts_max=2)], "one")
    assert waits(scheduler) == "16 22:00"
    bank.outcomes = [RmfsError("no answer"), RmfsError("still no answer")]
    wait_until(gateway, 17, 23)
    for _ in range(2):
        claim = claimed(scheduler)
        if not crashes:
            scheduler.run(claim)
        gateway.clock.advance(HOUR_S)
    assert shown(claimed(scheduler).moment) == "17 22:00"
    words = "its run came to no end" if crashes else "still no answer"
    (first, _) = runs(gateway)
    assert (first.ending, first.detail) == (Ending.GIVEN_UP, words)


def test_a_person_runs_a_moment_that_was_given_up_through_the_same_record(
    gateway: Gateway, bank: Bank
) -> None:
    scheduler = Scheduler(gateway.parts, [bank.job(attempts_max=1)], "one")
    assert waits(scheduler) == "16 22:00"
    bank.outcomes = [RmfsError("no answer")]
    wait_until(gateway, 16, 22)
    run_all(scheduler)
    by = By(GATEWAY, gateway.clock.now(), "a-test", "the line is mended")
    assert scheduler.run(scheduler.begin_by_hand("bank", at(16, 22), by)) == DONE
    (run,) = runs(gateway)
    assert (run.ending, run.attempts) == (Ending.DONE, 2)
    with gateway.store.reading() as connection:
        row = connection.execute(select(audit).where(audit.c.move == "run")).one()
    assert (row.subject, row.reason) == ("bank", "the line is mended")


def test_by_hand_no_moment_is_run_twice_nor_too_early(
    gateway: Gateway, scheduler: Scheduler
) -> None:
    by = By(GATEWAY, gateway.clock.now(), "a-test", "a test")

    def begin(day: int, hour: int) -> Claim:
        return scheduler.begin_by_hand("bank", at(day, hour), by)

    with pytest.raises(ConflictError, match="not due"):
        begin(16, 21)
    with pytest.raises(ConflictError, match="not due"):
        begin(16, 22)
    with pytest.raises(NotFoundError, match="there are: bank"):
        scheduler.begin_by_hand("banks", at(16, 22), by)
    # Before the gateway was there.
    claim = begin(14, 22)
    with pytest.raises(ConflictError, match="runs for that moment on one"):
        begin(14, 22)
    scheduler.run(claim)
    with pytest.raises(ConflictError, match="done for that moment already"):
        begin(14, 22)
    assert waits(scheduler) == "16 22:00"


def test_the_loop_sleeps_until_the_next_moment_and_runs_it(
    gateway: Gateway, bank: Bank
) -> None:
    """A job that breaks ends neither the loop nor the other job."""
    broken = Bank(breaks=True)
    jobs = [bank.job(), broken.job("broken", attempts_max=1)]
    scheduler = Scheduler(gateway.parts, jobs, "one")
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        gateway.clock.advance(seconds)
        if min(len(bank.asked), len(broken.asked)) == MOMENTS:
            raise _EndOfTestError
        await asyncio.sleep(0)

    wait_until(gateway, 16, 21)
    with pytest.raises(ExceptionGroup) as ended:
        asyncio.run(serve(scheduler, gateway.clock, sleep))
    assert ended.group_contains(_EndOfTestError)
    # Both share one clock: the faster may have come further.
    assert bank.asked[:MOMENTS] == ["16 22:00", "17 22:00"]
    assert max(slept) <= SLEEP_S_MAX
    with gateway.store.reading() as connection:
        given_up = store.runs(connection, "broken", 1_000)[::-1]
    assert [(one.ending, one.detail) for one in given_up[:MOMENTS]] == [
        (Ending.GIVEN_UP, "ZeroDivisionError: see the log")
    ] * MOMENTS


@dataclass
class Long:
    """A job that runs until its lease was renewed."""

    clock: MemoryWallClock
    renewed: Event = field(default_factory=Event)

    def run(self, _parts: Parts, _moment: EpochSeconds) -> Outcome:
        self.clock.advance(DAY_S / 2)
        return DONE if self.renewed.wait(120) else Outcome(Ending.FAILED, "too long")

    def job(self) -> Job:
        return Job("long", "Take long.", Bank().job().due, self.run, 1)


class Noting(Scheduler):
    """Tells when a lease was renewed."""

    renewed: Event

    def renew(self, claim: Claim) -> bool:
        ours = super().renew(claim)
        self.renewed.set()
        return ours


def test_a_lease_is_renewed_as_long_as_its_run_goes_on(gateway: Gateway) -> None:
    long = Long(gateway.clock)
    scheduler = Noting(gateway.parts, [long.job()], "first")
    other = Scheduler(gateway.parts, [long.job()], "other")
    scheduler.renewed = long.renewed
    scheduler.turn(long.job())
    gateway.clock.advance(DAY_S)
    claim = scheduler.turn(long.job())
    assert isinstance(claim, Claim)
    run_claimed(scheduler, claim)
    with gateway.store.reading() as connection:
        (run,) = store.runs(connection, "long", 10)
    assert run.ending is Ending.DONE
    assert not scheduler.renew(claim)
    assert not isinstance(other.turn(long.job()), Claim)


def test_a_loop_without_jobs_is_over(gateway: Gateway) -> None:
    asyncio.run(serve(Scheduler(gateway.parts, [], "one"), gateway.clock))


def test_every_job_of_the_catalogue_runs_for_its_next_moment(gateway: Gateway) -> None:
    gateway.administrator()
    scheduler = Scheduler(gateway.parts, JOBS, "one")
    assert waits(scheduler, "audit-verify") == "17 02:00"
    wait_until(gateway, 17, 2)
    outcome = scheduler.run(claimed(scheduler, "audit-verify"))
    assert outcome.ending is Ending.DONE


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE job_run SET for_moment = 7",
        "UPDATE job_run SET outcome = 'FAILED'",
        "DELETE FROM job_run",
        "UPDATE job SET planned_until = 7",
        "DELETE FROM job",
    ],
)
def test_the_record_of_a_run_stays_written(
    gateway: Gateway, scheduler: Scheduler, change: str
) -> None:
    wait_until(gateway, 16, 22)
    run_all(scheduler)
    with (
        pytest.raises(InvariantError, match=r"only grows|keeps its"),
        gateway.store.writing("by hand") as connection,
    ):
        connection.execute(text(change))


class _EndOfTestError(Exception):
    """The test has seen enough."""

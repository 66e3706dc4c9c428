"""Dial-ins that wait share one COMMIT, and each is answered as if it were alone."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from queue import SimpleQueue
from threading import Barrier, Event, Thread
from typing import Any

from hw.database import NoHook, open_store
from protocol.dialogue.server import (
    Closed,
    CredentialFound,
    CredentialMissing,
    Delivered,
)
from protocol.errors import InvariantError, StoreError
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.books import Books
from rmfs_server.enrolling import NewLicence
from rmfs_server.questions import Found, Lookup, Question
from rmfs_server.store import ledger
from rmfs_server.store import machines as machine_rows
from rmfs_server.writer import GroupWriter
from tests.at_once import with_patience
from tests.paper_machine import (
    BY,
    NEW,
    NOW,
    Office,
    PaperMachine,
    build_office,
    office_at,
)

TIMEOUT_S = 60


@dataclass
class Commits(NoHook):
    """Counts the transactions that were committed, by name; one may be refused."""

    names: list[str] = field(default_factory=list)
    fails: bool = False

    def before_commit(self, name: str) -> None:
        if self.fails and name == "dial-ins":
            self.fails = False
            raise StoreError("the disk is full")

    def after_commit(self, name: str) -> None:
        self.names.append(name)


class Answers:
    """Stands where the reactor does: takes what the writer's thread hands over."""

    def __init__(self) -> None:
        self._turns: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self.given: list[tuple[str, Any]] = []

    def callFromThread(  # noqa: N802  # Twisted's name
        self, deed: Callable[..., object], *arguments: object
    ) -> None:
        self._turns.put(partial(deed, *arguments))

    def wait_for(self, count: int) -> list[tuple[str, Any]]:
        while len(self.given) < count:
            self._turns.get(timeout=TIMEOUT_S)()
        return self.given


class Desk:
    """A writer whose jobs wait until they are let go together."""

    def __init__(self, writer: GroupWriter, answers: Answers) -> None:
        self.answers = answers
        self._writer = writer
        self._begun, self._let_go = Event(), Event()

    def hold(self) -> None:
        """Keep the thread busy, so that what is asked from now on waits."""

        def job() -> None:
            self._begun.set()
            assert self._let_go.wait(TIMEOUT_S)

        self._writer.submit(job, lambda _: None, lambda _: None)
        assert self._begun.wait(TIMEOUT_S)

    def ask(self, job: Callable[[], Any]) -> None:
        self._writer.submit(
            job,
            lambda result: self.answers.given.append(("done", result)),
            lambda error: self.answers.given.append(("failed", error)),
        )

    def let_go(self, count: int) -> list[tuple[str, Any]]:
        self._let_go.set()
        return self.answers.wait_for(count)


@contextmanager
def desk_at(books: Books) -> Iterator[Desk]:
    answers = Answers()
    writer = GroupWriter(answers, books)  # type: ignore[arg-type]
    desk = Desk(writer, answers)
    try:
        yield desk
    finally:
        desk._let_go.set()
        writer.stop()


def machines_of(office: Office, count: int) -> list[PaperMachine]:
    made = []
    for number in range(count):
        licence = LicenceIdentifier(f"N{200_000 + number:06d}")
        machine = PaperMachine(licence, f"PSD{number:05d}", seed=b"%d" % number)
        new = NewLicence(
            LicenceNumber(f"KN06{number:05d}"), NEW.licensee, NEW.expires_on
        )
        office.administration.enrol(machine.provisioning, new, BY)
        office.deposit(1_000_000, licence)
        made.append(machine)
    return made


def judging(office: Office, machine: PaperMachine) -> Question[Any]:
    stated = machine.state_registers(RequestKind.RECHARGE, 100_000)
    return office.books.about_statement(*stated, NOW)


def confirming(office: Office, machine: PaperMachine, judged: Any) -> Question[Any]:
    turn, delivered = judged
    machine.apply(delivered.voucher)
    return office.books.about_confirmation(turn, *machine.confirm(), NOW)


def test_what_waits_is_one_commit_and_each_is_answered_in_turn(
    store_place: str,
) -> None:
    hook = Commits()
    with office_at(store_place, hook) as office, desk_at(office.books) as desk:
        machines = machines_of(office, 5)
        hook.names.clear()
        desk.hold()
        for machine in reversed(machines):
            desk.ask(judging(office, machine))
        given = desk.let_go(5)
        assert hook.names == ["dial-ins"]
        assert [one[0] for one in given] == ["done"] * 5
        for machine, (_, judged) in zip(reversed(machines), given, strict=True):
            turn, answer = judged
            assert turn.licence == machine.licence
            assert isinstance(answer, Delivered)
            assert office.balances(machine.licence) == (900_000, 100_000, 0)
            closed = confirming(office, machine, judged)()
            assert isinstance(closed, Closed)
            assert office.balances(machine.licence) == (900_000, 0, 100_000)


def test_one_that_is_refused_takes_nobody_with_it(store_place: str) -> None:
    hook = Commits()
    with office_at(store_place, hook) as office, desk_at(office.books) as desk:
        machines = machines_of(office, 4)
        hook.names.clear()

        right = judging(office, machines[1])

        def overdraws(found: Found) -> None:
            right.decide(found)
            raise InvariantError("money does not add up")

        def divides(found: Found) -> int:
            assert found.machine is not None
            machine_rows.change(found.page.connection, found.machine)
            return 1 // 0

        desk.hold()
        desk.ask(judging(office, machines[0]))
        desk.ask(replace(right, decide=overdraws))
        desk.ask(judging(office, machines[2]))
        desk.ask(replace(judging(office, machines[3]), decide=divides))
        given = desk.let_go(4)
        assert [one[0] for one in given] == ["done", "failed", "done", "failed"]
        assert isinstance(given[1][1], InvariantError)
        assert isinstance(given[3][1], ZeroDivisionError)
        assert hook.names == ["judge_statement"] * 2
        funds = [office.balances(machine.licence)[1] for machine in machines]
        assert funds == [100_000, 0, 100_000, 0]


def test_a_commit_that_fails_fails_for_all_and_asking_again_settles_it(
    store_place: str,
) -> None:
    hook = Commits()
    with office_at(store_place, hook) as office, desk_at(office.books) as desk:
        machines = machines_of(office, 3)
        jobs = [judging(office, machine) for machine in machines]
        hook.fails = True
        desk.hold()
        for job in jobs:
            desk.ask(job)
        given = desk.let_go(3)
        assert [one[0] for one in given] == ["failed"] * 3
        assert all(isinstance(one[1], StoreError) for one in given)
        for machine, job in zip(machines, jobs, strict=True):
            assert office.balances(machine.licence) == (1_000_000, 0, 0)
            desk.ask(job)
        given = desk.answers.wait_for(6)
        assert [one[0] for one in given[3:]] == ["done"] * 3
        for machine in machines:
            assert office.balances(machine.licence) == (900_000, 100_000, 0)


def test_two_lines_of_one_machine_wait_for_each_other_and_reserve_once(
    store_place: str,
) -> None:
    with office_at(store_place) as office, desk_at(office.books) as desk:
        (machine,) = machines_of(office, 1)
        desk.hold()
        for _ in range(2):
            desk.ask(judging(office, machine))
        (_, first), (_, second) = desk.let_go(2)
        assert first[1] == second[1]
        assert second[0].generation == first[0].generation + 1
        assert office.balances(machine.licence) == (900_000, 100_000, 0)


def test_what_only_reads_waits_for_no_lock(sqlite_url: str) -> None:
    with office_at(sqlite_url) as office, desk_at(office.books) as desk:
        (machine,) = machines_of(office, 1)
        with closing(open_store(sqlite_url)) as other, other.writing("a long import"):
            desk.hold()
            for licence in (machine.licence, LicenceIdentifier("N999999")):
                desk.ask(Lookup(office.books, licence))
            first, second = desk.let_go(2)
        assert first == ("done", CredentialFound(machine.identity.credential))
        assert second == ("done", CredentialMissing())


def test_two_hosts_with_the_same_machines_never_wait_for_each_other(
    postgres_url: str,
) -> None:
    """Both ask in opposite order; who moves money of all of them is a third."""
    rounds, count = 5, 8
    with (
        office_at(postgres_url) as office,
        closing(open_store(postgres_url)) as store,
        desk_at(office.books) as here,
        desk_at((elsewhere := build_office(store, seed=b"other marks")).books) as there,
    ):
        machines = machines_of(office, count)
        for one in (office.store, store):
            with_patience(one)
        start = Barrier(3)
        failures: list[BaseException] = []

        def serve(desk: Desk, books: Books, order: Sequence[PaperMachine]) -> None:
            for number in range(rounds):
                start.wait(TIMEOUT_S)
                for machine in order:
                    stated = machine.state_registers()
                    desk.ask(books.about_statement(*stated, NOW))
                for how, result in desk.answers.wait_for((number + 1) * count):
                    if how == "failed":
                        failures.append(result)

        hosts = [
            Thread(target=serve, args=(here, office.books, machines)),
            Thread(target=serve, args=(there, elsewhere.books, machines[::-1])),
        ]
        for host in hosts:
            host.start()
        with closing(with_patience(open_store(postgres_url))) as third:
            for _ in range(rounds):
                start.wait(TIMEOUT_S)
                licences = [one.licence for one in machines]
                with third.writing("a third") as connection:
                    machine_rows.lock_all(connection, licences)
                    ledger.lock_accounts_of(connection, *licences)
        for host in hosts:
            host.join(TIMEOUT_S)
            assert not host.is_alive()
        assert failures == []


def test_those_that_come_together_read_as_often_as_one(sqlite_url: str) -> None:
    """A trace of SQLite tells each statement; `executemany` tells it for each row."""
    reads: list[list[str]] = []

    def traced(office: Office, machines: Sequence[PaperMachine]) -> None:
        told: list[str] = []
        raw = office.store.engine.raw_connection()
        driver = raw.driver_connection
        raw.close()
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(told.append)
        questions = [judging(office, machine) for machine in machines]
        answers = office.books.answer(questions)
        for judged, machine in zip(answers, machines, strict=True):
            machine.apply(judged[1].voucher)
        turns = [turn for turn, _ in answers]
        office.books.answer(
            [
                office.books.about_confirmation(turn, *machine.confirm(), NOW)
                for turn, machine in zip(turns, machines, strict=True)
            ]
        )
        driver.set_trace_callback(None)
        reads.append([one[:40] for one in told if one.startswith("SELECT")])

    with office_at(sqlite_url) as office:
        machines = machines_of(office, 17)
        traced(office, machines[:1])
        traced(office, machines[1:])
    assert reads[0] == reads[1]

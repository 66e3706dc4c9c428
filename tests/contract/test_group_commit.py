"""Dial-ins that wait share one COMMIT, and each is answered as if it were alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from hw.database import NoHook, Store, open_store
from protocol.dialogue.server import Closed, Delivered
from protocol.errors import InvariantError, StoreError
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.enrolling import NewLicence
from rmfs_server.locking import lock_machines
from rmfs_server.writer import GroupWriter, Question
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

    def ask(self, licence: LicenceIdentifier | None, job: Callable[[], Any]) -> None:
        asked = job if licence is None else Question(licence, job)
        self._writer.submit(
            asked,
            lambda result: self.answers.given.append(("done", result)),
            lambda error: self.answers.given.append(("failed", error)),
        )

    def let_go(self, count: int) -> list[tuple[str, Any]]:
        self._let_go.set()
        return self.answers.wait_for(count)


@contextmanager
def desk_at(store: Store) -> Iterator[Desk]:
    answers = Answers()
    writer = GroupWriter(answers, store, lock_machines)  # type: ignore[arg-type]
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


def judging(office: Office, machine: PaperMachine) -> Callable[[], Any]:
    stated = machine.state_registers(RequestKind.RECHARGE, 100_000)
    return partial(office.books.judge_statement, *stated, NOW)


def confirming(office: Office, machine: PaperMachine, judged: Any) -> Callable[[], Any]:
    turn, delivered = judged
    machine.apply(delivered.voucher)
    return partial(office.books.judge_confirmation, turn, *machine.confirm(), NOW)


def test_what_waits_is_one_commit_and_each_is_answered_in_turn(store_url: str) -> None:
    hook = Commits()
    with office_at(store_url, hook) as office, desk_at(office.store) as desk:
        machines = machines_of(office, 5)
        hook.names.clear()
        desk.hold()
        for machine in reversed(machines):
            desk.ask(machine.licence, judging(office, machine))
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


def test_one_that_is_refused_takes_nobody_with_it(store_url: str) -> None:
    hook = Commits()
    with office_at(store_url, hook) as office, desk_at(office.store) as desk:
        machines = machines_of(office, 4)
        hook.names.clear()

        def overdraws() -> None:
            with office.store.writing("a job with a mistake"):
                office.books.judge_statement(
                    *machines[1].state_registers(RequestKind.RECHARGE, 100_000), NOW
                )
                raise InvariantError("money does not add up")

        desk.hold()
        desk.ask(machines[0].licence, judging(office, machines[0]))
        desk.ask(machines[1].licence, overdraws)
        desk.ask(machines[2].licence, judging(office, machines[2]))
        desk.ask(machines[3].licence, lambda: 1 // 0)
        given = desk.let_go(4)
        assert [one[0] for one in given] == ["done", "failed", "done", "failed"]
        assert isinstance(given[1][1], InvariantError)
        assert isinstance(given[3][1], ZeroDivisionError)
        assert hook.names == ["dial-ins"]
        funds = [office.balances(machine.licence)[1] for machine in machines]
        assert funds == [100_000, 0, 100_000, 0]


def test_a_commit_that_fails_fails_for_all_and_asking_again_settles_it(
    store_url: str,
) -> None:
    hook = Commits()
    with office_at(store_url, hook) as office, desk_at(office.store) as desk:
        machines = machines_of(office, 3)
        jobs = [judging(office, machine) for machine in machines]
        hook.fails = True
        desk.hold()
        for machine, job in zip(machines, jobs, strict=True):
            desk.ask(machine.licence, job)
        given = desk.let_go(3)
        assert [one[0] for one in given] == ["failed"] * 3
        assert all(isinstance(one[1], StoreError) for one in given)
        for machine, job in zip(machines, jobs, strict=True):
            assert office.balances(machine.licence) == (1_000_000, 0, 0)
            desk.ask(machine.licence, job)
        given = desk.answers.wait_for(6)
        assert [one[0] for one in given[3:]] == ["done"] * 3
        for machine in machines:
            assert office.balances(machine.licence) == (900_000, 100_000, 0)


def test_two_lines_of_one_machine_in_one_commit_reserve_once(store_url: str) -> None:
    with office_at(store_url) as office, desk_at(office.store) as desk:
        (machine,) = machines_of(office, 1)
        desk.hold()
        for _ in range(2):
            desk.ask(machine.licence, judging(office, machine))
        (_, first), (_, second) = desk.let_go(2)
        assert first[1] == second[1]
        assert second[0].generation == first[0].generation + 1
        assert office.balances(machine.licence) == (900_000, 100_000, 0)


def test_what_only_reads_waits_for_no_lock(sqlite_url: str) -> None:
    with office_at(sqlite_url) as office, desk_at(office.store) as desk:
        (machine,) = machines_of(office, 1)
        with closing(open_store(sqlite_url)) as other, other.writing("a long import"):
            desk.ask(None, partial(office.books.find_credential, machine.licence))
            ((how, found),) = desk.answers.wait_for(1)
        assert how == "done"
        assert found.credential == machine.identity.credential


def test_two_hosts_with_the_same_machines_never_wait_for_each_other(
    postgres_url: str,
) -> None:
    """Both ask in opposite order; who moves money of all of them is a third."""
    rounds, count = 5, 8
    with (
        office_at(postgres_url) as office,
        closing(open_store(postgres_url)) as store,
        desk_at(office.store) as here,
        desk_at(store) as there,
    ):
        machines = machines_of(office, count)
        elsewhere = build_office(store, seed=b"other marks")
        start = Barrier(3)
        failures: list[BaseException] = []

        def serve(desk: Desk, at: Office, order: Sequence[PaperMachine]) -> None:
            for number in range(rounds):
                start.wait(TIMEOUT_S)
                for machine in order:
                    stated = machine.state_registers()
                    job = partial(at.books.judge_statement, *stated, NOW)
                    desk.ask(machine.licence, job)
                for how, result in desk.answers.wait_for((number + 1) * count):
                    if how == "failed":
                        failures.append(result)

        hosts = [
            Thread(target=serve, args=(here, office, machines)),
            Thread(target=serve, args=(there, elsewhere, machines[::-1])),
        ]
        for host in hosts:
            host.start()
        with closing(open_store(postgres_url)) as third:
            for _ in range(rounds):
                start.wait(TIMEOUT_S)
                with third.writing("a third") as connection:
                    lock_machines(connection, [one.licence for one in machines])
        for host in hosts:
            host.join(TIMEOUT_S)
            assert not host.is_alive()
        assert failures == []


def test_what_is_written_together_is_left_together(office: Office) -> None:
    (machine,) = machines_of(office, 1)

    def breaks_off() -> None:
        with office.store.together("two deposits"):
            office.deposit(100, machine.licence)
            office.deposit(200, machine.licence)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks_off()
    assert office.balances(machine.licence)[0] == 1_000_000
    office.deposit(300, machine.licence)
    assert office.balances(machine.licence)[0] == 1_000_300

"""The process dies before and after every commit of a recharge; nothing is lost.

Each commit has a name. A run dies at one of them, everything in memory is gone, and the
same message is judged again by a new process on the same database.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from hw.database import NoHook, open_store
from protocol.dialogue.server import Closed, Delivered, Stored
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier
from rmfs_server.store.migrations import migrate
from tests.migrated import open_migrated
from tests.paper_machine import (
    BY,
    LICENCE,
    NEW,
    NOW,
    Office,
    PaperMachine,
    build_office,
)

COMMITS = ("judge_statement", "judge_confirmation", "store_usage", "store_goodbye")
ODD_SEED = b"a new process draws other marks"


class DeathError(BaseException):
    """The process ends here; no handler of the product may stop it."""


class DyingHook(NoHook):
    """Dies once, at one place."""

    def __init__(self) -> None:
        self.place: tuple[str, str] | None = None
        self.died = 0

    def before_commit(self, name: str) -> None:
        self._pass("before", name)

    def after_commit(self, name: str) -> None:
        self._pass("after", name)

    def _pass(self, when: str, name: str) -> None:
        if self.place == (when, name):
            self.place = None
            self.died += 1
            raise DeathError


class Server:
    """A server process that is started again after it died."""

    def __init__(self, url: str) -> None:
        self.hook = DyingHook()
        self._url = url
        self._store = open_store(url, self.hook)
        self.office = build_office(self._store)

    def ask(self, question: Callable[[Office], Any]) -> Any:
        """Put a question; when the process dies of it, start it and ask again."""
        with suppress(DeathError):
            return question(self.office)
        self._store.close()
        self._store = open_store(self._url, self.hook)
        self.office = build_office(self._store, seed=ODD_SEED)
        assert self.office.findings() == []
        return question(self.office)

    def close(self) -> None:
        self._store.close()


@contextmanager
def serving(url: str) -> Iterator[Server]:
    open_migrated(url, migrate).close()
    with closing(Server(url)) as server:
        yield server


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", COMMITS)
def test_a_recharge_survives_a_crash_around_each_commit(
    store_place: str, when: str, name: str
) -> None:
    machine = PaperMachine()
    with serving(store_place) as server:
        server.office.administration.enrol(machine.provisioning, NEW, BY)
        server.office.deposit(500_000)
        server.office.recharge(machine, 100_000)
        machine.frank(2_500)
        server.hook.place = (when, name)

        statement, signed = machine.state_registers(RequestKind.RECHARGE, 200_000)
        turn, answer = server.ask(
            lambda office: office.books.judge_statement(statement, signed, NOW)
        )
        assert isinstance(answer, Delivered)
        again = server.office.books.judge_statement(statement, signed, NOW)
        assert again == (turn, answer)
        machine.apply(answer.voucher)
        confirmed = machine.confirm()
        closed = server.ask(
            lambda office: office.books.judge_confirmation(turn, *confirmed, NOW)
        )
        assert isinstance(closed, Closed)
        rows = tuple(machine.usage.values())
        stored = server.ask(
            lambda office: office.books.store_usage(turn, statement, rows, NOW)
        )
        assert stored == Stored()
        goodbye = machine.take(closed)
        server.ask(lambda office: office.books.store_goodbye(turn, goodbye, NOW))

        assert server.hook.died == 1
        assert server.office.balances() == (200_000, 0, 300_000)
        assert server.office.findings() == []
        server.office.inspect(machine)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_redial_after_a_crash_gets_the_octets_that_were_stored(
    store_place: str, when: str
) -> None:
    machine = PaperMachine()
    with serving(store_place) as server:
        server.office.administration.enrol(machine.provisioning, NEW, BY)
        server.office.deposit(500_000)
        server.hook.place = (when, "judge_statement")
        first = machine.state_registers(RequestKind.RECHARGE, 200_000)
        with pytest.raises(DeathError):
            server.office.books.judge_statement(*first, NOW)
        assert server.office.findings() == []
        redial = machine.state_registers(RequestKind.RECHARGE, 200_000)
        _, answer = server.ask(
            lambda office: office.books.judge_statement(*redial, NOW)
        )
        _, once_more = server.ask(
            lambda office: office.books.judge_statement(
                *machine.state_registers(RequestKind.RECHARGE, 300_000), NOW
            )
        )
        assert answer == once_more
        assert server.office.balances() == (300_000, 200_000, 0)
        assert server.office.findings() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["enrol", "void", "set_licence", "revoke"])
def test_an_act_of_a_person_survives_a_crash(
    store_place: str, when: str, name: str
) -> None:
    machine = PaperMachine()
    second = PaperMachine(LicenceIdentifier("N000002"), "PSD00002", seed=b"second")
    moves: dict[str, Callable[[Office], Any]] = {
        "enrol": lambda office: office.administration.enrol(
            second.provisioning, NEW, BY
        ),
        "void": lambda office: office.administration.void(LICENCE, BY),
        "set_licence": lambda office: office.administration.set_licence(
            LICENCE, BY, refund_allowed=True
        ),
        "revoke": lambda office: office.administration.revoke(LICENCE, BY),
    }
    with serving(store_place) as server:
        server.office.administration.enrol(machine.provisioning, NEW, BY)
        server.office.deposit(500_000)
        server.office.state(machine, RequestKind.RECHARGE, 200_000)
        server.hook.place = (when, name)
        with suppress(Exception):
            # An enrolment that was committed says so when it is asked again.
            server.ask(moves[name])
        assert server.hook.died == 1
        assert server.office.findings() == []

"""The maker's process dies at every commit of an exchange, and goes on afterwards.

A story of two windows with licences, funds, a recharge, a discrepancy and answers is
run once as it is, and then once for each commit and each step at the Department's
server, dying there. What is lost is found by comparison: the books and the files of
every story are those of the one that nobody cut.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from hw.database import NoHook, open_store
from protocol.registers import RequestKind
from rmfs_server.exchange.session import run_session
from rmfs_server.exchange.windows import Slot
from rmfs_server.store.migrations import migrate
from tests.exchange_desk import (
    DEPOSIT,
    FIRST,
    ISSUED,
    SECOND,
    PaperDepartment,
    at,
    exchange_office,
)
from tests.paper_machine import BY, NEW, Office, PaperMachine, build_office


class DeathError(BaseException):
    """The process ends here; no handler of the product may stop it."""


@dataclass
class Counting(NoHook):
    """Counts steps, and dies at one of them."""

    dies_at: int = 0
    steps: list[str] = field(default_factory=list)

    def before_commit(self, name: str) -> None:
        self.step(f"before {name}")

    def after_commit(self, name: str) -> None:
        self.step(f"after {name}")

    def step(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) == self.dies_at:
            raise DeathError


@dataclass
class CutRemote:
    """A line to the Department that may be cut around every step."""

    department: PaperDepartment
    hook: Counting

    def names(self) -> Any:
        return self.department.names()

    def read(self, name: str, octets_max: int) -> bytes:
        octets = self.department.read(name, octets_max)
        self.hook.step(f"read {name}")
        return octets

    def write(self, name: str, octets: bytes) -> None:
        self.hook.step(f"before write {name}")
        self.department.write(name, octets)
        self.hook.step(f"after write {name}")


class Story:
    """What happens, told to a server that may die once."""

    def __init__(self, url: str, dies_at: int) -> None:
        self.hook = Counting()
        self._dies_at = dies_at
        self._url = url
        self.dop = PaperDepartment()
        self.machine = PaperMachine()
        self.office: Office

    @contextmanager
    def _open(self) -> Iterator[None]:
        store = open_store(self._url, self.hook)
        try:
            self.office = build_office(store)
            yield
        finally:
            store.close()

    def run(self) -> None:
        with self._open():
            migrate(self.office.store)
            # What people and machines do is cut by other tests.
            self.hook.steps.clear()
            self.hook.dies_at = self._dies_at
        self.dop.lay_out("license-issue", ISSUED)
        self.dop.lay_out("license-modification")
        self.dop.lay_out("fund", DEPOSIT, {**DEPOSIT, "licensee": "Asha Trader"})
        self.dial(FIRST)
        self.dop.take_all_away()
        self.beside(self._dial_in)
        names = [
            name for name in self.dop.handed if not name.startswith("remaining-fund")
        ]
        self.dop.acknowledge(*names)
        self.dop.lay_out_empty(SECOND)
        self.dial(SECOND)
        self.dop.take_all_away()
        self.dop.acknowledge(*list(self.dop.handed)[-5:], slot=SECOND)
        self.dial(Slot(FIRST.day, 3))

    def dial(self, slot: Slot) -> None:
        """Exchange files; when the process dies of it, start it and go on."""
        try:
            self._session(slot)
        except DeathError:
            self._session(slot)

    def _session(self, slot: Slot) -> None:
        with self._open():
            office = exchange_office(self.office.store, self.office.credit_key)
            run_session(office, CutRemote(self.dop, self.hook), slot, at(slot))

    def beside(self, act: Callable[[], None]) -> None:
        """Let something happen between two sessions that is not cut."""
        dies_at, steps = self.hook.dies_at, list(self.hook.steps)
        self.hook.dies_at = 0
        with self._open():
            act()
        self.hook.dies_at, self.hook.steps = dies_at, steps

    def _dial_in(self) -> None:
        office, machine = self.office, self.machine
        office.administration.enrol(machine.provisioning, NEW, BY)
        office.recharge(machine, 200_000)
        office.state(machine, RequestKind.RECHARGE, 100_000, mark=b"\x09" * 8)

    def outcome(self) -> dict[str, Any]:
        """Tell what is in the books and at the Department, whatever was cut."""
        with self._open():
            assert self.office.findings() == []
            balances = self.office.balances()
        dop = self.dop
        return {
            "balances": balances,
            "verdicts": dop.verdicts(),
            "refused": dop.lines("acknowledgement", "refused")[:1],
            "downloads": dop.lines("credit-download"),
            "usage": dop.lines("usage"),
            "discrepancies": dop.lines("discrepancy"),
            "remaining": dop.lines("remaining-fund"),
            "numbers": {
                name: [file.header["sequence"] for file in dop.files(name)]
                for name in ("credit-download", "usage", "remaining-fund")
            },
        }


def _story(url: str, dies_at: int = 0) -> Story:
    story = Story(url, dies_at)
    story.run()
    return story


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> Story:
    url = f"sqlite:///{tmp_path_factory.mktemp('uncut') / 'books.sqlite'}"
    return _story(url)


def test_the_story_tells_of_everything(uncut: Story) -> None:
    outcome = uncut.outcome()
    assert outcome["balances"] == (300_000, 0, 200_000)
    assert len(outcome["downloads"]) == 1
    assert [line.get("code") for line in outcome["usage"]] == [None, "MARK_WRONG"]
    assert len(outcome["discrepancies"]) == 1
    assert len(outcome["refused"]) == 1
    assert outcome["numbers"]["usage"] == [1, 2, 3]
    assert len(uncut.hook.steps) > STEPS_MIN
    names = {name.split(" ", 1)[1] for name in uncut.hook.steps}
    for commit in ("keep", "apply", "make", "hand"):
        assert any(name.startswith(commit) for name in names)


STEPS_MIN: Final = 60
STEPS_MAX: Final = 120
"""More than the story has: a step that is not there cuts nothing."""
EVERY: Final = 5
"""One step in so many is cut in every run, all of them in a long one."""


def _cut(url: str, uncut: Story, dies_at: int) -> None:
    if dies_at <= len(uncut.hook.steps):
        outcome = _story(url, dies_at).outcome()
        assert outcome == uncut.outcome(), uncut.hook.steps[dies_at - 1]


@pytest.mark.parametrize("dies_at", range(1, STEPS_MAX, EVERY))
def test_a_server_that_dies_at_a_step_loses_nothing_and_does_nothing_twice(
    sqlite_url: str, uncut: Story, dies_at: int
) -> None:
    _cut(sqlite_url, uncut, dies_at)


@pytest.mark.long
@pytest.mark.parametrize("dies_at", range(1, STEPS_MAX))
def test_a_server_that_dies_at_any_step_loses_nothing_and_does_nothing_twice(
    sqlite_url: str, uncut: Story, dies_at: int
) -> None:
    _cut(sqlite_url, uncut, dies_at)


@pytest.mark.parametrize("dies_at", [3, 9, 14, 22, 30, 44])
def test_on_both_engines(store_url: str, uncut: Story, dies_at: int) -> None:
    assert _story(store_url, dies_at).outcome() == uncut.outcome()

"""Whatever happens in whatever order, each line is answered and applied exactly once.

A maker in memory and the gateway's half are driven by Hypothesis: files are delivered
in any order, again, in half; the maker loses answers; the gateway is killed around any
of its commits and starts anew. At the end everything is delivered once more, and then:

- each line that waited stands in one file, and that file was answered once,
- each line that came was applied once,
- files of each kind are numbered without gaps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from dop_gateway.exchange import applying, jobs
from dop_gateway.exchange.received import Verdict
from hw.database import open_store
from tests.gateway_desk import Gateway, new_gateway
from tests.gateway_exchange import (
    SOURCES,
    Maker,
    add_tables,
    at,
    balance,
    by,
    drop_of,
    let_wait,
    register,
    rows,
)
from tests.system import OPENED

T = TypeVar("T")
WINDOWS = [(9, 30, 10, 0), (13, 30, 14, 0), (16, 30, 17, 0)]
DAYS = [16, 17, 18, 19]


class _KilledError(BaseException):
    """The gateway was killed here."""


@dataclass
class _Killer:
    """Kills the gateway before or after a commit that is so many away."""

    left: int = -1

    def _count(self, name: str) -> None:
        # What the test itself writes is none of the gateway's.
        if name == "test":
            return
        if self.left == 0:
            self.left = -1
            raise _KilledError
        self.left -= self.left > 0

    def before_commit(self, name: str) -> None:
        self._count(name)

    def after_commit(self, name: str) -> None:
        self._count(name)


@dataclass
class _World:
    """A gateway that may be killed, and a maker that keeps what it made."""

    url: str
    gateway: Gateway
    killer: _Killer = field(default_factory=_Killer)
    maker: Maker = field(default_factory=Maker)
    made: list[tuple[str, bytes]] = field(default_factory=list)
    taken: dict[str, bytes] = field(default_factory=dict)

    def start(self) -> None:
        """Start the gateway anew on the same database."""
        store = open_store(self.url, self.killer)
        OPENED.append(store)
        parts = replace(self.gateway.parts, store=store)
        self.gateway = Gateway(parts, self.gateway.clock, self.gateway.client)
        who = by(self.gateway)
        applying.catch_up_all(store, parts.exchange, SOURCES, who)

    def for_good(self, act: Callable[[], None]) -> None:
        """Let a job run; if the gateway is killed meanwhile, it runs again."""
        self.until_killed(act)
        self.killer.left = -1
        act()

    def until_killed(self, act: Callable[[], T]) -> T | None:
        """Do something; if the gateway is killed meanwhile, start it anew."""
        try:
            return act()
        except _KilledError:
            self.start()
            return None


class Exchange(RuleBasedStateMachine):
    """Both halves, and what may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        url = f"sqlite:///{Path(self._folder.name) / 'gateway.sqlite'}"
        gateway = new_gateway(url)
        add_tables(gateway)
        self.world = _World(url, gateway)
        register(gateway, self.world.maker)
        self.world.start()
        self.lines = 0
        self.windows = 0

    @initialize()
    def first_window(self) -> None:
        """Begin with one, so that there is something to lose."""
        self.a_window_begins()

    @rule(count=st.integers(1, 3))
    def lines_wait(self, count: int) -> None:
        """Let lines wait for the next fund file."""
        ids = range(self.lines + 1, self.lines + count + 1)
        let_wait(self.world.gateway, *ids)
        self.lines += count

    @precondition(lambda self: self.windows < len(DAYS) * len(WINDOWS))
    @rule()
    def a_window_begins(self) -> None:
        """Let its job run; after a kill it runs again."""
        day, window = divmod(self.windows, len(WINDOWS))
        hour, minute, _, _ = WINDOWS[window]
        moment = at(self.world.gateway, DAYS[day], hour, minute)

        def make() -> None:
            jobs.make(self.world.gateway.parts, moment, SOURCES)

        self.world.for_good(make)
        self.windows += 1

    @precondition(lambda self: self.windows)
    @rule()
    def a_window_ends(self) -> None:
        """Let its job run; after a kill it runs again."""
        day, window = divmod(self.windows - 1, len(WINDOWS))
        _, _, hour, minute = WINDOWS[window]
        moment = at(self.world.gateway, DAYS[day], hour, minute)

        def check() -> None:
            jobs.check(self.world.gateway.parts, moment, SOURCES)

        self.world.for_good(check)

    @rule(after=st.integers(0, 7))
    def the_gateway_will_be_killed(self, after: int) -> None:
        """Kill it around a commit that is to come."""
        self.world.killer.left = after

    @rule(
        layout=st.sampled_from(["usage", "remaining-fund", "credit-download"]),
        count=st.integers(0, 3),
    )
    def the_maker_makes_a_file(self, layout: str, count: int) -> None:
        """Make it, and keep it for later."""
        number = len(self.world.made)
        lines = [balance(f"{number}-{one}") for one in range(count)]
        filled = lines if layout == "remaining-fund" else []
        self.world.made.append(self.world.maker.file(layout, filled))

    @precondition(lambda self: self.world.made)
    @rule(which=st.integers(0, 50))
    def a_file_is_delivered(self, which: int) -> None:
        """Deliver any of them, whenever, as often as it likes."""
        name, octets = self.world.made[which % len(self.world.made)]
        drop = drop_of(self.world.gateway, self.world.maker)
        self.world.until_killed(lambda: drop.take(name, octets))

    @precondition(lambda self: self.world.made)
    @rule(which=st.integers(0, 50), part=st.integers(2, 9))
    def half_a_file_is_delivered(self, which: int, part: int) -> None:
        """Deliver what is cut off: it is refused, or nothing new."""
        name, octets = self.world.made[which % len(self.world.made)]
        drop = drop_of(self.world.gateway, self.world.maker)
        half = octets[: len(octets) // part]
        found = self.world.until_killed(lambda: drop.take(name, half))
        assert found is None or found.verdict is Verdict.REFUSED

    @rule(most=st.integers(1, 5))
    def the_maker_takes_files(self, most: int) -> None:
        """Read some of what lies in the drop."""
        drop = drop_of(self.world.gateway, self.world.maker)
        for name in drop.names()[:most]:
            octets = self.world.until_killed(partial(drop.read, name))
            if octets is None:
                return
            kept = self.world.taken.setdefault(name, octets)
            assert kept == octets

    @precondition(lambda self: self.world.taken)
    @rule(
        which=st.sets(st.integers(0, 30), max_size=4),
        refuses=st.booleans(),
        lost=st.booleans(),
    )
    def the_maker_acknowledges(
        self, which: set[int], refuses: bool, lost: bool
    ) -> None:
        """Answer some of what it took; what it made is delivered now or later."""
        names = sorted(self.world.taken)
        chosen = {names[one % len(names)] for one in which}
        files = {name: self.world.taken[name] for name in sorted(chosen)}
        refused = {
            name: [str(line.values["line_id"]) for line in read.lines[:1]]
            for name, octets in files.items()
            if refuses
            and name.startswith("fund-")
            and (read := self.world.maker.read(name, octets)).lines
        }
        self.world.made.append(self.world.maker.acknowledgement(files, refused))
        if not lost:
            self.a_file_is_delivered(len(self.world.made) - 1)

    @invariant()
    def nothing_is_done_twice(self) -> None:
        """No line is answered or applied more than once, at any time."""
        gateway = self.world.gateway
        assert rows(gateway, "SELECT id FROM told WHERE answers > 1") == []
        twice = "SELECT line_id FROM applied GROUP BY line_id HAVING count(*) > 1"
        assert rows(gateway, twice) == []

    def teardown(self) -> None:
        """Let everything arrive, and look."""
        try:
            self._settle()
            self._look()
        finally:
            while OPENED:
                OPENED.pop().close()
            self._folder.cleanup()

    def _settle(self) -> None:
        world = self.world
        world.killer.left = -1
        world.start()
        moment = at(world.gateway, 30, 9, 30)
        jobs.make(world.gateway.parts, moment, SOURCES)
        drop = drop_of(world.gateway, world.maker)
        for name in drop.names():
            world.taken[name] = drop.read(name)
        world.made.append(world.maker.acknowledgement(world.taken))
        for name, octets in world.made:
            drop.take(name, octets)

    def _look(self) -> None:
        gateway = self.world.gateway
        waiting = rows(gateway, "SELECT id FROM told WHERE file_id IS NULL")
        assert waiting == []
        assert rows(gateway, "SELECT id FROM told WHERE answers <> 1") == []
        sent = [
            str(line.values["line_id"])
            for name, octets in self.world.taken.items()
            if name.startswith("fund-")
            for line in self.world.maker.read(name, octets).lines
        ]
        assert sorted(sent) == sorted(str(one + 1) for one in range(self.lines))
        told = sorted(
            str(line.values["line_id"])
            for name, octets in self.world.made
            if name.startswith("remaining-fund")
            for line in self.world.maker.read(name, octets).lines
        )
        applied = rows(gateway, "SELECT line_id FROM applied ORDER BY line_id")
        assert applied == [(one,) for one in told]
        gaps = rows(
            gateway,
            "SELECT party, layout FROM exchange_file WHERE direction = 'OUT' "
            "GROUP BY party, layout HAVING max(sequence) <> count(*)",
        )
        assert gaps == []
        left = "SELECT id FROM exchange_file WHERE state IN ('RECEIVED', 'WAITING')"
        assert rows(gateway, left) == []


Exchange.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_each_line_is_answered_and_applied_exactly_once = Exchange.TestCase

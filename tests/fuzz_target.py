"""A target of ten lines: it shows a finding for whatever cases a test says."""

from collections.abc import Callable
from datetime import UTC, datetime

from hw.clock import MemoryWallClock
from hw.lab.fuzz.coverage import Reached
from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase
from hw.lab.fuzz.grammar import cells as known_cells
from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.playing import FuzzResult
from hw.lab.trace import Trace
from protocol.link import Role
from rmfs_tools.lab.fuzz.targets import StoppedError

Judge = Callable[[FuzzCase], tuple[Finding, ...]]


def finding(reason: str = "CT rose by 5", oracle: Oracle = Oracle.MONEY) -> Finding:
    return Finding(oracle, "REG-6", reason)


def shows_step(verb: str, reason: str = "CT rose by 5") -> Judge:
    """Find the same in every case with such a step."""
    return lambda case: (
        (finding(reason),) if any(step.verb == verb for step in case.steps) else ()
    )


class FakeTarget:
    """A machine that is judged by a function.

    Attributes:
        played: Ids of the cases, in order.
    """

    name = "fake"
    role = Role.MACHINE
    is_real = False
    presets: tuple[str, ...] = (NO_PRESET,)

    def __init__(self, judge: Judge = lambda _: (), *, shrinks_max: int = 300) -> None:
        self.shrinks_max = shrinks_max
        self.played: list[str] = []
        self.stop_after: int | None = None
        self._judge = judge

    def stop(self) -> None:
        self.stop_after = len(self.played)

    def play(self, case: FuzzCase) -> FuzzResult:
        if self.stop_after is not None and len(self.played) >= self.stop_after:
            raise StoppedError
        self.played.append(case.id)
        cells = {Reached(*known_cells(self.role)[len(self.played)], "nothing")}
        return FuzzResult(self._judge(case), frozenset(cells), trace(), 0.0)


def trace() -> Trace:
    return Trace(lambda: 0.0, MemoryWallClock(datetime(2026, 11, 22, tzinfo=UTC)))

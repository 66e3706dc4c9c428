"""Targets in virtual time: a fresh unit for each fuzz case.

The product's own units are targets like faulty ones: each lives in a universe of its
own, so that what it dies of is its own end, and not that of the bench. One that loops
for ever is ended by processor time. What it was doing may have been interrupted
anywhere: the unit is thrown away, as after each case, and so are all modules of its
universe.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.fuzz.fuzz_case import FuzzCase
from hw.lab.fuzz.memory import MemoryWatch
from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.playing import FuzzPlay, FuzzResult
from hw.lab.fuzz.presets import fuzz_preset, preset_ids
from hw.lab.trace import Trace
from protocol.link import Role
from rmfs_tools.lab.crossing import CrossingOperator
from rmfs_tools.lab.fuzz.processor_time import CASE_CPU_S, OverdueError, within
from rmfs_tools.lab.fuzz.targets import (
    StoppedError,
    TargetError,
    check_playable,
    with_finding,
)
from rmfs_tools.lab.own_memory import own_memory_octets
from rmfs_tools.lab.universe import Universe, universe
from rmfs_tools.lab.virtual_time import NothingDueError, run
from rmfs_tools.lab.zoo.stands import import_units, make_beginnings, stand_in
from rmfs_tools.lab.zoo.units import FaultyUnit, faulty_units
from rmfs_tools.simulation.clock import (
    SimulatedClock,
    TimeStandsStillError,
    WorldClock,
)

ZOO: Final = "zoo:"
PRODUCT: Final = {role.value: role for role in Role}
"""Targets that are the product itself: ``machine`` and ``server``."""
CASE_OCTETS_MAX: Final = 64 * 1024 * 1024
"""A unit in virtual time shares its process with the bench, its traces and Python's
own housekeeping: what one case may add to all of that."""
_BEGINNINGS_CPU_S: Final = 60.0
"""Keys, memories and books that all units begin with take a second or two to make."""


class VirtualTarget:
    """A unit in virtual time, made anew for each case: the same case ends the same."""

    is_real = False
    shrinks_max = 300

    def __init__(
        self,
        name: str,
        role: Role,
        there: Universe,
        case_cpu_s: float = CASE_CPU_S,
    ) -> None:
        """Know where units are made.

        Args:
            name: As it is typed.
            role: Of the unit.
            there: Where it lives.
            case_cpu_s: How much processor time a case may take.
        """
        self.name = name
        self.role = role
        self.presets = preset_ids(role)
        self._there = there
        self._case_cpu_s = case_cpu_s
        self._is_stopped = False

    def stop(self) -> None:
        """Play none any more."""
        self._is_stopped = True

    def play(self, case: FuzzCase) -> FuzzResult:
        """Play a case on a unit that has never been in use.

        Raises:
            TargetError: The unit cannot be given that preset, or is of another role.
            StoppedError: Somebody ended it.
        """
        check_playable(self, case)
        if self._is_stopped:
            raise StoppedError
        # An alarm in the middle of an import would leave modules of two universes.
        import_units(self._there)
        begun: list[FuzzPlay] = []
        try:
            # The stand is closed outside of what an alarm may interrupt.
            with ExitStack() as stack:
                within(
                    _BEGINNINGS_CPU_S, lambda: make_beginnings(self._there, self.role)
                )
                return within(
                    self._case_cpu_s, lambda: self._played(case, stack, begun)
                )
        except (NothingDueError, TimeStandsStillError) as error:
            return _broken_off(begun, f"it never ends: {error}")
        except OverdueError as error:
            self._there.forget()
            return _broken_off(begun, f"it never ends: {error}", error.where)

    def _played(
        self, case: FuzzCase, stack: ExitStack, begun: list[FuzzPlay]
    ) -> FuzzResult:
        preset = fuzz_preset(case.preset, self.role)
        stand = stack.enter_context(stand_in(self._there, self.role, preset))
        before = own_memory_octets()
        playing = FuzzPlay(stand.bench, case)
        begun.append(playing)
        result = run(stand.clock, playing.play())
        grown = _grown_in_a_case(before, own_memory_octets())
        return _with_crash(with_finding(result, grown), stand.bench)


def _broken_off(begun: list[FuzzPlay], words: str, where: str = "") -> FuzzResult:
    """Say how a case came out that had no end; it may not even have begun."""
    found = Finding(Oracle.TIME, "DLG-13", words)
    if begun:
        result = begun[0].broken_off(found)
    else:
        trace = Trace(lambda: 0.0, WorldClock(SimulatedClock()))
        result = FuzzResult((found,), frozenset(), trace, 0.0)
    if not where:
        return result
    result.trace.remark(f"it was at work in {where}")
    return replace(result, is_overdue=True)


def _with_crash(result: FuzzResult, bench: ServerBench | MachineBench) -> FuzzResult:
    """Say what a unit has died of: two that died of two things are two findings."""
    operator = bench.operator
    crashed = (
        operator.crossing.crashed if isinstance(operator, CrossingOperator) else ""
    )
    if not crashed:
        return result
    result.trace.remark(f"the unit has crashed: {crashed}")
    findings = tuple(
        replace(one, reason=f"{one.reason}: {crashed}")
        if one.oracle is Oracle.ALIVE
        else one
        for one in result.findings
    )
    return replace(result, findings=findings)


def _grown_in_a_case(before: int | None, after: int | None) -> Finding | None:
    """Hold against each other what the process held before a case and behind it."""
    if before is None or after is None:
        return None
    watch = MemoryWatch(CASE_OCTETS_MAX, warm_up_cases=1)
    watch.judge(before)
    return watch.judge(after)


def is_virtual(name: str) -> bool:
    """Say whether a target is played in virtual time."""
    return name in PRODUCT or name.startswith(ZOO)


@contextmanager
def virtual_target(
    name: str, case_cpu_s: float = CASE_CPU_S
) -> Iterator[VirtualTarget]:
    """Make a target in virtual time; it ends with its block.

    Args:
        name: ``machine``, ``server``, or ``zoo:`` and the id of a faulty unit.
        case_cpu_s: How much processor time a case may take.

    Raises:
        TargetError: There is none of that name.
    """
    unit = None if name in PRODUCT else faulty_unit(name.removeprefix(ZOO))
    role = PRODUCT[name] if unit is None else unit.role
    with universe(name, () if unit is None else unit.edits) as there:
        yield VirtualTarget(name, role, there, case_cpu_s)


def faulty_unit(name: str) -> FaultyUnit:
    """Find a faulty unit.

    Args:
        name: Its id.

    Raises:
        TargetError: There is none of that name.
    """
    for unit in faulty_units():
        if unit.id == name:
            return unit
    raise TargetError(f"no faulty unit is called {name}: docs/zoo.md lists them all")

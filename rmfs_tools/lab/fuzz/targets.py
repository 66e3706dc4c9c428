"""What fuzz cases are played on: a fresh unit for each, or a real one at its line.

The product's own units are targets like faulty ones: each lives in a universe of its
own, so that what it dies of is its own end, and not that of the bench.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import blockingCallFromThread

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase
from hw.lab.fuzz.memory import MemoryWatch
from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.playing import FuzzResult, play_fuzz
from hw.lab.fuzz.presets import fuzz_preset, preset_ids
from hw.lab.needs import needed_by, needed_of_server
from hw.lab.operator import OperatorError
from hw.lab.steps import Step
from hw.lab.suite import UnknownUnitError, get_to_know
from hw.lab.trace import Trace
from protocol.errors import RmfsError
from protocol.link import Role
from rmfs_tools.lab.crossing import CrossingOperator
from rmfs_tools.lab.own_memory import own_memory_octets
from rmfs_tools.lab.real_unit import RealUnit
from rmfs_tools.lab.universe import Universe, universe
from rmfs_tools.lab.virtual_time import NothingDueError, run
from rmfs_tools.lab.zoo.stands import stand_in
from rmfs_tools.lab.zoo.units import FaultyUnit, faulty_units
from rmfs_tools.simulation.clock import TimeStandsStillError

ZOO: Final = "zoo:"
PRODUCT: Final = {role.value: role for role in Role}
"""Targets that are the product itself: ``machine`` and ``server``."""


_ENDING: Final = frozenset({"withdrawal", "new_life"})
_SILENCE_S_MIN: Final = 5.0
_SILENCES: Final = 4
"""Most of what a fuzz case says is never answered: a step waits for a part of what the
declaration allows for an answer."""


CASE_OCTETS_MAX: Final = 64 * 1024 * 1024
"""A unit in virtual time shares its process with the bench, its traces and Python's
own housekeeping: what one case may add to all of that."""


class TargetError(RmfsError):
    """There is no such target, or it cannot do what a case needs."""


class UnitLostError(RmfsError):
    """A real unit could not be brought back to work: nothing more can be played."""


class StoppedError(Exception):
    """Somebody ended the campaign while a case was played."""


class Target(Protocol):
    """Where fuzz cases are played.

    Attributes:
        name: As it is typed, and stands in files.
        role: Of the unit.
        is_real: It takes real time, and is not made anew for each case.
        presets: Those that it can be given; the first is the simplest.
        shrinks_max: How many cases may be played to shrink one.
    """

    name: str
    role: Role
    is_real: bool
    presets: tuple[str, ...]
    shrinks_max: int

    def stop(self) -> None:
        """Play none any more; a real unit's case ends at once."""
        ...

    def play(self, case: FuzzCase) -> FuzzResult:
        """Play a case.

        Raises:
            RmfsError: It could not be played: nothing is known of the unit.
            StoppedError: Somebody ended it.
        """
        ...


class VirtualTarget:
    """A unit in virtual time, made anew for each case: the same case ends the same."""

    is_real = False
    shrinks_max = 300

    def __init__(self, name: str, role: Role, there: Universe) -> None:
        """Know where units are made.

        Args:
            name: As it is typed.
            role: Of the unit.
            there: Where it lives.
        """
        self.name = name
        self.role = role
        self.presets = preset_ids(role)
        self._there = there
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
        preset = fuzz_preset(case.preset, self.role)
        with stand_in(self._there, self.role, preset) as stand:
            try:
                before = own_memory_octets()
                result = run(stand.clock, play_fuzz(stand.bench, case))
                grown = _grown_in_a_case(before, own_memory_octets())
                return _with_crash(_with(result, grown), stand.bench)
            except (NothingDueError, TimeStandsStillError) as error:
                found = Finding(Oracle.TIME, "DLG-13", f"it never ends: {error}")
                trace = Trace(stand.clock.seconds, stand.bench.clock)
                trace.remark(str(found))
                return FuzzResult((found,), frozenset(), trace, trace.lasted_s)


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


class RealTarget:
    """A real unit: each case meets it as the one before has left it.

    It plays from a thread beside the reactor, which has the unit's line.
    """

    is_real = True
    shrinks_max = 40
    presets: tuple[str, ...] = (NO_PRESET,)

    def __init__(self, name: str, unit: RealUnit, options: frozenset[str]) -> None:
        """Know the unit.

        Args:
            name: Of its declaration file.
            unit: It, on its bench.
            options: What it declares.
        """
        self.name = name
        self.role = unit.bench.unit
        self._options = options
        self._unit = unit
        self._memory = MemoryWatch()
        self._playing: Deferred[FuzzResult] | None = None
        self._is_stopped = False
        self._is_known = False

    def stop(self) -> None:
        """End the case that is played, and play none any more; in the reactor."""
        self._is_stopped = True
        if self._playing is not None:
            self._playing.cancel()

    def play(self, case: FuzzCase) -> FuzzResult:
        """Play a case, and bring the unit back to work where something was found.

        Raises:
            TargetError: The unit cannot be given that preset, or is of another role.
            UnitLostError: It does not come back.
            OperatorError: Somebody at the unit could not do what the case needs.
            StoppedError: Somebody ended it.
        """
        check_playable(self, case)
        if self._is_stopped:
            raise StoppedError
        try:
            # Its type knows no function of which both could be said.
            begin: Callable[[FuzzCase], Any] = self._begin
            result: FuzzResult = blockingCallFromThread(self._unit.reactor, begin, case)
        except CancelledError:
            raise StoppedError from None
        return result

    def _begin(self, case: FuzzCase) -> "Deferred[FuzzResult]":
        self._playing = Deferred.fromCoroutine(self._play(case))
        if self._is_stopped:
            self._playing.cancel()
        return self._playing

    async def _play(self, case: FuzzCase) -> FuzzResult:
        if not self._is_known:
            await self._get_to_know()
            self._is_known = True
        bench = self._unit.bench
        silence_s = max(_SILENCE_S_MIN, bench.patience_s / _SILENCES)
        spared = replace(case, steps=tuple(filter(self._may, case.steps)))
        result = await play_fuzz(bench, spared, waits=False, silence_s=silence_s)
        octets = await bench.operator.memory_octets()
        if octets is not None:
            result = _with(result, self._memory.judge(octets))
        # What was found may have left the unit in any state: it is started again
        # before the next case, or the next finding would be this one's.
        self._is_known = not result.findings
        return result

    def _may(self, step: Step) -> bool:
        """Say whether the unit declares what a step takes for granted.

        A withdrawal would be the end of it, whatever it declares.
        """
        of_role = needed_by if self.role is Role.MACHINE else needed_of_server
        needed = set(of_role(step))
        return not needed & _ENDING and (not needed or bool(needed & self._options))

    async def _get_to_know(self) -> None:
        bench = self._unit.bench
        if not isinstance(bench, ServerBench):
            return
        try:
            await get_to_know(bench)
        except (UnknownUnitError, OperatorError):
            pass
        else:
            return
        try:
            for what in ("cut", "on"):
                await bench.operator.power(what)
            await get_to_know(bench)
        except (UnknownUnitError, OperatorError) as error:
            raise UnitLostError(
                f"the unit does not come back to work: {error}; put it right by hand, "
                f"and go on with --resume"
            ) from error


def _grown_in_a_case(before: int | None, after: int | None) -> Finding | None:
    """Hold against each other what the process held before a case and behind it."""
    if before is None or after is None:
        return None
    watch = MemoryWatch(CASE_OCTETS_MAX, warm_up_cases=1)
    watch.judge(before)
    return watch.judge(after)


def _with(result: FuzzResult, found: Finding | None) -> FuzzResult:
    if found is None:
        return result
    return replace(result, findings=(*result.findings, found))


def check_playable(target: Target, case: FuzzCase) -> None:
    """See whether a case is one for a target.

    Raises:
        TargetError: It is not.
    """
    if case.role is not target.role:
        raise TargetError(
            f"{case.id} is a case for a {case.role.value}, and {target.name} is a "
            f"{target.role.value}: name another one with --target"
        )
    check_presets(target, [case.preset])


def check_presets(target: Target, presets: Iterable[str]) -> None:
    """See whether a target can be given presets.

    Raises:
        TargetError: It cannot be given one of them.
    """
    for preset in presets:
        if preset not in target.presets:
            raise TargetError(
                f"{target.name} cannot be given the preset {preset}; "
                f"it can be {', '.join(target.presets)}"
            )


def is_virtual(name: str) -> bool:
    """Say whether a target is played in virtual time."""
    return name in PRODUCT or name.startswith(ZOO)


@contextmanager
def virtual_target(name: str) -> Iterator[VirtualTarget]:
    """Make a target in virtual time; it ends with its block.

    Args:
        name: ``machine``, ``server``, or ``zoo:`` and the id of a faulty unit.

    Raises:
        TargetError: There is none of that name.
    """
    unit = None if name in PRODUCT else faulty_unit(name.removeprefix(ZOO))
    role = PRODUCT[name] if unit is None else unit.role
    with universe(name, () if unit is None else unit.edits) as there:
        yield VirtualTarget(name, role, there)


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

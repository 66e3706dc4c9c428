"""What fuzz cases are played on, and a real unit at its line.

Units in virtual time stand in `rmfs_tools.lab.fuzz.virtual_targets`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import blockingCallFromThread

from hw.lab.bench import ServerBench
from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase
from hw.lab.fuzz.memory import MemoryWatch
from hw.lab.fuzz.oracles import Finding
from hw.lab.fuzz.playing import FuzzResult, play_fuzz
from hw.lab.needs import needed_by, needed_of_server
from hw.lab.operator import OperatorError
from hw.lab.steps import Step
from hw.lab.suite import UnknownUnitError, get_to_know
from protocol.errors import RmfsError
from protocol.link import Role
from rmfs_tools.lab.real_unit import RealUnit

_ENDING: Final = frozenset({"withdrawal", "new_life"})
_SILENCE_S_MIN: Final = 5.0
_SILENCES: Final = 4
"""Most of what a fuzz case says is never answered: a step waits for a part of what the
declaration allows for an answer."""


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
            result = with_finding(result, self._memory.judge(octets))
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


def with_finding(result: FuzzResult, found: Finding | None) -> FuzzResult:
    """Add a finding to a result, if there is one."""
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

"""The shortest history that is found to fail in the same way.

Machines, and then deeds, are taken out in ever smaller pieces for as long as the same
property is still broken (delta debugging, Zeller and Hildebrandt 2002), then troubles
and days that nobody needs. What is left is a plan like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from rmfs_tools.simulation.deeds import Deed, DialIn, Plan
from rmfs_tools.simulation.smaller import (
    only_machines,
    without_idle_days,
    without_idle_end,
)

RUNS_MAX: Final = 400
"""A run of an ordinary plan takes less than a second, and most are shorter."""

Fails = Callable[[Plan], bool]
"""Says whether a plan still breaks the same property."""

_Part = TypeVar("_Part")
_Only = Callable[[Plan, Sequence[_Part]], Plan]


class Shrinker:
    """Takes away what a failure does not need.

    Attributes:
        runs: How many plans were tried.
    """

    def __init__(self, fails: Fails, runs_max: int = RUNS_MAX) -> None:
        """Shrink by trying.

        Args:
            fails: Tries a plan.
            runs_max: How many may be tried.
        """
        self.runs = 0
        self._fails = fails
        self._runs_max = runs_max

    def shrink(self, plan: Plan) -> Plan:
        """Give a plan that fails as this one does, with as little in it as is found."""
        plan = self._with_fewer(_machines_of, only_machines, plan)
        plan = self._with_fewer(_deeds_of, _only_deeds, plan)
        plan = self._with_simple_dial_ins(plan)
        plan = self._with_fewer(_deeds_of, _only_deeds, plan)
        # A machine that was needed at first may have no deeds left.
        plan = self._with_fewer(_machines_of, only_machines, plan)
        return self._with_fewer_days(plan)

    def _with_fewer(
        self,
        parts_of: Callable[[Plan], Sequence[_Part]],
        only: _Only[_Part],
        plan: Plan,
    ) -> Plan:
        """Take parts of one kind away for as long as any can be; one stays."""
        pieces = 2
        while (count := len(parts_of(plan))) > 1 and self.runs < self._runs_max:
            shorter = self._one_piece_less(parts_of(plan), only, plan, pieces)
            if shorter is not None:
                plan, pieces = shorter, max(2, pieces - 1)
            elif pieces >= count:
                break
            else:
                pieces = min(2 * pieces, count)
        return plan

    def _one_piece_less(
        self, parts: Sequence[_Part], only: _Only[_Part], plan: Plan, pieces: int
    ) -> Plan | None:
        size = -(-len(parts) // pieces)
        for begin in range(0, len(parts), size):
            rest = (*parts[:begin], *parts[begin + size :])
            shorter = only(plan, rest)
            if self._still_fails(shorter):
                return shorter
        return None

    def _with_simple_dial_ins(self, plan: Plan) -> Plan:
        """Take trouble and redials away where they are not what it takes."""
        for place, deed in enumerate(plan.deeds):
            if not isinstance(deed, DialIn):
                continue
            for simpler in (
                replace(deed, trouble=(), attempts=1),
                replace(deed, trouble=deed.trouble[:1], attempts=1),
            ):
                if simpler == deed:
                    continue
                deeds = (*plan.deeds[:place], simpler, *plan.deeds[place + 1 :])
                shorter = _only_deeds(plan, deeds)
                if self._still_fails(shorter):
                    plan = shorter
                    break
        return plan

    def _with_fewer_days(self, plan: Plan) -> Plan:
        for shorter in (without_idle_days(plan), without_idle_end(plan)):
            if shorter != plan and self._still_fails(shorter):
                return shorter
        return plan

    def _still_fails(self, plan: Plan) -> bool:
        if self.runs >= self._runs_max:
            return False
        self.runs += 1
        return self._fails(plan)


def _machines_of(plan: Plan) -> Sequence[int]:
    return range(1, plan.machines + 1)


def _deeds_of(plan: Plan) -> Sequence[Deed]:
    return plan.deeds


def _only_deeds(plan: Plan, kept: Sequence[Deed]) -> Plan:
    return replace(plan, deeds=tuple(kept))

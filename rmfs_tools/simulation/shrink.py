"""The shortest history that is found to fail in the same way.

Deeds are taken out in ever smaller pieces for as long as the same property is still
broken (delta debugging, Zeller and Hildebrandt 2002), then machines and troubles that
nobody needs. What is left is a plan like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from rmfs_tools.simulation.deeds import Deed, DialIn, Plan

RUNS_MAX: Final = 400
"""A run of an ordinary plan takes less than a second, and most are shorter."""

Fails = Callable[[Plan], bool]
"""Says whether a plan still breaks the same property."""


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
        plan = self._without_deeds(plan)
        plan = self._with_simple_dial_ins(plan)
        return self._without_deeds(plan)

    def _without_deeds(self, plan: Plan) -> Plan:
        pieces = 2
        while len(plan.deeds) > 1 and self.runs < self._runs_max:
            shorter = self._one_piece_less(plan, pieces)
            if shorter is not None:
                plan, pieces = shorter, max(2, pieces - 1)
            elif pieces >= len(plan.deeds):
                break
            else:
                pieces = min(2 * pieces, len(plan.deeds))
        return plan

    def _one_piece_less(self, plan: Plan, pieces: int) -> Plan | None:
        deeds = plan.deeds
        size = -(-len(deeds) // pieces)
        for begin in range(0, len(deeds), size):
            rest = deeds[:begin] + deeds[begin + size :]
            shorter = self._tried(plan, rest)
            if shorter is not None:
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
                shorter = self._tried(plan, deeds)
                if shorter is not None:
                    plan = shorter
                    break
        return plan

    def _tried(self, plan: Plan, deeds: Sequence[Deed]) -> Plan | None:
        if self.runs >= self._runs_max:
            return None
        self.runs += 1
        shorter = replace(plan, deeds=tuple(deeds))
        return shorter if self._fails(shorter) else None

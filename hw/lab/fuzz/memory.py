"""What a unit holds in memory over many cases: it may grow at first, and not for ever.

A figure comes from whoever can measure: a hook at a device, or the process itself. The
first cases fill caches and tables, so that growth is counted from behind them.
"""

from typing import Final

from hw.lab.fuzz.oracles import Finding, Oracle

WARM_UP_CASES: Final = 50
GROWTH_OCTETS_MAX: Final = 16 * 1024 * 1024
"""What is kept of a dialogue that is over is bounded by DLG-2, CHAN-2.2 and LINK-9.2;
so much more behind thousands of them is a leak."""


class MemoryWatch:
    """Follows one unit over a campaign.

    Attributes:
        growth_octets: By how much it has grown since it was warm.
    """

    def __init__(
        self,
        growth_octets_max: int = GROWTH_OCTETS_MAX,
        warm_up_cases: int = WARM_UP_CASES,
    ) -> None:
        """Begin with a unit that has just started.

        Args:
            growth_octets_max: By how much it may grow once it is warm.
            warm_up_cases: So many cases may grow it as they like.
        """
        self.growth_octets = 0
        self._growth_octets_max = growth_octets_max
        self._left = warm_up_cases
        self._warm_octets = 0

    def judge(self, octets: int) -> Finding | None:
        """Take what is measured behind a case.

        Args:
            octets: What the unit holds now.
        """
        if self._left > 0:
            self._left -= 1
            self._warm_octets = max(self._warm_octets, octets)
            return None
        self.growth_octets = max(0, octets - self._warm_octets)
        if self.growth_octets <= self._growth_octets_max:
            return None
        words = f"it has grown by {self.growth_octets} octets since it was warm"
        return Finding(Oracle.MEMORY, "CHAN-2.2", words)

"""How long things took: counts in classes of nearly the same length, to be added up.

Classes are a microsecond wide up to 256 us, and behind that at most one 128th of their
value, as in HdrHistogram (Gil Tene's, public domain): so a share is known to better
than 1 %, however many were counted, and what several processes counted can be added.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

_BITS: Final = 7
"""A class is at most one 2^7th of its value wide."""
_US: Final = 1_000_000


@dataclass(slots=True)
class Spread:
    """How long things took.

    Attributes:
        counts: How many, by class.
        longest_us: The longest of them, exactly.
    """

    counts: Counter[int] = field(default_factory=Counter)
    longest_us: int = 0

    @property
    def total(self) -> int:
        """How many were counted."""
        return self.counts.total()

    def add(self, seconds: float) -> None:
        """Count one; less than nothing counts as nothing."""
        us = max(0, round(seconds * _US))
        self.counts[_class_of(us)] += 1
        self.longest_us = max(self.longest_us, us)

    def merge(self, other: "Spread") -> None:
        """Count those of another too."""
        self.counts.update(other.counts)
        self.longest_us = max(self.longest_us, other.longest_us)

    def at(self, share: float) -> float:
        """Say what so large a share of them took at most, in seconds; 0 of none.

        Args:
            share: 0 to 1: 0.5 for the middle, 1 for the longest.
        """
        left = max(1, ceil(share * self.total))
        for number, count in sorted(self.counts.items()):
            left -= count
            if left <= 0:
                return min(_last_of(number), self.longest_us) / _US
        return 0.0

    def as_json(self) -> dict[str, Any]:
        """Give it to another process."""
        return {"counts": sorted(self.counts.items()), "longest_us": self.longest_us}

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> "Spread":
        """Take what another process has given."""
        return cls(Counter(dict(told["counts"])), told["longest_us"])


def _class_of(us: int) -> int:
    shift = max(0, us.bit_length() - _BITS - 1)
    return (shift << _BITS) + (us >> shift)


def _last_of(number: int) -> int:
    shift = max(0, (number >> _BITS) - 1)
    return ((number - (shift << _BITS) + 1) << shift) - 1

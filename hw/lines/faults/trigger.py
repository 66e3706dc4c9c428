"""When a fault befalls a stream: at a rate, from an octet on, so many times at most.

All places are counted in octets *as they were sent* in one direction, from 0: what
other faults take away or put in moves nothing. Instead of a draw for every octet or
bit, the distance to the next place is drawn: at rate p, ``floor(ln U / ln(1 - p))``
units are passed over before it. Where a fault befalls therefore depends on its seed and
on the place in the stream, and not on how the stream is cut into calls or on the time.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hw.lines.faults.ranges import check_ranges
from protocol.ports import Entropy

_RANGES: Final[dict[str, tuple[float, float]]] = {
    "rate": (0, 1),
    "at": (0, 2**63 - 1),
    "count": (0, 2**63 - 1),
    "seed": (0, 2**64 - 1),
}

_FAR: Final = 2.0**80
"""A distance that no stream gets to."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a fault befalls; without a rate and without an octet it never does.

    Attributes:
        rate: Probability for each octet, or for each bit where the fault says so;
            None is 1 if `at` is given, else 0.
        at: Octets that pass before the first that may be befallen; None is 0.
        count: Most times; None is once without a rate, and without end with one.
        seed: Chooses the places, together with the call, the direction and the kind of
            fault; None is the seed of the line.
    """

    rate: float | None = None
    at: int | None = None
    count: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no fault can have.

        Raises:
            LineError: A value is out of its range.
        """
        check_ranges(self, _RANGES, "a fault")

    @property
    def probability(self) -> float:
        """Of each octet or bit from `at` on."""
        if self.rate is None:
            return 0.0 if self.at is None else 1.0
        return self.rate

    @property
    def is_never(self) -> bool:
        """Whether the fault cannot befall anything."""
        return self.probability == 0 or self.count == 0

    @property
    def times_max(self) -> float:
        """Most times; infinity for no end."""
        if self.count is not None:
            return self.count
        return 1 if self.rate is None else math.inf


NEVER: Final = Trigger()


class Places:
    """The places of one fault in one stream, in rising order."""

    def __init__(
        self,
        trigger: Trigger,
        entropy: Entropy,
        units_per_octet: int = 1,
        extent: int = 1,
    ) -> None:
        """Find the first place.

        Args:
            trigger: When the fault befalls.
            entropy: Where distances are drawn from.
            units_per_octet: 1 for a fault of octets, more for one of bits.
            extent: Units that the fault covers each time: places are that far apart at
                least.
        """
        self.units_per_octet = units_per_octet
        self._rate = trigger.probability
        self._entropy = entropy
        self._extent = extent
        self._times_left = trigger.times_max
        self._times = 0
        self._next: float = math.inf
        if not trigger.is_never:
            self._next = (trigger.at or 0) * units_per_octet + self._distance()

    @property
    def times(self) -> int:
        """How often the fault has befallen."""
        return self._times

    @property
    def next_octet(self) -> float:
        """Where the next place is, in octets and parts of one; infinity for nowhere."""
        return self._next / self.units_per_octet

    def before(self, octet: int) -> Iterator[int]:
        """Give the places, in units, that come before an octet, and be past them."""
        end = octet * self.units_per_octet
        while self._next < end:
            place = int(self._next)
            self._times += 1
            self._times_left -= 1
            self._next += self._extent + self._distance()
            if not self._times_left:
                self._next = math.inf
            yield place

    def _distance(self) -> int:
        if self._rate == 1.0:
            return 0
        # 53 bits: 1 - U is then exact and never 0.
        uniform = (int.from_bytes(self._entropy.octets(7), "big") >> 3) / 2**53
        return math.floor(min(_FAR, math.log(1.0 - uniform) / math.log1p(-self._rate)))

"""One direction of a virtual line: when each octet leaves and arrives.

An octet takes ten bit times (start bit, eight data bits, stop bit), and octets follow
each other without a gap while there are any:

    octet n leaves at   max(previous leave, submitted) + 10 / bit_s
    octet n arrives     delay_s later

Octets that follow each other form a *run*. Times are computed from the start of the run
and the number of the octet in it, so that no rounding adds up over a long run.

No clock in here: times are seconds of whatever clock the caller reads.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

BITS_PER_OCTET: Final = 10
"""Start bit, eight data bits, stop bit: 8N1, as on every modem line of this kind."""


@dataclass
class _Run:
    """Octets in a row: `taken` of them have arrived, `octets` have not."""

    start_s: float
    taken: int = 0
    octets: bytearray = field(default_factory=bytearray)


class PacedWire:
    """Octets under way in one direction."""

    def __init__(self, bit_s: int, delay_s: float, delivery_octets: int) -> None:
        """Make an idle wire.

        Args:
            bit_s: Its speed.
            delay_s: Time between leaving and arriving.
            delivery_octets: Most octets that `next_due_s` waits for.
        """
        self._bit_s = bit_s
        self._delay_s = delay_s
        self._delivery_octets = delivery_octets
        self._runs: deque[_Run] = deque()
        self._free_at_s = -math.inf
        self._waiting_octets = 0

    @property
    def free_at_s(self) -> float:
        """When the last octet leaves, or left."""
        return self._free_at_s

    @property
    def waiting_octets(self) -> int:
        """How many octets have not arrived yet."""
        return self._waiting_octets

    def submit(self, octets: bytes, now_s: float) -> None:
        """Send octets after those that wait."""
        if not octets:
            return
        if not self._runs or self._free_at_s <= now_s:
            self._runs.append(_Run(now_s))
        run = self._runs[-1]
        run.octets += octets
        self._waiting_octets += len(octets)
        self._free_at_s = self._leaves_at_s(run, run.taken + len(run.octets))

    def next_due_s(self, octets_max: float = math.inf) -> float:
        """When the next batch has arrived: a full one, or else all of its run.

        Args:
            octets_max: Fewer octets than a batch are enough.

        Returns:
            Infinity when there is nothing to wait for.
        """
        if not self._runs or octets_max < 1:
            return math.inf
        run = self._runs[0]
        batch = min(len(run.octets), self._delivery_octets, octets_max)
        return self._arrives_at_s(run, run.taken + int(batch))

    def take(self, until_s: float, octets_max: float = math.inf) -> bytes:
        """Take octets of the oldest run that have arrived by `until_s`, if any."""
        if not self._runs:
            return b""
        run = self._runs[0]
        count = self._arrived(run, until_s, int(min(len(run.octets), octets_max)))
        octets = bytes(run.octets[:count])
        del run.octets[:count]
        run.taken += count
        self._waiting_octets -= count
        if not run.octets:
            self._runs.popleft()
        return octets

    def _arrived(self, run: _Run, until_s: float, most: int) -> int:
        elapsed_s = until_s - self._delay_s - run.start_s
        estimate = int(elapsed_s * self._bit_s / BITS_PER_OCTET) - run.taken
        count = max(0, min(estimate, most))
        # The estimate is rounded; the times of the octets decide.
        while count > 0 and self._arrives_at_s(run, run.taken + count) > until_s:
            count -= 1
        while (
            count < most and self._arrives_at_s(run, run.taken + count + 1) <= until_s
        ):
            count += 1
        return count

    def _leaves_at_s(self, run: _Run, number: int) -> float:
        return run.start_s + number * BITS_PER_OCTET / self._bit_s

    def _arrives_at_s(self, run: _Run, number: int) -> float:
        return self._leaves_at_s(run, number) + self._delay_s

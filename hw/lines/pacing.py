"""One direction of a virtual line: when each octet leaves and arrives.

An octet takes the time of all the bits of its character, ten as 8N1 (start bit, eight
data bits, stop bit), and octets follow each other without a gap while there are any:

    octet n leaves at   max(previous leave, submitted) + bits / bit_s
    octet n arrives     delay_s and its jitter later, and never before octet n - 1

Octets that follow each other form a *run*. Times are computed from the start of the run
and the number of the octet in it, so that no rounding adds up over a long run.

No clock in here: times are seconds of whatever clock the caller reads.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from protocol.ports import Entropy

BITS_PER_OCTET: Final = 10
"""Start bit, eight data bits, stop bit: 8N1, as on most modem lines of this kind."""

JITTER_OCTETS: Final = 16
"""Octets of a stream that are late by the same time: modems and terminal servers pass
octets on as many at a time as their UART's buffer holds, 16 in a 16550A."""


class Jitter:
    """How much later than usual the octets of one direction arrive.

    For every `JITTER_OCTETS` octets of the stream a time from 0 to `jitter_s` is drawn,
    each as likely. Octets that are late hold up those behind them: the order stays.
    """

    def __init__(self, jitter_s: float, entropy: Entropy) -> None:
        """Draw from `entropy`."""
        self._jitter_s = jitter_s
        self._entropy = entropy
        self._octets = 0
        self._late_s = 0.0
        self._latest_s = -math.inf

    @property
    def latest_s(self) -> float:
        """When the last octet so far arrives."""
        return self._latest_s

    def arrivals(self, usual: Iterable[float]) -> Iterator[float]:
        """Tell when the next octets arrive that would usually do so at these times."""
        for usual_s in usual:
            if self._octets % JITTER_OCTETS == 0:
                drawn = int.from_bytes(self._entropy.octets(7), "big") >> 3
                self._late_s = self._jitter_s * drawn / 2**53
            self._octets += 1
            self._latest_s = max(self._latest_s, usual_s + self._late_s)
            yield self._latest_s


@dataclass(slots=True)
class _Run:
    """Octets in a row: `taken` of them have arrived, `octets` have not."""

    start_s: float
    taken: int = 0
    octets: bytearray = field(default_factory=bytearray)
    arrivals_s: list[float] = field(default_factory=list)
    """When each of `octets` arrives; empty without jitter, where it is computed."""


class PacedWire:
    """Octets under way in one direction."""

    def __init__(
        self,
        bit_s: int,
        delay_s: float,
        delivery_octets: int,
        bits_per_octet: int = BITS_PER_OCTET,
        jitter: Jitter | None = None,
    ) -> None:
        """Make an idle wire.

        Args:
            bit_s: Its speed.
            delay_s: Time between leaving and arriving.
            delivery_octets: Most octets that `next_due_s` waits for.
            bits_per_octet: Bits of a character, start to stop.
            jitter: What is added to `delay_s`, if anything.
        """
        self._bit_s = bit_s
        self._delay_s = delay_s
        self._delivery_octets = delivery_octets
        self._bits_per_octet = bits_per_octet
        self._jitter = jitter
        self._runs: deque[_Run] = deque()
        self._free_at_s = -math.inf
        self._waiting_octets = 0

    @property
    def delay_s(self) -> float:
        """Time between leaving and arriving, without jitter."""
        return self._delay_s

    @property
    def free_at_s(self) -> float:
        """When the last octet leaves, or left."""
        return self._free_at_s

    @property
    def quiet_at_s(self) -> float:
        """When the last octet arrives, or arrived."""
        if self._jitter is not None:
            return self._jitter.latest_s
        return self._free_at_s + self._delay_s

    @property
    def waiting_octets(self) -> int:
        """How many octets have not arrived yet."""
        return self._waiting_octets

    def submit(self, octets: bytes, from_s: float) -> None:
        """Send octets after those that wait, and not before a time."""
        if not octets:
            return
        if not self._runs or self._free_at_s <= from_s:
            self._runs.append(_Run(from_s))
        run = self._runs[-1]
        run.octets += octets
        added = len(octets)
        sent = run.taken + len(run.octets)
        self._waiting_octets += added
        self._free_at_s = self._leaves_at_s(run, sent)
        if self._jitter is not None:
            usual = (
                self._leaves_at_s(run, number) + self._delay_s
                for number in range(sent - added + 1, sent + 1)
            )
            run.arrivals_s.extend(self._jitter.arrivals(usual))

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
        self._waiting_octets -= count
        if count == len(run.octets):
            self._runs.popleft()
            return bytes(run.octets)
        octets = bytes(run.octets[:count])
        del run.octets[:count]
        if self._jitter is not None:
            del run.arrivals_s[:count]
        run.taken += count
        return octets

    def _arrived(self, run: _Run, until_s: float, most: int) -> int:
        if most < 1 or self._arrives_at_s(run, run.taken + most) <= until_s:
            return most
        elapsed_s = until_s - self._delay_s - run.start_s
        estimate = int(elapsed_s * self._bit_s / self._bits_per_octet) - run.taken
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
        return run.start_s + number * self._bits_per_octet / self._bit_s

    def _arrives_at_s(self, run: _Run, number: int) -> float:
        if self._jitter is not None:
            return run.arrivals_s[number - run.taken - 1]
        leaves_at_s = run.start_s + number * self._bits_per_octet / self._bit_s
        return leaves_at_s + self._delay_s

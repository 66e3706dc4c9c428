"""One direction of a virtual line: its wire, its faults, its counters, its cut."""

import math
from dataclasses import dataclass
from typing import Final

from hw.lines.faults.chain import FaultChain
from hw.lines.pacing import PacedWire

_SEVEN_BITS: Final = bytes(octet & 0x7F for octet in range(256))


@dataclass(frozen=True)
class DirectionCounters:
    """What one direction of a line has done so far.

    Attributes:
        octets_sent: Octets that its end gave to the line.
        octets_arrived: Those of them that have come to the other end, whatever befell
            them there or on the way.
        octets_heard: Octets that the user there was given.
        bit_errors: Single bits struck.
        bursts: Bursts begun.
        parity_errors: Parity bits struck by the fault of this name.
        framing_errors: Stop bits struck.
        breaks: BREAKs begun.
        bad_octets: Characters that the receiving UART knew to be bad.
        drops: Octets dropped.
        duplicates: Octets heard twice.
        insertions: Octets put in.
    """

    octets_sent: int = 0
    octets_arrived: int = 0
    octets_heard: int = 0
    bit_errors: int = 0
    bursts: int = 0
    parity_errors: int = 0
    framing_errors: int = 0
    breaks: int = 0
    bad_octets: int = 0
    drops: int = 0
    duplicates: int = 0
    insertions: int = 0


class Way:
    """What the two ends share of one direction.

    Attributes:
        wire: The octets under way.
        octets_until_cut: How many may still arrive before the carrier is lost.
        due_s: When the next batch of octets has arrived; infinity for never.
    """

    def __init__(
        self,
        wire: PacedWire,
        faults: FaultChain,
        octets_until_cut: float,
        *,
        seven_bits: bool = False,
    ) -> None:
        """Join a wire and what befalls its octets.

        With `seven_bits` the highest bit of an octet does not travel.
        """
        self.wire = wire
        self.octets_until_cut = octets_until_cut
        self.due_s = math.inf
        self._batch_octets_max = octets_until_cut
        self._faults = faults
        self._seven_bits = seven_bits
        self._octets_sent = 0
        self._octets_arrived = 0
        self._octets_heard = 0

    def submit(self, octets: bytes, from_s: float) -> None:
        """Send octets, not before a time."""
        if self._seven_bits:
            octets = octets.translate(_SEVEN_BITS)
        self.wire.submit(octets, from_s)
        self._octets_sent += len(octets)
        self.due_s = self.wire.next_due_s(self._batch_octets_max)

    def share(self, octets_until_cut: float) -> None:
        """Hear how many octets of both directions may still arrive before the cut.

        A batch is half of them at most: what has arrived in both directions and was not
        handed over yet then never reaches the cut unseen, so that the octets of both
        are counted in the order of their times.
        """
        shared = octets_until_cut / 2 if octets_until_cut > 1 else octets_until_cut
        self._batch_octets_max = min(self.octets_until_cut, shared)
        self.due_s = self.wire.next_due_s(self._batch_octets_max)

    def take(self, until_s: float, octets_max: float) -> tuple[int, bytes]:
        """Take octets that have arrived: how many, and what is heard of them."""
        octets = self.wire.take(until_s, min(self.octets_until_cut, octets_max))
        count = len(octets)
        heard = self._faults.pass_on(octets)
        self._octets_arrived += count
        self._octets_heard += len(heard)
        self.octets_until_cut -= count
        self._batch_octets_max = min(self._batch_octets_max, self.octets_until_cut)
        self.due_s = self.wire.next_due_s(self._batch_octets_max)
        return count, heard

    def counters(self) -> DirectionCounters:
        """What this direction has done so far."""
        return DirectionCounters(
            self._octets_sent,
            self._octets_arrived,
            self._octets_heard,
            **self._faults.times(),
        )

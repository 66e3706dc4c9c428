"""BREAK over a stretch of a stream: one octet 0 is heard in the place of all of it."""

from hw.lines.faults.passage import Passage
from hw.lines.faults.trigger import Places, Trigger
from protocol.ports import Entropy


class Breaks:
    """The line held in BREAK, so many octets long; the rate is that of beginnings.

    The length is in octets as they are sent, not in time, so that what is lost is the
    same whenever they are.
    """

    def __init__(self, trigger: Trigger, entropy: Entropy, break_octets: int) -> None:
        """Hold the line over `break_octets` each time."""
        self._places = Places(trigger, entropy, extent=break_octets)
        self._break_octets = break_octets
        self._over_from = 0
        self._over_until = 0

    @property
    def times(self) -> int:
        """How many began."""
        return self._places.times

    @property
    def next_octet(self) -> float:
        """The next octet that a BREAK is over."""
        if self._over_from < self._over_until:
            return self._over_from
        return self._places.next_octet

    def befall(self, passage: Passage) -> None:
        """Hold the line over some of the next octets."""
        self._go_on(passage)
        for octet in self._places.before(passage.end):
            passage.replace(octet, b"\x00")
            self._over_from = octet + 1
            self._over_until = octet + self._break_octets
            self._go_on(passage)

    def _go_on(self, passage: Passage) -> None:
        end = min(self._over_until, passage.end)
        for octet in range(self._over_from, end):
            passage.replace(octet, b"")
        self._over_from = max(self._over_from, end)

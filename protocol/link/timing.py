"""Timers and measured round trips.

A server behind a terminal server does not know how fast the modem is, so that both ends
measure. Every measured round trip (n octets in R seconds) bounds what any other can
take on the same line, whatever delay, speed and thinking time it was made of: n' octets
need at most R * max(1, n'/n), and an octet at most R/n. T1 follows from the tightest of
the last such bounds and from what may still wait in front of the line. A frame that was
sent more than once is never measured, because nobody can tell which of the two was
answered (Karn).

Source: SPEC.md LINK-11; Karn and Partridge, 1987.
"""

from collections import deque
from dataclasses import dataclass

from protocol.link.parameters import (
    ROUND_TRIPS_KEPT,
    SLOWEST_OCTET_S,
    TIMEOUT_MARGIN,
    TIMEOUT_SLACK_S,
    USUAL_OCTET_S,
)


class RoundTrips:
    """What is known of the line's delay and speed."""

    def __init__(self, start_s: float) -> None:
        """Know nothing yet.

        Args:
            start_s: Time allowed beyond that of the octets until something is measured.
        """
        self._start_s = start_s
        self._measured: deque[tuple[int, float]] = deque(maxlen=ROUND_TRIPS_KEPT)
        self._octet_s = USUAL_OCTET_S
        """Of the quickest round trip that is known."""
        self._waiting_octets = 0.0
        self._counted_at = 0.0

    def add(self, octets: int, seconds: float) -> None:
        """Note a round trip: at least `octets` went over the line in `seconds`."""
        if seconds > 0:
            self._measured.append((octets, seconds))
            quickest_s = min([s / n for n, s in self._measured])
            self._octet_s = min(quickest_s, SLOWEST_OCTET_S)

    @property
    def shortest_s(self) -> float | None:
        """The shortest round trip measured, if any."""
        return min((seconds for _, seconds in self._measured), default=None)

    def sent(self, octets: int, now: float) -> None:
        """Note that octets were given to the line, which may be slower than we are."""
        if octets or self._waiting_octets:
            self._waiting_octets = self.waiting_octets(now) + octets
            self._counted_at = now

    def waiting_octets(self, now: float) -> float:
        """Octets that at most still wait in front of the line."""
        passed = (now - self._counted_at) / self._octet_s
        return max(0.0, self._waiting_octets - passed)

    def timeout_s(self, octets: float, now: float) -> float:
        """Time after which an answer is overdue.

        Args:
            octets: What goes there and back, beyond what was given to the line before.
            now: Monotonic seconds.
        """
        octets += self.waiting_octets(now)
        if not self._measured:
            return self._start_s + octets * USUAL_OCTET_S
        bound_s = min([s * max(1.0, octets / n) for n, s in self._measured])
        return min(
            bound_s * TIMEOUT_MARGIN + TIMEOUT_SLACK_S,
            self._start_s + octets * SLOWEST_OCTET_S,
        )


@dataclass(slots=True)
class Timers:
    """Deadlines in monotonic seconds; None: not running."""

    reply: float | None = None
    """T1: an answer or acknowledgement is overdue."""
    acknowledgement: float | None = None
    """T2: an acknowledgement waited long enough for an I frame."""
    idle: float | None = None
    """T3: nothing was heard for long."""

    @property
    def deadline(self) -> float | None:
        """The first to run out."""
        first, reply, acknowledgement = self.idle, self.reply, self.acknowledgement
        if reply is not None and (first is None or reply < first):
            first = reply
        if acknowledgement is not None and (first is None or acknowledgement < first):
            first = acknowledgement
        return first

    def stop(self) -> None:
        """Stop all."""
        self.reply = self.acknowledgement = self.idle = None

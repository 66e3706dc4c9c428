"""What is under way: how much a sender lets go before it hears what became of it.

Arrival reports and acknowledgements tell up to which transmission the line has brought
or lost everything; the rest is in flight. What the line holds is its speed times its
shortest round trip. More than twice that does not arrive sooner: it waits in front of
the line, and every repetition behind it. So the limit follows the measured line.

Source: the bandwidth-delay product, measured at the sender as in Cardwell and others,
BBR, 2016; SPEC.md LINK-17.
"""

from collections import deque
from dataclasses import dataclass

from protocol.link.parameters import (
    FLIGHT_GAIN,
    FLIGHT_OCTETS_FIRST,
    SLOWEST_OCTET_S,
    SPEEDS_KEPT,
    SUPERVISORY_OCTETS,
    USUAL_OCTET_S,
)


@dataclass(frozen=True, slots=True)
class _Transmission:
    """One I frame given to the line, and what was resolved by then."""

    order: int
    octets: int
    sent_at: float
    resolved_octets: int
    resolved_at: float


class Flight:
    """Counts what is in flight, and measures the line."""

    def __init__(self, modulus: int, round_trip_s: float | None) -> None:
        """Begin with nothing under way.

        Args:
            modulus: Of the numbers of frames.
            round_trip_s: Of the set-up, if it was measured.
        """
        self._under_way: deque[_Transmission] = deque()
        self._octets = 0
        self._orders = [0] * modulus
        self._resolved_octets = 0
        self._resolved_at = 0.0
        self._round_trip_s = round_trip_s
        self._speeds: deque[float] = deque(maxlen=SPEEDS_KEPT)

    @property
    def is_measured(self) -> bool:
        """Whether it is known how fast the line is."""
        return bool(self._speeds)

    def order_of(self, number: int) -> int:
        """Say when the frame with this N(S) was transmitted last, in the order."""
        return self._orders[number]

    def has_room(self, octets: int) -> bool:
        """Say whether a frame of so many octets may go now."""
        held = 0.0
        if self._speeds and self._round_trip_s is not None:
            held = max(self._speeds) * self._round_trip_s + octets
        limit = max(FLIGHT_GAIN * held, FLIGHT_OCTETS_FIRST)
        return not self._octets or self._octets + octets <= limit

    def passes_in_s(self, octets: int) -> float | None:
        """Say when all in flight, then an answer of so many octets, has passed.

        Returns:
            Seconds; None before anything was measured.
        """
        if self._round_trip_s is None:
            return None
        # What waited for a time-out measured no speed, and must not make T1 longer.
        octet_s = USUAL_OCTET_S
        if self._speeds:
            octet_s = min(1 / max(self._speeds), SLOWEST_OCTET_S)
        # Two supervisory frames went in the shortest round trip, at least.
        octet_s = min(octet_s, self._round_trip_s / (2 * SUPERVISORY_OCTETS))
        return self._round_trip_s + (self._octets + octets) * octet_s

    def transmitted(self, number: int, order: int, octets: int, now: float) -> None:
        """Count an I frame that is given to the line.

        Args:
            number: N(S).
            order: Its place in the order of transmissions.
            octets: On the line.
            now: Monotonic seconds.
        """
        if not self._under_way:
            self._resolved_at = now
        self._orders[number] = order
        self._octets += octets
        self._under_way.append(
            _Transmission(order, octets, now, self._resolved_octets, self._resolved_at)
        )

    def resolved(self, order: int, now: float, *, measured: bool) -> bool:
        """Hear that everything transmitted up to a place has arrived or is lost.

        Args:
            order: The place.
            now: Monotonic seconds.
            measured: Whether it is certain which transmission arrived: of what was
                sent twice, or asked for twice, it is not (Karn).

        Returns:
            Whether that was news.
        """
        last: _Transmission | None = None
        while self._under_way and self._under_way[0].order <= order:
            last = self._under_way.popleft()
            self._octets -= last.octets
            self._resolved_octets += last.octets
        if last is None:
            return False
        self._resolved_at = now
        round_trip_s = now - last.sent_at
        if measured and round_trip_s > 0:
            shortest_s = self._round_trip_s or round_trip_s
            self._round_trip_s = min(shortest_s, round_trip_s)
            passed = self._resolved_octets - last.resolved_octets
            self._speeds.append(passed / (now - last.resolved_at))
        return True

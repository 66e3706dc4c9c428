"""One direction of a virtual port: octets in the time of their bits, and BREAKs.

No clock in here: times are seconds of whatever clock the caller reads.
"""

import math
from collections import deque
from typing import Final

from hw.lines.pacing import BITS_PER_OCTET, PacedWire
from hw.ports.settings import FlowControl, PortSettings

UART_OCTETS: Final = 16
"""What leaves though the other end is not ready: the buffer of a 16550A."""


class OneWay:
    """Octets and BREAKs of one direction.

    Attributes:
        stopped: Whether the receiving end is not ready; heeded with RTS/CTS only.
    """

    def __init__(self, settings: PortSettings) -> None:
        """Make an idle direction of a port that is set so."""
        bit_s = settings.baud * BITS_PER_OCTET // settings.bits_per_character
        self._wire = PacedWire(bit_s, 0.0, UART_OCTETS)
        self._held = bytearray()
        self._breaks: deque[float] = deque()
        self._free_at_s = -math.inf
        self._obeys = settings.flow is FlowControl.RTS_CTS
        self.stopped = False

    @property
    def waiting_octets(self) -> int:
        """How many octets have not arrived yet."""
        return self._wire.waiting_octets + len(self._held)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return not (self._wire.waiting_octets or self._held or self._breaks)

    def submit(self, octets: bytes, now_s: float) -> None:
        """Send octets after those that wait."""
        self._held += octets
        self.feed(now_s)

    def feed(self, now_s: float) -> None:
        """Put what may leave on the wire."""
        room = len(self._held)
        if self._obeys:
            room = 0 if self.stopped else UART_OCTETS - self._wire.waiting_octets
        if room > 0 and self._held:
            self._wire.submit(bytes(self._held[:room]), max(now_s, self._free_at_s))
            del self._held[:room]

    def hold_break(self, duration_s: float, now_s: float) -> None:
        """Hold the wire in BREAK behind what is on it."""
        # What the other end's readiness holds back comes after the BREAK.
        begins_s = max(now_s, self._wire.free_at_s, self._free_at_s)
        self._free_at_s = begins_s + duration_s
        self._breaks.append(self._free_at_s)

    def due_s(self) -> float:
        """When the next octets, or the end of a BREAK, have arrived."""
        return min(
            self._wire.next_due_s(), self._breaks[0] if self._breaks else math.inf
        )

    def take(self, now_s: float) -> bytes:
        """Take what has arrived; nothing stands for a BREAK."""
        if self._breaks and self._breaks[0] < self._wire.next_due_s():
            self._breaks.popleft()
            return b""
        octets = self._wire.take(now_s)
        self.feed(now_s)
        return octets

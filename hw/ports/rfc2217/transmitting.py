"""What is on its way to the far port: octets and BREAKs in order, held back when told.

Octets leave at once, so that the peer's flow control (and TCP's, below) is all that
holds them. Only what must not overtake them waits: a BREAK, and the fall of DTR at the
end, which a terminal server carries out as soon as it reads of it, whatever its port
has still to transmit. Servers do not tell when that is; the port's speed does.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

PENDING_OCTETS_MAX: Final = 65_536
"""Most octets that are held back."""


class Far(Protocol):
    """Where octets and BREAKs go, in their order."""

    def transmit_octets(self, octets: bytes) -> None:
        """Hand octets to the network."""
        ...

    def transmit_break(self, *, on: bool) -> None:
        """Begin or end a BREAK."""
        ...


@dataclass(frozen=True, slots=True)
class _Break:
    duration_s: float


class Transmitter:
    """Keeps the order of what is sent, and knows when it has left by the port's speed.

    Attributes:
        waiting_octets: Octets that are held back.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        far: Far,
        *,
        octet_s: float,
        octets_max: int = PENDING_OCTETS_MAX,
    ) -> None:
        """Begin with nothing to send.

        Args:
            reactor: The time.
            far: Where it goes.
            octet_s: What one octet takes at the far port; 0 where there is no port.
            octets_max: Most octets that are held back.
        """
        self.waiting_octets = 0
        self._reactor = reactor
        self._far = far
        self._octet_s = octet_s
        self._octets_max = octets_max
        self._items: deque[bytes | _Break] = deque()
        self._is_suspended = False
        self._in_break = False
        self._empty_at = 0.0
        self._timer: IDelayedCall | None = None
        self._give_up: IDelayedCall | None = None
        self._drained: Callable[[], None] | None = None

    def send(self, octets: bytes) -> bool:
        """Send octets; False when more than the bound would wait."""
        if self.waiting_octets + len(octets) > self._octets_max and self._holds():
            return False
        self.waiting_octets += len(octets)
        self._items.append(octets)
        self._pump()
        return True

    def send_break(self, duration_s: float) -> None:
        """Send a BREAK behind what was sent before."""
        self._items.append(_Break(duration_s))
        self._pump()

    def suspend(self) -> None:
        """Hold octets back until `resume`: the peer has no room."""
        self._is_suspended = True

    def resume(self) -> None:
        """Go on."""
        self._is_suspended = False
        self._pump()

    def clear(self) -> None:
        """Throw away what is held back."""
        self._items.clear()
        self.waiting_octets = 0
        self._pump()

    def drain(self, drained: Callable[[], None], timeout_s: float) -> None:
        """Call `drained` once everything has left, or when time is up."""
        self._drained = drained
        self._give_up = self._reactor.callLater(timeout_s, self._drain_is_over)
        self._pump()

    def stop(self) -> None:
        """Send nothing more, and let go of the timers."""
        self._items.clear()
        self.waiting_octets = 0
        self._drained = None
        self._is_suspended = True
        for timer in (self._timer, self._give_up):
            if timer is not None and timer.active():
                timer.cancel()

    def _holds(self) -> bool:
        return self._is_suspended or self._in_break or bool(self._items)

    def _pump(self) -> None:
        while self._items and not self._is_suspended and not self._in_break:
            item = self._items[0]
            if isinstance(item, bytes):
                self._items.popleft()
                self._transmit(item)
            elif self._wait_s() > 0:
                self._later(self._wait_s(), self._pump)
                return
            else:
                self._items.popleft()
                self._in_break = True
                self._far.transmit_break(on=True)
                self._later(item.duration_s, self._end_break)
        if self._drained is not None and not self._holds():
            if self._wait_s() > 0:
                self._later(self._wait_s(), self._pump)
            else:
                self._drain_is_over()

    def _transmit(self, octets: bytes) -> None:
        self.waiting_octets -= len(octets)
        now = float(self._reactor.seconds())
        self._empty_at = max(self._empty_at, now) + len(octets) * self._octet_s
        self._far.transmit_octets(octets)

    def _end_break(self) -> None:
        self._in_break = False
        self._far.transmit_break(on=False)
        self._pump()

    def _drain_is_over(self) -> None:
        drained = self._drained
        self.stop()
        if drained is not None:
            drained()

    def _wait_s(self) -> float:
        return self._empty_at - float(self._reactor.seconds())

    def _later(self, wait_s: float, do: Callable[[], None]) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(wait_s, do)

"""The bell of an emulated modem: rings, counts them, and forgets the count.

A ring is `BELL_S` long, and one begins every `RING_EVERY_S`. S1 counts; it is 0 again
`FORGOTTEN_S` after the last ring began, as modems have it.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

RING_EVERY_S: Final = 6.0
BELL_S: Final = 2.0
FORGOTTEN_S: Final = 8.0


class Ringer:
    """Rings from `start` to `stop`.

    Attributes:
        rings: How many there were.
        is_on: Whether somebody calls.
        bell: Whether the bell sounds now: circuit RI.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        on_ring: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        """Be silent.

        Args:
            reactor: The time, real or virtual.
            on_ring: Told of each ring as it begins.
            on_change: Told when `rings` or `bell` has changed.
        """
        self.rings = 0
        self.is_on = False
        self.bell = False
        self._reactor = reactor
        self._on_ring = on_ring
        self._on_change = on_change
        self._next: IDelayedCall | None = None
        self._quiet: IDelayedCall | None = None
        self._forget: IDelayedCall | None = None

    def start(self) -> None:
        """Ring now, and again and again."""
        self.is_on = True
        self._ring()

    def stop(self) -> None:
        """Ring no more; the count stays for a while."""
        self.is_on = False
        _cancel(self._next)
        _cancel(self._quiet)
        if self.bell:
            self._silence()

    def close(self) -> None:
        """Stop, and forget the count."""
        self.stop()
        _cancel(self._forget)
        self.rings = 0

    def _ring(self) -> None:
        self.rings += 1
        self.bell = True
        self._next = self._reactor.callLater(RING_EVERY_S, self._ring)
        self._quiet = self._reactor.callLater(BELL_S, self._silence)
        _cancel(self._forget)
        self._forget = self._reactor.callLater(FORGOTTEN_S, self._forget_rings)
        self._on_change()
        self._on_ring()

    def _silence(self) -> None:
        self.bell = False
        self._on_change()

    def _forget_rings(self) -> None:
        self.rings = 0
        self._on_change()


def _cancel(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()

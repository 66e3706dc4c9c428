"""Octets that wait for the thread that writes them."""

from threading import Condition


class Outbox:
    """Filled by the reactor's thread, emptied by another."""

    def __init__(self) -> None:
        """Have nothing waiting."""
        self._octets = bytearray()
        self._is_closed = False
        self._changed = Condition()

    @property
    def waiting_octets(self) -> int:
        """How many have not been written yet."""
        with self._changed:
            return len(self._octets)

    @property
    def is_done(self) -> bool:
        """Nothing waits, and nothing will."""
        with self._changed:
            return self._is_closed and not self._octets

    def put(self, octets: bytes) -> None:
        """Add octets behind those that wait; after `close`, throw them away."""
        with self._changed:
            if not self._is_closed:
                self._octets += octets
                self._changed.notify_all()

    def close(self) -> None:
        """Take no more; what waits may still be written."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def discard(self) -> None:
        """Take no more, and throw away what waits."""
        with self._changed:
            self._octets.clear()
            self._is_closed = True
            self._changed.notify_all()

    def first(self, most: int, wait_s: float) -> bytes:
        """Look at the first `most` octets, waiting for some while there are none."""
        with self._changed:
            if not (self._octets or self._is_closed):
                self._changed.wait(wait_s)
            return bytes(self._octets[:most])

    def written(self, count: int) -> None:
        """Take away the first `count` octets."""
        with self._changed:
            del self._octets[:count]

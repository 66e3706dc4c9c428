"""Lets a scenario wait until something is so."""

from collections.abc import Callable

from twisted.internet.defer import Deferred


class Waiting:
    """Whoever is told things; after each, what somebody waits for may be so."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def until(self, condition: Callable[[], bool]) -> Deferred[None]:
        """Fire once it is so: at once, or after something that is told."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append((condition, waiter))
        self.look()
        return waiter

    def look(self) -> None:
        """Fire for those who wait for what is so now."""
        for entry in list(self._waiting):
            condition, waiter = entry
            if condition():
                self._waiting.remove(entry)
                waiter.callback(None)

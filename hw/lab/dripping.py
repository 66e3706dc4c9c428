"""A line on which octets go out one by one, as from a peer that is very slow.

Cut anywhere, and with silence between any two of its octets, a frame is the same frame
(LINK-1.1): whoever reads a line must not care how it is delivered.
"""

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line


class DrippingLine:
    """A `Line` in front of another one.

    Attributes:
        pause_s: Seconds between two octets; 0: they go as they come.
    """

    def __init__(self, line: Line, reactor: IReactorTime) -> None:
        """Begin without pauses.

        Args:
            line: The line itself.
            reactor: The time, real or virtual.
        """
        self.pause_s = 0.0
        self._line = line
        self._reactor = reactor
        self._waiting = bytearray()
        self._due: IDelayedCall | None = None

    @property
    def name(self) -> str:
        """Who is at the far end."""
        return self._line.name

    def send(self, octets: bytes) -> None:
        """Hand octets to the line, behind those that still wait."""
        if not self.pause_s and not self._waiting:
            self._line.send(octets)
            return
        self._waiting += octets
        if self._due is None:
            self._next()

    def drop(self) -> None:
        """Hang up; what still waits is never sent."""
        self.lost()
        self._line.drop()

    def lost(self) -> None:
        """Send nothing more: the line is lost."""
        self._waiting.clear()
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _next(self) -> None:
        self._due = None
        if not self._waiting:
            return
        count = 1 if self.pause_s else len(self._waiting)
        octets = bytes(self._waiting[:count])
        del self._waiting[:count]
        self._due = self._reactor.callLater(self.pause_s, self._next)
        self._line.send(octets)

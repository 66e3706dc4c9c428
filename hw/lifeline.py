"""A line between a process and the one that started it: each sees the other's end.

The child says once that it is ready, and from then on that its reactor still turns.
When the parent is gone, however it ended, the child's reactor stops.
"""

# ruff: noqa: N802  # the names of Twisted's methods are Twisted's

import socket
from contextlib import suppress
from typing import Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from hw.reactor import MonotonicReactor

READY: Final = b"r"
BEAT: Final = b"."
BEAT_S: Final = 1.0


@implementer(IReadDescriptor)
class Lifeline:
    """The child's end."""

    def __init__(self, end: socket.socket) -> None:
        """Take over one end of a pair of sockets."""
        self._end = end
        end.settimeout(0)

    def hold(self, reactor: MonotonicReactor) -> None:
        """Tell that this process is ready, and live as long as the other end does.

        Args:
            reactor: Stops when the other end is gone; it is running.
        """
        self._reactor = reactor
        self._say(READY)
        reactor.addReader(self)  # type: ignore[no-untyped-call]
        reactor.callLater(BEAT_S, self._beat)

    def fileno(self) -> int:
        """Say which descriptor is read."""
        return self._end.fileno()

    def doRead(self) -> None:
        """See the other end go; it never says anything."""
        try:
            gone = not self._end.recv(1)
        except BlockingIOError:
            return
        except OSError:
            # It was closed before it had read all that was said here.
            gone = True
        if gone:
            self._reactor.removeReader(self)  # type: ignore[no-untyped-call]
            self._reactor.stop()

    def connectionLost(self, reason: Failure) -> None:
        """Hear that the reactor has forgotten this."""

    def logPrefix(self) -> str:
        """Name this in a log."""
        return "lifeline"

    def _beat(self) -> None:
        self._say(BEAT)
        self._reactor.callLater(BEAT_S, self._beat)

    def _say(self, octet: bytes) -> None:
        # A parent that is gone is seen by reading; one that is slow has heard enough.
        with suppress(OSError):
            self._end.send(octet)

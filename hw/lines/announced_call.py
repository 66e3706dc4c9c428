"""A call that a balancer brings: who calls comes first, then whoever calls."""

# ruff: noqa: N802  # the names of Twisted's methods are Twisted's

import logging
from collections.abc import Callable
from typing import Protocol, cast

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from hw.lines.announced import AnnouncementError, read_announcement
from hw.lines.places import show_place
from hw.reactor import MonotonicReactor

_log = logging.getLogger(__name__)

MakeConnection = Callable[[str], TwistedProtocol | None]
"""Makes the connection of a caller, by its name, or refuses with None."""


class _Transport(Protocol):
    protocol: TwistedProtocol

    def abortConnection(self) -> None: ...


class AnnouncedCall(TwistedProtocol):
    """Reads who calls, and makes way for the connection of that caller."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        balancer: str,
        wait_s: float,
        make: MakeConnection,
    ) -> None:
        """Wait for the balancer's header.

        Args:
            reactor: The time.
            balancer: Whose connection it is.
            wait_s: How long the header may take.
            make: Makes the connection of the caller.
        """
        self._reactor = reactor
        self._balancer = balancer
        self._wait_s = wait_s
        self._make = make
        self._octets = b""
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Begin to wait."""
        self._timer = self._reactor.callLater(self._wait_s, self._hang_up)

    def dataReceived(self, data: bytes) -> None:
        """Read the header; what follows it is the caller's."""
        self._octets += data
        try:
            found = read_announcement(self._octets)
        except AnnouncementError as error:
            _log.warning("from %s: %s", self._balancer, error)
            self._hang_up()
            return
        if found is None:
            return
        self._wait_no_longer()
        told = found.host is not None
        name = show_place(found.host or "", found.port) if told else self._balancer
        connection = self._make(name) if found.is_call else None
        if connection is None:
            self._hang_up()
            return
        self._tcp().protocol = connection
        connection.makeConnection(self.transport)  # type: ignore[no-untyped-call]
        if len(self._octets) > found.octets:
            connection.dataReceived(self._octets[found.octets :])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End: nobody has called yet."""
        self._wait_no_longer()

    def _hang_up(self) -> None:
        self._wait_no_longer()
        self._tcp().abortConnection()

    def _wait_no_longer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _tcp(self) -> _Transport:
        return cast("_Transport", self.transport)

"""A listening TCP port that answers a few calls in each turn of the reactor.

Twisted's takes 100, and 20 more each time that these were not all: in a flood of
callers the lines that are up would wait for them.
"""

# ruff: noqa: N802  # the names of Twisted's methods are Twisted's

import socket
from typing import Final

from twisted.internet.protocol import ServerFactory
from twisted.internet.tcp import Port

from hw.reactor import MonotonicReactor

ACCEPTS: Final = 16
"""Calls that are answered in one turn of the reactor: 1 ms when all are turned away."""


class FairPort(Port):
    """A port that gives way to others who have something to do."""

    @classmethod
    def adopt(
        cls, reactor: MonotonicReactor, place: socket.socket, factory: ServerFactory
    ) -> "FairPort":
        """Answer at a socket that listens already, as `adoptStreamPort` does."""
        port: FairPort = cls._fromListeningDescriptor(  # type: ignore[no-untyped-call]
            reactor, place.fileno(), place.family, factory
        )
        port.startListening()
        return port

    def doRead(self) -> None:
        """Answer whoever waits, up to `ACCEPTS`."""
        self.numberAccepts = ACCEPTS
        super().doRead()  # type: ignore[no-untyped-call]

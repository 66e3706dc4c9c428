"""A file descriptor that a Twisted reactor reads and writes, with a bounded buffer.

Twisted's own `FileDescriptor` has no bound for what waits to be sent, and its
`SerialPort` neither exclusive use nor a clear end: docs/decisions/serial-ports.md.
"""

# ruff: noqa: N802  # the names of Twisted's methods are Twisted's

import os
from typing import Any, Final, Protocol, cast

from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from hw.reactor import MonotonicReactor

READ_OCTETS: Final = 4096
"""What the line discipline of a terminal holds."""


class DescriptorUser(Protocol):
    """Whoever owns the descriptor."""

    def descriptor_read(self, octets: bytes) -> None:
        """Take octets, at least one."""
        ...

    def descriptor_lost(self, error: OSError | None) -> None:
        """Hear that it is of no use: an error, or None at the end of what comes."""
        ...


@implementer(IReadWriteDescriptor)
class Descriptor:
    """Reads whenever there is something, and writes what waits as it can."""

    def __init__(
        self, reactor: MonotonicReactor, number: int, user: DescriptorUser
    ) -> None:
        """Begin to read.

        Args:
            reactor: Waits for the descriptor.
            number: Of a descriptor that does not block; it is closed here.
            user: Told what happens, never inside a call of its own.
        """
        # Twisted does not say what types the methods of its reactors have.
        self._reactor = cast("Any", reactor)
        self._number = number
        self._user = user
        self._waiting = bytearray()
        self._reactor.addReader(self)

    @property
    def waiting_octets(self) -> int:
        """Octets that wait here."""
        return len(self._waiting)

    def write(self, octets: bytes) -> None:
        """Have octets written in a later turn, behind those that wait."""
        if octets and self._number >= 0:
            self._waiting += octets
            self._reactor.addWriter(self)

    def stop_reading(self) -> None:
        """Leave what comes where it is; the end is still heard."""
        self._reactor.removeReader(self)

    def close(self) -> None:
        """Close it at once; nothing is told."""
        if self._number >= 0:
            self._reactor.removeReader(self)
            self._reactor.removeWriter(self)
            self._waiting.clear()
            number, self._number = self._number, -1
            os.close(number)

    def fileno(self) -> int:
        """Give the number, or -1 when it is closed."""
        return self._number

    def logPrefix(self) -> str:
        """Name this for Twisted's log."""
        return "port"

    def doRead(self) -> None:
        """Read what there is."""
        try:
            octets = os.read(self._number, READ_OCTETS)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if octets:
            self._user.descriptor_read(octets)
        else:
            self._lose(None)

    def doWrite(self) -> None:
        """Write what is taken."""
        # The reactor may have read before, and so have found the end.
        if self._number < 0:
            return
        try:
            taken = os.write(self._number, self._waiting)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        del self._waiting[:taken]
        if not self._waiting:
            self._reactor.removeWriter(self)

    def connectionLost(self, reason: Failure) -> None:
        """Hear of the reactor that the far end has hung up, or that it stops."""
        if self._number >= 0:
            self._lose(None)

    def _lose(self, error: OSError | None) -> None:
        self.close()
        self._user.descriptor_lost(error)

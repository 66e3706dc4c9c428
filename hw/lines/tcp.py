"""Lines over TCP, for both roles.

Nagle's algorithm is off: a link waits for acknowledgements, and the two together stall.
What is sent goes to the socket at once, which nearly always takes it: to be told first
that it would costs more than the rest of a small write. What it does not take waits
here, bounded, and Twisted's transport fetches it part by part. Hanging up sends
FIN after the last octet and reads on until the peer closes too, for at most
`drop_timeout_s`: closing with unread octets would send RST, which may destroy what the
peer has not read yet, such as the last frame of a dialogue.
"""

# ruff: noqa: N802  # the names of Twisted's methods are Twisted's

import errno
import socket
from dataclasses import dataclass
from typing import Final, Protocol, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import (
    CannotListenError,
    ConnectionDone,
    ConnectionRefusedError,  # noqa: A004  # Twisted's own, which is no OSError
    DNSLookupError,
)
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IProtocol,
    IPullProducer,
)
from twisted.internet.protocol import Factory, ServerFactory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from hw.lines.announced import is_among
from hw.lines.announced_call import AnnouncedCall
from hw.lines.places import BACKLOG, NOT_LISTENING, show_place
from hw.lines.port import Answer, Call, LineError, LineLoss, LineUser, LossCause
from hw.lines.tcp_port import FairPort
from hw.reactor import MonotonicReactor


@dataclass(frozen=True)
class TcpParameters:
    """Limits of a TCP line.

    Attributes:
        connect_timeout_s: How long a place may take to answer. A lost SYN is repeated
            after 1, 3 and 7 s, so that 15 s survive three losses in a row.
        drop_timeout_s: How long the peer may take to close after this end hung up.
        pending_octets_max: Most octets that wait here, beside 64 KiB that Twisted has.
        announce_timeout_s: How long a balancer may take to say who calls.
    """

    connect_timeout_s: float = 15.0
    drop_timeout_s: float = 5.0
    pending_octets_max: int = 65_536
    announce_timeout_s: float = 5.0


DEFAULT = TcpParameters()
_PART_OCTETS: Final = 65_536
_FULL: Final = frozenset({errno.EWOULDBLOCK, errno.ENOBUFS})


class TcpDialler:
    """Dials one TCP port."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        host: str,
        port: int,
        parameters: TcpParameters = DEFAULT,
        *,
        from_host: str | None = None,
    ) -> None:
        """Remember the place; nothing is dialled yet.

        Args:
            reactor: The time, and the sockets.
            host: Whom to call.
            port: At which port.
            parameters: Limits of the line.
            from_host: Our address of which the call comes; None: the system chooses.
        """
        self._reactor = reactor
        self._host = host
        self._port = port
        self._parameters = parameters
        self._bound = None if from_host is None else (from_host, 0)

    def dial(self, user: LineUser) -> Call:
        """Call the place for `user`."""
        connection = _Connection(self._reactor, self._parameters, user)
        kind = TCP6ClientEndpoint if ":" in self._host else TCP4ClientEndpoint
        endpoint = kind(
            self._reactor,
            self._host,
            self._port,
            self._parameters.connect_timeout_s,
            self._bound,
        )
        name = show_place(self._host, self._port)
        attempt = endpoint.connect(_OneConnection(connection))
        return _DialledCall(self._reactor, name, connection, attempt)


class TcpListener:
    """Answers calls at one TCP port of one interface."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        host: str,
        port: int,
        parameters: TcpParameters = DEFAULT,
        *,
        place: socket.socket | None = None,
        balancers: tuple[str, ...] = (),
    ) -> None:
        """Remember the place; with port 0 the system chooses one at `listen`.

        Args:
            reactor: The time, and the sockets.
            host: One of this computer's addresses.
            port: At which port.
            parameters: Limits of the lines.
            place: The same, opened before and perhaps shared with other processes.
            balancers: Addresses and networks of those who announce their callers.
        """
        self._reactor = reactor
        self._host = host
        self._port = port
        self._parameters = parameters
        self._place = place
        self._balancers = balancers
        self._listening: IListeningPort | None = None

    @property
    def address(self) -> str:
        """The line string of this place, with the port that is really bound."""
        if self._listening is None:
            return show_place(self._host, self._port)
        return _name(self._listening.getHost())

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: The place is taken or not ours.
        """
        if self._listening is not None:
            message = f"already listening at {self.address}"
            raise LineError(message)
        factory = _Connections(self._reactor, self._parameters, answer, self._balancers)
        if self._place is not None:
            self._listening = FairPort.adopt(self._reactor, self._place, factory)
            return
        try:
            port = FairPort(self._port, factory, BACKLOG, self._host, self._reactor)
            port.startListening()
            self._listening = port
        except CannotListenError as error:
            refused = error.socketError
            words = NOT_LISTENING.get(getattr(refused, "errno", 0), str(refused))
            message = f"cannot listen at {self.address}: {words}"
            raise LineError(message) from error

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        if self._listening is not None:
            self._listening.stopListening()
            self._listening = None
        if self._place is not None:
            # Nobody is to wait in a queue that this process holds open.
            self._place.close()


class _Transport(Protocol):
    """What a line uses of Twisted's TCP transport, which is not typed as a whole."""

    def write(self, data: bytes) -> None: ...
    def loseWriteConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def getPeer(self) -> IAddress: ...
    def setTcpNoDelay(self, enabled: bool) -> None: ...
    def getHandle(self) -> socket.socket: ...
    def registerProducer(self, producer: object, *, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...


@implementer(IPullProducer)
class _Connection(TwistedProtocol):
    """One TCP connection, which is one line to its user."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        parameters: TcpParameters,
        user: LineUser,
        name: str = "",
    ) -> None:
        self._reactor = reactor
        self._parameters = parameters
        self._user = user
        self._name = name
        self._waiting = bytearray()
        self._transport_writes = False
        self._lost = False
        self._loss: LineLoss | None = None
        self._drop_timer: IDelayedCall | None = None

    @property
    def name(self) -> str:
        return self._name

    def send(self, octets: bytes) -> None:
        if self._lost or self._loss is not None:
            return
        if len(self._waiting) + len(octets) > self._parameters.pending_octets_max:
            detail = f"{len(self._waiting)} octets were waiting"
            self._loss = LineLoss(LossCause.OVERFLOW, detail)
            self._tcp().abortConnection()
        elif self._transport_writes:
            self._waiting += octets
        else:
            self._write(octets)

    def drop(self) -> None:
        if self._lost or self._loss is not None:
            return
        self._loss = LineLoss(LossCause.DROPPED_HERE)
        self._drop_timer = self._reactor.callLater(
            self._parameters.drop_timeout_s, self._abort_slow_drop
        )
        if not self._transport_writes:
            self._tcp().loseWriteConnection()

    def connectionMade(self) -> None:
        tcp = self._tcp()
        self._name = self._name or _name(tcp.getPeer())
        tcp.setTcpNoDelay(True)
        self._user.line_up(self)

    def dataReceived(self, data: bytes) -> None:
        if self._loss is None:
            self._user.octets_received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = True
        self._waiting.clear()
        if self._drop_timer is not None:
            self._drop_timer.cancel()
            self._drop_timer = None
        if self._loss is None:
            if isinstance(reason.value, ConnectionDone):
                self._loss = LineLoss(LossCause.DROPPED_BY_PEER)
            else:
                detail = reason.getErrorMessage()
                self._loss = LineLoss(LossCause.CARRIER_LOST, detail)
        self._user.line_lost(self._loss)

    def not_connected(self, loss: LineLoss) -> None:
        """Tell the user that there will be no line."""
        self._lost = True
        self._user.line_lost(loss)

    def resumeProducing(self) -> None:
        """Give the transport the next part, until nothing waits here any more."""
        tcp = self._tcp()
        if self._waiting:
            part = bytes(self._waiting[:_PART_OCTETS])
            del self._waiting[:_PART_OCTETS]
            tcp.write(part)
            return
        self._transport_writes = False
        tcp.unregisterProducer()
        if self._loss is not None:
            tcp.loseWriteConnection()

    def stopProducing(self) -> None:
        """Hear that the connection is gone, as `connectionLost` tells too."""

    def _write(self, octets: bytes) -> None:
        """Write to the socket; what it does not take is the transport's to write."""
        tcp = self._tcp()
        try:
            taken = tcp.getHandle().send(octets)
        except OSError as error:
            if error.errno not in _FULL:
                self._loss = LineLoss(LossCause.CARRIER_LOST, str(error))
                tcp.abortConnection()
                return
            taken = 0
        if taken < len(octets):
            self._waiting += octets[taken:]
            self._transport_writes = True
            tcp.registerProducer(self, streaming=False)

    def _abort_slow_drop(self) -> None:
        self._drop_timer = None
        self._tcp().abortConnection()

    def _tcp(self) -> "_Transport":
        return cast("_Transport", self.transport)


class _DialledCall:
    """A call from dialling to the end of its line."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        name: str,
        connection: _Connection,
        attempt: Deferred[IProtocol],
    ) -> None:
        self._reactor = reactor
        self._name = name
        self._connection = connection
        self._dropped = False
        self._attempt = attempt
        attempt.addErrback(self._not_connected)

    def drop(self) -> None:
        if self._connection.connected:
            self._connection.drop()
        elif not self._dropped:
            self._dropped = True
            self._attempt.cancel()

    def _not_connected(self, failure: Failure) -> None:
        cause = LossCause.DROPPED_HERE if self._dropped else LossCause.NO_ANSWER
        if isinstance(failure.value, ConnectionRefusedError):
            words = "nothing listens there: is the server running, and at this port?"
        elif isinstance(failure.value, DNSLookupError):
            words = "no host of this name is known"
        else:
            words = failure.getErrorMessage()
        loss = LineLoss(cause, f"{self._name}: {words}")
        # This may run inside `dial` or `drop`; the user hears of it later.
        self._reactor.callLater(0, self._connection.not_connected, loss)


class _OneConnection(Factory):
    """Makes the connection of a call that was dialled."""

    noisy = False

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: IAddress | None) -> TwistedProtocol:
        return self._connection


class _Connections(ServerFactory):
    """Makes a connection for every call that is answered."""

    noisy = False

    def __init__(
        self,
        reactor: MonotonicReactor,
        parameters: TcpParameters,
        answer: Answer,
        balancers: tuple[str, ...],
    ) -> None:
        self._reactor = reactor
        self._parameters = parameters
        self._answer = answer
        self._balancers = balancers

    def buildProtocol(self, addr: IAddress | None) -> TwistedProtocol | None:
        caller = _name(addr)
        if self._balancers and is_among(getattr(addr, "host", ""), self._balancers):
            wait_s = self._parameters.announce_timeout_s
            return AnnouncedCall(self._reactor, caller, wait_s, self._make)
        return self._make(caller)

    def _make(self, caller: str) -> _Connection | None:
        user = self._answer(caller)
        if user is None:
            return None
        return _Connection(self._reactor, self._parameters, user, caller)


def _name(address: IAddress | None) -> str:
    if not isinstance(address, (IPv4Address, IPv6Address)):
        return "tcp"
    return show_place(address.host, address.port)

"""An access server: what a client of RFC 2217 finds instead of a terminal server.

Every client that calls is given the terminal's end of a port whose modem's end,
a `ModemPort`, is ours: the client's DTR and RTS are seen there, and the circuits set
there are notified to the client. So an unmodified client, such as pyserial with
``rfc2217://HOST:PORT``, has a modem with all its circuits, without a serial port.

One client at a time is served; another is told so in words and hung up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twisted.internet.interfaces import IReactorTime

from hw.lines.port import Line, LineLoss, LineUser, Listener
from hw.lines.tcp import TcpListener
from hw.ports.port import ModemPortUser
from hw.ports.rfc2217.server_port import AccessParameters, ServerPort
from hw.reactor import MonotonicReactor

DEFAULT: Final = AccessParameters()

ModemPortAnswer = Callable[[str], ModemPortUser | None]
"""Makes the user of a client's port from the client's name, or refuses with None."""


@dataclass
class _Turnaway:
    """The user of a connection that is told why it is not served."""

    words: str

    def line_up(self, line: Line) -> None:
        line.send(self.words.encode("ascii") + b"\r\n")
        line.drop()

    def octets_received(self, octets: bytes) -> None:
        """Do not listen."""

    def line_lost(self, loss: LineLoss) -> None:
        """Nothing was kept."""


class AccessServer:
    """Gives every client of one TCP port a serial port with a modem's circuits."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        host: str,
        port: int,
        parameters: AccessParameters = DEFAULT,
        *,
        through: Listener | None = None,
    ) -> None:
        """Remember the place; with port 0 the system chooses one at `listen`.

        Args:
            reactor: The time, and the sockets.
            host: The address of this host to listen at.
            port: The TCP port.
            parameters: Limits.
            through: Is called in another way than by TCP.
        """
        self._reactor: IReactorTime = reactor
        self._listener = through or TcpListener(reactor, host, port)
        self._parameters = parameters
        self._ports: set[ServerPort] = set()

    @property
    def address(self) -> str:
        """The line string by which clients reach this server."""
        return _named(self._listener.address)

    def listen(self, answer: ModemPortAnswer) -> None:
        """Serve clients from now on.

        Raises:
            LineError: The place is taken or not ours.
        """

        def take(caller: str) -> LineUser:
            name = _named(caller)
            if len(self._ports) >= self._parameters.clients_max:
                names = ", ".join(sorted(port.name for port in self._ports))
                return _Turnaway(f"Port already in use by {names}")
            user = answer(name)
            if user is None:
                return _Turnaway("Not served now")
            port = ServerPort(
                self._reactor, name, self._parameters, user, self._ports.discard
            )
            self._ports.add(port)
            return port

        self._listener.listen(take)

    def close(self) -> None:
        """Serve no more clients; ports that are up stay up."""
        self._listener.close()


def _named(address: str) -> str:
    return "rfc2217:" + address.removeprefix("tcp:")

"""Serial ports at terminal servers: the client of RFC 2217.

It stands on a TCP line, so that Nagle's algorithm is off and what waits is bounded.
"""

from typing import Final

from hw.lines.port import Dialler
from hw.lines.tcp import TcpDialler
from hw.ports.port import PortCall, PortUser
from hw.ports.rfc2217.client_port import ClientPort, Rfc2217Parameters
from hw.ports.settings import PortSettings
from hw.reactor import MonotonicReactor

DEFAULT: Final = Rfc2217Parameters()


class Rfc2217Opener:
    """Opens one port of a terminal server."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        host: str,
        port: int,
        settings: PortSettings,
        parameters: Rfc2217Parameters = DEFAULT,
        *,
        through: Dialler | None = None,
    ) -> None:
        """Remember the place; nothing is called yet.

        Args:
            reactor: The time, and the sockets.
            host: Of the terminal server.
            port: Its TCP port, which stands for one of its serial ports.
            settings: How the serial port is to be set.
            parameters: Limits.
            through: Calls the place in another way than by TCP.
        """
        self._reactor = reactor
        self._place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._settings = settings
        self._parameters = parameters
        self._dialler = through or TcpDialler(reactor, host, port)

    @property
    def name(self) -> str:
        """The line string of the port."""
        return f"rfc2217:{self._place}"

    def open(self, user: PortUser) -> PortCall:
        """Open the port for `user`; it is told in a later turn."""
        client = ClientPort(
            self._reactor, self._place, self._settings, self._parameters, user
        )
        client.call = self._dialler.dial(client)
        return client

"""Two access servers joined as a null modem joins two ports, for clients of RFC 2217.

The DTR of one client is the DSR and DCD of the other, its RTS the other's CTS, as in
`hw.ports.null_modem`; its BREAK is told to the other as a line state.
"""

from typing import cast

from twisted.internet.task import Clock

from hw.lines.exchange import CallPlan, VirtualExchange
from hw.ports.port import (
    ModemCircuits,
    ModemPort,
    PortFault,
    PortLoss,
    TerminalCircuits,
)
from hw.ports.rfc2217.access import AccessServer
from hw.ports.rfc2217.client import Rfc2217Opener
from hw.ports.rfc2217.server_port import AccessParameters, ServerPort
from hw.ports.settings import PortSettings
from hw.reactor import MonotonicReactor


class RemoteCable:
    """A cable between two ports over the network, in virtual time.

    Attributes:
        left: Opens one end.
        right: Opens the other.
    """

    def __init__(self, clock: Clock, plan: CallPlan) -> None:
        sides = _Side(), _Side()
        sides[0].other, sides[1].other = sides[1], sides[0]
        self.left = _opener(clock, plan, sides[0])
        self.right = _opener(clock, plan, sides[1])


def _opener(clock: Clock, plan: CallPlan, side: "_Side") -> Rfc2217Opener:
    reactor = cast("MonotonicReactor", clock)
    exchange = VirtualExchange(clock, plan)
    # A client may call again before the server has heard the end of its last call.
    parameters = AccessParameters(clients_max=2)
    server = AccessServer(reactor, "server", 7000, parameters, through=exchange)
    server.listen(lambda _name: side.new_end())
    settings = PortSettings(921_600)
    return Rfc2217Opener(reactor, "server", 7000, settings, through=exchange)


class _Side:
    """One side of the cable, whatever client has it just now."""

    other: "_Side"

    def __init__(self) -> None:
        self.end: _End | None = None
        self.terminal = TerminalCircuits()

    @property
    def port(self) -> ServerPort | None:
        return None if self.end is None else self.end.port

    def new_end(self) -> "_End":
        self.end = _End(self)
        return self.end

    def set(self, terminal: TerminalCircuits) -> None:
        self.terminal = terminal
        self.other.follow()

    def follow(self) -> None:
        if self.port is not None:
            terminal = self.other.terminal
            self.port.set_circuits(
                ModemCircuits(
                    clear_to_send=terminal.request_to_send,
                    data_set_ready=terminal.terminal_ready,
                    carrier=terminal.terminal_ready,
                )
            )


class _End:
    """The modem's end of one client's port."""

    def __init__(self, side: _Side) -> None:
        self.port: ServerPort | None = None
        self._side = side

    def port_up(self, port: ModemPort) -> None:
        assert isinstance(port, ServerPort)
        self.port = port
        self._side.follow()

    def octets_received(self, octets: bytes) -> None:
        if self._side.other.port is not None:
            self._side.other.port.send(octets)

    def terminal_changed(self, circuits: TerminalCircuits) -> None:
        self._side.set(circuits)

    def fault_received(self, fault: PortFault) -> None:
        if self._side.other.port is not None:
            self._side.other.port.tell_fault(fault)

    def settings_changed(self, settings: PortSettings) -> None:
        """A cable has any speed."""

    def port_lost(self, loss: PortLoss) -> None:
        if self._side.end is self:
            self._side.end = None
            self._side.set(TerminalCircuits())

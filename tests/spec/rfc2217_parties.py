"""Both ends of a port over the network, written down, and a server by script."""

from dataclasses import dataclass, field
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange
from hw.lines.port import Line, LineLoss
from hw.ports.port import (
    ModemCircuits,
    ModemPort,
    Port,
    PortFault,
    PortLoss,
    TerminalCircuits,
)
from hw.ports.rfc2217.access import AccessServer
from hw.ports.rfc2217.client import Rfc2217Opener
from hw.ports.rfc2217.client_port import Rfc2217Parameters
from hw.ports.rfc2217.listener import Rfc2217Listener
from hw.ports.rfc2217.server_port import AccessParameters
from hw.ports.settings import PortSettings
from hw.reactor import MonotonicReactor
from tests.waiting import Waiting

IAC_SB = b"\xff\xfa\x2c"
IAC_SE = b"\xff\xf0"


def said(*payload: int | bytes) -> bytes:
    """Write a COM-PORT-OPTION subnegotiation by hand."""
    inside = b"".join(
        one if isinstance(one, bytes) else bytes((one,)) for one in payload
    )
    return IAC_SB + inside.replace(b"\xff", b"\xff\xff") + IAC_SE


class Terminal(Waiting):
    """A `hw.ports.port.PortUser` whose story can be read afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[Port] = []
        self.octets = b""
        self.story: list[object] = []
        self.losses: list[PortLoss] = []

    @property
    def port(self) -> Port:
        return self.ports[0]

    def port_up(self, port: Port) -> None:
        self.ports.append(port)
        self._tell("up")

    def octets_received(self, octets: bytes) -> None:
        self.octets += octets
        self.look()

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        self._tell(circuits)

    def fault_received(self, fault: PortFault) -> None:
        self._tell((len(self.octets), fault))

    def port_lost(self, loss: PortLoss) -> None:
        self.losses.append(loss)
        self._tell("lost")

    def is_up(self) -> Deferred[None]:
        return self.until(lambda: bool(self.ports))

    def is_lost(self) -> Deferred[None]:
        return self.until(lambda: bool(self.losses))

    def has(self, count: int) -> Deferred[None]:
        return self.until(lambda: len(self.octets) >= count)

    def _tell(self, what: object) -> None:
        self.story.append(what)
        self.look()


class Modem(Waiting):
    """A `hw.ports.port.ModemPortUser` whose story can be read afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[ModemPort] = []
        self.octets = b""
        self.story: list[object] = []
        self.losses: list[PortLoss] = []

    @property
    def port(self) -> ModemPort:
        return self.ports[0]

    def port_up(self, port: ModemPort) -> None:
        self.ports.append(port)
        self._tell("up")

    def octets_received(self, octets: bytes) -> None:
        self.octets += octets
        self.look()

    def terminal_changed(self, circuits: TerminalCircuits) -> None:
        self._tell(circuits)

    def fault_received(self, fault: PortFault) -> None:
        self._tell((len(self.octets), fault))

    def settings_changed(self, settings: PortSettings) -> None:
        self._tell(settings)

    def port_lost(self, loss: PortLoss) -> None:
        self.losses.append(loss)
        self._tell("lost")

    def is_up(self) -> Deferred[None]:
        return self.until(lambda: bool(self.ports))

    def is_lost(self) -> Deferred[None]:
        return self.until(lambda: bool(self.losses))

    def has(self, count: int) -> Deferred[None]:
        return self.until(lambda: len(self.octets) >= count)

    def heard(self, what: object) -> Deferred[None]:
        return self.until(lambda: what in self.story)

    def _tell(self, what: object) -> None:
        self.story.append(what)
        self.look()


@dataclass
class Script:
    """The far end of a connection: octets kept as they are, answers as written.

    Attributes:
        answers: When the octets so far contain a key, its value is sent once.
    """

    answers: dict[bytes, bytes] = field(default_factory=dict)
    octets: bytes = b""
    lines: list[Line] = field(default_factory=list)
    losses: list[LineLoss] = field(default_factory=list)
    greeting: bytes = b""
    hangs_up: bool = False

    @property
    def line(self) -> Line:
        return self.lines[0]

    def line_up(self, line: Line) -> None:
        self.lines.append(line)
        line.send(self.greeting)
        if self.hangs_up:
            line.drop()

    def octets_received(self, octets: bytes) -> None:
        self.octets += octets
        for asked in [key for key in self.answers if key in self.octets]:
            self.line.send(self.answers.pop(asked))

    def line_lost(self, loss: LineLoss) -> None:
        self.losses.append(loss)


def opener(
    clock: Clock,
    exchange: VirtualExchange,
    settings: PortSettings | None = None,
    parameters: Rfc2217Parameters | None = None,
) -> Rfc2217Opener:
    """Make an opener that calls whoever listens at `exchange`, in virtual time."""
    reactor = cast("MonotonicReactor", clock)
    return Rfc2217Opener(
        reactor,
        "server",
        7000,
        settings or PortSettings(),
        parameters or Rfc2217Parameters(),
        through=exchange,
    )


def access_server(
    clock: Clock,
    exchange: VirtualExchange,
    parameters: AccessParameters | None = None,
) -> AccessServer:
    """Make an access server at `exchange`, in virtual time."""
    reactor = cast("MonotonicReactor", clock)
    return AccessServer(
        reactor, "server", 7000, parameters or AccessParameters(), through=exchange
    )


def listener(clock: Clock, exchange: VirtualExchange) -> Rfc2217Listener:
    """Make a listener of lines at `exchange`, in virtual time."""
    reactor = cast("MonotonicReactor", clock)
    return Rfc2217Listener(reactor, "server", 7000, through=exchange)

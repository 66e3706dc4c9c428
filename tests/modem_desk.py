"""Terminals, emulated modems and a telephone network in virtual time."""

from dataclasses import dataclass, field

from twisted.internet.task import Clock

from hw.modem.book import PhoneBook
from hw.modem.emulated import EmulatedModem
from hw.modem.escape import EscapeMethod
from hw.modem.network import PhoneNetwork
from hw.modem.news import ModemNews
from hw.modem.profile import ProfileStore
from hw.modem.results import BIT_S_MAX
from hw.ports.port import (
    ModemCircuits,
    Port,
    PortFault,
    PortLoss,
    TerminalCircuits,
)
from hw.ports.settings import PortSettings
from hw.ports.virtual import VirtualPortPair
from tests.reactor import step

ON = TerminalCircuits(request_to_send=True, terminal_ready=True)
DTR_OFF = TerminalCircuits(request_to_send=True, terminal_ready=False)


@dataclass
class Terminal:
    """Somebody at a terminal: types, and writes down what comes."""

    octets: bytes = b""
    circuits: list[ModemCircuits] = field(default_factory=list)
    faults: list[PortFault] = field(default_factory=list)
    losses: list[PortLoss] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)

    @property
    def port(self) -> Port:
        return self.ports[-1]

    def port_up(self, port: Port) -> None:
        self.ports.append(port)

    def octets_received(self, octets: bytes) -> None:
        self.octets += octets

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        self.circuits.append(circuits)

    def fault_received(self, fault: PortFault) -> None:
        self.faults.append(fault)

    def port_lost(self, loss: PortLoss) -> None:
        self.losses.append(loss)


class ModemDesk:
    """A modem with its port, and a terminal that may be at it."""

    def __init__(
        self,
        clock: Clock,
        network: PhoneNetwork,
        number: str,
        *,
        has_circuits: bool = True,
        baud: int = 115_200,
        profiles: ProfileStore | None = None,
        bit_s_max: int = BIT_S_MAX,
        escape: EscapeMethod = EscapeMethod.GUARD_TIME,
        pending_octets_max: int = 65_536,
    ) -> None:
        self.clock = clock
        self.news: list[ModemNews] = []
        self.pair = VirtualPortPair(
            clock,
            PortSettings(baud),
            name=f"port {number}",
            has_circuits=has_circuits,
            pending_octets_max=pending_octets_max,
        )
        self.modem = EmulatedModem(
            clock,
            network.line(number),
            profiles,
            bit_s_max=bit_s_max,
            escape=escape,
            on_news=self.news.append,
        )
        self.pair.attach(self.modem)
        self.terminal = Terminal()

    def sit_down(self) -> "ModemDesk":
        """Open the port, with DTR on."""
        self.pair.opener.open(self.terminal)
        self.wait(0.01)
        self.terminal.port.set_circuits(ON)
        self.wait(0.01)
        return self

    def wait(self, seconds: float) -> None:
        """Let time pass, from one due time to the next."""
        until_s = self.clock.seconds() + seconds
        while due := self.clock.getDelayedCalls():
            if min(call.getTime() for call in due) > until_s:
                break
            step(self.clock)
        self.clock.advance(until_s - self.clock.seconds())

    def type(self, octets: bytes, wait_s: float = 0.3) -> bytes:
        """Send octets and give what comes back, without what came before."""
        before = len(self.terminal.octets)
        self.terminal.port.send(octets)
        self.wait(wait_s)
        return self.terminal.octets[before:]

    def say(self, command: str, wait_s: float = 0.3) -> str:
        """Type a command line to a modem that does not echo; give its answer."""
        return self.type(command.encode() + b"\r", wait_s).decode("latin-1").strip()


def two_desks(book: PhoneBook | None = None) -> tuple[ModemDesk, ModemDesk]:
    """Two terminals with modems on one network, numbers 111 and 222, without echo."""
    clock = Clock()
    network = PhoneNetwork(clock, book)
    desks = (
        ModemDesk(clock, network, "111").sit_down(),
        ModemDesk(clock, network, "222").sit_down(),
    )
    for desk in desks:
        desk.say("ATE0")
    return desks


def connected() -> tuple[ModemDesk, ModemDesk]:
    """Two desks in a call; nothing else was said."""
    calling, called = two_desks()
    called.say("ATS0=1")
    calling.say("ATD222", 20)
    called.wait(0.0)
    for desk in (calling, called):
        desk.terminal.octets = b""
    return calling, called


def one_desk(
    book: PhoneBook | None = None,
    *,
    profiles: ProfileStore | None = None,
    escape: EscapeMethod = EscapeMethod.GUARD_TIME,
    echo: bool = False,
) -> ModemDesk:
    """One terminal with a modem whose network has nobody else."""
    clock = Clock()
    network = PhoneNetwork(clock, book)
    desk = ModemDesk(clock, network, "111", profiles=profiles, escape=escape)
    desk.sit_down()
    if not echo:
        desk.say("ATE0")
        desk.terminal.octets = b""
    return desk

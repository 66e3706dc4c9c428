"""A post office and a recharge server with modems, on one telephone network.

machine - driver - port - cable - modem - line - modem - port - driver - server

Everything is the product's own but the `Cable` between port and modem, which a test may
have act up: the modem hangs, is pulled out, or octets that nobody sent come in between.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hw.lines.port import Call, LineUser
from hw.modem.book import PhoneBook, parse_phone_book
from hw.modem.dialler import ModemDialler
from hw.modem.emulated import EmulatedModem
from hw.modem.listener import ModemListener
from hw.modem.network import PhoneNetwork
from hw.modem.results import ResultCode
from hw.modem.settings import ModemSettings
from hw.ports.port import (
    ModemCircuits,
    ModemPort,
    PortFault,
    PortLoss,
    PortLossCause,
    TerminalCircuits,
)
from hw.ports.settings import PortSettings
from tests.modem_desk import ModemDesk
from tests.redialling import Redials, redial
from tests.system import System

MACHINE = "111"
SERVER = "222"

Change = Callable[[bytes], bytes]


def as_it_is(octets: bytes) -> bytes:
    return octets


class Cable:
    """Between a port and its modem; counts the data of calls, and may act up."""

    def __init__(self, modem: EmulatedModem) -> None:
        self.to_modem: Change = as_it_is
        self.to_terminal: Change = as_it_is
        self.hangs = False
        """The modem says and hears nothing more; its circuits stay as they are."""
        self._modem = modem
        self._port: ModemPort | None = None

    def switch_off_and_on(self) -> None:
        """What helps against a modem that hangs."""
        self._modem.port_lost(PortLoss(PortLossCause.CLOSED_HERE))
        self.hangs = False
        self._modem.port_up(self)

    def drop_carrier(self) -> None:
        """Have the modem hang up of itself, and tell so."""
        self._modem.hang_up()
        self._modem.call_result(ResultCode.NO_CARRIER)

    @property
    def is_in_call(self) -> bool:
        return self._modem.is_connected

    @property
    def name(self) -> str:
        return "" if self._port is None else self._port.name

    @property
    def terminal(self) -> TerminalCircuits | None:
        return None if self._port is None else self._port.terminal

    @property
    def waiting_octets(self) -> int:
        return 0 if self._port is None else self._port.waiting_octets

    def send(self, octets: bytes) -> None:
        # What the octets bring about may be that they are not heard.
        heard = self.to_terminal(octets)
        if self._port is not None and not self.hangs:
            self._port.send(heard)

    def set_circuits(self, circuits: ModemCircuits) -> None:
        if self._port is not None and not self.hangs:
            self._port.set_circuits(circuits)

    def close(self) -> None:
        if self._port is not None:
            self._port.close()

    def port_up(self, port: ModemPort) -> None:
        self._port = port
        self._modem.port_up(self)

    def octets_received(self, octets: bytes) -> None:
        heard = self.to_modem(octets)
        if not self.hangs:
            self._modem.octets_received(heard)

    def terminal_changed(self, circuits: TerminalCircuits) -> None:
        if not self.hangs:
            self._modem.terminal_changed(circuits)

    def fault_received(self, fault: PortFault) -> None:
        if not self.hangs:
            self._modem.fault_received(fault)

    def settings_changed(self, settings: PortSettings) -> None:
        if not self.hangs:
            self._modem.settings_changed(settings)

    def port_lost(self, loss: PortLoss) -> None:
        self._port = None
        self._modem.port_lost(loss)


@dataclass
class Office:
    """A machine at number 111, and a server at 222, with their modems."""

    system: System
    book: str = ""
    baud: int = 115_200
    has_circuits: bool = True
    cables: dict[str, Cable] = field(default_factory=dict)
    desks: dict[str, ModemDesk] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        reactor = self.system.reactor
        self.network = PhoneNetwork(reactor, parse_phone_book(self.book))
        for number in (MACHINE, SERVER):
            desk = self.desks[number] = ModemDesk(
                reactor,
                self.network,
                number,
                baud=self.baud,
                has_circuits=self.has_circuits,
            )
            self.cables[number] = Cable(desk.modem)
            self.plug_in(number)
        ModemListener(
            reactor,
            self.desks[SERVER].pair.opener,
            ModemSettings(),
            on_trouble=self.trouble.append,
        ).listen(self.system.exchange.answer)
        self.wait(2)

    @property
    def dialler(self) -> ModemDialler:
        opener = self.desks[MACHINE].pair.opener
        return ModemDialler(self.system.reactor, opener, ModemSettings(SERVER))

    def plug_in(self, number: str) -> None:
        self.desks[number].pair.plug_in()
        self.desks[number].pair.attach(self.cables[number])

    def wait(self, seconds: float) -> None:
        self.desks[MACHINE].wait(seconds)

    def later(self, seconds: float, deed: Callable[[], object]) -> None:
        self.system.reactor.callLater(seconds, deed)

    def at_octet(self, number: str, octet: int, deed: Callable[[], object]) -> None:
        """Do something at an octet of a call, of both ways, once."""
        cable = self.cables[number]
        passed = 0
        done = False

        def count(octets: bytes) -> bytes:
            nonlocal passed, done
            passed += len(octets) if cable.is_in_call else 0
            if passed > octet and not done:
                done = True
                self.later(0, deed)
            return octets

        cable.to_modem = cable.to_terminal = count

    def put_in(self, number: str, octet: int, strangers: bytes) -> None:
        """Put octets that nobody sent at a place of each way's data, once."""
        cable = self.cables[number]

        def changed() -> Change:
            left: int | None = octet

            def change(octets: bytes) -> bytes:
                nonlocal left
                is_data = cable.is_in_call and not octets.startswith(b"\r\nCONNECT")
                if left is None or not is_data:
                    return octets
                if len(octets) <= left:
                    left -= len(octets)
                    return octets
                place, left = left, None
                return octets[:place] + strangers + octets[place:]

            return change

        cable.to_modem, cable.to_terminal = changed(), changed()

    def redial(self, attempts: int = 10) -> Redials:
        return redial(self.system, dialler=self.dialler, attempts=attempts)


class ManyBooks:
    """Dials, each time with another phone book, and at last with an empty one."""

    def __init__(self, office: Office, *books: str) -> None:
        self._office = office
        self._books = [parse_phone_book(book) for book in books]

    def dial(self, user: LineUser) -> Call:
        book = self._books.pop(0) if self._books else PhoneBook()
        self._office.network.book = book
        return self._office.dialler.dial(user)

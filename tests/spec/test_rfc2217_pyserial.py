"""An unmodified pyserial client at our access server: real sockets, its own threads."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import serial
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThreadPool

from hw.lines.build import build_listener
from hw.lines.port import LossCause
from hw.lines.strings import parse_line_string
from hw.ports.port import ModemCircuits, PortFault, TerminalCircuits
from hw.ports.rfc2217.access import AccessServer
from hw.ports.rfc2217.listener import ON_LINE
from hw.ports.settings import FlowControl, Parity, PortSettings
from hw.reactor import MonotonicReactor
from tests.line_user import RecordingUser
from tests.reactor import run_on_reactor
from tests.spec.rfc2217_parties import Modem

# pyserial 3.5 calls methods of threads that Python 3.10 has deprecated.
pytestmark = pytest.mark.filterwarnings(
    "ignore:set(Daemon|Name)..:DeprecationWarning:serial"
)

Story = Callable[["Desk"], None]

KIB_64 = bytes(range(256)) * 256
TIMEOUT_S = 30
NEGOTIATION = "timeout=15"
"""Of pyserial, whose own time-out is 3 s: a process may be stopped for so long."""


class Desk:
    """What the thread of a client asks of the modem's end, in the reactor's thread."""

    def __init__(self, reactor: MonotonicReactor, server: AccessServer) -> None:
        self.reactor = reactor
        self.server = server
        self.modem = Modem()

    def open(self, options: str = f"?{NEGOTIATION}", **settings: Any) -> Any:
        """Open a port as any program does; what it is depends on the URL."""
        url = self.server.address.replace("rfc2217:", "rfc2217://", 1) + options
        return serial.serial_for_url(url, timeout=TIMEOUT_S, **settings)

    def until_heard(self, what: object) -> None:
        self._until(lambda: self.modem.heard(what))

    def until_received(self, octets: int) -> None:
        self._until(lambda: self.modem.has(octets))

    def _until(self, wait: Callable[[], Deferred[None]]) -> None:
        # A thread that waits for ever would hold up the end of the reactor.
        def wait_in_time() -> Deferred[None]:
            return wait().addTimeout(TIMEOUT_S, self.reactor)

        blockingCallFromThread(self.reactor, cast("Callable[[], Any]", wait_in_time))

    def set(self, circuits: ModemCircuits) -> None:
        """Set circuits, and send an octet by which the client knows that they came."""

        def do() -> None:
            self.modem.port.set_circuits(circuits)
            self.modem.port.send(b"!")

        blockingCallFromThread(self.reactor, do)

    def send(self, octets: bytes) -> None:
        blockingCallFromThread(self.reactor, lambda: self.modem.port.send(octets))


def _speaks_to_pyserial(story: Story) -> Modem:
    async def scenario(reactor: MonotonicReactor) -> Modem:
        server = AccessServer(reactor, "127.0.0.1", 0)
        desk = Desk(reactor, server)
        server.listen(lambda _caller: desk.modem)
        await deferToThreadPool(reactor, reactor.getThreadPool(), story, desk)
        await desk.modem.is_lost()
        server.close()
        return desk.modem

    return run_on_reactor(scenario)


def test_its_settings_are_seen() -> None:
    def story(desk: Desk) -> None:
        with desk.open(
            baudrate=1200, bytesize=7, parity="E", stopbits=2, rtscts=True
        ) as port:
            desk.until_heard(PortSettings(1200, 7, Parity.EVEN, 2, FlowControl.RTS_CTS))
            port.rtscts = False
            port.baudrate = 115_200
            desk.until_heard(PortSettings(115_200, 7, Parity.EVEN, 2))

    _speaks_to_pyserial(story)


def test_a_setting_that_no_port_of_ours_has_is_refused() -> None:
    def story(desk: Desk) -> None:
        with pytest.raises(ValueError, match="rejected value for option 'baudrate'"):
            desk.open(baudrate=1234)

    _speaks_to_pyserial(story)


def test_its_dtr_and_rts_are_seen_and_it_sees_our_circuits() -> None:
    def story(desk: Desk) -> None:
        with desk.open() as port:
            both = TerminalCircuits(request_to_send=True, terminal_ready=True)
            desk.until_heard(both)
            assert not any((port.cd, port.ri, port.cts, port.dsr))
            port.dtr = False
            desk.until_heard(TerminalCircuits(request_to_send=True))
            desk.set(ModemCircuits(ringing=True))
            assert port.read(1) == b"!"
            assert port.ri
            assert not port.cd
            desk.set(ON_LINE)
            assert port.read(1) == b"!"
            assert (port.cts, port.dsr, port.cd, port.ri) == (True, True, True, False)
            desk.set(ModemCircuits())
            assert port.read(1) == b"!"
            assert not port.cd

    modem = _speaks_to_pyserial(story)
    assert modem.story[-1] == "lost"


def test_its_break_is_heard_in_its_place() -> None:
    def story(desk: Desk) -> None:
        with desk.open() as port:
            port.write(b"abc")
            port.break_condition = True
            port.break_condition = False
            port.write(b"d")
            desk.until_received(4)
            desk.until_heard((3, PortFault.BREAK))

    assert _speaks_to_pyserial(story).octets == b"abcd"


def test_every_octet_value_passes_both_ways_64_kib_at_once() -> None:
    def story(desk: Desk) -> None:
        with desk.open(baudrate=115_200) as port:
            desk.send(KIB_64)
            port.write(KIB_64)
            desk.until_received(len(KIB_64))
            assert port.read(len(KIB_64)) == KIB_64

    assert _speaks_to_pyserial(story).octets == KIB_64


def test_a_client_that_polls_the_modem_state_is_answered() -> None:
    def story(desk: Desk) -> None:
        with desk.open(f"?poll_modem&{NEGOTIATION}") as port:
            desk.set(ModemCircuits(carrier=True))
            assert port.read(1) == b"!"
            assert port.cd

    _speaks_to_pyserial(story)


class Talker(RecordingUser):
    """Says twenty octets when it is asked."""

    def octets_received(self, octets: bytes) -> None:
        super().octets_received(octets)
        self.line.send(bytes(range(20)))


def test_it_sees_the_carrier_of_our_virtual_line_come_and_go() -> None:
    # The carrier is lost after the tenth octet to the client.
    line = "virtual:speed=9600:cut_down=10:rfc2217:127.0.0.1:0"
    seen: list[tuple[bytes, bool]] = []

    def client(url: str) -> None:
        with serial.serial_for_url(url, timeout=TIMEOUT_S) as port:
            seen.append((b"", port.cd))
            port.write(b"?")
            seen.append((port.read(20), port.cd))

    async def scenario(reactor: MonotonicReactor) -> None:
        listener = build_listener(reactor, parse_line_string(line))
        user = Talker()
        listener.listen(lambda _caller: user)
        url = listener.address.replace("rfc2217:", "rfc2217://", 1) + f"?{NEGOTIATION}"
        await deferToThreadPool(reactor, reactor.getThreadPool(), client, url)
        await user.is_lost()
        assert user.loss.cause is LossCause.CARRIER_LOST
        listener.close()

    run_on_reactor(scenario)
    assert seen == [(b"", True), (bytes(range(10)), False)]

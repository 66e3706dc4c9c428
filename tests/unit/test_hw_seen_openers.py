"""A line that comes out of a port is recorded at the port: modem, circuits, faults."""

from pathlib import Path

from fm_device.dial_in import DialInReport
from fm_device.program import dial
from hw.capture import LineEvent, NoFrame
from hw.modem.book import parse_phone_book
from hw.modem.dialler import ModemDialler
from hw.modem.listener import ModemListener
from hw.modem.network import PhoneNetwork
from hw.modem.settings import ModemSettings
from hw.ports.port import (
    ModemCircuits,
    Port,
    PortCall,
    PortFault,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.seen.lines import RecordedDialler
from hw.seen.openers import RecordedOpener
from hw.seen.tap import Tap
from protocol.dialogue.machine import Outcome
from tests.modem_desk import ModemDesk
from tests.seen import DOWN, UP, SeenSink
from tests.system import RUPEES_2000, System, new_system

BOOK = '[[number]]\ndial = "222"\nspeed = 33600\n'


class _User:
    """A user of a port that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.port: Port

    def port_up(self, port: Port) -> None:
        self.port = port
        self.told.append("up")

    def octets_received(self, octets: bytes) -> None:
        self.told.append(octets)

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        self.told.append(circuits)

    def fault_received(self, fault: PortFault) -> None:
        self.told.append(fault)

    def port_lost(self, loss: PortLoss) -> None:
        self.told.append(loss)


class _Port:
    """A port in the test's hands: opener, call and port in one."""

    name = "ttyS0"
    circuits = ModemCircuits(carrier=True)
    waiting_octets = 7

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.user: PortUser

    def open(self, user: PortUser) -> PortCall:
        self.user = user
        return self

    def close(self) -> None:
        self.asked.append("close")

    def send(self, octets: bytes) -> None:
        self.asked.append(octets)

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        self.asked.append(circuits)

    def send_break(self, duration_s: float) -> None:
        self.asked.append(duration_s)


def recharge_by_modem(system: System, sink: SeenSink) -> DialInReport:
    network = PhoneNetwork(system.reactor, parse_phone_book(BOOK))
    office, server = (
        ModemDesk(system.reactor, network, number, baud=9600, has_circuits=True)
        for number in ("111", "222")
    )
    ModemListener(system.reactor, server.pair.opener, ModemSettings()).listen(
        system.exchange.answer
    )
    office.wait(2)
    tap = Tap(sink)
    opener = RecordedOpener(office.pair.opener, tap)
    dialler = ModemDialler(system.reactor, opener, ModemSettings("222"))
    ended: list[DialInReport] = []
    recorded = RecordedDialler(dialler, tap, "modem")
    dial(system.psd(), RUPEES_2000, recorded, system.reactor).addCallback(ended.append)
    system.run(lambda: bool(ended))
    return ended[0]


def test_a_call_by_modem_is_recorded_with_what_the_modem_was_told_and_said(
    tmp_path: Path,
) -> None:
    sink = SeenSink()
    report = recharge_by_modem(new_system(tmp_path / "system"), sink)
    assert report.outcome is Outcome.CONFIRMED
    beside = [one for one in sink.others if one[1] is NoFrame.BESIDE]
    up = b"".join(octets for way, _, octets in beside if way is UP)
    down = b"".join(octets for way, _, octets in beside if way is DOWN)
    assert b"222\r" in up
    assert b"OK" in down
    kept = [
        one
        for one in zip(sink.events, sink.words, strict=True)
        if one[0] not in {LineEvent.CIRCUITS, LineEvent.REMARK}
    ]
    events = [event for event, _ in kept]
    assert events == [
        *(LineEvent.DIALLED, LineEvent.CONNECT, LineEvent.UP, LineEvent.LINK_UP),
        *(LineEvent.LINK_DOWN, LineEvent.LOST),
    ]
    assert kept[1][1].startswith("CONNECT ")
    assert any("DCD" in words for words in sink.words)
    frames = [octets for _, octets in sink.frames]
    assert frames[0] == b"\x01\x3f"
    assert len(frames) == len({*frames}), "no frame is recorded twice"


def test_a_recorded_port_passes_everything_on_and_records_it() -> None:
    sink, port, user = SeenSink(), _Port(), _User()
    opener = RecordedOpener(port, Tap(sink))
    opener.open(user).close()
    assert opener.name == "ttyS0"
    port.user.port_up(port)
    port.user.octets_received(b"OK\r")
    port.user.circuits_changed(ModemCircuits(carrier=True))
    port.user.fault_received(PortFault.BREAK)
    user.port.send(b"AT\r")
    user.port.set_circuits(TerminalCircuits(request_to_send=True))
    user.port.send_break(0.3)
    user.port.close()
    assert (user.port.name, user.port.waiting_octets) == ("ttyS0", 7)
    assert user.port.circuits == ModemCircuits(carrier=True)
    loss = PortLoss(PortLossCause.CLOSED_HERE)
    port.user.port_lost(loss)
    assert user.told == [
        *("up", b"OK\r", ModemCircuits(carrier=True), PortFault.BREAK, loss),
    ]
    assert port.asked == [
        *("close", b"AT\r", TerminalCircuits(request_to_send=True), 0.3, "close"),
    ]
    assert sink.others == [
        (DOWN, NoFrame.BESIDE, b"OK\r"),
        (UP, NoFrame.BESIDE, b"AT\r"),
    ]
    assert sink.events == [
        *(LineEvent.CIRCUITS, LineEvent.BREAK, LineEvent.BREAK, LineEvent.REMARK),
    ]

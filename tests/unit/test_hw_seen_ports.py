"""A tap of two serial ports listens, and only listens."""

from hw.capture import LineEvent, NoFrame
from hw.ports.port import (
    ModemCircuits,
    PortFault,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.seen.ports import PortTap
from hw.seen.tap import Tap
from protocol.link.framing import Stuffing, flagged
from tests.seen import DOWN, UP, SeenSink

FRAME = flagged([Stuffing().encode(b"\x01\x3f")])
LOSS = PortLoss(PortLossCause.UNPLUGGED)


class _Port:
    """A port in the test's hands: opener, call and port in one."""

    circuits = ModemCircuits()
    waiting_octets = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = 0
        self.user: PortUser

    def open(self, user: PortUser) -> "_Port":
        self.user = user
        return self

    def close(self) -> None:
        self.closed += 1

    def send(self, octets: bytes) -> None:
        raise AssertionError("a tap that sends")

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        raise AssertionError("a tap that sets circuits")

    def send_break(self, duration_s: float) -> None:
        raise AssertionError("a tap that sends BREAK")


class _Tapped:
    def __init__(self) -> None:
        self.sink = SeenSink()
        self.ends: list[str] = []
        self.machine, self.server = _Port("ttyUSB0"), _Port("ttyUSB1")
        self.tap = PortTap(Tap(self.sink), self.ends.append)
        self.tap.open(self.machine, self.server)
        for port in (self.machine, self.server):
            port.user.port_up(port)


def test_each_port_is_one_direction() -> None:
    tapped = _Tapped()
    tapped.server.user.octets_received(FRAME)
    tapped.machine.user.octets_received(FRAME)
    assert tapped.sink.frames == [(DOWN, b"\x01\x3f"), (UP, b"\x01\x3f")]
    assert tapped.sink.words == ["ttyUSB0", "ttyUSB1"]


def test_faults_and_circuits_become_events() -> None:
    tapped = _Tapped()
    for fault in PortFault:
        tapped.machine.user.fault_received(fault)
    tapped.machine.user.circuits_changed(ModemCircuits())
    tapped.machine.user.circuits_changed(
        ModemCircuits(carrier=True, clear_to_send=True, ringing=True)
    )
    assert tapped.sink.events[2:] == [
        LineEvent.BREAK,
        LineEvent.PARITY,
        LineEvent.FRAMING,
        LineEvent.OVERRUN,
        LineEvent.CIRCUITS,
        LineEvent.CIRCUITS,
    ]
    assert tapped.sink.words[-2:] == ["none", "CTS DCD RI"]


def test_the_loss_of_one_port_ends_both_and_is_told_once() -> None:
    tapped = _Tapped()
    tapped.server.user.octets_received(b"\x7e\x01\x02")
    tapped.server.user.port_lost(LOSS)
    assert tapped.sink.others == [(DOWN, NoFrame.UNFINISHED, b"\x01\x02")]
    assert (tapped.machine.closed, tapped.server.closed) == (1, 1)
    tapped.machine.user.port_lost(PortLoss(PortLossCause.CLOSED_HERE))
    assert tapped.ends == ["ttyUSB1: unplugged"]
    assert tapped.sink.events[-2:] == [LineEvent.LOST, LineEvent.LOST]

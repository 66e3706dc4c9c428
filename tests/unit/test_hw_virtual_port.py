"""The virtual port: pace, circuits, BREAK, flow control, and being pulled out."""

import pytest
from twisted.internet.task import Clock

from hw.ports.port import (
    ModemCircuits,
    ModemPort,
    PortFault,
    PortLoss,
    PortLossCause,
    TerminalCircuits,
)
from hw.ports.settings import FlowControl, Parity, PortSettings
from hw.ports.virtual import CLOSE_TIMEOUT_S, VirtualPortPair
from tests.modem_desk import ON, Terminal

READY = ModemCircuits(clear_to_send=True, data_set_ready=True)


class Modem:
    """Writes down what the modem's end hears."""

    def __init__(self) -> None:
        self.port: ModemPort
        self.octets = b""
        self.seen: list[TerminalCircuits] = []
        self.faults: list[PortFault] = []
        self.settings: list[PortSettings] = []
        self.losses: list[PortLoss] = []

    def port_up(self, port: ModemPort) -> None:
        self.port = port

    def octets_received(self, octets: bytes) -> None:
        self.octets += octets

    def terminal_changed(self, circuits: TerminalCircuits) -> None:
        self.seen.append(circuits)

    def fault_received(self, fault: PortFault) -> None:
        self.faults.append(fault)

    def settings_changed(self, settings: PortSettings) -> None:
        self.settings.append(settings)

    def port_lost(self, loss: PortLoss) -> None:
        self.losses.append(loss)


class Cable:
    def __init__(
        self, settings: PortSettings | None = None, *, has_circuits: bool = True
    ) -> None:
        self.clock = Clock()
        self.pair = VirtualPortPair(self.clock, settings, has_circuits=has_circuits)
        self.modem = Modem()
        self.terminal = Terminal()
        self.pair.attach(self.modem)
        self.pair.opener.open(self.terminal)
        self.clock.advance(0)

    def wait(self, seconds: float) -> None:
        steps = max(1, int(seconds * 1000))
        self.clock.pump([seconds / steps] * steps)


@pytest.mark.parametrize(
    ("settings", "octets_per_s"),
    [
        (PortSettings(9600), 960),
        (PortSettings(115_200), 11_520),
        (PortSettings(1200, parity=Parity.EVEN, stop_bits=2), 100),
    ],
)
def test_octets_take_the_time_of_their_bits(
    settings: PortSettings, octets_per_s: int
) -> None:
    cable = Cable(settings)
    cable.terminal.port.send(bytes(octets_per_s))
    cable.modem.port.send(bytes(octets_per_s))
    cable.wait(0.9)
    assert len(cable.modem.octets) < octets_per_s
    assert cable.terminal.port.waiting_octets > 0
    cable.wait(0.11)
    assert len(cable.modem.octets) == len(cable.terminal.octets) == octets_per_s
    assert cable.modem.port.waiting_octets == 0


def test_each_end_sees_the_circuits_of_the_other() -> None:
    cable = Cable()
    assert cable.terminal.port.circuits == ModemCircuits()
    cable.modem.port.set_circuits(READY)
    cable.terminal.port.set_circuits(ON)
    assert cable.terminal.circuits == []
    assert cable.modem.seen == []
    cable.wait(0.001)
    assert cable.terminal.circuits == [READY]
    assert cable.modem.seen == [ON]
    assert cable.terminal.port.circuits == READY
    assert cable.modem.port.terminal == ON


def test_a_cable_of_three_wires_has_none() -> None:
    cable = Cable(has_circuits=False)
    assert cable.terminal.port.circuits is None
    assert cable.modem.port.terminal is None
    cable.modem.port.set_circuits(READY)
    cable.terminal.port.set_circuits(ON)
    cable.wait(0.01)
    assert cable.terminal.circuits == []
    assert cable.modem.seen == []


def test_a_break_stands_where_it_was_sent() -> None:
    cable = Cable()
    cable.terminal.port.send(b"before")
    cable.terminal.port.send_break(0.25)
    cable.terminal.port.send(b"after")
    cable.wait(0.2)
    assert (cable.modem.octets, cable.modem.faults) == (b"before", [])
    cable.wait(0.06)
    assert cable.modem.faults == [PortFault.BREAK]
    cable.wait(0.1)
    assert cable.modem.octets == b"beforeafter"


def test_an_end_that_is_not_ready_is_sent_a_buffer_at_most() -> None:
    cable = Cable(PortSettings(115_200, flow=FlowControl.RTS_CTS))
    cable.terminal.port.send(bytes(100))
    cable.wait(0.1)
    assert cable.modem.octets == b""
    cable.modem.port.set_circuits(READY)
    cable.wait(0.004)
    cable.modem.port.set_circuits(ModemCircuits())
    cable.wait(1)
    assert 16 <= len(cable.modem.octets) < 80
    cable.modem.port.set_circuits(READY)
    cable.wait(0.1)
    assert cable.modem.octets == bytes(100)


def test_the_settings_are_told_to_the_modem() -> None:
    assert Cable(PortSettings(2400)).modem.settings == [PortSettings(2400)]


def test_a_port_that_is_pulled_out_is_lost_at_both_ends_and_not_there() -> None:
    cable = Cable()
    cable.terminal.port.send(bytes(10))
    cable.pair.unplug()
    assert cable.terminal.losses == []
    cable.wait(0.1)
    unplugged = PortLoss(PortLossCause.UNPLUGGED)
    assert cable.terminal.losses == cable.modem.losses == [unplugged]
    assert cable.modem.octets == b""
    again = Terminal()
    cable.pair.opener.open(again)
    cable.wait(0.01)
    assert again.losses == [PortLoss(PortLossCause.NOT_THERE, "virtual port")]
    cable.pair.plug_in()
    last = Terminal()
    cable.pair.opener.open(last)
    cable.wait(0.01)
    assert last.ports
    assert not last.losses


def test_a_port_is_opened_by_one_at_a_time() -> None:
    cable = Cable()
    second = Terminal()
    cable.pair.opener.open(second)
    cable.wait(0.01)
    assert second.losses == [PortLoss(PortLossCause.IN_USE, "virtual port")]
    cable.terminal.port.set_circuits(ON)
    cable.terminal.port.send(b"last words")
    cable.terminal.port.close()
    cable.wait(0.1)
    assert cable.terminal.losses == [PortLoss(PortLossCause.CLOSED_HERE)]
    assert cable.modem.octets == b"last words"
    assert cable.modem.seen[-1] == TerminalCircuits()
    third = Terminal()
    cable.pair.opener.open(third)
    cable.wait(0.01)
    assert third.ports


def test_a_close_does_not_wait_for_ever() -> None:
    cable = Cable(PortSettings(300, flow=FlowControl.RTS_CTS))
    cable.terminal.port.send(bytes(100))
    cable.terminal.port.close()
    cable.wait(CLOSE_TIMEOUT_S + 1)
    assert cable.terminal.losses == [PortLoss(PortLossCause.CLOSED_HERE)]


def test_a_modem_that_is_off_answers_nobody() -> None:
    cable = Cable()
    cable.modem.port.set_circuits(READY)
    cable.wait(0.01)
    cable.modem.port.close()
    cable.wait(0.01)
    assert cable.terminal.circuits[-1] == ModemCircuits()
    assert cable.modem.losses == [PortLoss(PortLossCause.CLOSED_HERE)]
    cable.terminal.port.send(b"AT\r")
    cable.wait(1)
    assert not cable.terminal.losses

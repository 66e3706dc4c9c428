"""A terminal at an emulated modem over a null modem cable, or over a line."""

import pytest
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import LineError
from hw.lines.strings import parse_line_string
from hw.lines.virtual import VirtualLineParameters
from hw.modem.attaching import (
    REOPEN_AFTER_TROUBLE_S,
    CrossedPort,
    TerminalLines,
    attach,
)
from hw.modem.book import parse_phone_book
from hw.modem.emulated import EmulatedModem
from hw.modem.network import PhoneNetwork
from hw.modem.news import ModemNews
from hw.ports.null_modem import NullModem
from hw.reactor import MonotonicReactor
from tests.line_user import RecordingUser
from tests.modem_desk import DTR_OFF, ON, ModemDesk, Terminal

BOOK = parse_phone_book('[[number]]\ndial="1"\noutcome="busy"')


class Bench:
    def __init__(self) -> None:
        self.clock = Clock()
        self.network = PhoneNetwork(self.clock, BOOK)
        self.news: list[ModemNews] = []
        self.modem = EmulatedModem(
            self.clock, self.network.line("111"), on_news=self.news.append
        )
        self.far = ModemDesk(self.clock, self.network, "222").sit_down()
        self.far.say("ATE0S0=1")

    def wait(self, seconds: float) -> None:
        self.far.wait(seconds)


def test_a_null_modem_cable_carries_octets_and_crosses_the_circuits() -> None:
    bench = Bench()
    cable = NullModem(bench.clock)
    troubles: list[str] = []
    port = CrossedPort(bench.clock, cable.left, bench.modem, troubles.append)
    bench.wait(0.1)
    terminal = Terminal()
    cable.right.open(terminal)
    bench.wait(0.1)
    terminal.port.set_circuits(ON)
    bench.wait(0.1)
    terminal.port.send(b"ATE0D222\r")
    bench.wait(20)
    assert terminal.octets.endswith(b"\r\nCONNECT 33600\r\n")
    seen = terminal.circuits[-1]
    assert seen.carrier
    assert seen.clear_to_send
    bench.far.type(b"hello", 1)
    assert terminal.octets.endswith(b"hello")
    terminal.port.set_circuits(DTR_OFF)
    bench.wait(3)
    assert not terminal.circuits[-1].carrier
    assert bench.far.terminal.octets.endswith(b"NO CARRIER\r\n")
    port.close()
    bench.wait(1)
    assert bench.modem.octets_lost == 0
    assert troubles == []
    assert not bench.clock.getDelayedCalls()


def test_a_port_that_cannot_be_opened_is_told_of_once_and_tried_again() -> None:
    bench = Bench()
    cable = NullModem(bench.clock)
    cable.left.open(Terminal())
    bench.wait(0.1)
    troubles: list[str] = []
    port = CrossedPort(bench.clock, cable.left, bench.modem, troubles.append)
    bench.wait(3 * REOPEN_AFTER_TROUBLE_S)
    (trouble,) = troubles
    assert trouble.startswith("left port: in use")
    port.close()
    assert port.terminal is None
    port.send(b"nobody hears")
    assert port.waiting_octets == 0
    bench.wait(2 * REOPEN_AFTER_TROUBLE_S)
    assert not bench.clock.getDelayedCalls()


def test_a_line_brings_one_terminal_at_a_time() -> None:
    bench = Bench()
    exchange = VirtualExchange(
        bench.clock, every_call(VirtualLineParameters(bit_s=1_000_000))
    )
    lines = TerminalLines(exchange, bench.modem)
    assert lines.address == "virtual exchange"
    first, second = RecordingUser(), RecordingUser()
    exchange.dial(first)
    bench.wait(0.1)
    exchange.dial(second)
    bench.wait(0.1)
    assert second.losses
    first.line.send(b"ATE0D222\r")
    bench.wait(20)
    assert first.octets.endswith(b"\r\nCONNECT 33600\r\n")
    bench.far.type(b"hello", 1)
    assert first.octets.endswith(b"hello")
    first.line.drop()
    bench.wait(3)
    assert bench.far.terminal.octets.endswith(b"NO CARRIER\r\n")
    third = RecordingUser()
    exchange.dial(third)
    bench.wait(0.1)
    third.line.send(b"ATD1\r")
    bench.wait(10)
    assert third.octets.endswith(b"BUSY\r\n")
    lines.close()


@pytest.mark.parametrize(
    "place", ["usb:1209:0001", "virtual:speed=300:tcp:h:1", "modem:/dev/ttyS0"]
)
def test_a_modem_is_refused_where_none_can_be(place: str) -> None:
    reactor = MonotonicReactor()
    bench = Bench()
    with pytest.raises(LineError, match="it can be at pty:PATH"):
        attach(reactor, parse_line_string(place), bench.modem, lambda _words: None)
    reactor.close()

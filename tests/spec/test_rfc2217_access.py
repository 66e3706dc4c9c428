"""The access server: our client, scripted clients, and lines over it."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import LossCause
from hw.lines.virtual import VirtualLineParameters
from hw.ports.port import (
    ModemCircuits,
    PortFault,
    PortLossCause,
    TerminalCircuits,
)
from hw.ports.rfc2217.listener import ON_LINE, Rfc2217Listener
from hw.ports.rfc2217.server_port import AccessParameters, ServerPort
from hw.ports.settings import FlowControl, Parity, PortSettings
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import run_in_virtual_time, step
from tests.spec.rfc2217_parties import (
    Modem,
    Script,
    Terminal,
    access_server,
    listener,
    opener,
    said,
)

FAST = every_call(VirtualLineParameters(bit_s=1_000_000, delay_s=0.001))
DTR = TerminalCircuits(terminal_ready=True)
SPEAKS = bytes.fromhex("fffb2c fffb00 fffd00 fffb03 fffd03")
PLAIN = bytes.fromhex("fffc2c fffc00 fffe00")

Story = Callable[[], Coroutine[Deferred[Any], Any, None]]


class Office:
    """An exchange with an access server at it."""

    def __init__(self, parameters: AccessParameters | None = None) -> None:
        self.clock = Clock()
        self.exchange = VirtualExchange(self.clock, FAST)
        self.modem = Modem()
        self.server = access_server(self.clock, self.exchange, parameters)
        self.callers: list[str] = []

    def serve(self) -> None:
        def answer(caller: str) -> Modem:
            self.callers.append(caller)
            return self.modem

        self.server.listen(answer)

    def open(self, settings: PortSettings | None = None) -> Terminal:
        terminal = Terminal()
        opener(self.clock, self.exchange, settings).open(terminal)
        return terminal

    def connect(self, greeting: bytes = b"") -> Script:
        """Call as a client by script."""
        script = Script(greeting=greeting)
        self.exchange.dial(script)
        self.run(0.5)
        return script

    def play(self, story: Story) -> None:
        run_in_virtual_time(self.clock, story)

    def run(self, seconds: float) -> None:
        until = self.clock.seconds() + seconds
        while True:
            due = [call.getTime() for call in self.clock.getDelayedCalls()]
            if not due or min(due) > until:
                break
            step(self.clock)
        self.clock.advance(max(0.0, until - self.clock.seconds()))


@pytest.fixture
def office() -> Office:
    office = Office()
    office.serve()
    return office


def test_client_and_server_agree_and_the_settings_are_seen(office: Office) -> None:
    settings = PortSettings(1200, 7, Parity.EVEN, 2, FlowControl.RTS_CTS)
    terminal = office.open(settings)
    office.run(1)
    assert terminal.story == ["up"]
    assert office.modem.story[0] == "up"
    assert office.modem.story[-1] == settings
    assert terminal.port.circuits == ModemCircuits()
    assert office.modem.port.terminal == TerminalCircuits()
    assert office.modem.port.name.startswith("rfc2217:")


def test_circuits_pass_both_ways(office: Office) -> None:
    terminal = office.open()
    office.run(1)
    terminal.port.set_circuits(DTR)
    office.modem.port.set_circuits(ModemCircuits(ringing=True))
    office.run(1)
    assert office.modem.story[-1] == DTR == office.modem.port.terminal
    office.modem.port.set_circuits(ON_LINE)
    office.run(1)
    assert terminal.story == ["up", ModemCircuits(ringing=True), ON_LINE]
    terminal.port.close()
    office.run(1)
    assert office.modem.story[-2:] == [TerminalCircuits(), "lost"]
    assert office.modem.losses[0].cause is PortLossCause.CLOSED_BY_PEER
    assert terminal.losses[0].cause is PortLossCause.CLOSED_HERE


def test_octets_pass_both_ways_with_a_break_in_its_place(office: Office) -> None:
    octets = bytes(range(256)) * 4
    terminal = office.open(PortSettings(115_200))
    office.run(1)
    terminal.port.send(octets)
    terminal.port.send_break(0.1)
    terminal.port.send(octets)
    office.modem.port.send(octets)
    office.run(1)
    assert office.modem.octets == octets * 2
    assert (len(octets), PortFault.BREAK) in office.modem.story
    assert terminal.octets == octets


def test_a_close_lets_everything_leave_and_takes_the_carrier_down(
    office: Office,
) -> None:
    terminal = office.open()
    office.run(1)
    office.modem.port.set_circuits(ON_LINE)
    office.modem.port.send(bytes(3000))
    office.modem.port.close()
    office.modem.port.close()
    office.modem.port.send(b"too late")
    office.run(1)
    assert terminal.octets == bytes(3000)
    assert terminal.story == ["up", ON_LINE, ModemCircuits(), "lost"]
    assert terminal.losses[0].cause is PortLossCause.CLOSED_BY_PEER
    assert office.modem.losses[0].cause is PortLossCause.CLOSED_HERE


def test_a_second_client_is_told_that_the_port_is_in_use(office: Office) -> None:
    first = office.open()
    office.run(1)
    second = office.open()
    office.run(1)
    assert second.story == ["lost"]
    assert second.losses[0].cause is PortLossCause.IN_USE
    assert "Port already in use by rfc2217:" in second.losses[0].detail
    first.port.close()
    office.run(1)
    third = office.open()
    office.run(1)
    assert third.story == ["up"]


def test_a_client_that_nobody_answers_is_told_so() -> None:
    office = Office()
    office.server.listen(lambda _caller: None)
    terminal = office.open()
    office.run(1)
    assert terminal.story == ["lost"]
    assert "Not served now" in terminal.losses[0].detail


def test_a_plain_telnet_client_has_a_port_without_circuits(office: Office) -> None:
    client = office.connect(PLAIN + b"AT\r\0")
    assert office.modem.story == ["up"]
    assert office.modem.port.terminal is None
    assert office.modem.octets == b"AT\r"
    office.modem.port.set_circuits(ON_LINE)
    office.modem.port.send(b"OK\r\n")
    office.run(1)
    assert client.octets.endswith(b"OK\r\0\n"), "RFC 854: CR NUL without BINARY"


def test_a_client_that_says_nothing_is_up_after_a_while(office: Office) -> None:
    office.connect()
    office.run(1)
    assert office.modem.story == []
    office.run(1)
    assert office.modem.story == ["up"]
    assert office.modem.port.terminal is None


def test_a_client_may_agree_late(office: Office) -> None:
    client = office.connect(b"hello")
    assert office.modem.port.terminal is None
    client.line.send(SPEAKS + said(5, 8))
    office.run(1)
    assert office.modem.story == ["up", TerminalCircuits(), DTR]
    assert said(107, 0) in client.octets


def test_a_client_that_sends_messages_speaks_rfc_2217_agreed_or_not(
    office: Office,
) -> None:
    # pyserial 3.5, when our DO overtakes its WILL.
    client = office.connect(said(5, 8))
    assert office.modem.story == ["up", DTR]
    assert said(107, 0) in client.octets


def test_every_question_is_answered_with_what_is_in_force(office: Office) -> None:
    client = office.connect(SPEAKS)
    for asked, answer in [
        (said(1, 0, 0, 0, 0), said(101, 0, 0, 0x25, 0x80)),
        (said(1, 0, 0, 0, 7), said(101, 0, 0, 0x25, 0x80)),
        (said(1, 0, 0, 4, 0xB0), said(101, 0, 0, 4, 0xB0)),
        (said(2, 5), said(102, 8)),
        (said(3, 3), said(103, 3)),
        (said(4, 3), said(104, 1)),
        (said(5, 0), said(105, 1)),
        (said(5, 3), said(105, 3)),
        (said(5, 13), said(105, 16)),
        (said(5, 17), said(105, 3)),
        (said(5, 4), said(105, 6)),
        (said(5, 5), said(105, 5)),
        (said(5, 4), said(105, 5)),
        (said(5, 6), said(105, 6)),
        (said(5, 7), said(105, 9)),
        (said(5, 8), said(105, 8)),
        (said(5, 7), said(105, 8)),
        (said(5, 10), said(105, 12)),
        (said(5, 11), said(105, 11)),
        (said(5, 99), said(105, 3)),
        (said(6), said(106, 0)),
        (said(7), said(107, 0)),
        (said(10, 30), said(110, 30)),
        (said(11, 0xF0), said(111, 0xF0) + said(107, 0)),
        (said(12, 3), said(112, 3)),
    ]:
        before = len(client.octets)
        client.line.send(asked)
        office.run(0.5)
        assert client.octets[before:] == answer, asked.hex(" ")


def test_a_masked_circuit_is_not_notified(office: Office) -> None:
    client = office.connect(SPEAKS + said(11, 0x88))
    before = len(client.octets)
    office.modem.port.set_circuits(ModemCircuits(clear_to_send=True))
    office.run(1)
    assert client.octets[before:] == b""
    office.modem.port.set_circuits(ON_LINE)
    office.run(1)
    assert client.octets[before:] == said(107, 0x88)


def test_a_client_without_room_holds_octets_back_even_at_the_end(
    office: Office,
) -> None:
    client = office.connect(SPEAKS + said(8))
    before = len(client.octets)
    office.modem.port.send(b"held")
    office.run(1)
    assert client.octets[before:] == b""
    assert office.modem.port.waiting_octets == 4
    office.modem.port.close()
    office.run(1)
    client.line.send(said(9))
    office.run(1)
    assert client.octets[before:] == b"held"
    assert client.losses


def test_a_client_may_throw_away_what_it_has_no_room_for(office: Office) -> None:
    client = office.connect(SPEAKS + said(8))
    before = len(client.octets)
    office.modem.port.send(b"held")
    client.line.send(said(12, 1) + said(9))
    office.run(1)
    assert client.octets[before:] == said(112, 1)


def test_a_client_that_never_has_room_costs_the_port_and_not_the_memory() -> None:
    office = Office(AccessParameters(pending_octets_max=1000))
    office.serve()
    office.connect(SPEAKS + said(8))
    office.modem.port.send(bytes(1000))
    office.modem.port.send(b"x")
    office.run(20)
    assert office.modem.story == ["up", "lost"]
    assert office.modem.losses[0].cause is PortLossCause.OVERFLOW


def test_a_break_of_telnet_is_a_break(office: Office) -> None:
    office.connect(SPEAKS + b"ab\xff\xf3cd")
    assert office.modem.octets == b"abcd"
    assert office.modem.story == ["up", (2, PortFault.BREAK)]


def test_faults_that_a_client_wants_to_hear_of_are_told_in_their_place(
    office: Office,
) -> None:
    terminal = office.open()
    office.run(1)
    port = office.modem.port
    assert isinstance(port, ServerPort)
    port.send(b"ab")
    port.tell_fault(PortFault.BREAK)
    port.tell_fault(PortFault.PARITY)
    port.send(b"c")
    office.run(1)
    assert terminal.story == ["up", (2, PortFault.BREAK), (2, PortFault.PARITY)]


def test_faults_that_a_client_has_not_asked_for_are_not_told(office: Office) -> None:
    client = office.connect(SPEAKS)
    before = len(client.octets)
    port = office.modem.port
    assert isinstance(port, ServerPort)
    port.tell_fault(PortFault.BREAK)
    office.run(1)
    assert client.octets[before:] == b""


def test_a_client_is_asked_now_and_then_whether_it_is_there(office: Office) -> None:
    client = office.connect(SPEAKS)
    before = len(client.octets)
    office.run(121)
    assert client.octets[before:] == b"\xff\xf1" * 2


def test_dtr_is_a_call_and_its_fall_hangs_up() -> None:
    office = Office()
    users = [RecordingUser(), EchoUser()]
    waiting = list(users)
    lines = listener(office.clock, office.exchange)
    lines.listen(lambda _caller: waiting.pop(0))
    terminal = office.open()
    office.run(1)
    terminal.port.send(b"nobody is called")
    office.run(1)
    assert users[0].story == []
    terminal.port.set_circuits(DTR)
    terminal.port.send(b"hello")
    office.run(1)
    assert users[0].story == ["up", "octets"]
    assert users[0].octets == b"hello"
    assert users[0].line.name.startswith("rfc2217:")
    assert terminal.port.circuits == ON_LINE
    terminal.port.set_circuits(TerminalCircuits())
    office.run(1)
    assert users[0].loss.cause is LossCause.DROPPED_BY_PEER
    assert terminal.port.circuits == ModemCircuits()
    terminal.port.set_circuits(DTR)
    terminal.port.send(b"again")
    office.run(1)
    assert terminal.octets == b"again"
    users[0].line.send(b"a line that is over says nothing")
    users[1].line.drop()
    office.run(0.9)
    assert terminal.story[-1] == ModemCircuits()
    office.run(0.5)
    assert users[1].loss.cause is LossCause.DROPPED_HERE
    assert terminal.octets == b"again"
    assert terminal.story[-2:] == [ModemCircuits(), "lost"]


def test_a_client_that_hangs_up_when_the_carrier_falls_may_call_again() -> None:
    office = Office()
    users = [RecordingUser(), EchoUser()]
    waiting = list(users)
    listener(office.clock, office.exchange).listen(lambda _caller: waiting.pop(0))
    terminal = office.open()
    office.run(1)
    terminal.port.set_circuits(DTR)
    office.run(1)
    users[0].line.drop()
    office.run(0.5)
    terminal.port.set_circuits(TerminalCircuits())
    office.run(5)
    assert users[0].story == ["up", "lost"]
    assert users[0].loss.cause is LossCause.DROPPED_HERE
    terminal.port.set_circuits(DTR)
    terminal.port.send(b"again")
    office.run(1)
    assert terminal.octets == b"again"


def test_a_call_that_is_turned_away_is_hung_up() -> None:
    office = Office()
    lines: Rfc2217Listener = listener(office.clock, office.exchange)
    lines.listen(lambda _caller: None)
    terminal = office.open()
    office.run(1)
    assert terminal.story == ["up"]
    terminal.port.set_circuits(DTR)
    office.run(1)
    assert terminal.story == ["up", "lost"]


def test_a_plain_telnet_client_is_on_the_line_while_it_is_connected() -> None:
    office = Office()
    user = EchoUser()
    listener(office.clock, office.exchange).listen(lambda _caller: user)
    client = office.connect(PLAIN + b"x")
    office.run(1)
    assert client.octets.endswith(b"x")
    client.line.drop()
    office.run(1)
    assert user.loss.cause is LossCause.DROPPED_BY_PEER

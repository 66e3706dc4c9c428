"""The client of RFC 2217 against servers that do as they are scripted."""

import pytest
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.ports.port import (
    ModemCircuits,
    PortFault,
    PortLossCause,
    TerminalCircuits,
)
from hw.ports.rfc2217 import client_port, server_port
from hw.ports.rfc2217.client_port import Rfc2217Parameters
from hw.ports.rfc2217.events import Closed, Ended
from hw.ports.settings import FlowControl, Parity, PortSettings
from tests.reactor import run_in_virtual_time, step
from tests.spec.rfc2217_parties import Script, Terminal, opener, said

FAST = every_call(VirtualLineParameters(bit_s=1_000_000, delay_s=0.001))

AGREES = bytes.fromhex("fffd2c fffd00 fffb00 fffd03 fffb03")
CONFIRMS = (
    said(105, 9)
    + said(105, 12)
    + said(105, 9)
    + said(101, (9600).to_bytes(4, "big"))
    + said(102, 8)
    + said(103, 1)
    + said(104, 1)
    + said(105, 1)
    + said(112, 3)
)
NOT_HANDED_OUT = {server_port.State.CALLED, server_port.State.AGREEING}
"""Nobody has the port of a client yet."""

WILL_COM_PORT = b"\xff\xfb\x2c"
PURGED = said(12, 3)


class World:
    """A client, and a server by script at the other end of a virtual line."""

    def __init__(
        self,
        script: Script,
        settings: PortSettings | None = None,
        parameters: Rfc2217Parameters | None = None,
    ) -> None:
        self.clock = Clock()
        self.script = script
        exchange = VirtualExchange(self.clock, FAST)
        exchange.listen(lambda _caller: script)
        self.terminal = Terminal()
        self.call = opener(self.clock, exchange, settings, parameters).open(
            self.terminal
        )

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.clock.seconds() + seconds
        while True:
            due = [call.getTime() for call in self.clock.getDelayedCalls()]
            if not due or min(due) > until:
                break
            step(self.clock)
        self.clock.advance(max(0.0, until - self.clock.seconds()))


def willing() -> Script:
    return Script({WILL_COM_PORT: AGREES, PURGED: CONFIRMS})


def up(settings: PortSettings | None = None, confirms: bytes = CONFIRMS) -> World:
    script = Script({WILL_COM_PORT: AGREES, PURGED: confirms})
    world = World(script, settings)
    run_in_virtual_time(world.clock, lambda: _is_up(world))
    return world


async def _is_up(world: World) -> None:
    await world.terminal.is_up()


def test_the_client_sets_the_port_before_it_is_up() -> None:
    world = up()
    asked = world.script.octets
    assert asked.startswith(bytes.fromhex("fffb2c fffb00 fffd00 fffb03 fffd03"))
    questions = [
        (said(5, 9), "DTR off"),
        (said(5, 12), "RTS off"),
        (said(10, 30), "faults and BREAK"),
        (said(11, 255), "all circuits"),
        (said(1, 0, 0, 0x25, 0x80), "9,600 bit/s"),
        (said(2, 8), "8 bits"),
        (said(3, 1), "no parity"),
        (said(4, 1), "1 stop bit"),
        (said(5, 1), "no flow control"),
        (said(12, 3), "nothing stale"),
    ]
    places = [asked.index(octets) for octets, _what in questions]
    assert places == sorted(places)
    assert world.terminal.story == ["up"]
    assert world.terminal.port.circuits == ModemCircuits()
    assert world.terminal.port.name == "rfc2217:server:7000"


def test_nothing_is_asked_before_the_server_has_agreed() -> None:
    world = World(Script({WILL_COM_PORT: AGREES[3:]}))
    world.run(1)
    assert said(1, 0, 0, 0x25, 0x80) not in world.script.octets
    assert world.terminal.story == []


def test_a_server_that_refuses_rfc_2217_is_told_apart_with_what_to_use() -> None:
    world = World(Script({WILL_COM_PORT: bytes.fromhex("fffe2c fffd00 fffb00")}))
    world.run(10)
    loss = world.terminal.losses[0]
    assert world.terminal.story == ["lost"]
    assert loss.cause is PortLossCause.CANNOT_BE_SET
    assert "refuses RFC 2217" in loss.detail
    assert "raw TCP: tcp:server:7000" in loss.detail


def test_a_server_that_refuses_eight_bits_is_refused() -> None:
    world = World(Script({WILL_COM_PORT: bytes.fromhex("fffd2c fffe00 fffb00")}))
    world.run(10)
    assert world.terminal.losses[0].cause is PortLossCause.CANNOT_BE_SET
    assert "refuses 8 bits" in world.terminal.losses[0].detail


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "speaks no telnet"),
        ({WILL_COM_PORT: b"login: "}, "it said 'login:'"),
        ({WILL_COM_PORT: b"\xff\xfd\x00"}, "has not agreed to RFC 2217"),
        ({WILL_COM_PORT: AGREES}, "has not confirmed SET_BAUDRATE, SET_DATASIZE"),
    ],
)
def test_a_server_that_does_not_answer_is_given_up_in_time(
    answers: dict[bytes, bytes], words: str
) -> None:
    world = World(Script(answers))
    world.run(4.9)
    assert world.terminal.story == []
    world.run(6)
    assert world.terminal.story == ["lost"]
    assert world.terminal.losses[0].cause is PortLossCause.CANNOT_BE_SET
    assert words in world.terminal.losses[0].detail


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        (said(101, 0, 0, 0x25, 0x80), said(101, 0, 0, 4, 0xB0), "SET_BAUDRATE 9600"),
        (said(102, 8), said(102, 7), "SET_DATASIZE 8 was answered with 7"),
        (said(103, 1), said(103, 3), "SET_PARITY 1 was answered with 3"),
    ],
)
def test_a_port_that_is_set_otherwise_is_of_no_use(
    right: bytes, wrong: bytes, words: str
) -> None:
    confirms = CONFIRMS.replace(right, wrong)
    world = World(Script({WILL_COM_PORT: AGREES, PURGED: confirms}))
    world.run(10)
    assert world.terminal.story == ["lost"]
    assert world.terminal.losses[0].cause is PortLossCause.CANNOT_BE_SET
    assert words in world.terminal.losses[0].detail


def test_a_speed_within_a_divisors_rounding_is_the_speed() -> None:
    exactly, nearly = (said(101, 0, 0, 0x25, 0x80), said(101, 0, 0, 0x25, 0x8F))
    assert up(confirms=CONFIRMS.replace(exactly, nearly)).terminal.story == ["up"]


def test_flow_control_has_to_be_confirmed_where_it_is_wanted() -> None:
    settings = PortSettings(flow=FlowControl.RTS_CTS)
    world = World(willing(), settings)
    world.run(10)
    assert "SET_CONTROL 3 was answered with 1" in world.terminal.losses[0].detail
    world = up(settings, CONFIRMS.replace(said(105, 1), said(105, 3)))
    assert said(5, 3) in world.script.octets
    assert said(5, 12) not in world.script.octets, "RTS belongs to the server"
    world.terminal.port.set_circuits(TerminalCircuits(request_to_send=True))
    world.run(1)
    assert said(5, 11) not in world.script.octets


def test_other_settings_are_asked_for_by_their_values() -> None:
    world = World(willing(), PortSettings(1200, 7, Parity.EVEN, 2))
    world.run(1)
    for octets in (said(1, 0, 0, 4, 0xB0), said(2, 7), said(3, 3), said(4, 2)):
        assert octets in world.script.octets


def test_a_server_whose_port_is_taken_is_said_to_be_in_use() -> None:
    world = World(Script(greeting=b"Port already in use\r\n", hangs_up=True))
    world.run(1)
    assert world.terminal.story == ["lost"]
    assert world.terminal.losses[0].cause is PortLossCause.IN_USE
    assert "saying 'Port already in use'" in world.terminal.losses[0].detail


def test_a_server_that_hangs_up_at_once_is_told_with_its_words() -> None:
    words = b"Device open failure: Value or file not found\r\n"
    world = World(Script(greeting=words, hangs_up=True))
    world.run(1)
    assert world.terminal.losses[0].cause is PortLossCause.NOT_THERE
    assert "saying 'Device open failure: Value" in world.terminal.losses[0].detail
    world = World(Script(hangs_up=True))
    world.run(1)
    assert world.terminal.losses[0].cause is PortLossCause.NOT_THERE
    assert "without a word" in world.terminal.losses[0].detail


def test_the_server_may_speak_first() -> None:
    world = World(Script())
    world.run(0.2)
    assert world.script.octets == b""
    world.run(0.1)
    assert world.script.octets.startswith(WILL_COM_PORT)


def test_nobody_there_is_said_plainly() -> None:
    clock = Clock()
    terminal = Terminal()
    opener(clock, VirtualExchange(clock, FAST)).open(terminal)
    assert terminal.story == []
    clock.advance(1)
    assert terminal.story == ["lost"]
    assert terminal.losses[0].cause is PortLossCause.NOT_THERE


def test_a_call_can_be_given_up_at_any_time() -> None:
    for seconds in (0, 0.0015, 0.004):
        world = World(Script({WILL_COM_PORT: AGREES}))
        world.run(seconds)
        world.call.close()
        world.call.close()
        assert world.terminal.story == []
        world.run(10)
        assert world.terminal.story == ["lost"]
        assert world.terminal.losses[0].cause is PortLossCause.CLOSED_HERE


def test_circuits_of_the_modem_are_followed() -> None:
    world = up()
    world.script.line.send(said(107, 0x40) + said(107, 0x40) + said(107, 0x8C))
    world.run(1)
    ringing, carrier = ModemCircuits(ringing=True), ModemCircuits(carrier=True)
    assert world.terminal.story == ["up", ringing, carrier]
    assert world.terminal.port.circuits == carrier


def test_a_port_without_circuits_says_so_until_one_is_on() -> None:
    # ser2net 4.3.11 before a pseudo-terminal: DTR is not answered, the question for it
    # is answered with the question, and the modem state is 0.
    settings = CONFIRMS.replace(said(105, 9), b"").replace(said(105, 12), b"")
    confirms = said(105, 7) + said(106, 0) + said(107, 0) + settings
    world = up(confirms=confirms)
    assert world.terminal.port.circuits is None
    world.script.line.send(said(107, 0) + said(107, 0x80))
    world.run(1)
    assert world.terminal.story == ["up", ModemCircuits(carrier=True)]


def test_faults_and_breaks_keep_their_place_among_the_octets() -> None:
    world = up()
    world.script.line.send(b"ab" + said(106, 0x10) + b"c" + said(106, 0x0E) + b"d")
    world.run(1)
    assert world.terminal.octets == b"abcd"
    assert world.terminal.story == [
        "up",
        (2, PortFault.BREAK),
        (3, PortFault.PARITY),
        (3, PortFault.FRAMING),
        (3, PortFault.OVERRUN),
    ]


def test_every_octet_value_passes_both_ways() -> None:
    world = up()
    octets = bytes(range(256)) + b"\r\0\r\n\xff\xff\xf0"
    before = len(world.script.octets)
    world.terminal.port.send(octets)
    world.script.line.send(octets.replace(b"\xff", b"\xff\xff"))
    world.run(1)
    assert world.script.octets[before:] == octets.replace(b"\xff", b"\xff\xff")
    assert world.terminal.octets == octets


def test_dtr_and_rts_are_set_only_when_they_change() -> None:
    world = up()
    before = len(world.script.octets)
    both = TerminalCircuits(request_to_send=True, terminal_ready=True)
    world.terminal.port.set_circuits(both)
    world.terminal.port.set_circuits(both)
    world.terminal.port.set_circuits(TerminalCircuits(terminal_ready=True))
    world.run(1)
    assert world.script.octets[before:] == said(5, 11) + said(5, 8) + said(5, 12)


def test_a_server_without_room_holds_octets_back() -> None:
    world = up()
    world.script.line.send(said(108))
    world.run(1)
    before = len(world.script.octets)
    world.terminal.port.send(b"held")
    world.run(1)
    assert world.script.octets[before:] == b""
    assert world.terminal.port.waiting_octets == 4
    world.script.line.send(said(109))
    world.run(1)
    assert world.script.octets[before:] == b"held"
    assert world.terminal.port.waiting_octets == 0


def test_a_server_that_never_has_room_costs_the_port_and_not_the_memory() -> None:
    world = World(willing(), None, Rfc2217Parameters(pending_octets_max=1000))
    world.run(1)
    world.script.line.send(said(108))
    world.run(1)
    world.terminal.port.send(bytes(1000))
    world.terminal.port.send(b"x")
    world.terminal.port.send(b"y")
    assert world.terminal.story == ["up"]
    world.run(20)
    assert world.terminal.story == ["up", "lost"]
    assert world.terminal.losses[0].cause is PortLossCause.OVERFLOW
    assert "1000 octets were waiting" in world.terminal.losses[0].detail


def test_a_break_waits_for_the_octets_before_it_and_holds_those_behind() -> None:
    world = up(
        PortSettings(baud=1200),
        CONFIRMS.replace(said(101, 0, 0, 0x25, 0x80), said(101, 0, 0, 4, 0xB0)),
    )
    before = len(world.script.octets)
    world.terminal.port.send(bytes(120))
    world.terminal.port.send_break(0.25)
    world.terminal.port.send(b"behind")
    world.run(0.9)
    # 120 octets of ten bits take a second at 1,200 bit/s.
    assert world.script.octets[before:] == bytes(120)
    world.run(0.2)
    assert world.script.octets[before:] == bytes(120) + said(5, 5)
    world.run(0.3)
    assert world.script.octets[before:] == bytes(120) + said(5, 5) + said(5, 6) + (
        b"behind"
    )


def test_dtr_falls_when_what_was_sent_has_left_the_far_port() -> None:
    world = up()
    world.terminal.port.set_circuits(TerminalCircuits(terminal_ready=True))
    before = len(world.script.octets)
    world.terminal.port.send(bytes(960))
    world.terminal.port.close()
    world.terminal.port.send(b"too late")
    world.script.line.send(b"too late")
    world.run(0.9)
    assert world.script.octets[before:].strip(b"\0") == said(5, 8)
    world.run(0.2)
    assert world.script.octets.endswith(said(5, 9))
    assert world.terminal.octets == b""
    assert world.terminal.story == ["up", "lost"]
    assert world.terminal.losses[0].cause is PortLossCause.CLOSED_HERE


def test_a_server_that_hangs_up_is_told_once() -> None:
    world = up()
    world.script.line.drop()
    world.run(1)
    world.terminal.port.send(b"x")
    world.terminal.port.close()
    world.run(20)
    assert world.terminal.story == ["up", "lost"]
    assert world.terminal.losses[0].cause is PortLossCause.CLOSED_BY_PEER
    assert world.clock.getDelayedCalls() == []


def test_the_end_and_a_close_are_possible_wherever_a_port_stands() -> None:
    for table, closable in (
        (client_port.TABLE, set(client_port.State)),
        (server_port.TABLE, set(server_port.State) - NOT_HANDED_OUT),
    ):
        rows = {(row.state, row.event) for row in table.rows}
        assert {state for state, event in rows if event is Closed} == closable
        lost = {state for state in type(table.initial) if state.name == "LOST"}
        ends = {state for state, event in rows if event is Ended}
        assert ends == set(type(table.initial)) - lost

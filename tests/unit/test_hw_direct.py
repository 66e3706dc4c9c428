"""Lines straight over a port: carriers, first octets, replugging, DTR between calls."""

from dataclasses import dataclass, field

import pytest
from twisted.internet.task import Clock

from hw.lines.direct import DirectDialler, DirectListener
from hw.lines.direct_end import Carrier, DirectParameters
from hw.lines.port import LossCause
from hw.ports.null_modem import NullModem
from hw.ports.port import PortFault, TerminalCircuits
from tests.line_user import RecordingUser
from tests.port_user import RecordingPortUser

READY = TerminalCircuits(request_to_send=True, terminal_ready=True)
PLAIN = DirectParameters()
WITH_DCD = DirectParameters(Carrier.DCD)


def turns(clock: Clock, seconds: float = 0.0) -> None:
    """Let what is said in turn be heard, before time passes and after it has."""
    for pause_s in (*[0.0] * 10, seconds, *[0.0] * 10):
        clock.advance(pause_s)


@dataclass
class Desk:
    """A server at the right end of a cable; the test has the left end in its hands."""

    parameters: DirectParameters
    clock: Clock = field(default_factory=Clock)
    users: list[RecordingUser] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cable = NullModem(self.clock)
        self.listener = DirectListener(
            self.clock, self.cable.right, "serial:right", self.parameters
        )
        self.listener.listen(self._answer)
        turns(self.clock)

    def _answer(self, caller: str) -> RecordingUser:
        self.callers.append(caller)
        self.users.append(RecordingUser())
        return self.users[-1]

    def open_left(self) -> RecordingPortUser:
        user = RecordingPortUser()
        self.cable.left.open(user)
        turns(self.clock)
        return user

    def stories(self) -> list[list[str]]:
        return [user.story for user in self.users]


def dialler(desk: Desk) -> DirectDialler:
    return DirectDialler(desk.clock, desk.cable.left, desk.parameters)


def test_a_server_shows_that_it_is_ready_while_it_waits() -> None:
    desk = Desk(PLAIN)
    assert desk.cable.right.set_to == READY
    desk.listener.close()
    turns(desk.clock)
    assert desk.cable.right.set_to == TerminalCircuits()


def test_without_a_carrier_the_first_octet_begins_a_call() -> None:
    desk = Desk(PLAIN)
    left = desk.open_left()
    desk.clock.advance(5)
    assert desk.stories() == []
    left.port.send(b"\x7e")
    left.port.send(b"\x01\x3f")
    turns(desk.clock)
    assert desk.stories() == [["up", "octets"]]
    assert desk.users[0].octets == b"\x7e\x01\x3f"
    assert desk.callers == ["right port"]


def test_what_is_left_of_a_call_does_not_begin_the_next() -> None:
    desk = Desk(PLAIN)
    left = desk.open_left()
    desk.clock.advance(5)
    left.port.send(b"call")
    turns(desk.clock)
    desk.users[0].line.drop()
    turns(desk.clock)
    assert desk.stories() == [["up", "octets", "lost"]]
    assert desk.users[0].loss.cause is LossCause.DROPPED_HERE
    turns(desk.clock, PLAIN.dtr_off_s)
    assert desk.cable.right.set_to == READY
    for _ in range(20):
        left.port.send(b"!")
        turns(desk.clock, PLAIN.silence_s / 2)
    assert len(desk.users) == 1
    turns(desk.clock, PLAIN.silence_s)
    left.port.send(b"next call")
    turns(desk.clock)
    assert desk.users[1].octets == b"next call"


def test_dtr_stays_off_for_half_a_second_between_two_calls() -> None:
    desk = Desk(WITH_DCD)
    left = desk.open_left()
    left.port.set_circuits(READY)
    turns(desk.clock)
    desk.users[0].line.drop()
    turns(desk.clock)
    assert desk.cable.right.set_to == TerminalCircuits()
    turns(desk.clock, 0.25)
    assert desk.cable.right.set_to == TerminalCircuits()
    turns(desk.clock, 0.25)
    assert desk.cable.right.set_to == READY


def test_a_machine_keeps_dtr_off_before_it_calls_again() -> None:
    desk = Desk(WITH_DCD)
    calling = dialler(desk)
    first, second = RecordingUser(), RecordingUser()
    calling.dial(first)
    turns(desk.clock)
    first.line.drop()
    turns(desk.clock)
    calling.dial(second)
    turns(desk.clock, 0.25)
    assert desk.cable.left.set_to == TerminalCircuits()
    turns(desk.clock, 0.25)
    assert desk.cable.left.set_to == READY
    turns(desk.clock, 0.25)
    assert second.story == ["up"]
    assert desk.stories() == [["up", "lost"], ["up"]]


def test_a_call_waits_for_the_carrier_and_gives_up_without_one() -> None:
    clock = Clock()
    cable = NullModem(clock)
    calling = RecordingUser()
    DirectDialler(clock, cable.left, WITH_DCD).dial(calling)
    turns(clock, 29)
    assert cable.left.set_to == READY
    assert calling.story == []
    turns(clock, 1)
    assert calling.story == ["lost"]
    assert str(calling.loss) == "no answer: no carrier within 30 s"
    assert cable.left.set_to == TerminalCircuits()


def test_a_carrier_that_falls_for_a_moment_is_no_hang_up() -> None:
    desk = Desk(WITH_DCD)
    left = desk.open_left()
    left.port.set_circuits(READY)
    turns(desk.clock)
    left.port.set_circuits(TerminalCircuits(request_to_send=True))
    turns(desk.clock, 0.05)
    left.port.send(b"late octets")
    left.port.set_circuits(READY)
    turns(desk.clock, 1.0)
    assert desk.stories() == [["up", "octets"]]
    left.port.set_circuits(TerminalCircuits())
    turns(desk.clock, 0.1)
    turns(desk.clock, 0.1)
    assert desk.stories() == [["up", "octets", "lost"]]
    assert str(desk.users[0].loss) == "dropped by the peer: its carrier fell"


def test_a_port_that_is_pulled_out_ends_the_call_and_is_opened_when_it_is_back() -> (
    None
):
    desk = Desk(WITH_DCD)
    left = desk.open_left()
    left.port.set_circuits(READY)
    turns(desk.clock)
    desk.cable.right.unplug()
    turns(desk.clock)
    assert desk.stories() == [["up", "lost"]]
    assert desk.users[0].loss.cause is LossCause.CARRIER_LOST
    assert "unplugged: right port" in str(desk.users[0].loss)
    for wait_s in (1, 2, 4, 8, 16, 30, 30):
        assert desk.cable.right.set_to == TerminalCircuits()
        turns(desk.clock, wait_s)
    desk.cable.right.plug_in()
    turns(desk.clock, 30)
    assert desk.cable.right.set_to == READY
    assert desk.stories() == [["up", "lost"], ["up"]]


@pytest.mark.parametrize("parameters", [PLAIN, WITH_DCD], ids=["no carrier", "dcd"])
def test_a_port_that_is_not_there_at_first_is_waited_for(
    parameters: DirectParameters,
) -> None:
    desk = Desk(parameters)
    desk.listener.close()
    turns(desk.clock)
    desk.cable.right.unplug()
    desk.listener.listen(lambda _caller: None)
    turns(desk.clock, 0.75)
    desk.cable.right.plug_in()
    assert desk.cable.right.set_to == TerminalCircuits()
    turns(desk.clock, 0.25)
    assert desk.cable.right.set_to == READY


def test_a_machine_is_told_at_once_that_its_port_cannot_be_opened() -> None:
    clock = Clock()
    cable = NullModem(clock)
    cable.left.unplug()
    calling = RecordingUser()
    DirectDialler(clock, cable.left).dial(calling)
    assert calling.story == []
    turns(clock)
    assert calling.story == ["lost"]
    assert str(calling.loss) == "no answer: not there: left port"


@pytest.mark.parametrize("fault", list(PortFault))
def test_a_fault_on_the_line_does_not_end_it(fault: PortFault) -> None:
    desk = Desk(WITH_DCD)
    calling = RecordingUser()
    dialler(desk).dial(calling)
    turns(desk.clock)
    desk.cable.left.disturb(fault)
    desk.cable.right.disturb(fault)
    turns(desk.clock)
    calling.line.send(b"goes on")
    turns(desk.clock)
    assert desk.users[0].octets == b"goes on"
    assert calling.story == ["up"]

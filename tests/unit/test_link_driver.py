"""What comes in one delivery is acted upon frame by frame, on its own link."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hw.link_driver import LinkDriver
from protocol.channel import MachineChannel, PacketType
from protocol.link import Link, LinkUp, MessageReceived, Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from protocol.link.framing import Stuffing, flagged
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from tests.system import CREDIT_KEY, IDENTITY, System, new_system


@dataclass
class KeptLine:
    """A line that keeps what is sent, and whether it was dropped."""

    name: str = "tcp:192.0.2.1:40001"
    sent: bytearray = field(default_factory=bytearray)
    dropped: bool = False

    def send(self, octets: bytes) -> None:
        if not self.dropped:
            self.sent += octets

    def drop(self) -> None:
        self.dropped = True

    def take(self) -> bytes:
        octets = bytes(self.sent)
        self.sent.clear()
        return octets


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def answered(exchange: Exchange, line: KeptLine) -> LinkDriver:
    driver = exchange.answer(line.name)
    assert isinstance(driver, LinkDriver)
    driver.line_up(line)
    return driver


def set_up(driver: LinkDriver, line: KeptLine) -> Link:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    driver.octets_received(link.octets_to_send())
    assert LinkUp() in link.receive_octets(line.take(), 0.0)
    return link


def greeting(system: System) -> bytes:
    identity = system.psd()._memory.identity
    server = IDENTITY.credential.with_credit_key(1, CREDIT_KEY.signing.public)
    return MachineChannel(identity, server).greeting_1()


def test_a_message_and_the_disc_behind_it_in_one_delivery_end_the_call_in_order(
    system: System,
) -> None:
    line = KeptLine()
    driver = answered(system.exchange, line)
    link = set_up(driver, line)
    link.send_message(greeting(system), 0.0)
    message = link.octets_to_send()
    link.abort(0.0)
    driver.octets_received(message + link.octets_to_send())
    link.receive_octets(line.take(), 0.0)
    assert link.state.name == "DISCONNECTED"


def test_a_message_and_an_end_that_one_frame_brings_end_the_call_in_order(
    system: System,
) -> None:
    """A frame without a message came early: it is wrong once the first is there."""
    line = KeptLine()
    driver = answered(system.exchange, line)
    link = set_up(driver, line)
    early = Frame(FrameKind.INFORMATION, command=True, send_number=1)
    octets = encode_frame(early, Role.MACHINE, 8)
    driver.octets_received(flagged([Stuffing().encode(octets)]))
    link.receive_octets(line.take(), 0.0)
    link.send_message(greeting(system), 0.0)
    driver.octets_received(link.octets_to_send())
    link.receive_octets(line.take(), 0.0)
    assert link.state.name == "DISCONNECTED"


def test_an_answer_to_the_old_link_is_not_sent_on_the_new_one(system: System) -> None:
    """A greeting and the SABM of another call come in one delivery."""
    line = KeptLine()
    driver = answered(system.exchange, line)
    old = set_up(driver, line)
    old.send_message(greeting(system), 0.0)
    new = Link(Role.MACHINE)
    new.connect(0.0)
    driver.octets_received(old.octets_to_send() + new.octets_to_send())
    events = new.receive_octets(line.take(), 0.0)
    assert [event for event in events if isinstance(event, MessageReceived)] == []
    new.send_message(greeting(system), 0.0)
    driver.octets_received(new.octets_to_send())
    answers = [
        event.octets
        for event in new.receive_octets(line.take(), 0.0)
        if isinstance(event, MessageReceived)
    ]
    assert [answer[0] for answer in answers] == [PacketType.GREETING_2]


def test_an_ended_dialogue_does_not_close_the_link_of_the_next(system: System) -> None:
    line = KeptLine()
    driver = answered(system.exchange, line)
    old = set_up(driver, line)
    old.send_message(b"\x77 no packet", 0.0)
    new = Link(Role.MACHINE)
    new.connect(0.0)
    driver.octets_received(old.octets_to_send() + new.octets_to_send())
    new.receive_octets(line.take(), 0.0)
    new.send_message(greeting(system), 0.0)
    driver.octets_received(new.octets_to_send())
    answers = new.receive_octets(line.take(), 0.0)
    assert any(isinstance(event, MessageReceived) for event in answers)
    assert not line.dropped


def test_a_line_that_sets_its_link_up_for_ever_is_dropped(system: System) -> None:
    line = KeptLine()
    driver = answered(system.exchange, line)
    for _ in range(Limits().dialogues):
        set_up(driver, line)
    assert not line.dropped
    link = Link(Role.MACHINE)
    link.connect(0.0)
    driver.octets_received(link.octets_to_send())
    assert line.dropped


def test_wrong_authentications_within_one_call_drop_its_line(system: System) -> None:
    line = KeptLine()
    driver = answered(system.exchange, line)
    bad = bytearray(greeting(system))
    bad[5:37] = bytes([0xFF]) * 32
    tries = 0
    while not line.dropped:
        tries += 1
        assert tries <= Limits().wrong_per_line
        link = set_up(driver, line)
        link.send_message(bytes(bad), 0.0)
        driver.octets_received(link.octets_to_send())
    assert tries == Limits().wrong_per_line
    assert system.exchange.answer("tcp:192.0.2.1:40002") is None, (
        "nor is its next call taken"
    )

"""Calls of the server in virtual time: how it goes down, and lines that say nothing."""

import itertools
import random
from pathlib import Path
from typing import TypeGuard

import pytest

from fm_device.dial_in import DialInReport, next_request
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import LineLoss, LineUser, LossCause
from hw.link_driver import LinkDriver
from protocol.channel import ServerChannel
from protocol.dialogue.server import State
from protocol.errors import ErrorCode
from protocol.messages import Receipt
from rmfs_server.busy import BusyLine
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from rmfs_server.writer import ImmediateWriter
from tests.line_user import RecordingUser
from tests.reactor import step
from tests.situations import HandDialled
from tests.system import IDENTITY, LINE, RUPEES_2000, System, new_system
from tests.witness.rogue_machine import Channelled, RogueMachine, Wire

IDLE_S = Limits().idle_s


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def states_of(system: System) -> list[State]:
    """Say where the dialogues of a server are."""
    dialogues = [call._dialogue for call in system.exchange._calls]
    return [dialogue.state for dialogue in dialogues if dialogue is not None]


def exchange_with(system: System, limits: Limits) -> Exchange:
    """Give a server process of the same books, with other limits."""
    return Exchange(
        reactor=system.reactor,
        books=system.books,
        writer=ImmediateWriter(),
        make_channel=lambda: ServerChannel(IDENTITY),
        wall_clock=system.wall,
        limits=limits,
    )


def is_served(user: LineUser | None) -> TypeGuard[LinkDriver]:
    """Whether a call is answered, and not only told that there is no time."""
    return isinstance(user, LinkDriver)


@pytest.mark.parametrize("state", [State.GREETED, State.DELIVERED])
def test_a_dialogue_that_outlasts_the_drain_is_told_to_dial_later(
    system: System, state: State
) -> None:
    system.exchange.limits = Limits(drain_s=0.0)
    reports = system.begin_dial(RUPEES_2000)
    system.run(lambda: state in states_of(system))
    over: list[bool] = []
    system.exchange.drain(lambda: over.append(True))
    system.run(lambda: bool(reports) and bool(over))
    report = reports[0]
    assert isinstance(report, DialInReport)
    assert report.failure is not None
    assert report.failure.code is ErrorCode.UNAVAILABLE
    assert report.may_dial_again
    assert system.exchange.records.figures.errors == {"UNAVAILABLE": 1}
    system.check_money()
    system.start_server()
    system.dial_until_quiet(next_request(RUPEES_2000, report))
    system.check_quiet(200_000)


def test_a_server_that_goes_down_answers_no_call(system: System) -> None:
    system.exchange.drain(lambda: None)
    caller = RecordingUser()
    system.line.dial(caller)
    system.run(lambda: bool(caller.losses))
    assert caller.story == ["lost"]
    assert caller.loss.cause is LossCause.NO_ANSWER
    assert system.exchange.records.figures.turned_away.total() == 1


@pytest.mark.parametrize("garbage", [b"", random.Random(60).randbytes(64 * 1024)])
def test_a_line_that_sets_no_link_up_is_dropped_after_the_idle_limit(
    system: System, garbage: bytes
) -> None:
    """Octets alone are no activity: else a stranger would keep a line for ever."""
    caller = RecordingUser()
    system.line.dial(caller)
    system.run(lambda: bool(caller.lines))
    began = system.reactor.seconds()
    caller.line.send(garbage)
    while not caller.losses:
        assert step(system.reactor)
    assert caller.loss.cause is LossCause.DROPPED_BY_PEER
    assert IDLE_S <= system.reactor.seconds() - began < IDLE_S + 1
    system.check_quiet(0)


def test_one_host_cannot_take_the_place_of_everybody(system: System) -> None:
    limits = Limits(handshakes_of_strangers=5, handshakes_per_line=2)
    exchange = exchange_with(system, limits)
    port = itertools.count(40_000)

    def answered(host: str) -> LineUser | None:
        return exchange.answer(f"tcp:{host}:{next(port)}")

    first, second = answered("192.0.2.1"), answered("192.0.2.1")
    assert is_served(first)
    assert is_served(second)
    assert isinstance(answered("192.0.2.1"), BusyLine)
    assert is_served(answered("192.0.2.2"))
    second.line_lost(LineLoss(LossCause.DROPPED_BY_PEER))
    assert is_served(answered("192.0.2.1"))
    assert isinstance(answered("192.0.2.1"), BusyLine)
    assert is_served(answered("192.0.2.3"))
    assert is_served(answered("192.0.2.4"))
    sixth = answered("192.0.2.5")
    assert isinstance(sixth, BusyLine), "five strangers have handshakes under way"
    first.line_lost(LineLoss(LossCause.DROPPED_BY_PEER))
    assert is_served(answered("192.0.2.5"))
    assert exchange.records.figures.turned_away.total() == 3


def test_a_machine_that_has_proved_itself_leaves_its_place_to_another(
    system: System,
) -> None:
    exchange = exchange_with(system, Limits(handshakes_of_strangers=1))
    lines = VirtualExchange(system.reactor, every_call(LINE))
    lines.listen(exchange.answer)
    call = HandDialled(system, RUPEES_2000, exchange=lines)
    assert not is_served(exchange.answer("tcp:192.0.2.1:40000"))
    call.state_registers()
    stranger = exchange.answer("tcp:192.0.2.1:40001")
    assert is_served(stranger)
    assert not is_served(exchange.answer("tcp:192.0.2.1:40002"))
    stranger.line_lost(LineLoss(LossCause.DROPPED_BY_PEER))
    assert is_served(exchange.answer("tcp:192.0.2.1:40003"))
    call.hang_up()


def pass_time(system: System, seconds: float) -> None:
    """Let so much time pass, and not until the next thing that happens."""
    over: list[bool] = []
    system.reactor.callLater(seconds, over.append, True)  # noqa: FBT003
    system.run(lambda: bool(over))


def call_that_is_done(
    system: System, lines: VirtualExchange | None = None, *, link_stays_up: bool
) -> Channelled:
    """Let the owner of a machine inspect with it, and stay on the line."""
    machine = RogueMachine(system)
    call = machine.dial(lines)
    receipt = machine.state_in(call)
    assert isinstance(receipt, Receipt)
    machine.mark = receipt.mark
    call.say(machine.goodbye())
    pass_time(system, 0.5)
    if not link_stays_up:
        call.wire.hold_the_line()
    return call


@pytest.mark.parametrize("link_stays_up", [False, True])
def test_who_only_holds_a_line_after_its_dialogue_gives_way_to_another(
    system: System, *, link_stays_up: bool
) -> None:
    """Whoever owns a machine could otherwise hold all lines with it, one by one."""
    exchange = exchange_with(system, Limits(calls=1))
    lines = VirtualExchange(system.reactor, every_call(LINE))
    lines.listen(exchange.answer)
    call = call_that_is_done(system, lines, link_stays_up=link_stays_up)
    assert exchange.states() == {"ENDED" if link_stays_up else "IDLE": 1}
    pass_time(system, 4.0)
    assert not is_served(exchange.answer("tcp:192.0.2.1:40001"))
    assert not call.wire.over
    pass_time(system, 1.0)
    assert is_served(exchange.answer("tcp:192.0.2.1:40002"))
    system.run(lambda: call.wire.over)
    assert exchange.records.figures.ended == {"COMPLETE": 1}


@pytest.mark.parametrize("link_stays_up", [False, True])
def test_who_holds_a_line_after_its_dialogue_is_hung_up_after_the_idle_limit(
    system: System, *, link_stays_up: bool
) -> None:
    call = call_that_is_done(system, link_stays_up=link_stays_up)
    began = system.reactor.seconds()
    system.run(lambda: call.wire.over)
    assert IDLE_S - 1 < system.reactor.seconds() - began < IDLE_S + 5
    assert system.exchange.records.figures.ended == {"COMPLETE": 1}


def test_a_call_that_gives_way_in_its_dialogue_has_ended_once(system: System) -> None:
    exchange = exchange_with(system, Limits(calls=1, proof_pressed_s=20.0))
    lines = VirtualExchange(system.reactor, every_call(LINE))
    lines.listen(exchange.answer)
    wire = Wire(system, lines)
    began = system.reactor.seconds()
    system.run(lambda: system.reactor.seconds() >= began + 20.0)
    assert is_served(exchange.answer("tcp:192.0.2.1:40000"))
    system.run(lambda: wire.over)
    assert exchange.records.figures.ended == {"TIMEOUT": 1}

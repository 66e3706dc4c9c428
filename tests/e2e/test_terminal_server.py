"""A real ser2net in the middle: settings, octets, and recharges through it."""

import os
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from fm_device.program import dial
from hw.lines.build import build_dialler, build_listener
from hw.lines.port import LossCause
from hw.lines.strings import parse_line_string
from hw.ports.port import PortLossCause
from hw.ports.pty import PtyOpener
from hw.ports.rfc2217.client import Rfc2217Opener
from hw.ports.settings import Parity, PortSettings
from hw.reactor import MonotonicReactor
from protocol.channel import ServerChannel
from protocol.dialogue.machine import Outcome
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import run_on_reactor
from tests.spec.rfc2217_parties import Terminal
from tests.system import IDENTITY, RUPEES_2000, System, new_system
from tests.witness.terminal_server import TerminalServer

DIAL_INS_MAX = 4
KIB_64 = bytes(range(256)) * 256


@dataclass(frozen=True)
class Place:
    """A terminal server whose serial port is a pseudo-terminal of ours, by its link."""

    server: TerminalServer
    link: Path

    @property
    def remote(self) -> str:
        return f"rfc2217:127.0.0.1:{self.server.port}"

    @property
    def local(self) -> str:
        return f"pty:{self.link}"

    def opener(
        self, reactor: MonotonicReactor, settings: PortSettings
    ) -> Rfc2217Opener:
        return Rfc2217Opener(reactor, "127.0.0.1", self.server.port, settings)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    link = tmp_path / "line"
    with TerminalServer(tmp_path, str(link)) as server:
        yield Place(server, link)


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def test_the_settings_of_the_port_are_those_that_were_asked_for(place: Place) -> None:
    async def scenario(reactor: MonotonicReactor) -> list[int]:
        far = Terminal()
        PtyOpener(reactor, str(place.link)).open(far)
        near = Terminal()
        settings = PortSettings(baud=1200, parity=Parity.EVEN, stop_bits=2)
        place.opener(reactor, settings).open(near)
        await near.is_up()
        device = os.open(place.link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        seen: list[int] = termios.tcgetattr(device)[:6]
        os.close(device)
        assert near.port.circuits is None, (
            "a pseudo-terminal has none, and is not lied of"
        )
        near.port.close()
        await near.is_lost()
        return seen

    _, _, flags, _, in_speed, out_speed = run_on_reactor(scenario)
    # A pseudo-terminal keeps speed and stop bits, but neither parity nor seven bits.
    assert (in_speed, out_speed) == (termios.B1200, termios.B1200)
    assert flags & termios.CSTOPB
    assert flags & termios.CSIZE == termios.CS8


def test_every_octet_value_passes_both_ways_64_kib(place: Place) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        listener = build_listener(reactor, parse_line_string(place.local))
        answering = EchoUser()
        listener.listen(lambda _caller: answering)
        calling = RecordingUser()
        line = f"{place.remote}:baud=921600"
        build_dialler(reactor, parse_line_string(line)).dial(calling)
        await calling.is_up()
        for start in range(0, len(KIB_64), 4096):
            calling.line.send(KIB_64[start : start + 4096])
        await calling.has(len(KIB_64))
        assert answering.octets == KIB_64
        assert calling.octets == KIB_64
        calling.line.drop()
        await calling.is_lost()
        await answering.is_lost()
        assert calling.loss.cause is LossCause.DROPPED_HERE
        listener.close()

    run_on_reactor(scenario)


def test_a_port_that_another_client_has_is_in_use(place: Place) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        PtyOpener(reactor, str(place.link)).open(Terminal())
        first, second = Terminal(), Terminal()
        opener = place.opener(reactor, PortSettings())
        opener.open(first)
        await first.is_up()
        opener.open(second)
        await second.is_lost()
        assert second.losses[0].cause is PortLossCause.IN_USE
        assert "Port already in use" in second.losses[0].detail
        first.port.close()
        await first.is_lost()

    run_on_reactor(scenario)


def test_a_device_that_is_not_there_is_said_by_the_server(place: Place) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        terminal = Terminal()
        place.opener(reactor, PortSettings()).open(terminal)
        await terminal.is_lost()
        assert terminal.story == ["lost"]
        assert terminal.losses[0].cause is PortLossCause.NOT_THERE
        assert "hung up before its port was set" in terminal.losses[0].detail

    run_on_reactor(scenario)


def test_a_terminal_server_that_dies_loses_the_line_at_both_ends(place: Place) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        listener = build_listener(reactor, parse_line_string(place.local))
        answering = EchoUser()
        listener.listen(lambda _caller: answering)
        calling = RecordingUser()
        build_dialler(reactor, parse_line_string(place.remote)).dial(calling)
        await calling.is_up()
        calling.line.send(b"hello")
        await calling.has(5)
        place.server.kill()
        await calling.is_lost()
        await answering.is_lost()
        assert calling.loss.cause in {LossCause.DROPPED_BY_PEER, LossCause.CARRIER_LOST}
        listener.close()

    run_on_reactor(scenario)


def _recharge(system: System, server_line: str, machine_line: str) -> None:
    """Recharge over a line; `{}` in the machine's stands for where the server is."""

    async def scenario(reactor: MonotonicReactor) -> None:
        exchange = Exchange(
            reactor=reactor,
            books=system.books,
            writer=system.writer,
            make_channel=lambda: ServerChannel(IDENTITY),
            wall_clock=system.wall,
            limits=Limits(),
        )
        listener = build_listener(reactor, parse_line_string(server_line))
        listener.listen(exchange.answer)
        line = parse_line_string(machine_line.format(listener.address))
        dialler = build_dialler(reactor, line)
        for _ in range(DIAL_INS_MAX):
            report = await dial(system.psd(), RUPEES_2000, dialler, reactor)
            if report.outcome is Outcome.CONFIRMED:
                break
            system.check_money()
        assert report.outcome is Outcome.CONFIRMED, report
        listener.close()
        drained: Deferred[None] = Deferred()
        exchange.drain(lambda: drained.callback(None))
        await drained

    run_on_reactor(scenario, timeout_s=200)
    system.check_quiet(200_000)


def test_a_recharge_at_115200_without_errors(system: System, place: Place) -> None:
    line = f"virtual:speed=115200:{place.remote}:baud=115200"
    _recharge(system, place.local, line)


def test_a_recharge_at_1200_with_one_bit_in_a_thousand_wrong(
    system: System, place: Place
) -> None:
    # This seed needs 18 s of the line; most need more.
    line = f"virtual:speed=1200:ber=1e-3:seed=4:{place.remote}:baud=1200"
    _recharge(system, place.local, line)


@pytest.mark.parametrize("carrier", ["none", "dcd"])
def test_a_recharge_with_the_server_as_its_own_terminal_server(
    system: System, carrier: str
) -> None:
    _recharge(system, "rfc2217:127.0.0.1:0", f"{{}}:baud=115200:carrier={carrier}")

"""Every port keeps the six rules of hw/ports/port.py."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hw.lines.exchange import every_call
from hw.lines.port_strings import UsbAddress
from hw.lines.virtual import VirtualLineParameters
from hw.ports.descriptor_port import PortTiming
from hw.ports.null_modem import NullModem
from hw.ports.port import (
    PortCall,
    PortLossCause,
    PortOpener,
    PortUser,
    TerminalCircuits,
)
from hw.ports.pty import PtyOpener
from hw.ports.settings import PortSettings
from hw.ports.tty import TtyOpener
from hw.reactor import MonotonicReactor
from hw.usb.device_end import DeviceEndOpener
from hw.usb.opener import UsbOpener, UsbTiming
from hw.usb.simulated import SimulatedBus
from hw.usb.simulated_device import DeviceIdentity, SimulatedDevice
from tests.port_user import RecordingPortUser
from tests.reactor import run_in_virtual_time, run_on_reactor
from tests.remote_cable import RemoteCable

PENDING_OCTETS_MAX = 4096
PATIENCE_S = 60.0
"""A far end that is this very process, and may be stopped for a while, gets so long."""
HASTE_S = 1.0
"""Where the far end is gone, and nothing else ends a close."""
TIMING = PortTiming(drain_s=PATIENCE_S, pending_octets_max=PENDING_OCTETS_MAX)
READY = TerminalCircuits(request_to_send=True, terminal_ready=True)

Story = Callable[[PortOpener, PortOpener], Coroutine[Deferred[Any], Any, None]]
"""What happens to a port, told of its opener and of the opener of its far end."""


class World(Protocol):
    """Tells a story of ports of one kind."""

    def __call__(self, story: Story, drain_s: float = PATIENCE_S) -> None:
        """Tell it; over USB, what was sent may take so long to leave."""


def _tty_world(folder: Path, story: Story, drain_s: float) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        far, near = _ptys(reactor, folder)
        await story(near, far)
        far.close()

    run_on_reactor(on_reactor)


def _pty_world(folder: Path, story: Story, drain_s: float) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        near, far = _ptys(reactor, folder)
        await story(near, far)
        near.close()

    run_on_reactor(on_reactor)


def _ptys(reactor: MonotonicReactor, folder: Path) -> tuple[PtyOpener, PortOpener]:
    path = str(folder / "line")
    made = PtyOpener(reactor, path, TIMING)
    return made, _Prepared(made, TtyOpener(reactor, path, PortSettings(), TIMING))


@dataclass
class _Prepared:
    """Opens a pseudo-terminal when there is one to be opened."""

    made: PtyOpener
    opener: TtyOpener

    @property
    def name(self) -> str:
        return self.opener.name

    def open(self, user: PortUser) -> PortCall:
        self.made.prepare()
        return self.opener.open(user)


def _null_modem_world(folder: Path, story: Story, drain_s: float) -> None:
    clock = Clock()
    cable = NullModem(clock, pending_octets_max=PENDING_OCTETS_MAX)
    run_in_virtual_time(clock, lambda: story(cable.left, cable.right))


def _remote_world(folder: Path, story: Story, drain_s: float) -> None:
    clock = Clock()
    parameters = VirtualLineParameters(
        bit_s=1_000_000, delay_s=0.001, pending_octets_max=PENDING_OCTETS_MAX
    )
    cable = RemoteCable(clock, every_call(parameters))
    run_in_virtual_time(clock, lambda: story(cable.left, cable.right))


def _usb_world(folder: Path, story: Story, drain_s: float) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        host, device = _usb(reactor, drain_s)
        await story(host, device)

    run_on_reactor(on_reactor)


def _usb_device_world(folder: Path, story: Story, drain_s: float) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        host, device = _usb(reactor, drain_s)
        await story(device, host)

    run_on_reactor(on_reactor)


def _usb(
    reactor: MonotonicReactor, drain_s: float
) -> tuple[UsbOpener, DeviceEndOpener]:
    timing = UsbTiming(
        transfer_s=0.01,
        drain_s=drain_s,
        stuck_s=PATIENCE_S,
        pending_octets_max=PENDING_OCTETS_MAX,
    )
    device = SimulatedDevice(DeviceIdentity())
    address = UsbAddress(device.identity.vendor, device.identity.product)
    host = UsbOpener(reactor, address, SimulatedBus(device), timing)
    return host, DeviceEndOpener(reactor, device, timing)


WORLDS = {
    "tty": _tty_world,
    "pty": _pty_world,
    "null modem": _null_modem_world,
    "RFC 2217": _remote_world,
    "usb": _usb_world,
    "usb device": _usb_device_world,
}


@pytest.fixture(params=list(WORLDS.values()), ids=list(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    def tell(story: Story, drain_s: float = PATIENCE_S) -> None:
        request.param(tmp_path, story, drain_s)

    return tell


async def _connect(
    opener: PortOpener, far: PortOpener
) -> tuple[RecordingPortUser, RecordingPortUser]:
    """Open both ends, and make them ready as terminals do."""
    users = RecordingPortUser(), RecordingPortUser()
    opener.open(users[0])
    far.open(users[1])
    for user in users:
        await user.is_up()
        user.port.set_circuits(READY)
    return users


def test_octets_arrive_in_order_both_ways(world: World) -> None:
    octets = bytes(range(256)) * 8

    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = await _connect(opener, far)
        user.port.send(octets[:1000])
        user.port.send(octets[1000:])
        await other.has(len(octets))
        other.port.send(octets)
        await user.has(len(octets))
        assert user.octets == other.octets == octets
        user.port.close()
        other.port.close()
        await user.is_lost()
        await other.is_lost()

    world(story)


def test_no_callback_runs_inside_a_call(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = RecordingPortUser(), RecordingPortUser()
        opener.open(user)
        far.open(other)
        assert user.story == other.story == []
        await user.is_up()
        await other.is_up()
        user.port.send(b"hello")
        assert other.story == ["up"]
        user.port.close()
        assert user.story == ["up"]
        await user.is_lost()
        other.port.close()
        await other.is_lost()

    world(story)


def test_what_was_sent_before_a_close_arrives(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = await _connect(opener, far)
        user.port.send(b"x" * 3000)
        user.port.close()
        user.port.close()
        await user.is_lost()
        await other.has(3000)
        assert user.story == ["up", "lost"]
        assert user.loss.cause is PortLossCause.CLOSED_HERE
        other.port.close()
        await other.is_lost()
        assert other.octets == b"x" * 3000

    world(story)


def test_nothing_is_received_after_a_close(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = await _connect(opener, far)
        other.port.send(b"too late")
        user.port.close()
        await user.is_lost()
        assert user.octets == b""
        other.port.close()
        await other.is_lost()

    world(story, HASTE_S)


def test_sending_after_the_loss_does_nothing(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = await _connect(opener, far)
        user.port.close()
        other.port.close()
        await user.is_lost()
        await other.is_lost()
        for one in (user, other):
            one.port.send(b"nobody hears")
            one.port.send_break(0.1)
            one.port.set_circuits(READY)
            one.port.close()
            assert one.port.waiting_octets == 0
            assert one.story == ["up", "lost"]

    world(story)


def test_more_than_may_wait_costs_the_port_and_not_the_memory(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = await _connect(opener, far)
        for _ in range(100):
            user.port.send(bytes(PENDING_OCTETS_MAX))
        await user.is_lost()
        assert user.loss.cause is PortLossCause.OVERFLOW
        assert "octets were waiting" in str(user.loss)
        other.port.close()
        await other.is_lost()

    world(story)


def test_an_opening_can_be_given_up(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user = RecordingPortUser()
        call = opener.open(user)
        call.close()
        call.close()
        assert user.story == []
        await user.is_lost()
        assert user.story == ["lost"]
        assert user.loss.cause is PortLossCause.CLOSED_HERE

    world(story)


def test_the_call_closes_the_port_that_came_of_it(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = RecordingPortUser(), RecordingPortUser()
        call = opener.open(user)
        far.open(other)
        await user.is_up()
        await other.is_up()
        call.close()
        await user.is_lost()
        assert user.loss.cause is PortLossCause.CLOSED_HERE
        other.port.close()
        await other.is_lost()

    world(story)


def test_a_port_can_be_opened_again(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        for octets in (b"first", b"second"):
            user, other = await _connect(opener, far)
            user.port.send(octets)
            await other.has(len(octets))
            assert other.octets == octets
            user.port.close()
            other.port.close()
            await user.is_lost()
            await other.is_lost()

    world(story)


def test_octets_behind_a_break_arrive_behind_those_before_it(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = await _connect(opener, far)
        user.port.send(b"before")
        user.port.send_break(0.05)
        user.port.send(b"after")
        await other.has(11)
        assert other.octets == b"beforeafter"
        if user.port.circuits is not None:
            assert other.story == ["up", "octets", "break", "octets"]
        user.port.close()
        other.port.close()
        await user.is_lost()
        await other.is_lost()

    world(story)


def test_circuits_of_the_far_end_are_seen_or_there_are_none(world: World) -> None:
    async def story(opener: PortOpener, far: PortOpener) -> None:
        user, other = await _connect(opener, far)
        if user.port.circuits is not None:
            await user.until(lambda: bool(user.circuits) and user.circuits[-1].carrier)
            assert user.port.circuits.carrier
            assert user.port.circuits.clear_to_send
            other.port.close()
            await other.is_lost()
            await user.until(lambda: not user.circuits[-1].carrier)
            assert not user.port.circuits.carrier
        other.port.close()
        user.port.close()
        await user.is_lost()
        assert user.port.name

    world(story)

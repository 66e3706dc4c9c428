"""A port over USB carries octets whatever its transfers do, and ends but once."""

import errno
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.lines.direct import DirectListener
from hw.lines.direct_end import DirectParameters
from hw.lines.port import LossCause
from hw.ports.port import PortFault, PortLossCause
from hw.reactor import MonotonicReactor
from hw.usb.opener import UsbOpener, UsbTiming
from hw.usb.pipe import RETRIES_MAX
from hw.usb.pump import PACKETS_READ_MAX
from hw.usb.simulated import SimulatedBus
from hw.usb.simulated_device import (
    DeviceIdentity,
    SimulatedDevice,
    TransferFault,
    Way,
    faults_at,
    usb_error,
)
from tests.line_user import RecordingUser
from tests.port_user import RecordingPortUser
from tests.reactor import run_on_reactor
from tests.usb_desk import ADDRESS, QUICK, UsbDesk, close, usb_threads_that_stay

HARMLESS = (
    TransferFault.STALL,
    TransferFault.TIME_OUT,
    TransferFault.SHORT,
    TransferFault.BROKEN,
)
"""Faults that cost time and no octets."""
PACKET_OCTETS = (8, 16, 32, 64, 512)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert usb_threads_that_stay() == []
    assert set(threading.enumerate()) <= before


def test_octets_are_the_same_whatever_packets_carry_them() -> None:
    @settings(max_examples=40, deadline=None)
    @given(
        packet_octets=st.sampled_from(PACKET_OCTETS),
        faults=st.dictionaries(
            st.tuples(st.sampled_from(Way), st.integers(0, 20)),
            st.sampled_from(HARMLESS),
            max_size=RETRIES_MAX,
        ),
        down=st.lists(st.binary(min_size=1, max_size=600), max_size=4),
        up=st.lists(st.binary(min_size=1, max_size=600), max_size=4),
    )
    def exchange(
        packet_octets: int,
        faults: dict[tuple[Way, int], TransferFault],
        down: list[bytes],
        up: list[bytes],
    ) -> None:
        async def scenario(reactor: MonotonicReactor) -> None:
            desk = UsbDesk(reactor, faults_at(faults), packet_octets=packet_octets)
            host, device = await desk.open()
            for octets in down:
                host.port.send(octets)
            for octets in up:
                device.port.send(octets)
            await device.has(len(b"".join(down)))
            await host.has(len(b"".join(up)))
            await close(host, device)
            assert device.octets == b"".join(down)
            assert host.octets == b"".join(up)
            assert host.loss.cause is PortLossCause.CLOSED_HERE

        run_on_reactor(scenario)

    exchange()


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("attempt", range(6))
def test_a_device_pulled_out_at_any_transfer_ends_the_port_once(
    way: Way, attempt: int
) -> None:
    octets = bytes(range(250))

    async def scenario(reactor: MonotonicReactor) -> None:
        plan = faults_at({(way, attempt): TransferFault.UNPLUG})
        desk = UsbDesk(reactor, plan)
        host, device = await desk.open()
        host.port.send(octets)
        device.port.send(octets)
        if attempt < 4:
            await host.is_lost()
            await device.is_lost()
        else:
            # Four packets carry it, and no empty one is needed behind them.
            await device.has(len(octets))
            await host.has(len(octets))
            await close(host, device)
        expected = PortLossCause.UNPLUGGED if attempt < 4 else PortLossCause.CLOSED_HERE
        for user in (host, device):
            assert [loss.cause for loss in user.losses] == [expected]
            assert octets.startswith(user.octets)
        if way is Way.IN:
            assert len(host.octets) == min(64 * attempt, len(octets))

    run_on_reactor(scenario)


def test_a_device_pulled_out_while_nothing_happens_is_noticed() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor)
        host, device = await desk.open()
        desk.device.unplug()
        await host.is_lost()
        await device.is_lost()
        assert host.loss.cause is PortLossCause.UNPLUGGED
        assert str(host.loss) == (
            "unplugged: usb:1209:0001: it is gone "
            "(No such device (it may have been disconnected))"
        )

    run_on_reactor(scenario)


def test_a_device_that_is_put_back_can_be_opened_again() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor)
        for octets in (b"before", b"behind"):
            host, device = await desk.open()
            host.port.send(octets)
            await device.has(len(octets))
            assert device.octets == octets
            desk.device.unplug()
            await host.is_lost()
            await device.is_lost()
            absent = RecordingPortUser()
            desk.host.open(absent)
            await absent.is_lost()
            assert str(absent.loss) == "not there: usb:1209:0001 is not plugged in"
            desk.device.plug_in()

    run_on_reactor(scenario)


def test_a_server_answers_again_when_the_device_is_put_back() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor)
        parameters = DirectParameters(silence_s=0, retry_least_s=0.01)
        listener = DirectListener(reactor, desk.host, desk.host.name, parameters)
        calls = [RecordingUser(), RecordingUser()]
        answered = iter(calls)
        listener.listen(lambda _: next(answered))
        for call in calls:
            device = RecordingPortUser()
            desk.far.open(device)
            await device.is_up()
            device.port.send(b"hello")
            await call.has(5)
            assert call.octets == b"hello"
            desk.device.unplug()
            await call.is_lost()
            await device.is_lost()
            assert call.loss.cause is LossCause.CARRIER_LOST
            desk.device.plug_in()
        listener.close()

    run_on_reactor(scenario)


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(
    ("fault", "cause", "words"),
    [
        (TransferFault.STALL, PortLossCause.CLOSED_BY_PEER, "stalls again and again"),
        (TransferFault.BROKEN, PortLossCause.UNPLUGGED, "gone (Input/Output Error)"),
    ],
)
def test_an_endpoint_that_only_fails_ends_the_port_after_some_tries(
    way: Way, fault: TransferFault, cause: PortLossCause, words: str
) -> None:
    attempts = []

    def plan(at: Way, attempt: int) -> TransferFault | None:
        if at is not way:
            return None
        attempts.append(attempt)
        return fault

    async def scenario(reactor: MonotonicReactor) -> None:
        host, device = await UsbDesk(reactor, plan).open()
        host.port.send(b"down")
        device.port.send(b"up")
        await host.is_lost()
        assert host.loss.cause is cause
        assert words in host.loss.detail
        assert len(attempts) == RETRIES_MAX + 1
        await close(device)

    run_on_reactor(scenario)


def test_octets_that_were_lost_are_a_fault_at_their_place() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        plan = faults_at({(Way.IN, 1): TransferFault.OVERFLOW})
        host, device = await UsbDesk(reactor, plan).open()
        for octets in (b"one", b"two", b"three"):
            device.port.send(octets)
        await host.has(8)
        assert host.octets == b"onethree"
        assert host.faults == [PortFault.OVERRUN]
        assert host.story == ["up", "octets", "overrun", "octets"]
        await close(host, device)

    run_on_reactor(scenario)


@pytest.mark.parametrize("drain_s", [0.02, 0.1])
def test_a_device_that_takes_nothing_holds_a_close_for_so_long(drain_s: float) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor, timing=UsbTiming(transfer_s=0.01, drain_s=drain_s))
        host = RecordingPortUser()
        desk.host.open(host)
        await host.is_up()
        host.port.send(b"nobody is the device")
        began_s = reactor.seconds()
        host.port.close()
        assert host.port.waiting_octets == 20
        await host.is_lost()
        assert reactor.seconds() - began_s >= drain_s
        assert host.loss.cause is PortLossCause.CLOSED_HERE
        assert host.port.waiting_octets == 0

    run_on_reactor(scenario)


def test_what_a_busy_reactor_does_not_take_waits_in_the_device() -> None:
    packets = 3 * PACKETS_READ_MAX
    octets = bytes(range(64)) * packets

    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor, timing=UsbTiming(transfer_s=0.01, drain_s=1.0))
        host, device = await desk.open()
        desk.device.put(octets)
        # No turn of the reactor goes by in here; the thread has one packet in hand.
        left_octets = 64 * (packets - PACKETS_READ_MAX - 1)
        while desk.device.waiting_octets > left_octets:
            assert host.octets == b""
        await host.has(len(octets))
        assert host.octets == octets
        await close(host, device)

    run_on_reactor(scenario)


def test_a_close_is_quick_though_the_reactor_is_busy() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor)
        host, device = await desk.open()
        desk.device.put(bytes(64 * 3 * PACKETS_READ_MAX))
        left_octets = 64 * (2 * PACKETS_READ_MAX - 1)
        while desk.device.waiting_octets > left_octets:
            pass
        await close(host, device)
        assert host.octets == b""

    run_on_reactor(scenario)


class _BrokenBus(SimulatedBus):
    """A bus whose reads, or whose clearing of stalls, fail as they never should."""

    def __init__(self, error: Exception, *devices: SimulatedDevice) -> None:
        super().__init__(*devices)
        self.error = error

    def clear_halt(self, *arguments: Any) -> None:
        raise self.error


class _WrongBus(_BrokenBus):
    def bulk_read(self, *arguments: Any) -> int:
        raise self.error


def _lost_over(bus: SimulatedBus) -> str:
    async def scenario(reactor: MonotonicReactor) -> str:
        host = RecordingPortUser()
        UsbOpener(reactor, ADDRESS, bus, QUICK).open(host)
        await host.is_lost()
        assert host.story == ["up", "lost"]
        return str(host.loss)

    return run_on_reactor(scenario)


def test_a_device_that_goes_while_a_stall_is_cleared_is_gone() -> None:
    device = SimulatedDevice(
        DeviceIdentity(), faults_at({(Way.IN, 0): TransferFault.STALL})
    )
    bus = _BrokenBus(usb_error(errno.ENODEV), device)
    device.put(b"stall")
    assert _lost_over(bus).startswith("unplugged: usb:1209:0001: it is gone (No such")
    assert not device.is_claimed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_has_foreseen_ends_the_port_too() -> None:
    device = SimulatedDevice(DeviceIdentity())
    bus = _WrongBus(ZeroDivisionError("an error of ours"), device)
    assert _lost_over(bus) == (
        "cannot be set so: usb:1209:0001: an error of ours, which stands in the log"
    )
    assert not device.is_claimed


def test_a_reactor_that_stops_lets_go_of_the_device() -> None:
    users: list[RecordingPortUser] = []
    desks: list[UsbDesk] = []

    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor)
        desks.append(desk)
        users.extend(await desk.open())
        opening = RecordingPortUser()
        users.append(opening)
        desk.host.open(opening)

    run_on_reactor(scenario)
    assert users[0].story == ["up", "lost"]
    assert not desks[0].device.is_claimed


class _StuckBus(SimulatedBus):
    """A bus whose reads come back when `gate` is set, whatever their time-out."""

    def __init__(self, *devices: SimulatedDevice) -> None:
        super().__init__(*devices)
        self.entered = threading.Event()
        self.gate = threading.Event()

    def bulk_read(self, *arguments: Any) -> int:
        self.entered.set()
        self.gate.wait(timeout=60)
        return super().bulk_read(*arguments)


async def _opens(opener: UsbOpener) -> bool:
    user = RecordingPortUser()
    opener.open(user)
    await user.until(lambda: bool(user.story))
    if user.ports:
        await close(user)
    return bool(user.ports)


def test_a_thread_that_the_system_holds_does_not_hold_the_port() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        bus = _StuckBus(SimulatedDevice(DeviceIdentity()))
        timing = UsbTiming(transfer_s=0.01, drain_s=0.01, stuck_s=0.01)
        host = RecordingPortUser()
        UsbOpener(reactor, ADDRESS, bus, timing).open(host)
        await host.is_up()
        assert bus.entered.wait(timeout=60)
        host.port.close()
        await host.is_lost()
        assert host.loss.cause is PortLossCause.CLOSED_HERE
        second = RecordingPortUser()
        UsbOpener(reactor, ADDRESS, bus, timing).open(second)
        await second.is_lost()
        assert second.loss.cause is PortLossCause.IN_USE
        bus.gate.set()
        # The thread comes back, and its device is free.
        while not await _opens(UsbOpener(reactor, ADDRESS, bus, QUICK)):
            pass

    run_on_reactor(scenario)

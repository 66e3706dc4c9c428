"""A simulated USB device is to pyusb what a real one is."""

import errno
from collections.abc import Callable
from typing import Any

import pytest
import usb.core
import usb.util

from hw.ports.listing import list_usb
from hw.ports.port import PortLossCause
from hw.reactor import MonotonicReactor
from hw.usb.device_end import DeviceEndOpener
from hw.usb.opener import UsbTiming
from hw.usb.simulated import IN_ADDRESS, OUT_ADDRESS, SimulatedBus
from hw.usb.simulated_device import (
    PACKETS_MAX,
    DeviceIdentity,
    SimulatedDevice,
    TransferFault,
    Way,
    faults_at,
)
from tests.port_user import RecordingPortUser
from tests.reactor import run_on_reactor
from tests.usb_desk import QUICK, PacketLog, UsbDesk, close

WAIT_MS = 20


def found(device: SimulatedDevice) -> Any:
    """Find a device through pyusb, as any program does."""
    return usb.core.find(backend=SimulatedBus(device))


def failed(call: Callable[[], object]) -> tuple[int | None, int | None]:
    with pytest.raises(usb.core.USBError) as caught:
        call()
    return caught.value.errno, caught.value.backend_error_code


def test_a_device_shows_who_it_is() -> None:
    device = found(SimulatedDevice(DeviceIdentity(serial="A1", packet_octets=512)))
    assert (device.idVendor, device.idProduct) == (0x1209, 0x0001)
    names = (device.manufacturer, device.product, device.serial_number)
    assert names == ("RMFS", "simulated line", "A1")
    assert device.speed == usb.util.SPEED_HIGH
    interface = device.get_active_configuration()[0, 0]
    assert interface.bInterfaceClass == 0xFF
    assert [one.bEndpointAddress for one in interface] == [IN_ADDRESS, OUT_ADDRESS]
    assert "Vendor Specific" in str(device)
    usb.util.dispose_resources(device)


def test_a_device_is_listed_by_its_names() -> None:
    bus = SimulatedBus(
        SimulatedDevice(DeviceIdentity(serial="A1")), SimulatedDevice(DeviceIdentity())
    )
    listed = list_usb(lambda: usb.core.find(find_all=True, backend=bus))
    assert [one.words for one in listed] == [
        "RMFS simulated line, number A1",
        "RMFS simulated line",
    ]
    assert [one.line for one in listed] == [
        "usb:1209:0001:serial=A1",
        "usb:1209:0001",
    ]


def test_an_empty_read_is_a_time_out_as_libusb_says_it() -> None:
    device = found(SimulatedDevice(DeviceIdentity()))
    with pytest.raises(usb.core.USBTimeoutError) as caught:
        device.read(IN_ADDRESS, 64, WAIT_MS)
    assert (caught.value.errno, caught.value.backend_error_code) == (110, -7)
    usb.util.dispose_resources(device)


def test_a_read_ends_with_a_short_packet_or_when_it_is_full() -> None:
    one = SimulatedDevice(DeviceIdentity(packet_octets=8))
    device = found(one)
    one.put(b"sixteen octets!!")
    assert device.read(IN_ADDRESS, 64, WAIT_MS).tobytes() == b"sixteen octets!!"
    one.put(b"ten octets")
    one.put(b"more")
    assert device.read(IN_ADDRESS, 64, WAIT_MS).tobytes() == b"ten octets"
    assert device.read(IN_ADDRESS, 64, WAIT_MS).tobytes() == b"more"
    one.put(b"sixteen octets!!")
    assert device.read(IN_ADDRESS, 8, WAIT_MS).tobytes() == b"sixteen "
    assert device.read(IN_ADDRESS, 8, WAIT_MS).tobytes() == b"octets!!"
    assert device.read(IN_ADDRESS, 8, WAIT_MS).tobytes() == b""
    one.put(b"eight..!")
    too_small = 4
    said = failed(lambda: device.read(IN_ADDRESS, too_small, WAIT_MS))
    assert said == (errno.EOVERFLOW, -8)
    usb.util.dispose_resources(device)


def test_a_write_takes_as_many_packets_as_there_is_room_for() -> None:
    one = SimulatedDevice(DeviceIdentity(packet_octets=8))
    device = found(one)
    said = failed(lambda: device.write(OUT_ADDRESS, b"nobody", WAIT_MS))
    assert said == (errno.ETIMEDOUT, -7)
    log = PacketLog(one)
    assert device.write(OUT_ADDRESS, bytes(100), WAIT_MS) == 8 * PACKETS_MAX
    assert log.look() == [bytes(8)] * PACKETS_MAX
    usb.util.dispose_resources(device)


def test_a_stall_lasts_until_it_is_cleared() -> None:
    plan = faults_at({(Way.OUT, 0): TransferFault.STALL})
    one = SimulatedDevice(DeviceIdentity(), plan)
    log = PacketLog(one)
    device = found(one)
    for _ in range(3):
        said = failed(lambda: device.write(OUT_ADDRESS, b"hello", WAIT_MS))
        assert said == (errno.EPIPE, -9)
    device.clear_halt(OUT_ADDRESS)
    assert device.write(OUT_ADDRESS, b"hello", WAIT_MS) == 5
    assert log.look() == [b"hello"]
    usb.util.dispose_resources(device)


def test_a_device_that_was_pulled_out_is_another_when_it_is_back() -> None:
    one = SimulatedDevice(DeviceIdentity())
    bus = SimulatedBus(one)
    device = usb.core.find(backend=bus)
    device.set_configuration()
    one.unplug()
    assert usb.core.find(backend=bus) is None
    one.plug_in()
    said = failed(lambda: device.read(IN_ADDRESS, 64, WAIT_MS))
    assert said == (errno.ENODEV, -4)
    again = usb.core.find(backend=bus)
    one.put(b"hello")
    assert again.read(IN_ADDRESS, 64, WAIT_MS).tobytes() == b"hello"
    for each in (device, again):
        usb.util.dispose_resources(each)


def test_requests_that_no_device_answers_are_stalled() -> None:
    device = found(SimulatedDevice(DeviceIdentity()))
    said = failed(lambda: device.ctrl_transfer(0xC0, 1, 0, 0, 8, WAIT_MS))
    assert said == (errno.EPIPE, -9)
    said = failed(lambda: usb.util.get_string(device, 9))
    assert said == (errno.EPIPE, -9)
    said = failed(lambda: usb.util.claim_interface(device, 7))
    assert said == (errno.ENOENT, -5)
    usb.util.dispose_resources(device)


def test_messages_of_full_packets_end_with_an_empty_one() -> None:
    """The host's side too: a device may wait for a packet that is not full."""

    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor, packet_octets=8)
        log = PacketLog(desk.device)
        host = RecordingPortUser()
        desk.host.open(host)
        await host.is_up()
        host.port.send(b"sixteen octets!!")
        host.port.close()
        await host.is_lost()
        assert log.look() == [b"sixteen ", b"octets!!", b""]

    run_on_reactor(scenario)


def test_two_programs_cannot_be_one_device() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor)
        first, second = RecordingPortUser(), RecordingPortUser()
        desk.far.open(first)
        await first.is_up()
        desk.far.open(second)
        await second.is_lost()
        assert str(second.loss) == "in use: simulated line"
        await close(first)

    run_on_reactor(scenario)


def test_a_device_without_a_cable_is_not_there() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        device = RecordingPortUser()
        unplugged = SimulatedDevice(DeviceIdentity())
        DeviceEndOpener(reactor, unplugged, QUICK).open(device)
        await device.is_lost()
        assert str(device.loss) == "not there: simulated line: no cable"

    run_on_reactor(scenario)


def test_a_device_waits_for_a_host_that_reads_slowly_for_so_long() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        one = SimulatedDevice(DeviceIdentity())
        idle = usb.core.find(backend=SimulatedBus(one))
        usb.util.claim_interface(idle, 0)
        device = RecordingPortUser()
        timing = UsbTiming(drain_s=0.05)
        DeviceEndOpener(reactor, one, timing).open(device)
        await device.is_up()
        device.port.send(b"nobody reads")
        assert device.port.waiting_octets == 12
        device.port.close()
        began_s = reactor.seconds()
        await device.is_lost()
        assert reactor.seconds() - began_s >= 0.05
        assert device.loss.cause is PortLossCause.CLOSED_HERE
        usb.util.dispose_resources(idle)

    run_on_reactor(scenario)

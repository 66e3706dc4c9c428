"""A USB device is found by its numbers; one that cannot be used says why not."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import usb.backend.libusb1

from hw.lines.port_strings import UsbAddress
from hw.ports.port import PortLossCause
from hw.ports.terminal_settings import PortOpenError
from hw.usb.finding import LIBUSB_MISSING, RULES_FILE, open_pipe
from hw.usb.simulated import Handle, SimulatedBus
from hw.usb.simulated_device import DeviceIdentity, SimulatedDevice, usb_error
from tests.usb_desk import ADDRESS

ROOT = Path(__file__).parents[2]
TRANSFER_S = 0.01


def refused(bus: SimulatedBus, address: UsbAddress = ADDRESS) -> str:
    with pytest.raises(PortOpenError) as caught:
        open_pipe(address, bus, TRANSFER_S)
    return str(caught.value)


def device(
    serial: str = "", *, vendor: int = 0x1209, product: int = 1, interface: int = 0
) -> SimulatedDevice:
    identity = DeviceIdentity(vendor, product, serial, interface=interface)
    return SimulatedDevice(identity)


def test_a_device_that_is_not_plugged_in_is_said_to_be() -> None:
    assert refused(SimulatedBus()) == "not there: usb:1209:0001 is not plugged in"
    others = SimulatedBus(device(vendor=0x0403), device(product=2))
    assert refused(others) == "not there: usb:1209:0001 is not plugged in"


def test_of_several_devices_the_one_with_the_number_is_taken() -> None:
    devices = [device("A1"), device(), device("B2")]
    bus = SimulatedBus(*devices)
    pipe = open_pipe(replace(ADDRESS, serial="B2"), bus, TRANSFER_S)
    assert [one.is_claimed for one in devices] == [False, False, True]
    pipe.close()
    assert not devices[2].is_claimed


def test_without_a_number_the_first_that_can_be_used_is_taken() -> None:
    devices = [device("A1"), device("B2")]
    bus = SimulatedBus(*devices)
    pipes = [open_pipe(ADDRESS, bus, TRANSFER_S) for _ in devices]
    assert [one.is_claimed for one in devices] == [True, True]
    assert refused(bus) == "in use: usb:1209:0001: another program has it"
    for pipe in pipes:
        pipe.close()


@pytest.mark.parametrize(("has", "shown"), [("A1", "'A1'"), ("", "None")])
def test_a_device_with_another_number_is_not_taken(has: str, shown: str) -> None:
    assert refused(SimulatedBus(device(has)), replace(ADDRESS, serial="B2")) == (
        "not there: usb:1209:0001:serial=B2 is not plugged in, "
        f"only one with the number {shown}"
    )


def test_a_device_that_is_not_permitted_names_the_rules_that_help() -> None:
    one = device("A1")
    one.is_permitted = False
    for address in (ADDRESS, replace(ADDRESS, serial="A1")):
        words = refused(SimulatedBus(one), address)
        assert words.startswith(f"not permitted: {address}: it is root's: copy ")
        assert RULES_FILE in words
        assert "/etc/udev/rules.d/" in words
        assert "docs/usb.md" in words


def test_the_rules_are_there_and_are_for_the_device_of_the_examples() -> None:
    rules = (ROOT / RULES_FILE).read_text(encoding="utf-8")
    (rule,) = [line for line in rules.splitlines() if not line.startswith("#")]
    assert 'ATTR{idVendor}=="1209"' in rule
    assert 'ATTR{idProduct}=="0001"' in rule
    assert 'TAG+="uaccess"' in rule


def test_a_driver_of_the_kernel_gives_way_and_comes_back() -> None:
    one = device()
    one.has_driver = True
    pipe = open_pipe(ADDRESS, SimulatedBus(one), TRANSFER_S)
    assert not one.has_driver
    assert one.is_claimed
    pipe.close()
    assert one.has_driver


def test_a_driver_comes_back_when_the_interface_cannot_be_had() -> None:
    one = device()
    bus = SimulatedBus(one)
    other = open_pipe(ADDRESS, bus, TRANSFER_S)
    one.has_driver = True
    assert refused(bus).startswith("in use: ")
    assert one.has_driver
    other.close()


def test_a_system_that_knows_no_drivers_needs_none() -> None:
    class Elsewhere(SimulatedBus):
        def is_kernel_driver_active(self, dev_handle: object, intf: int) -> bool:
            raise NotImplementedError

    one = device()
    pipe = open_pipe(ADDRESS, Elsewhere(one), TRANSFER_S)
    assert one.is_claimed
    pipe.close()


def test_a_device_that_was_not_configured_is() -> None:
    one = device()
    one.is_configured = False
    open_pipe(ADDRESS, SimulatedBus(one), TRANSFER_S).close()
    assert one.is_configured


def test_a_device_without_the_interface_says_which_it_has() -> None:
    assert refused(SimulatedBus(device(interface=2))) == (
        "cannot be set so: usb:1209:0001: it has no interface 0, only 2"
    )
    one = device(interface=2)
    open_pipe(replace(ADDRESS, interface=2), SimulatedBus(one), TRANSFER_S).close()


def _both_in(endpoint: SimpleNamespace) -> None:
    endpoint.bEndpointAddress |= 0x80


def _interrupts(endpoint: SimpleNamespace) -> None:
    endpoint.bmAttributes = 3


def _no_packets(endpoint: SimpleNamespace) -> None:
    endpoint.wMaxPacketSize = 0


@pytest.mark.parametrize("change", [_both_in, _interrupts, _no_packets])
def test_an_interface_needs_a_bulk_endpoint_each_way(
    change: Callable[[SimpleNamespace], None],
) -> None:
    class Other(SimulatedBus):
        def get_endpoint_descriptor(
            self, dev: SimulatedDevice, *place: int
        ) -> SimpleNamespace:
            endpoint = super().get_endpoint_descriptor(dev, *place)
            change(endpoint)
            return endpoint

    assert refused(Other(device())) == (
        "cannot be set so: usb:1209:0001: interface 0 has no bulk endpoint each way"
    )


def test_a_disk_that_is_named_by_mistake_is_left_alone() -> None:
    class Disk(SimulatedBus):
        def get_interface_descriptor(
            self, dev: SimulatedDevice, *place: int
        ) -> SimpleNamespace:
            interface = super().get_interface_descriptor(dev, *place)
            interface.bInterfaceClass = 0x08
            return interface

    one = device()
    one.has_driver = True
    assert refused(Disk(one)) == (
        "cannot be set so: usb:1209:0001: "
        "interface 0 is of class 08, which carries no line"
    )
    assert one.has_driver


def test_a_device_that_does_not_tell_its_number_is_not_the_one() -> None:
    class Silent(SimulatedBus):
        def ctrl_transfer(self, dev_handle: Handle, *setup: object) -> int:
            raise usb_error(errno.EPIPE)

    assert refused(Silent(device("A1")), replace(ADDRESS, serial="A1")).endswith(
        "only one with the number None"
    )


def test_a_bus_that_cannot_be_looked_at_says_why() -> None:
    class Dead(SimulatedBus):
        def enumerate_devices(self) -> Iterator[SimulatedDevice]:
            raise usb_error(errno.EIO)

    assert refused(Dead()) == ("not there: usb:1209:0001: libusb: Input/Output Error")


def test_a_device_pulled_out_while_it_is_opened_is_not_there() -> None:
    class Loose(SimulatedBus):
        def open_device(self, dev: SimulatedDevice) -> Handle:
            handle = super().open_device(dev)
            dev.unplug()
            return handle

    assert refused(Loose(device())) == "not there: usb:1209:0001: it does not answer"


def test_without_libusb_the_words_say_how_to_get_it() -> None:
    with pytest.raises(PortOpenError) as caught:
        open_pipe(UsbAddress(0xFFFF, 0xFFFF), None, TRANSFER_S)
    loss = caught.value.loss
    assert loss.cause is PortLossCause.NOT_THERE
    if usb.backend.libusb1.get_backend() is None:
        assert loss.detail == f"usb:ffff:ffff: {LIBUSB_MISSING}"

"""A USB bus in memory: a pyusb backend, for devices that are not there.

Whatever uses pyusb finds the devices of a bus as it finds real ones:
``usb.core.find(backend=bus)``. So the way through pyusb is the product's own, with
hardware or without.

Each device has one configuration with one interface, of a vendor's class, with a bulk
endpoint each way.

Source: USB 2.0, 9.4.3 and 9.6; `usb.backend.IBackend` of pyusb 1.3.
"""

import errno
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from usb.backend import IBackend

from hw.usb.simulated_device import SimulatedDevice, Way, usb_error

IN_ADDRESS: Final = 0x81
OUT_ADDRESS: Final = 0x01

_WAYS: Final = {IN_ADDRESS: Way.IN, OUT_ADDRESS: Way.OUT}
_CONFIGURATION: Final = 1
_VENDOR_SPECIFIC: Final = 0xFF
_BULK: Final = 2
_GET_DESCRIPTOR: Final = (0x80, 0x06)
_DEVICE, _CONFIGURATION_TYPE, _STRING, _INTERFACE, _ENDPOINT = 1, 2, 3, 4, 5
_ENGLISH: Final = bytes.fromhex("0904")
"""Language 0x0409; USB-IF, Language Identifiers."""
_FULL_SPEED_PACKET_OCTETS: Final = 64
_FULL_SPEED, _HIGH_SPEED = 2, 3


@dataclass(eq=False, frozen=True, slots=True)
class Handle:
    """A device that was opened, as it was plugged in then."""

    device: SimulatedDevice
    plugging: int


class SimulatedBus(IBackend):  # type: ignore[misc]  # pyusb has no types
    """What devices are plugged into; a pyusb backend."""

    def __init__(self, *devices: SimulatedDevice) -> None:
        """Have a bus with these devices plugged in."""
        self._devices: list[SimulatedDevice] = []
        for device in devices:
            self.add(device)

    def add(self, device: SimulatedDevice) -> None:
        """Have a device on the bus, plugged in."""
        device.plug_in()
        self._devices.append(device)

    def enumerate_devices(self) -> Iterator[SimulatedDevice]:
        """List the devices that are plugged in."""
        return (one for one in list(self._devices) if one.plugging is not None)

    def get_device_descriptor(self, dev: SimulatedDevice) -> SimpleNamespace:
        """Show the descriptor of a device, and where it is."""
        identity = dev.identity
        is_fast = identity.packet_octets > _FULL_SPEED_PACKET_OCTETS
        return SimpleNamespace(
            bLength=18,
            bDescriptorType=_DEVICE,
            bcdUSB=0x0200,
            bDeviceClass=0,
            bDeviceSubClass=0,
            bDeviceProtocol=0,
            bMaxPacketSize0=64,
            idVendor=identity.vendor,
            idProduct=identity.product,
            bcdDevice=0x0100,
            iManufacturer=1,
            iProduct=2,
            iSerialNumber=3 if identity.serial else 0,
            bNumConfigurations=1,
            address=self._devices.index(dev) + 1,
            bus=0,
            port_number=None,
            port_numbers=None,
            speed=_HIGH_SPEED if is_fast else _FULL_SPEED,
        )

    def get_configuration_descriptor(
        self, dev: SimulatedDevice, config: int
    ) -> SimpleNamespace:
        """Show the one configuration.

        Raises:
            IndexError: There is no other.
        """
        _only_the_first(config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=_CONFIGURATION_TYPE,
            wTotalLength=9 + 9 + 7 + 7,
            bNumInterfaces=1,
            bConfigurationValue=_CONFIGURATION,
            iConfiguration=0,
            bmAttributes=0x80,
            bMaxPower=50,
            extra_descriptors=[],
        )

    def get_interface_descriptor(
        self, dev: SimulatedDevice, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Show the one interface.

        Raises:
            IndexError: There is no other.
        """
        _only_the_first(intf, alt, config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=_INTERFACE,
            bInterfaceNumber=dev.identity.interface,
            bAlternateSetting=0,
            bNumEndpoints=len(_WAYS),
            bInterfaceClass=_VENDOR_SPECIFIC,
            bInterfaceSubClass=0,
            bInterfaceProtocol=0,
            iInterface=0,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(
        self, dev: SimulatedDevice, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Show an endpoint.

        Raises:
            IndexError: There are two.
        """
        _only_the_first(intf, alt, config)
        return SimpleNamespace(
            bLength=7,
            bDescriptorType=_ENDPOINT,
            bEndpointAddress=list(_WAYS)[ep],
            bmAttributes=_BULK,
            wMaxPacketSize=dev.identity.packet_octets,
            bInterval=0,
            bRefresh=0,
            bSynchAddress=0,
            extra_descriptors=[],
        )

    def open_device(self, dev: SimulatedDevice) -> Handle:
        """Open a device."""
        plugging = dev.plugging
        if plugging is None:
            raise usb_error(errno.ENODEV)
        if not dev.is_permitted:
            raise usb_error(errno.EACCES)
        return Handle(dev, plugging)

    def close_device(self, dev_handle: Handle) -> None:
        """Close a device, and let go of its interface."""
        dev_handle.device.release(dev_handle)

    def get_configuration(self, dev_handle: Handle) -> int:
        """Say which configuration was chosen; 0 for none."""
        return _CONFIGURATION if _plugged(dev_handle).is_configured else 0

    def set_configuration(self, dev_handle: Handle, config_value: int) -> None:
        """Choose the one configuration."""
        _plugged(dev_handle).is_configured = config_value == _CONFIGURATION

    def claim_interface(self, dev_handle: Handle, intf: int) -> None:
        """Claim the interface for one handle."""
        _interface(dev_handle, intf).claim(dev_handle)

    def release_interface(self, dev_handle: Handle, intf: int) -> None:
        """Let go of the interface."""
        _interface(dev_handle, intf).release(dev_handle)

    def is_kernel_driver_active(self, dev_handle: Handle, intf: int) -> bool:
        """Say whether a driver of the kernel has the interface."""
        return _interface(dev_handle, intf).has_driver

    def detach_kernel_driver(self, dev_handle: Handle, intf: int) -> None:
        """Take the interface from the driver."""
        _interface(dev_handle, intf).has_driver = False

    def attach_kernel_driver(self, dev_handle: Handle, intf: int) -> None:
        """Give the interface back to the driver."""
        _interface(dev_handle, intf).has_driver = True

    def clear_halt(self, dev_handle: Handle, ep: int) -> None:
        """Let an endpoint that has stalled go on."""
        _plugged(dev_handle).clear_halt(_WAYS[ep])

    def bulk_write(
        self, dev_handle: Handle, ep: int, intf: int, data: "array[int]", timeout: int
    ) -> int:
        """Write octets; 0 ms wait for ever, as in libusb."""
        device, plugging = _interface(dev_handle, intf), dev_handle.plugging
        return device.write(data.tobytes(), plugging, _wait_s(timeout))

    def bulk_read(
        self, dev_handle: Handle, ep: int, intf: int, buff: "array[int]", timeout: int
    ) -> int:
        """Read octets into a buffer; 0 ms wait for ever, as in libusb."""
        device, plugging = _interface(dev_handle, intf), dev_handle.plugging
        octets = device.read(len(buff), plugging, _wait_s(timeout))
        buff[: len(octets)] = array("B", octets)
        return len(octets)

    def ctrl_transfer(self, dev_handle: Handle, *setup: Any) -> int:
        """Answer a request for a string; the device stalls upon any other.

        Args:
            dev_handle: The device.
            setup: ``bmRequestType``, ``bRequest``, ``wValue``, ``wIndex``, the array
                for the answer, and the time-out in milliseconds.
        """
        request_type, request, value, _, data, _ = setup
        identity = _plugged(dev_handle).identity
        texts = ["", identity.maker, identity.name, identity.serial]
        kind, number = value >> 8, value & 0xFF
        is_string = (request_type, request) == _GET_DESCRIPTOR and kind == _STRING
        if not is_string or number >= len(texts):
            raise usb_error(errno.EPIPE)
        # String 0 is the list of languages.
        body = texts[number].encode("utf-16-le") if number else _ENGLISH
        answer = (bytes([len(body) + 2, _STRING]) + body)[: len(data)]
        data[: len(answer)] = array("B", answer)
        return len(answer)


def _only_the_first(*indices: int) -> None:
    if any(indices):
        raise IndexError(indices)


def _plugged(handle: Handle) -> SimulatedDevice:
    if handle.device.plugging != handle.plugging:
        raise usb_error(errno.ENODEV)
    return handle.device


def _interface(handle: Handle, number: int) -> SimulatedDevice:
    device = _plugged(handle)
    if number != device.identity.interface:
        raise usb_error(errno.ENOENT)
    return device


def _wait_s(timeout_ms: int) -> float | None:
    return timeout_ms / 1000 if timeout_ms else None

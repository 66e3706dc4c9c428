"""Finding a USB device, and claiming its two bulk endpoints; blocks, so in a thread.

A device is known by the numbers of its vendor and its product, and where several are
plugged in, by its serial number. The first one that can be used is taken.

The interface has to have one bulk endpoint each way, and to be of a class whose octets
are nobody else's: a disk that is named by mistake is left alone. Where a driver of the
kernel has it, that is detached, and attached again when the port is closed. An
interface that another program has claimed is in use.

Source: USB 2.0, 9.6; USB-IF, Defined Class Codes.
"""

import errno
from collections.abc import Iterator
from typing import Any, Final

import usb.core
import usb.util

from hw.lines.port_strings import UsbAddress
from hw.ports.port import PortLoss, PortLossCause
from hw.ports.terminal_settings import PortOpenError
from hw.usb.pipe import BulkPair, BulkPipe

LIBUSB_MISSING: Final = "libusb is not installed (Debian: apt-get install libusb-1.0-0)"
RULES_FILE: Final = "hw/usb/60-rmfs.rules"

_CLASSES: Final = (0x00, 0x0A, 0xFF)
"""bInterfaceClass of what may carry a line: none, CDC data, of a vendor."""
_PACKET_OCTETS_MASK: Final = 0x07FF
"""Bits 10..0 of wMaxPacketSize; USB 2.0, 9.6.6."""
_CAUSES: Final = {
    errno.EACCES: PortLossCause.NOT_PERMITTED,
    errno.EPERM: PortLossCause.NOT_PERMITTED,
    errno.EBUSY: PortLossCause.IN_USE,
    errno.ENODEV: PortLossCause.NOT_THERE,
    errno.ENOENT: PortLossCause.NOT_THERE,
    errno.EIO: PortLossCause.NOT_THERE,
    errno.ETIMEDOUT: PortLossCause.NOT_THERE,
}
_WORDS: Final = {
    PortLossCause.NOT_PERMITTED: (
        "it is root's: copy hw/usb/60-rmfs.rules, with its numbers in it, to "
        "/etc/udev/rules.d/, run sudo udevadm control --reload, and plug it in again "
        "(docs/usb.md)"
    ),
    PortLossCause.IN_USE: "another program has it",
    PortLossCause.NOT_THERE: "it does not answer",
}


def open_pipe(address: UsbAddress, backend: Any, transfer_s: float) -> BulkPipe:
    """Find the device and claim its interface.

    Args:
        address: What to look for.
        backend: A pyusb backend, or None for libusb.
        transfer_s: How long a transfer of the pipe may block.

    Raises:
        PortOpenError: None is there, or none can be used.
    """
    losses = []
    for device in _find(address, backend):
        try:
            return _open(device, address, transfer_s)
        except PortOpenError as error:
            losses.append(error.loss)
            usb.util.dispose_resources(device)
    # That one is in use says more than that another has the wrong number.
    telling = [loss for loss in losses if loss.cause is not PortLossCause.NOT_THERE]
    missing = PortLoss(PortLossCause.NOT_THERE, f"{address} is not plugged in")
    raise PortOpenError((telling or losses or [missing])[0])


def _find(address: UsbAddress, backend: Any) -> Iterator[Any]:
    try:
        yield from usb.core.find(
            find_all=True,
            backend=backend,
            idVendor=address.vendor,
            idProduct=address.product,
        )
    except usb.core.NoBackendError as error:
        loss = PortLoss(PortLossCause.NOT_THERE, f"{address}: {LIBUSB_MISSING}")
        raise PortOpenError(loss) from error
    except usb.core.USBError as error:
        detail = f"{address}: libusb: {error.strerror}"
        raise PortOpenError(PortLoss(PortLossCause.NOT_THERE, detail)) from error


def _open(device: Any, address: UsbAddress, transfer_s: float) -> BulkPipe:
    try:
        configuration = _configuration(device)
        _check_number(device, address)
        pair, alternate = _bulk_pair(configuration, address)
        detached = _claim(device, address.interface)
        if alternate:
            device.set_interface_altsetting(address.interface, alternate)
    except usb.core.USBError as error:
        raise PortOpenError(_loss(address, error)) from error
    return BulkPipe(
        str(address),
        device,
        pair,
        transfer_s=transfer_s,
        driver_was_detached=detached,
    )


def _configuration(device: Any) -> Any:
    try:
        return device.get_active_configuration()
    except usb.core.USBError as error:
        # pyusb says with no number that a device has not been configured.
        if error.errno is not None:
            raise
    device.set_configuration()
    return device.get_active_configuration()


def _check_number(device: Any, address: UsbAddress) -> None:
    if address.serial is None:
        return
    try:
        number = device.serial_number
    except ValueError:
        number = None
    if number != address.serial:
        detail = f"{address} is not plugged in, only one with the number {number!r}"
        raise PortOpenError(PortLoss(PortLossCause.NOT_THERE, detail))


def _bulk_pair(configuration: Any, address: UsbAddress) -> tuple[BulkPair, int]:
    """Find the endpoints, and the alternate setting that has them."""
    numbers = set()
    for interface in configuration:
        numbers.add(interface.bInterfaceNumber)
        if interface.bInterfaceNumber != address.interface:
            continue
        if interface.bInterfaceClass not in _CLASSES:
            kind = f"{interface.bInterfaceClass:02x}, which carries no line"
            raise _cannot(address, f"interface {address.interface} is of class {kind}")
        ways = {
            usb.util.endpoint_direction(endpoint.bEndpointAddress): endpoint
            for endpoint in reversed(list(interface))
            if usb.util.endpoint_type(endpoint.bmAttributes)
            == usb.util.ENDPOINT_TYPE_BULK
            and endpoint.wMaxPacketSize & _PACKET_OCTETS_MASK
        }
        if len(ways) > 1:
            reads, writes = ways[usb.util.ENDPOINT_IN], ways[usb.util.ENDPOINT_OUT]
            pair = BulkPair(
                interface.bInterfaceNumber,
                reads.bEndpointAddress,
                reads.wMaxPacketSize & _PACKET_OCTETS_MASK,
                writes.bEndpointAddress,
                writes.wMaxPacketSize & _PACKET_OCTETS_MASK,
            )
            return pair, interface.bAlternateSetting
    number = address.interface
    if number in numbers:
        raise _cannot(address, f"interface {number} has no bulk endpoint each way")
    known = ", ".join(map(str, sorted(numbers)))
    raise _cannot(address, f"it has no interface {number}, only {known}")


def _cannot(address: UsbAddress, words: str) -> PortOpenError:
    return PortOpenError(PortLoss(PortLossCause.CANNOT_BE_SET, f"{address}: {words}"))


def _claim(device: Any, interface: int) -> bool:
    """Claim an interface, and say whether a driver of the kernel had it."""
    try:
        detached = bool(device.is_kernel_driver_active(interface))
        if detached:
            device.detach_kernel_driver(interface)
    except NotImplementedError:
        # Systems other than Linux have no such call.
        detached = False
    try:
        usb.util.claim_interface(device, interface)
    except usb.core.USBError:
        if detached:
            device.attach_kernel_driver(interface)
        raise
    return detached


def _loss(address: UsbAddress, error: usb.core.USBError) -> PortLoss:
    cause = _CAUSES.get(error.errno, PortLossCause.CANNOT_BE_SET)
    return PortLoss(cause, f"{address}: {_WORDS.get(cause, error.strerror)}")

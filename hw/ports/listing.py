"""What is plugged in: serial ports and USB devices, by names that people recognise.

Each comes with the line string that reaches it. A serial port is named by its link in
``/dev/serial/by-id`` where it has one: that stays the same when adapters change places.

A USB device may have no names of its own, or may not let us read them; then its
numbers are all there is. Hubs are left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import usb.core
import usb.util
from serial.tools.list_ports import comports

from hw.lines.port_strings import SerialAddress, UsbAddress
from protocol.errors import RmfsError

BY_ID: Final = Path("/dev/serial/by-id")
_UNKNOWN: Final = "n/a"
"""What pyserial says where there is nothing to say."""
_HUB: Final = 0x09
"""bDeviceClass; USB-IF, Defined Class Codes."""


class UsbUnavailableError(RmfsError):
    """USB devices cannot be looked at: libusb is missing, or does not work."""


@dataclass(frozen=True, slots=True)
class FoundPort:
    """A serial port.

    Attributes:
        device: Its path.
        words: What it is, for people.
        line: The line string that reaches it.
    """

    device: str
    words: str
    line: str


@dataclass(frozen=True, slots=True)
class FoundUsb:
    """A USB device.

    Attributes:
        vendor: Its ``idVendor``.
        product: Its ``idProduct``.
        words: What it is, for people.
        line: The line string that would reach it, if it carries a line.
    """

    vendor: int
    product: int
    words: str
    line: str


def list_ports(
    find: Callable[[], Iterable[Any]] = comports, by_id: Path = BY_ID
) -> list[FoundPort]:
    """List the serial ports of this computer.

    Args:
        find: pyserial's `comports`, or something else that gives what it gives.
        by_id: The folder of links with names that stay.
    """
    stable = _links_in(by_id)
    ports = sorted(find(), key=lambda port: str(port.device))
    return [
        FoundPort(
            port.device,
            _words_of_port(port),
            str(SerialAddress(stable.get(port.device, port.device))),
        )
        for port in ports
    ]


def list_usb(find: Callable[[], Iterable[Any]] | None = None) -> list[FoundUsb]:
    """List the USB devices of this computer.

    Args:
        find: Gives devices as pyusb does; None for those that libusb finds.

    Raises:
        UsbUnavailableError: libusb is not installed, or there is no USB here.
    """
    try:
        devices = list((find or _find_usb)())
    except usb.core.NoBackendError as error:
        message = "libusb is not installed (Debian: apt-get install libusb-1.0-0)"
        raise UsbUnavailableError(message) from error
    except usb.core.USBError as error:
        raise UsbUnavailableError(f"libusb: {error.strerror}") from error
    return [_found_usb(device) for device in devices if device.bDeviceClass != _HUB]


def _find_usb() -> Iterable[Any]:
    found: Iterable[Any] = usb.core.find(find_all=True)
    return found


def _links_in(folder: Path) -> dict[str, str]:
    try:
        links = sorted(folder.iterdir())
    except OSError:
        return {}
    return {str(link.resolve()): str(link) for link in links}


def _words_of_port(port: Any) -> str:
    parts = [port.manufacturer, port.product or port.description]
    known = [part for part in parts if part and part != _UNKNOWN]
    words = " ".join(known) or "serial port"
    if port.serial_number:
        words += f", number {port.serial_number}"
    if port.vid is not None and port.pid is not None:
        words += f" (USB {port.vid:04x}:{port.pid:04x})"
    return words


def _found_usb(device: Any) -> FoundUsb:
    names = [_text(device, index) for index in (device.iManufacturer, device.iProduct)]
    words = " ".join(name for name in names if name) or "USB device without a name"
    serial = _text(device, device.iSerialNumber)
    if serial:
        words += f", number {serial}"
    address = UsbAddress(device.idVendor, device.idProduct, serial or None)
    return FoundUsb(device.idVendor, device.idProduct, words, str(address))


def _text(device: Any, index: int) -> str:
    """Read a string of a device; empty where it has none, or keeps it to itself."""
    if not index:
        return ""
    try:
        text = usb.util.get_string(device, index)
    except (usb.core.USBError, ValueError, NotImplementedError):
        return ""
    # What a device says of itself is shown on a terminal.
    return "".join(one for one in text or "" if one.isascii() and one.isprintable())

"""Ports and devices are listed by names that people recognise."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import usb.core

from hw.ports.listing import (
    FoundPort,
    FoundUsb,
    UsbUnavailableError,
    list_ports,
    list_usb,
)


def port(device: str, **known: object) -> SimpleNamespace:
    unknown = dict.fromkeys(("manufacturer", "product", "serial_number", "vid", "pid"))
    return SimpleNamespace(
        **{"device": device, "description": "n/a", **unknown, **known}
    )


def test_a_port_of_the_board_has_no_name_of_its_own(tmp_path: Path) -> None:
    assert list_ports(lambda: [port("/dev/ttyS0")], tmp_path) == [
        FoundPort("/dev/ttyS0", "serial port", "serial:/dev/ttyS0")
    ]


def test_an_adapter_is_named_by_its_maker_and_reached_by_the_name_that_stays(
    tmp_path: Path,
) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-FTDI_A1:0").symlink_to(device)
    known = port(
        str(device),
        manufacturer="FTDI",
        product="FT232R USB UART",
        serial_number="A1",
        vid=0x0403,
        pid=0x6001,
    )
    (found,) = list_ports(lambda: [known], by_id)
    assert found.words == "FTDI FT232R USB UART, number A1 (USB 0403:6001)"
    assert found.line == f"serial:{by_id}/usb-FTDI_A1\\:0"


def test_without_adapters_there_is_no_folder_of_names(tmp_path: Path) -> None:
    assert list_ports(list, tmp_path / "missing") == []


@dataclass
class Device:
    """What a pyusb device shows, with the strings that it lets us read."""

    strings: dict[int, str] | None
    bDeviceClass: int = 0xFF  # noqa: N815  # pyusb's names are those of USB
    idVendor: int = 0x1209  # noqa: N815
    idProduct: int = 0x0001  # noqa: N815
    iManufacturer: int = 1  # noqa: N815
    iProduct: int = 2  # noqa: N815
    iSerialNumber: int = 3  # noqa: N815
    langids: tuple[int, ...] = (0x0409,)

    def ctrl_transfer(self, *, wValue: int, **_: object) -> "array[int]":  # noqa: N803
        """Answer GET_DESCRIPTOR for a string, as USB 2.0, 9.6.7 has it."""
        if self.strings is None:
            raise usb.core.USBError("Access denied", -3, 13)
        text = self.strings[wValue & 0xFF].encode("utf-16-le")
        return array("B", bytes([2 + len(text), 3]) + text)


def test_a_usb_device_is_named_by_itself() -> None:
    named = Device({1: "Rmfs", 2: "Meter\x1b[2J", 3: "A1"})
    hub = Device({}, bDeviceClass=9)
    assert list_usb(lambda: [named, hub]) == [
        FoundUsb(0x1209, 0x0001, "Rmfs Meter[2J, number A1", "usb:1209:0001:serial=A1")
    ]


def test_a_usb_device_that_keeps_its_names_to_itself_is_listed_by_its_numbers() -> None:
    assert list_usb(lambda: [Device(None)]) == [
        FoundUsb(0x1209, 0x0001, "USB device without a name", "usb:1209:0001")
    ]


def test_what_keeps_usb_from_being_looked_at_is_told() -> None:
    def without_libusb() -> Iterable[Any]:
        raise usb.core.NoBackendError("No backend available")

    def without_usb() -> Iterable[Any]:
        raise usb.core.USBError("Other error", -99, None)

    with pytest.raises(UsbUnavailableError, match="apt-get install libusb"):
        list_usb(without_libusb)
    with pytest.raises(UsbUnavailableError, match="Other error"):
        list_usb(without_usb)

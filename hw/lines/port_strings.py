"""Line strings of ports: serial, pty, rfc2217, modem and usb.

    serial:DEVICE[:baud=9600][:bits=8][:parity=none][:stop=1][:flow=none][:carrier=none]
    pty:PATH
    rfc2217:HOST:PORT[:baud=9600]...[:carrier=none]
    modem:DEVICE[:dial=NUMBER][:init=COMMANDS][:wait=60][:rings=1][:carrier=auto]...
    modem:rfc2217:HOST:PORT[:dial=NUMBER]...
    usb:VID:PID[:serial=TEXT][:interface=0]

Addresses write themselves so that they can be read again, leaving out what is as usual.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from hw.lines.direct_end import Carrier
from hw.lines.fields import (
    Field,
    FieldError,
    Setting,
    escape,
    member_of,
    one_of,
    read_settings,
    whole_number,
)
from hw.lines.place_strings import (
    NetworkPlace,
    parse_device,
    parse_network_place,
    show_device,
)
from hw.lines.port import LineError
from hw.modem.settings import RINGS_MAX, CarrierWatch, ModemSettings
from hw.ports.settings import BAUD_RATES, FlowControl, Parity, PortSettings

SERIAL_FORM: Final = "serial:/dev/ttyUSB0:baud=9600:parity=none:flow=none:carrier=none"
PTY_FORM: Final = "pty:PATH"
RFC2217_FORM: Final = "rfc2217:HOST:PORT:baud=9600:carrier=none"
MODEM_FORM: Final = (
    "modem:/dev/ttyS0:dial=NUMBER:baud=115200 or modem:rfc2217:HOST:PORT:rings=1"
)
USB_FORM: Final = "usb:1209:0001:serial=TEXT:interface=0"

_SERIAL_NUMBER: Final = re.compile(r"[ -~]+")
_SERIAL_NUMBER_CHARACTERS_MAX: Final = 126
"""USB 2.0, 9.6.7: a string descriptor has at most 126 UTF-16 units."""
_HEX_16: Final = re.compile(r"[0-9A-Fa-f]{4}")
_USUAL: Final = PortSettings()
_USUAL_MODEM: Final = ModemSettings()

_OF_PORTS: Final[dict[str, tuple[str, Setting]]] = {
    "baud": ("baud", one_of(BAUD_RATES)),
    "bits": ("data_bits", one_of((7, 8))),
    "parity": ("parity", member_of(Parity)),
    "stop": ("stop_bits", one_of((1, 2))),
    "flow": ("flow", member_of(FlowControl)),
}
"""Settings of a port: the attribute of `PortSettings`, and how it is read."""
_PORT_SETTINGS: Final = {name: setting for name, (_, setting) in _OF_PORTS.items()}
_DIRECT_SETTINGS: Final = {**_PORT_SETTINGS, "carrier": member_of(Carrier)}


def _text(pattern: re.Pattern[str], most: int, what: str) -> Setting:
    def read(text: str) -> str:
        if len(text) > most or pattern.fullmatch(text) is None:
            raise ValueError(text)
        return text

    return Setting(read, what)


_PRINTABLE: Final = re.compile(r"[ -~]*")
_OF_MODEMS: Final[dict[str, tuple[str, Setting]]] = {
    "dial": ("number", _text(_PRINTABLE, 255, "a telephone number")),
    "init": ("init", _text(_PRINTABLE, 255, "a command line for the modem")),
    "wait": ("wait_s", whole_number(1, 255)),
    "rings": ("rings", whole_number(1, RINGS_MAX)),
    "carrier": ("carrier", member_of(CarrierWatch)),
}
"""Settings of a modem: the attribute of `ModemSettings`, and how it is read."""
_MODEM_SETTINGS: Final = {
    **{name: setting for name, (_, setting) in _OF_MODEMS.items()},
    **_PORT_SETTINGS,
}
_USB_SETTINGS: Final = {
    "serial": _text(
        _SERIAL_NUMBER,
        _SERIAL_NUMBER_CHARACTERS_MAX,
        "the serial number of the device, in ASCII",
    ),
    "interface": whole_number(0, 255),
}


@dataclass(frozen=True)
class SerialAddress:
    """A serial port of this computer, with no modem between it and the other end."""

    device: str
    settings: PortSettings = _USUAL
    carrier: Carrier = Carrier.NONE

    def __str__(self) -> str:
        """Write it as a line string."""
        shown = [*_show_settings(self.settings), *_show_carrier(self.carrier)]
        return ":".join(["serial", show_device(self.device), *shown])


@dataclass(frozen=True)
class PtyAddress:
    """A pseudo-terminal that a server makes, with a link to it that a machine opens."""

    path: str

    def __str__(self) -> str:
        """Write it as a line string."""
        return f"pty:{escape(self.path)}"


@dataclass(frozen=True)
class Rfc2217Address:
    """A serial port of a terminal server, or of the access server that we are."""

    place: NetworkPlace
    settings: PortSettings = _USUAL
    carrier: Carrier = Carrier.NONE

    def __str__(self) -> str:
        """Write it as a line string."""
        shown = [*_show_settings(self.settings), *_show_carrier(self.carrier)]
        return ":".join(["rfc2217", str(self.place), *shown])


@dataclass(frozen=True)
class ModemAddress:
    """A modem on a serial port.

    Attributes:
        place: The device of the port, or the place of a terminal server.
        modem: How the modem is worked; a machine's has a number to dial.
        settings: Of the port.
    """

    place: str | NetworkPlace
    modem: ModemSettings = _USUAL_MODEM
    settings: PortSettings = _USUAL

    def __str__(self) -> str:
        """Write it as a line string."""
        if isinstance(self.place, NetworkPlace):
            place = f"rfc2217:{self.place}"
        else:
            place = show_device(self.place)
        shown = [
            *_show(_OF_MODEMS, self.modem, _USUAL_MODEM),
            *_show_settings(self.settings),
        ]
        return ":".join(["modem", place, *shown])


@dataclass(frozen=True)
class UsbAddress:
    """A USB device that carries a line on two bulk endpoints.

    Attributes:
        vendor: ``idVendor``, 16 bits.
        product: ``idProduct``, 16 bits.
        serial: Its serial number where several are plugged in; None takes any.
        interface: ``bInterfaceNumber``.
    """

    vendor: int
    product: int
    serial: str | None = None
    interface: int = 0

    def __str__(self) -> str:
        """Write it as a line string."""
        shown = [] if self.serial is None else [f"serial={escape(self.serial)}"]
        if self.interface:
            shown.append(f"interface={self.interface}")
        return ":".join(["usb", f"{self.vendor:04x}", f"{self.product:04x}", *shown])


def parse_serial(fields: Sequence[Field]) -> SerialAddress:
    """Read what stands behind ``serial``.

    Raises:
        FieldError: It names no serial port.
    """
    if not fields:
        raise FieldError("it does not say which port")
    device = parse_device(fields[0])
    values = read_settings(fields[1:], _DIRECT_SETTINGS)
    return SerialAddress(device, *_direct(values))


def parse_pty(fields: Sequence[Field]) -> PtyAddress:
    """Read what stands behind ``pty``.

    Raises:
        FieldError: It names no path.
    """
    if not fields or not fields[0].text:
        raise FieldError("it does not say where")
    path = fields[0].text
    if "\0" in path or path.endswith("/"):
        raise fields[0].wrong("no file can be called so")
    read_settings(fields[1:], {})
    return PtyAddress(path)


def parse_rfc2217(fields: Sequence[Field]) -> Rfc2217Address:
    """Read what stands behind ``rfc2217``.

    Raises:
        FieldError: It names no place, or a setting cannot be.
    """
    place, settings = _network_place(fields)
    return Rfc2217Address(place, *_direct(read_settings(settings, _DIRECT_SETTINGS)))


def parse_modem(fields: Sequence[Field]) -> ModemAddress:
    """Read what stands behind ``modem``.

    Raises:
        FieldError: It names no port, or a setting cannot be.
    """
    if not fields:
        raise FieldError("it does not say at which port the modem is")
    place: str | NetworkPlace
    if fields[0].raw == "rfc2217":
        place, settings = _network_place(fields[1:])
    else:
        place, settings = parse_device(fields[0]), fields[1:]
    values = read_settings(settings, _MODEM_SETTINGS)
    try:
        modem = ModemSettings(**_chosen(_OF_MODEMS, values))
    except LineError as error:
        raise FieldError(str(error)) from error
    return ModemAddress(place, modem, _port_settings(values))


def parse_usb(fields: Sequence[Field]) -> UsbAddress:
    """Read what stands behind ``usb``.

    Raises:
        FieldError: It names no device, or a setting cannot be.
    """
    named = 2
    if len(fields) < named:
        raise FieldError("after usb come the vendor's number and the product's")
    for field in fields[:named]:
        if _HEX_16.fullmatch(field.raw) is None:
            raise field.wrong("here stand four hexadecimal digits")
    vendor, product = (int(field.raw, 16) for field in fields[:named])
    values = read_settings(fields[named:], _USB_SETTINGS)
    return UsbAddress(vendor, product, values.get("serial"), values.get("interface", 0))


def _network_place(fields: Sequence[Field]) -> tuple[NetworkPlace, Sequence[Field]]:
    named = 2
    if len(fields) < named:
        raise FieldError("after rfc2217 come a host and a port")
    return parse_network_place(fields[0], fields[1]), fields[named:]


def _direct(values: dict[str, Any]) -> tuple[PortSettings, Carrier]:
    return _port_settings(values), values.get("carrier", Carrier.NONE)


def _port_settings(values: dict[str, Any]) -> PortSettings:
    return PortSettings(**_chosen(_OF_PORTS, values))


def _chosen(
    known: dict[str, tuple[str, Setting]], values: dict[str, Any]
) -> dict[str, Any]:
    return {
        attribute: values[name]
        for name, (attribute, _) in known.items()
        if name in values
    }


def _show_settings(settings: PortSettings) -> list[str]:
    return _show(_OF_PORTS, settings, _USUAL)


def _show(
    known: dict[str, tuple[str, Setting]], settings: object, usual: object
) -> list[str]:
    """Write the settings that are not as usual."""
    shown = []
    for name, (attribute, _) in known.items():
        value = getattr(settings, attribute)
        if value != getattr(usual, attribute):
            text = value.value if isinstance(value, Enum) else value
            shown.append(f"{name}={escape(str(text))}")
    return shown


def _show_carrier(carrier: Carrier) -> list[str]:
    return [] if carrier is Carrier.NONE else [f"carrier={carrier.value}"]

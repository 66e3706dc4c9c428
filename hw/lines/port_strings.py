"""Line strings of ports: serial, pty, rfc2217, modem and usb.

    serial:DEVICE[:baud=9600][:bits=8][:parity=none][:stop=1][:flow=none][:carrier=none]
    pty:PATH
    rfc2217:HOST:PORT[:baud=9600]...[:carrier=none]
    modem:DEVICE[:dial=NUMBER][:init=COMMANDS][:wait=60][:rings=1][:baud=9600]...
    modem:rfc2217:HOST:PORT[:dial=NUMBER]...
    usb:VID:PID[:serial=TEXT][:interface=0]

Addresses write themselves so that they can be read again, leaving out what is as usual.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
from hw.ports.settings import BAUD_RATES, FlowControl, Parity, PortSettings

SERIAL_FORM: Final = "serial:/dev/ttyUSB0:baud=9600:parity=none:flow=none:carrier=none"
PTY_FORM: Final = "pty:PATH"
RFC2217_FORM: Final = "rfc2217:HOST:PORT:baud=9600:carrier=none"
MODEM_FORM: Final = "modem:/dev/ttyS0:dial=NUMBER or modem:rfc2217:HOST:PORT:rings=1"
USB_FORM: Final = "usb:1209:0001:serial=TEXT:interface=0"

WAIT_S: Final = 60
"""S7 of V.250: how long a modem that dials waits for the carrier."""
RINGS: Final = 1
INIT_CHARACTERS_MAX: Final = 200
NUMBER_CHARACTERS_MAX: Final = 60

_NUMBER: Final = re.compile(r"[0-9*#A-Da-dTtPpWw@!,+() .-]+")
"""Digits, and the modifiers of V.250 6.3.1 but those that change what dialling is."""
_COMMANDS: Final = re.compile(r"[ -~]+")
_SERIAL_NUMBER: Final = re.compile(r"[ -~]+")
_SERIAL_NUMBER_CHARACTERS_MAX: Final = 126
"""USB 2.0, 9.6.7: a string descriptor has at most 126 UTF-16 units."""
_HEX_16: Final = re.compile(r"[0-9A-Fa-f]{4}")
_USUAL: Final = PortSettings()

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


_MODEM_SETTINGS: Final = {
    "dial": _text(
        _NUMBER,
        NUMBER_CHARACTERS_MAX,
        f"a telephone number: up to {NUMBER_CHARACTERS_MAX} of 0-9 * # T P W , + ( ) -",
    ),
    "init": _text(
        _COMMANDS,
        INIT_CHARACTERS_MAX,
        f"commands for the modem, up to {INIT_CHARACTERS_MAX} characters of ASCII",
    ),
    "wait": whole_number(1, 255),
    "rings": whole_number(1, 255),
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
        dial: The number that a machine dials; None where a server answers.
        init: Sent to the modem first, after ``AT``; empty for nothing.
        wait_s: How long a call may take until it is answered.
        rings: A server answers after so many.
        settings: Of the port.
    """

    place: str | NetworkPlace
    dial: str | None = None
    init: str = ""
    wait_s: int = WAIT_S
    rings: int = RINGS
    settings: PortSettings = _USUAL

    def __str__(self) -> str:
        """Write it as a line string."""
        if isinstance(self.place, NetworkPlace):
            place = f"rfc2217:{self.place}"
        else:
            place = show_device(self.place)
        shown = []
        if self.dial is not None:
            shown.append(f"dial={escape(self.dial)}")
        if self.init:
            shown.append(f"init={escape(self.init)}")
        if self.wait_s != WAIT_S:
            shown.append(f"wait={self.wait_s}")
        if self.rings != RINGS:
            shown.append(f"rings={self.rings}")
        return ":".join(["modem", place, *shown, *_show_settings(self.settings)])


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
    return ModemAddress(
        place,
        values.get("dial"),
        values.get("init", ""),
        values.get("wait", WAIT_S),
        values.get("rings", RINGS),
        _port_settings(values),
    )


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
    return PortSettings(
        **{
            attribute: values[name]
            for name, (attribute, _) in _OF_PORTS.items()
            if name in values
        }
    )


def _show_settings(settings: PortSettings) -> list[str]:
    shown = []
    for name, (attribute, _) in _OF_PORTS.items():
        value = getattr(settings, attribute)
        if value != getattr(_USUAL, attribute):
            text = value.value if isinstance(value, (Parity, FlowControl)) else value
            shown.append(f"{name}={text}")
    return shown


def _show_carrier(carrier: Carrier) -> list[str]:
    return [] if carrier is Carrier.NONE else [f"carrier={carrier.value}"]

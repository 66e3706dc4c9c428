r"""Line strings: how people name a line, the same for both roles.

    tcp:HOST:PORT[:proxy=ADDRESS[,ADDRESS]...]
    serial:DEVICE[:NAME=VALUE]...
    pty:PATH
    rfc2217:HOST:PORT[:NAME=VALUE]...
    modem:DEVICE[:NAME=VALUE]...
    usb:VID:PID[:NAME=VALUE]...
    usb:simulated:LINE
    virtual[:NAME=VALUE]...:LINE

A machine dials such a place, a server listens at it. The last two put something on this
side of another line: a USB device without hardware, or a virtual modem line, as
``virtual:speed=9600:delay=0.02:ber=1e-5:seed=1:tcp:127.0.0.1:7001``. No kind of line
has a name with ``=`` in it, so that the first field without one begins the other line.

How fields are cut and escaped is in `fields`, the settings of ports in `port_strings`,
those of virtual lines in `virtual_strings`.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from hw.lines.fields import (
    Field,
    FieldError,
    Setting,
    escape,
    read_settings,
    split_fields,
)
from hw.lines.place_strings import NetworkPlace, parse_network_place
from hw.lines.port import LineError
from hw.lines.port_strings import (
    MODEM_FORM,
    PTY_FORM,
    RFC2217_FORM,
    SERIAL_FORM,
    USB_FORM,
    ModemAddress,
    PtyAddress,
    Rfc2217Address,
    SerialAddress,
    UsbAddress,
    parse_modem,
    parse_pty,
    parse_rfc2217,
    parse_serial,
    parse_usb,
)
from hw.lines.virtual import VirtualLineParameters
from hw.lines.virtual_strings import (
    VIRTUAL_FORM,
    parse_virtual_settings,
    show_virtual_settings,
)

TCP_FORM: Final = "tcp:HOST:PORT"
SIMULATED: Final = "simulated"
"""Stands in the place of a device's numbers."""

LINES_MAX: Final = 16
"""Most lines that one string puts before another."""


class LineStringError(LineError):
    """A line string that cannot be read; the message shows one that can."""

    def __init__(self, text: str, problem: str, form: str) -> None:
        """Say what is wrong with `text`."""
        super().__init__(f"{text!r} names no line: {problem}; write {form}")


@dataclass(frozen=True)
class TcpAddress:
    """A TCP port of a host; port 0 lets a listener choose.

    Attributes:
        host: As in `NetworkPlace`.
        port: Likewise.
        proxy: Balancers that a listener believes when they tell who calls: addresses
            and networks, as in ``10.0.0.5`` and ``10.0.1.0/24``.
    """

    host: str
    port: int
    proxy: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write it as a line string."""
        told = escape(",".join(self.proxy))
        setting = f":proxy={told}" if told else ""
        return f"tcp:{NetworkPlace(self.host, self.port)}{setting}"


@dataclass(frozen=True)
class SimulatedUsbAddress:
    """A USB device without hardware on this side of another line."""

    through: "LineAddress"

    def __str__(self) -> str:
        """Write it as a line string."""
        return f"usb:{SIMULATED}:{self.through}"


@dataclass(frozen=True)
class VirtualAddress:
    """A virtual line on this side of another line."""

    parameters: VirtualLineParameters
    through: "LineAddress"

    def __str__(self) -> str:
        """Write it as a line string, leaving out what is as usual."""
        settings = show_virtual_settings(self.parameters)
        return ":".join(["virtual", *settings, str(self.through)])


LineAddress = (
    TcpAddress
    | SerialAddress
    | PtyAddress
    | Rfc2217Address
    | ModemAddress
    | UsbAddress
    | SimulatedUsbAddress
    | VirtualAddress
)


def parse_line_string(text: str) -> LineAddress:
    """Read a line string.

    Raises:
        LineStringError: It names no line; the message says why, at which field, and
            shows the right form.
    """
    fields = split_fields(text)
    if sum(field.raw in _BEFORE_ANOTHER for field in fields) > LINES_MAX:
        problem = f"it puts more than {LINES_MAX} lines before another"
        raise LineStringError(text, problem, FORMS)
    return _parse(fields, text)


def _parse(fields: Sequence[Field], text: str) -> LineAddress:
    kind = fields[0].raw if fields else ""
    if kind not in _KINDS:
        raise _wrong_kind(kind, text)
    parse, form = _KINDS[kind]
    try:
        return parse(fields[1:], text)
    except FieldError as error:
        raise LineStringError(text, str(error), form) from error


def _wrong_kind(kind: str, text: str) -> LineStringError:
    problem = f"there is no kind of line called {kind!r}"
    if kind.startswith(("/", ".")):
        form = f"{SERIAL_FORM} or {PTY_FORM}"
        return LineStringError(text, f"{problem}: the kind stands before a path", form)
    near = get_close_matches(kind, _KINDS, n=1)
    return LineStringError(text, problem, _KINDS[near[0]][1] if near else FORMS)


def _parse_tcp(fields: Sequence[Field], _: str) -> TcpAddress:
    named = 2
    rest = fields[named:]
    if len(fields) < named or any("=" not in field.raw for field in rest):
        raise FieldError("after tcp come one host and one port")
    place = parse_network_place(*fields[:named])
    known = {"proxy": Setting(_read_balancers, "addresses, or networks as 10.0.0.0/24")}
    return TcpAddress(place.host, place.port, **read_settings(rest, known))


def _read_balancers(text: str) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(one)) for one in text.split(","))


def _parse_usb(fields: Sequence[Field], text: str) -> UsbAddress | SimulatedUsbAddress:
    if not fields or fields[0].raw != SIMULATED:
        return parse_usb(fields)
    if not fields[1:]:
        raise FieldError("it does not say where the line goes")
    return SimulatedUsbAddress(_parse(fields[1:], text))


def _parse_virtual(fields: Sequence[Field], text: str) -> VirtualAddress:
    settings: list[tuple[str, str]] = []
    for field in fields:
        name, equals, _ = field.raw.partition("=")
        if not equals:
            break
        settings.append((name, field.text[len(name) + 1 :]))
    through = fields[len(settings) :]
    try:
        parameters = parse_virtual_settings(settings)
    except FieldError:
        raise
    except LineError as error:
        raise FieldError(str(error)) from error
    if not through:
        raise FieldError("it does not say where the line goes")
    return VirtualAddress(parameters, _parse(through, text))


_Parse = Callable[[Sequence[Field], str], LineAddress]


def _alone(parse: Callable[[Sequence[Field]], LineAddress]) -> _Parse:
    """Have a kind read that has no other line inside."""
    return lambda fields, _: parse(fields)


_KINDS: Final[dict[str, tuple[_Parse, str]]] = {
    "tcp": (_parse_tcp, TCP_FORM),
    "serial": (_alone(parse_serial), SERIAL_FORM),
    "pty": (_alone(parse_pty), PTY_FORM),
    "rfc2217": (_alone(parse_rfc2217), RFC2217_FORM),
    "modem": (_alone(parse_modem), MODEM_FORM),
    "usb": (_parse_usb, f"{USB_FORM} or usb:{SIMULATED}:LINE"),
    "virtual": (_parse_virtual, VIRTUAL_FORM),
}

_BEFORE_ANOTHER: Final = frozenset({"virtual", SIMULATED})

FORMS: Final = " or ".join(form for _, form in _KINDS.values())
"""One line string of every kind."""

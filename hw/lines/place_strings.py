"""Where a line goes: a TCP port of a host, or the device of a serial port."""

import ipaddress
from dataclasses import dataclass
from typing import Final

from hw.lines.fields import PORT_MAX, Field, escape

DEVICE_EXAMPLE: Final = "/dev/ttyUSB0"
_BANNED_IN_HOSTS: Final = frozenset("[]\\:/ \t\r\n\0")


@dataclass(frozen=True)
class NetworkPlace:
    """A TCP port of a host; port 0 lets a listener choose.

    Attributes:
        host: A name, an IPv4 address, or an IPv6 address without its brackets.
        port: 0 to `PORT_MAX`.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as two fields."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_network_place(host: Field, port: Field) -> NetworkPlace:
    """Read a host and a port.

    Raises:
        FieldError: One of them is none.
    """
    digits = port.text
    known = digits.isascii() and digits.isdecimal()
    if not known or len(digits) > len(str(PORT_MAX)) or int(digits) > PORT_MAX:
        raise port.wrong(f"a port is a number from 0 to {PORT_MAX}")
    return NetworkPlace(_parse_host(host), int(digits))


def _parse_host(field: Field) -> str:
    name = field.text
    if name.startswith("[") and name.endswith("]"):
        try:
            ipaddress.IPv6Address(name[1:-1])
        except ValueError:
            raise field.wrong("in brackets stands an IPv6 address") from None
        return name[1:-1]
    if not name or not _BANNED_IN_HOSTS.isdisjoint(name):
        problem = "a host is a name or an address, IPv6 in brackets: [::1]"
        raise field.wrong(problem)
    try:
        # What the resolver cannot ask for, it neither answers nor refuses.
        name.encode("idna")
    except UnicodeError:
        raise field.wrong("no host can be called so") from None
    return name


def parse_device(field: Field) -> str:
    """Read the path of a serial port.

    Raises:
        FieldError: It is none.
    """
    path = field.text
    if not path.startswith("/") or "\0" in path or path.endswith("/"):
        raise field.wrong(f"a port is named by its whole path: {DEVICE_EXAMPLE}")
    return path


def show_device(path: str) -> str:
    """Write the path of a serial port as a field."""
    return escape(path)

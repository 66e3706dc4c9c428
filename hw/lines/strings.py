"""Line strings: how people name a line, the same for both roles.

    tcp:HOST:PORT
    virtual[:NAME=VALUE]...:LINE

The second puts a virtual modem line on this side of another line:
``virtual:speed=9600:delay=0.02:ber=1e-5:seed=1:tcp:127.0.0.1:7001``. A machine dials
such a place, a server listens at it. No kind of line has a name with ``=`` in it, so
that the first field without one begins the other line and nothing needs quoting.
"""

from dataclasses import dataclass
from typing import Final

from hw.lines.port import LineError
from hw.lines.virtual import VirtualLineParameters
from hw.lines.virtual_strings import (
    VIRTUAL_FORM,
    parse_virtual_settings,
    show_virtual_settings,
)

PORT_MAX: Final = 65_535

FORMS: Final = f"tcp:HOST:PORT or {VIRTUAL_FORM}"


class LineStringError(LineError):
    """A line string that cannot be read; the message shows one that can."""

    def __init__(self, text: str, problem: str) -> None:
        """Say what is wrong with `text`."""
        super().__init__(f"{text!r} names no line: {problem}; write {FORMS}")


@dataclass(frozen=True)
class TcpAddress:
    """A TCP port of an IPv4 host; port 0 lets a listener choose."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as a line string."""
        return f"tcp:{self.host}:{self.port}"


@dataclass(frozen=True)
class VirtualAddress:
    """A virtual line on this side of another line."""

    parameters: VirtualLineParameters
    through: "LineAddress"

    def __str__(self) -> str:
        """Write it as a line string, leaving out what is as usual."""
        settings = show_virtual_settings(self.parameters)
        return ":".join(["virtual", *settings, str(self.through)])


LineAddress = TcpAddress | VirtualAddress


def parse_line_string(text: str) -> LineAddress:
    """Read a line string.

    Raises:
        LineStringError: It names no line; the message says why and shows the forms.
    """
    return _parse(text, text)


def _parse(rest: str, text: str) -> LineAddress:
    kind, _, detail = rest.partition(":")
    if kind == "tcp":
        return _parse_tcp(detail, text)
    if kind == "virtual":
        return _parse_virtual(detail, text)
    raise LineStringError(text, f"there is no kind of line called {kind!r}")


def _parse_tcp(detail: str, text: str) -> TcpAddress:
    host, _, port = detail.rpartition(":")
    if not host or ":" in host:
        raise LineStringError(text, "after tcp come one host and one port")
    if not (port.isascii() and port.isdecimal() and int(port) <= PORT_MAX):
        raise LineStringError(text, f"{port!r} is no port (0 to {PORT_MAX})")
    return TcpAddress(host, int(port))


def _parse_virtual(detail: str, text: str) -> VirtualAddress:
    settings: list[tuple[str, str]] = []
    field, _, rest = detail.partition(":")
    while "=" in field:
        name, _, value = field.partition("=")
        settings.append((name, value))
        detail = rest
        field, _, rest = detail.partition(":")
    try:
        parameters = parse_virtual_settings(settings)
    except LineError as error:
        raise LineStringError(text, str(error)) from error
    if not detail:
        raise LineStringError(text, "it does not say where the line goes")
    return VirtualAddress(parameters, _parse(detail, text))

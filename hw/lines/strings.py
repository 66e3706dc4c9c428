"""Line strings: how people name a line, the same for both roles.

    tcp:HOST:PORT
    virtual[:NAME=VALUE]...:LINE

The second puts a virtual modem line on this side of another line:
``virtual:speed=9600:delay=0.02:ber=1e-5:seed=1:tcp:127.0.0.1:7001``. A machine dials
such a place, a server listens at it. No kind of line has a name with ``=`` in it, so
that the first field without one begins the other line and nothing needs quoting.
"""

import dataclasses
from dataclasses import dataclass
from typing import Final

from hw.lines.port import LineError
from hw.lines.virtual import VirtualLineParameters

PORT_MAX: Final = 65_535

FORMS: Final = "tcp:HOST:PORT or virtual:speed=9600:delay=0.02:ber=1e-5:tcp:HOST:PORT"

_SETTINGS: Final[dict[str, tuple[str, type[int] | type[float]]]] = {
    "speed": ("bit_s", int),
    "delay": ("delay_s", float),
    "ber": ("bit_error_rate", float),
    "seed": ("seed", int),
    "cut_up": ("cut_after_octets_up", int),
    "cut_down": ("cut_after_octets_down", int),
    "cut": ("cut_after_octets", int),
    "cut_at": ("cut_at_s", float),
}


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
        usual = VirtualLineParameters()
        settings = [
            f"{name}={getattr(self.parameters, field)}"
            for name, (field, _) in _SETTINGS.items()
            if getattr(self.parameters, field) != getattr(usual, field)
        ]
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
    values: dict[str, int | float] = {}
    field, _, rest = detail.partition(":")
    while "=" in field:
        name, _, value = field.partition("=")
        if name not in _SETTINGS:
            known = ", ".join(_SETTINGS)
            raise LineStringError(text, f"a line has no {name!r}, only {known}")
        target, read = _SETTINGS[name]
        if target in values:
            raise LineStringError(text, f"{name} is set twice")
        try:
            values[target] = read(value)
        except ValueError:
            raise LineStringError(text, f"{name}={value} is no number") from None
        detail = rest
        field, _, rest = detail.partition(":")
    if not detail:
        raise LineStringError(text, "it does not say where the line goes")
    through = _parse(detail, text)
    try:
        parameters = dataclasses.replace(VirtualLineParameters(), **values)  # type: ignore[arg-type]  # read above
    except LineError as error:
        raise LineStringError(text, str(error)) from error
    return VirtualAddress(parameters, through)

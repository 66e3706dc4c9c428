"""From a line string to the line: the one place that knows every kind."""

from hw.lines.exchange import every_call
from hw.lines.port import Dialler, Listener
from hw.lines.relay import PacedDialler, PacedListener
from hw.lines.strings import LineAddress, TcpAddress
from hw.lines.tcp import TcpDialler, TcpListener
from hw.reactor import MonotonicReactor


def build_dialler(reactor: MonotonicReactor, address: LineAddress) -> Dialler:
    """Make what a machine dials with."""
    if isinstance(address, TcpAddress):
        return TcpDialler(reactor, address.host, address.port)
    through = build_dialler(reactor, address.through)
    return PacedDialler(reactor, every_call(address.parameters), through)


def build_listener(reactor: MonotonicReactor, address: LineAddress) -> Listener:
    """Make what a server listens at."""
    if isinstance(address, TcpAddress):
        return TcpListener(reactor, address.host, address.port)
    through = build_listener(reactor, address.through)
    return PacedListener(reactor, every_call(address.parameters), through)

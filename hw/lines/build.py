"""From a line string to the line: the one place that knows every kind."""

import socket

from hw.lines.direct import DirectDialler, DirectListener
from hw.lines.direct_end import DirectParameters
from hw.lines.exchange import every_call
from hw.lines.place_strings import NetworkPlace
from hw.lines.port import Dialler, LineError, Listener
from hw.lines.port_strings import (
    ModemAddress,
    PtyAddress,
    Rfc2217Address,
    SerialAddress,
    UsbAddress,
)
from hw.lines.pty import PtyListener
from hw.lines.relay import PacedDialler, PacedListener
from hw.lines.strings import (
    LineAddress,
    SimulatedUsbAddress,
    TcpAddress,
    VirtualAddress,
)
from hw.lines.tcp import TcpDialler, TcpListener
from hw.modem.dialler import ModemDialler
from hw.modem.listener import ModemListener
from hw.ports.port import PortOpener
from hw.ports.pty import PtyOpener
from hw.ports.rfc2217.client import Rfc2217Opener
from hw.ports.rfc2217.listener import Rfc2217Listener
from hw.ports.settings import PortSettings
from hw.ports.tty import TtyOpener
from hw.reactor import MonotonicReactor
from hw.seen.openers import RecordedOpener
from hw.seen.tap import Tap
from hw.usb.bridge import SimulatedUsbDialler, SimulatedUsbListener
from hw.usb.opener import UsbOpener


def build_dialler(
    reactor: MonotonicReactor, address: LineAddress, tap: Tap | None = None
) -> Dialler:
    """Make what a machine dials with.

    Args:
        reactor: The time, and the sockets.
        address: Where it dials.
        tap: Hears the port, where the line comes out of one.

    Raises:
        LineError: A modem has no number to dial, or the line is one to listen at.
    """
    match address:
        case TcpAddress(host, port, balancers):
            if balancers:
                raise LineError(f"{address}: whoever dials believes no balancer")
            return TcpDialler(reactor, host, port)
        case SerialAddress(device, settings, carrier):
            opener = _heard(_port(reactor, device, settings), tap)
            return DirectDialler(reactor, opener, DirectParameters(carrier))
        case PtyAddress(path):
            opener = _heard(_port(reactor, path, PortSettings()), tap)
            return DirectDialler(reactor, opener)
        case Rfc2217Address(place, settings, carrier):
            opener = _heard(_port(reactor, place, settings), tap)
            return DirectDialler(reactor, opener, DirectParameters(carrier))
        case ModemAddress(at, modem, settings):
            opener = _heard(_port(reactor, at, settings), tap)
            return ModemDialler(reactor, opener, modem)
        case UsbAddress():
            opener = _heard(UsbOpener(reactor, address), tap)
            return DirectDialler(reactor, opener)
        case SimulatedUsbAddress(through):
            return SimulatedUsbDialler(reactor, build_dialler(reactor, through))
        case VirtualAddress(parameters, through):
            further = build_dialler(reactor, through)
            return PacedDialler(reactor, every_call(parameters), further)


def build_listener(
    reactor: MonotonicReactor,
    address: LineAddress,
    place: socket.socket | None = None,
) -> Listener:
    """Make what a server listens at.

    Args:
        reactor: The time, and the sockets.
        address: Where it listens.
        place: A TCP place that was opened before, for a line that is nothing else.
    """
    match address:
        case TcpAddress(host, port, balancers):
            return TcpListener(reactor, host, port, place=place, balancers=balancers)
        case SerialAddress(device, settings, carrier):
            opener = TtyOpener(reactor, device, settings)
            parameters = DirectParameters(carrier)
            return DirectListener(reactor, opener, str(address), parameters)
        case PtyAddress(path):
            return PtyListener(reactor, PtyOpener(reactor, path), str(address))
        case Rfc2217Address(at):
            return Rfc2217Listener(reactor, at.host, at.port)
        case ModemAddress(behind, modem, settings):
            return ModemListener(reactor, _port(reactor, behind, settings), modem)
        case UsbAddress():
            return DirectListener(reactor, UsbOpener(reactor, address), str(address))
        case SimulatedUsbAddress(through):
            return SimulatedUsbListener(reactor, build_listener(reactor, through))
        case VirtualAddress(virtual, through):
            further = build_listener(reactor, through)
            return PacedListener(reactor, every_call(virtual), further)


def _heard(opener: PortOpener, tap: Tap | None) -> PortOpener:
    return opener if tap is None else RecordedOpener(opener, tap)


def _port(
    reactor: MonotonicReactor, place: str | NetworkPlace, settings: PortSettings
) -> PortOpener:
    if isinstance(place, NetworkPlace):
        return Rfc2217Opener(reactor, place.host, place.port, settings)
    return TtyOpener(reactor, place, settings)

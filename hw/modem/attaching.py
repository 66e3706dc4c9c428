"""How a terminal reaches an emulated modem: a pty, a serial port, RFC 2217, or TCP.

A pseudo-terminal and TCP have no circuits: DTR counts as on while somebody is there. On
a serial port the cable is a null modem: our RTS is the terminal's CTS, our DTR its DCD;
it has no RI. RFC 2217 has them all.

Whoever opens the port finds the modem as the one before has left it; closing the port
ends a call, as DTR does.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line, LineError, LineLoss, LineUser, Listener
from hw.lines.port_strings import PtyAddress, Rfc2217Address, SerialAddress
from hw.lines.strings import LineAddress, TcpAddress
from hw.lines.tcp import TcpListener
from hw.ports.port import (
    ModemCircuits,
    ModemPortUser,
    Port,
    PortFault,
    PortLoss,
    PortLossCause,
    PortOpener,
    TerminalCircuits,
)
from hw.ports.pty import PtyOpener
from hw.ports.rfc2217.access import AccessServer
from hw.ports.terminal_settings import PortOpenError
from hw.ports.tty import TtyOpener
from hw.reactor import MonotonicReactor

REOPEN_S: Final = 0.1
REOPEN_AFTER_TROUBLE_S: Final = 5.0

OnTrouble = Callable[[str], None]
"""Told, in words, why there is no port for now."""

_ENDED: Final = frozenset({PortLossCause.CLOSED_BY_PEER, PortLossCause.CLOSED_HERE})


def attach(
    reactor: MonotonicReactor,
    place: LineAddress,
    modem: ModemPortUser,
    on_trouble: OnTrouble,
) -> tuple[str, Callable[[], None]]:
    """Have a modem at a place.

    Args:
        reactor: The time, and the sockets.
        place: A pty, a serial port, an RFC 2217 or a TCP server.
        modem: The modem.
        on_trouble: Told why there is no port for now.

    Returns:
        The place as it really is, and what takes the modem away from it.

    Raises:
        LineError: No modem can be there; the message says where one can.
    """
    match place:
        case TcpAddress(host, port):
            terminals = TerminalLines(TcpListener(reactor, host, port), modem)
            return terminals.address, terminals.close
        case Rfc2217Address(at):
            server = AccessServer(reactor, at.host, at.port)
            server.listen(lambda _name: modem)
            return server.address, server.close
        case PtyAddress(path):
            opener = PtyOpener(reactor, path, kept=True)
            try:
                opener.prepare()
            except PortOpenError as error:
                raise LineError(str(error.loss)) from error
            CrossedPort(reactor, opener, modem, on_trouble)
            return str(place), opener.close
        case SerialAddress(device, settings):
            tty = TtyOpener(reactor, device, settings)
            crossed = CrossedPort(reactor, tty, modem, on_trouble)
            return str(place), crossed.close
    message = (
        f"a modem cannot be at {place}; it can be at pty:PATH, serial:DEVICE, "
        "rfc2217:HOST:PORT or tcp:HOST:PORT"
    )
    raise LineError(message)


class CrossedPort:
    """The modem's end of a port that is a terminal's: crossed, and opened again.

    It is a `ModemPort` for the modem, and the user of the other port.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        opener: PortOpener,
        modem: ModemPortUser,
        on_trouble: OnTrouble,
    ) -> None:
        """Open the port, and again whenever it is lost."""
        self._reactor = reactor
        self._opener = opener
        self._modem = modem
        self._on_trouble = on_trouble
        self._port: Port | None = None
        self._trouble = ""
        self._is_closed = False
        self._timer: IDelayedCall | None = None
        self._call = opener.open(self)

    @property
    def name(self) -> str:
        """What the port is called."""
        return self._opener.name

    @property
    def terminal(self) -> TerminalCircuits | None:
        """What the terminal sets, as the cable crosses it."""
        seen = None if self._port is None else self._port.circuits
        return None if seen is None else _crossed(seen)

    @property
    def waiting_octets(self) -> int:
        """Octets that have not left yet."""
        return 0 if self._port is None else self._port.waiting_octets

    def send(self, octets: bytes) -> None:
        """Hand octets to the terminal."""
        if self._port is not None:
            self._port.send(octets)

    def set_circuits(self, circuits: ModemCircuits) -> None:
        """Set what the cable leads to CTS and DCD."""
        if self._port is not None:
            self._port.set_circuits(
                TerminalCircuits(
                    request_to_send=circuits.clear_to_send,
                    terminal_ready=circuits.carrier,
                )
            )

    def close(self) -> None:
        """Let go of the port for good."""
        self._is_closed = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._call.close()

    def port_up(self, port: Port) -> None:
        """Give the modem its port."""
        self._port = port
        self._trouble = ""
        self._modem.port_up(self)

    def octets_received(self, octets: bytes) -> None:
        """Pass on what the terminal sent."""
        self._modem.octets_received(octets)

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        """Pass on what the terminal sets."""
        self._modem.terminal_changed(_crossed(circuits))

    def fault_received(self, fault: PortFault) -> None:
        """Pass it on."""
        self._modem.fault_received(fault)

    def port_lost(self, loss: PortLoss) -> None:
        """Tell the modem, and open the port again."""
        if self._port is not None:
            self._port = None
            self._modem.port_lost(loss)
        if self._is_closed:
            return
        ended = loss.cause in _ENDED
        if not ended and self._trouble != str(loss):
            self._trouble = str(loss)
            self._on_trouble(f"{self.name}: {loss}")
        wait_s = REOPEN_S if ended else REOPEN_AFTER_TROUBLE_S
        self._timer = self._reactor.callLater(wait_s, self._open)

    def _open(self) -> None:
        self._call = self._opener.open(self)


class TerminalLines:
    """Terminals that call a listener, one at a time."""

    def __init__(self, listener: Listener, modem: ModemPortUser) -> None:
        """Listen.

        Raises:
            LineError: The place is taken or not ours.
        """
        self._listener = listener
        self._modem = modem
        self._terminal: _TerminalLine | None = None
        listener.listen(self._answer)

    @property
    def address(self) -> str:
        """Where terminals call."""
        return self._listener.address

    def close(self) -> None:
        """Take no more terminals."""
        self._listener.close()

    def _answer(self, _caller: str) -> LineUser | None:
        if self._terminal is not None:
            return None
        self._terminal = _TerminalLine(self._modem, self._gone)
        return self._terminal

    def _gone(self) -> None:
        self._terminal = None


class _TerminalLine:
    """A line as a port without circuits."""

    terminal = None

    def __init__(self, modem: ModemPortUser, on_gone: Callable[[], None]) -> None:
        self._modem = modem
        self._on_gone = on_gone
        self._line: Line | None = None

    @property
    def name(self) -> str:
        return "tcp" if self._line is None else self._line.name

    @property
    def waiting_octets(self) -> int:
        # What a network holds is not known; its line has a bound of its own.
        return 0

    def send(self, octets: bytes) -> None:
        if self._line is not None:
            self._line.send(octets)

    def set_circuits(self, circuits: ModemCircuits) -> None:
        """Do nothing: there are none."""

    def close(self) -> None:
        if self._line is not None:
            self._line.drop()

    def line_up(self, line: Line) -> None:
        self._line = line
        self._modem.port_up(self)

    def octets_received(self, octets: bytes) -> None:
        self._modem.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        was_up, self._line = self._line is not None, None
        self._on_gone()
        if was_up:
            self._modem.port_lost(PortLoss(PortLossCause.CLOSED_BY_PEER, str(loss)))


def _crossed(seen: ModemCircuits) -> TerminalCircuits:
    return TerminalCircuits(
        request_to_send=seen.clear_to_send,
        terminal_ready=seen.data_set_ready or seen.carrier,
    )

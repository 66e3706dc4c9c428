"""Serial ports of this computer: ttys, opened by pyserial, driven by a reactor.

A pseudo-terminal that another program made is opened the same way. It has no circuits,
no parity and no seven data bits, and its end is the other program's hanging up.

Why Twisted's own `SerialPort` is not used: docs/decisions/serial-ports.md.
"""

import errno
import fcntl
import struct
import termios
from typing import Final

from hw.ports.descriptor_port import DEFAULT, DescriptorPort, PortTiming
from hw.ports.marks import Marks
from hw.ports.port import (
    ModemCircuits,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.ports.settings import FlowControl, PortSettings
from hw.ports.terminal_settings import OpenTerminal, PortOpenError, open_terminal
from hw.reactor import MonotonicReactor

_INT: Final = struct.Struct("=i")
# asm-generic/ioctls.h; Python names neither.
_TIOCSBRK: Final = 0x5427
_TIOCCBRK: Final = 0x5428
_NO_CIRCUITS: Final = (errno.ENOTTY, errno.EINVAL)
_FIFO_CHARACTERS: Final = 16
"""What a UART (16550A) still holds when the kernel has given it everything."""


class TtyOpener:
    """Opens one serial port by the path of its device; a `hw.ports.port.PortOpener`."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        device: str,
        settings: PortSettings,
        timing: PortTiming = DEFAULT,
    ) -> None:
        """Remember the port; nothing is opened yet."""
        self._reactor = reactor
        self._device = device
        self._settings = settings
        self._timing = timing

    @property
    def name(self) -> str:
        """The path of its device."""
        return self._device

    def open(self, user: PortUser) -> DescriptorPort:
        """Open the port for `user`; it is told in a later turn."""
        port = DescriptorPort(self._reactor, self._device, user, self._timing)
        self._reactor.callLater(0, self._open, port)
        return port

    def _open(self, port: DescriptorPort) -> None:
        if not port.is_wanted:
            return
        try:
            opened = open_terminal(self._device, self._settings)
        except PortOpenError as error:
            port.not_opened(error.loss)
        else:
            port.opened(_Tty(self._device, self._settings, opened))


class _Tty:
    """A tty that is open; a `hw.ports.descriptor_port.Terminal`."""

    def __init__(
        self, device: str, settings: PortSettings, opened: OpenTerminal
    ) -> None:
        self._device = device
        self._opened = opened
        self._rts_is_ours = settings.flow is not FlowControl.RTS_CTS
        bits = _FIFO_CHARACTERS * settings.bits_per_character
        self._marks = Marks(settings.parity)
        self._leave_s = 0.0 if opened.is_pseudo else bits / settings.baud

    @property
    def number(self) -> int:
        return self._opened.number

    @property
    def marks(self) -> Marks:
        return self._marks

    @property
    def leave_s(self) -> float:
        return self._leave_s

    def read_circuits(self) -> ModemCircuits | None:
        set_ones = self._ask(termios.TIOCMGET)
        if set_ones is None:
            return None
        return ModemCircuits(
            clear_to_send=bool(set_ones & termios.TIOCM_CTS),
            data_set_ready=bool(set_ones & termios.TIOCM_DSR),
            carrier=bool(set_ones & termios.TIOCM_CAR),
            ringing=bool(set_ones & termios.TIOCM_RNG),
        )

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        self._set(termios.TIOCM_DTR, on=circuits.terminal_ready)
        if self._rts_is_ours:
            self._set(termios.TIOCM_RTS, on=circuits.request_to_send)

    def set_break(self, *, on: bool) -> None:
        fcntl.ioctl(self.number, _TIOCSBRK if on else _TIOCCBRK)

    def held_octets(self) -> int:
        return self._ask(termios.TIOCOUTQ) or 0

    def discard_output(self) -> None:
        _flush_output(self.number)

    def loss(self, error: OSError | None) -> PortLoss:
        if self._opened.is_pseudo:
            return PortLoss(PortLossCause.CLOSED_BY_PEER, self._device)
        words = "" if error is None else f": {error.strerror}"
        return PortLoss(PortLossCause.UNPLUGGED, f"{self._device} is gone{words}")

    def _ask(self, request: int) -> int | None:
        try:
            answer = fcntl.ioctl(self.number, request, bytes(_INT.size))
        except OSError as error:
            if error.errno in _NO_CIRCUITS:
                return None
            raise
        (value,) = _INT.unpack(answer)
        return int(value)

    def _set(self, circuit: int, *, on: bool) -> None:
        request = termios.TIOCMBIS if on else termios.TIOCMBIC
        try:
            fcntl.ioctl(self.number, request, _INT.pack(circuit))
        except OSError as error:
            if error.errno not in _NO_CIRCUITS:
                raise


def _flush_output(number: int) -> None:
    try:
        termios.tcflush(number, termios.TCOFLUSH)
    except termios.error as error:
        raise OSError(*error.args) from error

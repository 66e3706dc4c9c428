"""A serial port of this computer, opened and set: what pyserial does, and the rest.

pyserial opens the device, locks it (`flock`, which other programs of its kind keep to)
and sets speed and form of a character. What it leaves open is done here:

- a real port is also claimed with ``TIOCEXCL``, so that nobody else can open it at all;
- faults and BREAK are marked in what is read (`hw.ports.marks`);
- a read with nothing there must not look like the end (``VMIN`` 1);
- DTR falls when a program ends in whatever way (``HUPCL``);
- a port that took only some of the settings is refused: `tcsetattr` calls that success.

DTR and RTS are raised by the kernel for a moment while a port is opened, before anybody
can say otherwise.

Source: tty_ioctl(2), termios(3), ioctl_tty(2), linux/Documentation/driver-api/serial.
"""

import contextlib
import errno
import fcntl
import grp
import os
import stat
import struct
import termios
from dataclasses import dataclass
from typing import Final

import serial

from hw.ports.port import PortLoss, PortLossCause
from hw.ports.settings import FlowControl, Parity, PortSettings
from protocol.errors import RmfsError

_PARITIES: Final = {
    Parity.NONE: serial.PARITY_NONE,
    Parity.EVEN: serial.PARITY_EVEN,
    Parity.ODD: serial.PARITY_ODD,
    Parity.MARK: serial.PARITY_MARK,
    Parity.SPACE: serial.PARITY_SPACE,
}
_CAUSES: Final = {
    errno.ENOENT: PortLossCause.NOT_THERE,
    errno.ENXIO: PortLossCause.NOT_THERE,
    errno.ENODEV: PortLossCause.NOT_THERE,
    # A port that is listed without there being any: /dev/ttyS0 of most computers.
    errno.EIO: PortLossCause.NOT_THERE,
    errno.ENOTDIR: PortLossCause.NOT_THERE,
    errno.ELOOP: PortLossCause.NOT_THERE,
    errno.EBUSY: PortLossCause.IN_USE,
    errno.EAGAIN: PortLossCause.IN_USE,
    errno.EACCES: PortLossCause.NOT_PERMITTED,
    errno.EPERM: PortLossCause.NOT_PERMITTED,
}
_WORDS: Final = {
    errno.ENOTTY: "it is no serial port",
    errno.EISDIR: "it is no serial port",
    errno.EIO: "there is no hardware behind it",
    errno.EBUSY: "another program has it",
    errno.EAGAIN: "another program has it",
}
_PTY_MAJORS: Final = range(136, 144)
"""Unix98 pseudo-terminals; linux/Documentation/admin-guide/devices.txt."""
_TCGETS2: Final = 0x802C542A
_TERMIOS2_OCTETS: Final = 44
_SPEED_TOLERANCE: Final = 0.03
"""A receiver that samples ten bits in their middles bears 5 percent in all."""

_IFLAG, _CFLAG, _CC = 0, 2, 6


class PortOpenError(RmfsError):
    """A port cannot be opened.

    Attributes:
        loss: Why.
    """

    def __init__(self, loss: PortLoss) -> None:
        """Say why."""
        super().__init__(str(loss))
        self.loss = loss


@dataclass(frozen=True, slots=True)
class OpenTerminal:
    """A terminal that was opened and set.

    Attributes:
        number: Its file descriptor, which does not block.
        is_pseudo: It is a pseudo-terminal: what it hears comes from a program.
    """

    number: int
    is_pseudo: bool


def open_terminal(device: str, settings: PortSettings) -> OpenTerminal:
    """Open a serial port for this program alone, with DTR and RTS off.

    Raises:
        PortOpenError: It is not there, in use, not permitted, or cannot be set so.
    """
    port = serial.Serial()
    port.dtr = False
    port.rts = False
    port.baudrate = settings.baud
    port.bytesize = settings.data_bits
    port.parity = _PARITIES[settings.parity]
    port.stopbits = settings.stop_bits
    port.rtscts = settings.flow is FlowControl.RTS_CTS
    port.xonxoff = settings.flow is FlowControl.XON_XOFF
    port.exclusive = True
    port.port = device
    try:
        port.open()
        # pyserial keeps two pipes beside the port that nobody needs here.
        number = os.dup(port.fileno())
    # pyserial lets through what the system calls raise: termios.error is no OSError,
    # and a speed that the driver does not take is a ValueError.
    except (OSError, ValueError, termios.error) as error:
        raise PortOpenError(_loss(device, error)) from error
    finally:
        with contextlib.suppress(OSError):
            port.close()
    try:
        pseudo = os.major(os.fstat(number).st_rdev) in _PTY_MAJORS
        if not pseudo:
            fcntl.ioctl(number, termios.TIOCEXCL)
        _mark_faults(number)
        _check(number, device, settings)
    except (OSError, termios.error) as error:
        os.close(number)
        raise PortOpenError(_loss(device, error)) from error
    except PortOpenError:
        os.close(number)
        raise
    return OpenTerminal(number, pseudo)


def _mark_faults(number: int) -> None:
    attributes = termios.tcgetattr(number)
    ignoring = termios.IGNPAR | termios.IGNBRK | termios.BRKINT | termios.ISTRIP
    attributes[_IFLAG] &= ~ignoring
    attributes[_IFLAG] |= termios.PARMRK | termios.INPCK
    attributes[_CFLAG] |= termios.HUPCL
    attributes[_CC][termios.VMIN] = 1
    attributes[_CC][termios.VTIME] = 0
    termios.tcsetattr(number, termios.TCSANOW, attributes)


def _check(number: int, device: str, settings: PortSettings) -> None:
    """Look whether the port is set as it was asked to be."""
    flags = termios.tcgetattr(number)[_CFLAG]
    data_bits = {termios.CS7: 7, termios.CS8: 8}.get(flags & termios.CSIZE)
    stop_bits = 2 if flags & termios.CSTOPB else 1
    parity = bool(flags & termios.PARENB)
    odd = bool(flags & termios.PARODD)
    wanted_odd = settings.parity in (Parity.ODD, Parity.MARK)
    refused = None
    if data_bits != settings.data_bits:
        refused = f"{settings.data_bits} data bits"
    elif parity != (settings.parity is not Parity.NONE) or (
        parity and odd != wanted_odd
    ):
        refused = f"{settings.parity.value} parity"
    elif stop_bits != settings.stop_bits:
        refused = f"{settings.stop_bits} stop bits"
    elif not _runs_at(number, settings.baud):
        refused = f"{settings.baud} bit/s"
    if refused is not None:
        detail = f"{device} cannot do {refused}"
        raise PortOpenError(PortLoss(PortLossCause.CANNOT_BE_SET, detail))


def _runs_at(number: int, baud: int) -> bool:
    try:
        answer = fcntl.ioctl(number, _TCGETS2, bytes(_TERMIOS2_OCTETS))
    except OSError:
        # Other machines number this call otherwise: what pyserial has set holds.
        return True
    _, speed = struct.unpack_from("=II", answer, _TERMIOS2_OCTETS - 8)
    return bool(abs(speed - baud) <= baud * _SPEED_TOLERANCE)


def _loss(device: str, error: Exception) -> PortLoss:
    number = _errno_of(error)
    words = _WORDS.get(number, "")
    if not words:
        words = os.strerror(number) if number else str(error)
    cause = _CAUSES.get(number, PortLossCause.CANNOT_BE_SET)
    if cause is PortLossCause.NOT_PERMITTED:
        words = _who_may(device)
    return PortLoss(cause, f"{device}: {words}")


def _errno_of(error: BaseException) -> int:
    # pyserial tells some errors of system calls in words only; the error itself is
    # behind its own.
    while True:
        first = error.args[0] if error.args else None
        if isinstance(first, int):
            return first
        if error.__context__ is None:
            return 0
        error = error.__context__


def _who_may(device: str) -> str:
    try:
        found = os.stat(device)  # noqa: PTH116  # a device is no file of ours
        group = grp.getgrgid(found.st_gid).gr_name
    except (OSError, KeyError):
        return "you may not use it"
    if not found.st_mode & stat.S_IRGRP or not found.st_mode & stat.S_IWGRP:
        return "only its owner may use it: ask your administrator"
    return (
        f"it belongs to the group {group}: have yourself added "
        f"(sudo usermod -aG {group} $USER), then log in again"
    )

"""Serial ports: what a scale's driver asks of one, the system's, and one in memory.

A port has three promises: no call waits longer than it was told, nothing raises but
`PortError`, and after a `PortError` the port is of no use: close it, open another.
"""

import contextlib
import os
import select
import termios
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import serial

from hw.clock import MemoryMonotonicClock
from hw.ports.settings import Parity
from protocol.errors import RmfsError

WRITE_TIMEOUT_S: Final = 1.0
"""A command of four octets takes 0.13 s at 300 bit/s."""
_TERMINAL_OCTETS: Final = 4096


class PortError(RmfsError):
    """A serial port cannot be opened, or is gone."""


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How a port is set; as usual, it is set as scales leave their maker.

    Attributes:
        device: The path of the port, such as ``/dev/ttyUSB0``.
        baud: One of `hw.ports.settings.BAUD_RATES`.
        data_bits: 7 or 8.
        parity: See `Parity`.
    """

    device: str
    baud: int = 9600
    data_bits: int = 8
    parity: Parity = Parity.NONE


class OctetPort(Protocol):
    """A serial port that is open."""

    def read(self, timeout_s: float) -> bytes:
        """Wait for octets; none when nothing arrived in that time.

        Raises:
            PortError: The port is gone.
        """
        ...

    def write(self, octets: bytes) -> None:
        """Send octets.

        Raises:
            PortError: The port is gone, or takes none.
        """
        ...

    def discard_input(self) -> None:
        """Throw away what has arrived and was not read.

        Raises:
            PortError: The port is gone.
        """
        ...

    def close(self) -> None:
        """Let go of the port."""
        ...


class SystemPort:
    """A serial port of this computer, used by nobody else meanwhile."""

    def __init__(self, settings: SerialSettings) -> None:
        """Open it.

        Raises:
            PortError: There is no such port, it is in use, or cannot be set so.
        """
        self._device = settings.device
        with self._errors_of_a_port():
            self._serial = serial.Serial(
                settings.device,
                baudrate=settings.baud,
                bytesize=settings.data_bits,
                parity=_PARITIES[settings.parity],
                write_timeout=WRITE_TIMEOUT_S,
                exclusive=True,
            )

    def read(self, timeout_s: float) -> bytes:
        """Wait for octets, and take all that are there."""
        with self._errors_of_a_port():
            self._serial.timeout = max(0.0, timeout_s)
            first = self._serial.read(1)
            if not first:
                return b""
            return first + self._serial.read(self._serial.in_waiting)

    def write(self, octets: bytes) -> None:
        """Send octets."""
        with self._errors_of_a_port():
            self._serial.write(octets)

    def discard_input(self) -> None:
        """Throw away what has arrived and was not read."""
        with self._errors_of_a_port():
            self._serial.reset_input_buffer()

    def fileno(self) -> int:
        """Name the descriptor, for a program that waits for more than this port."""
        return self._serial.fileno()

    def close(self) -> None:
        """Let go of the port; what was not sent yet is not waited for."""
        with contextlib.suppress(PortError), self._errors_of_a_port():
            self._serial.reset_output_buffer()
        with contextlib.suppress(PortError), self._errors_of_a_port():
            self._serial.close()

    @contextlib.contextmanager
    def _errors_of_a_port(self) -> Iterator[None]:
        # pyserial lets through what the system calls raise: termios.error is no
        # OSError, and a rate or descriptor that is out of range is a ValueError.
        try:
            yield
        except (OSError, ValueError, termios.error) as error:
            why = (isinstance(error, OSError) and error.strerror) or str(error)
            named = self._device in why
            message = why if named else f"serial port {self._device}: {why}"
            raise PortError(message) from error


class TerminalPort:
    """A new pseudo-terminal, held at the end where a scale would be.

    A program that opens `device` finds a serial port there, of any speed, with eight
    bits and no parity. What nobody reads is lost, as on a wire.
    """

    def __init__(self) -> None:
        """Make one.

        Raises:
            PortError: The system has none left.
        """
        try:
            self._here, self._there = os.openpty()
        except OSError as error:
            message = f"a pseudo-terminal cannot be made: {error}"
            raise PortError(message) from error
        # The other end stays open here too: without that, reading fails whenever no
        # program has it open.
        tty.setraw(self._there)
        os.set_blocking(self._here, False)

    @property
    def device(self) -> str:
        """The path by which others open it."""
        return os.ttyname(self._there)

    def read(self, timeout_s: float) -> bytes:
        """Wait for octets, and take all that are there."""
        ready, _, _ = select.select([self._here], [], [], max(0.0, timeout_s))
        return os.read(self._here, _TERMINAL_OCTETS) if ready else b""

    def write(self, octets: bytes) -> None:
        """Send octets."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._here, octets)

    def discard_input(self) -> None:
        """Throw away what has arrived and was not read."""
        termios.tcflush(self._here, termios.TCIFLUSH)

    def fileno(self) -> int:
        """Name the descriptor, for a program that waits for more than this port."""
        return self._here

    def close(self) -> None:
        """Hang up: whoever has the other end open notices."""
        os.close(self._here)
        os.close(self._there)


class MemoryPort:
    """A port whose far end is a function in the same process.

    It never waits: where nothing arrives, `clock` is moved on instead.
    """

    def __init__(
        self, far_end: Callable[[bytes], bytes], clock: MemoryMonotonicClock
    ) -> None:
        """Connect to `far_end`, which answers what it is sent."""
        self._far_end = far_end
        self._clock = clock
        self._arrived = b""
        self._is_gone = False

    def read(self, timeout_s: float) -> bytes:
        """Take what is there, or let the time pass."""
        self._check_there()
        arrived, self._arrived = self._arrived, b""
        if not arrived:
            self._clock.advance(max(0.0, timeout_s))
        return arrived

    def write(self, octets: bytes) -> None:
        """Send octets, and have the answer arrive."""
        self._check_there()
        self._arrived += self._far_end(octets)

    def arrive(self, octets: bytes) -> None:
        """Have octets arrive that answer nothing."""
        self._arrived += octets

    def discard_input(self) -> None:
        """Throw away what has arrived and was not read."""
        self._check_there()
        self._arrived = b""

    def pull_out(self) -> None:
        """Be gone, as an adapter that is pulled out of its socket."""
        self._is_gone = True

    def close(self) -> None:
        """Let go of the port."""
        self._is_gone = True

    def _check_there(self) -> None:
        if self._is_gone:
            message = "the port in memory was pulled out"
            raise PortError(message)


_PARITIES: Final = {
    Parity.NONE: serial.PARITY_NONE,
    Parity.EVEN: serial.PARITY_EVEN,
    Parity.ODD: serial.PARITY_ODD,
    Parity.MARK: serial.PARITY_MARK,
    Parity.SPACE: serial.PARITY_SPACE,
}

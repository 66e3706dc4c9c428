"""Pseudo-terminals that we make: a program that opens one finds a serial port there.

The path of a pseudo-terminal changes from one to the next, so there is a symbolic link
to it, at a place that people choose. A call over a pty has its own pseudo-terminal:
when one is opened, the link is moved on to a new one. That way hanging up is heard at
both ends, as closing one end does. A modem's pseudo-terminal is *kept*: it is one
program's after another, as a device is, and at no moment does the link lead nowhere.

Facts of Linux that decide how this is done, all measured:

- the making end cannot be told that the other was opened. While nobody has it open,
  and somebody had, `poll` says that it has hung up; so it is opened and closed once
  here, and then looked at every 20 ms;
- what the opening end has written stays readable after it closes; what the making end
  has written is lost when *it* closes: so before that it waits until all was read,
  which the opening end's ``FIONREAD`` tells;
- there are no circuits, no BREAK, no parity, and no speed: octets cross at once.

Source: pty(7), ptmx(4), ioctl_tty(2).
"""

import errno
import fcntl
import os
import select
import stat
import struct
import termios
import tty
from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.internet.interfaces import IDelayedCall

from hw.ports.descriptor_port import DEFAULT, DescriptorPort, PortTiming
from hw.ports.port import (
    ModemCircuits,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.ports.terminal_settings import PortOpenError
from hw.reactor import MonotonicReactor

_PTMX: Final = "/dev/ptmx"
_TERMINALS: Final = "/dev/pts"
# asm-generic/ioctls.h; Python 3.13 has os.unlockpt and os.ptsname instead.
_TIOCSPTLCK: Final = 0x40045431
_TIOCGPTN: Final = 0x80045430
_INT: Final = struct.Struct("=i")
_OPENING: Final = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK


class PseudoTerminal:
    """A pseudo-terminal held at the end that made it.

    Attributes:
        number: Its file descriptor, which does not block.
        device: The path by which others open it.
    """

    def __init__(self) -> None:
        """Make one that passes every octet as it is.

        Raises:
            OSError: The system has none left.
        """
        self.number = os.open(_PTMX, _OPENING)
        fcntl.ioctl(self.number, _TIOCSPTLCK, _INT.pack(0))
        (index,) = _INT.unpack(fcntl.ioctl(self.number, _TIOCGPTN, bytes(_INT.size)))
        self.device = f"{_TERMINALS}/{index}"
        tty.setraw(self.number)
        os.close(os.open(self.device, _OPENING))
        self._poll = select.poll()
        self._poll.register(self.number, select.POLLIN)

    @property
    def is_opened(self) -> bool:
        """Whether somebody has it open, or had and has left octets behind."""
        events = dict(self._poll.poll(0)).get(self.number, 0)
        return bool(events & select.POLLIN) or not events & select.POLLHUP

    def unread_octets(self) -> int:
        """Count what was written here and the other end has not read yet.

        Whoever claims its end (``TIOCEXCL``) lets nobody look: 1 until it closes.
        """
        if dict(self._poll.poll(0)).get(self.number, 0) & select.POLLHUP:
            return 0
        return self.left_octets()

    def left_octets(self) -> int:
        """Count the same, where the other end may have closed and left them unread."""
        try:
            there = os.open(self.device, _OPENING)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return 1
        try:
            answer = fcntl.ioctl(there, termios.FIONREAD, bytes(_INT.size))
        finally:
            os.close(there)
        (count,) = _INT.unpack(answer)
        return int(count)

    def discard(self) -> None:
        """Throw away what was written here and not read."""
        there = os.open(self.device, _OPENING)
        try:
            termios.tcflush(there, termios.TCIFLUSH)
        finally:
            os.close(there)

    def close(self) -> None:
        """Hang up: whoever has the other end open notices."""
        os.close(self.number)


class PtyLink:
    """The symbolic link by which others find a pseudo-terminal.

    While the link is ours, a file beside it (``.NAME.lock``) is locked with `flock`.
    The lock of a process that was killed is free and its file is still there: that
    tells a link which it left from one that is in use, and from those of other
    programs. The number of a pseudo-terminal tells nothing, as the system gives it out
    again.
    """

    def __init__(self, path: str) -> None:
        """Remember the place; nothing is there yet."""
        self._path = Path(path)
        self._lock_path = self._path.with_name(f".{self._path.name}.lock")
        self._lock: int | None = None
        self._device: str | None = None

    def point_to(self, device: str) -> None:
        """Have the link lead to this device, in one step.

        Raises:
            PortOpenError: Something else is there, or the folder cannot be written.
        """
        had_lock = self._lock is not None
        try:
            was_ours = self._take_lock()
            self._check_free(was_ours=was_ours)
            made = self._path.with_name(f".{self._path.name}.{Path(device).name}")
            made.unlink(missing_ok=True)
            made.symlink_to(device)
            made.replace(self._path)
        except (OSError, PortOpenError) as error:
            if not had_lock:
                self._free_lock()
            if isinstance(error, PortOpenError):
                raise
            detail = f"{self._path} cannot be made: {error.strerror}"
            loss = PortLoss(PortLossCause.NOT_PERMITTED, detail)
            raise PortOpenError(loss) from error
        self._device = device

    def remove(self) -> None:
        """Take the link away, if it is still the one that was made here."""
        device, self._device = self._device, None
        if device is not None and self._target() == device:
            self._path.unlink(missing_ok=True)
        self._free_lock()

    def _take_lock(self) -> bool:
        """Lock the place; whether a link that is there is one of ours."""
        if self._lock is not None:
            return True
        was_there = self._lock_path.exists()
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have taken the file away before it let go of it.
            is_ours = os.path.samestat(os.fstat(lock), self._lock_path.stat())
        except (BlockingIOError, FileNotFoundError):
            is_ours = False
        except OSError:
            os.close(lock)
            raise
        if not is_ours:
            os.close(lock)
            raise _taken(f"{self._path} is in use: another server listens there")
        self._lock = lock
        return was_there

    def _free_lock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            self._lock_path.unlink(missing_ok=True)
            os.close(lock)

    def _check_free(self, *, was_ours: bool) -> None:
        """Refuse to replace what is not ours: only stale links go."""
        target = self._target()
        if target is None:
            if not os.path.lexists(self._path):
                return
            words = "is a file, and not a link that a server left behind"
        elif not target.startswith(f"{_TERMINALS}/"):
            words = f"leads to {target}, which is no pseudo-terminal"
        elif was_ours or not _is_terminal(target):
            return
        else:
            words = f"leads to {target}, a pseudo-terminal of another program"
        raise _taken(f"{self._path} {words}")

    def _target(self) -> str | None:
        try:
            return str(self._path.readlink())
        except OSError:
            return None


def _taken(detail: str) -> PortOpenError:
    return PortOpenError(PortLoss(PortLossCause.IN_USE, detail))


class PtyOpener:
    """Makes pseudo-terminals, one for each call; a `hw.ports.port.PortOpener`.

    A port is up when another program has opened the pseudo-terminal.
    """

    def __init__(
        self,
        reactor: MonotonicReactor,
        path: str,
        timing: PortTiming = DEFAULT,
        *,
        kept: bool = False,
    ) -> None:
        """Remember the place of the link; nothing is made yet.

        Args:
            reactor: The time, and the descriptors.
            path: Of the link.
            timing: How often is looked.
            kept: One pseudo-terminal serves one program after another.
        """
        self._reactor = reactor
        self._path = path
        self._timing = timing
        self._kept = kept
        self._link = PtyLink(path)
        self._made: PseudoTerminal | None = None
        self._waiting: DescriptorPort | None = None
        self._look: IDelayedCall | None = None

    @property
    def name(self) -> str:
        """The path of the link."""
        return self._path

    def prepare(self) -> None:
        """Make the pseudo-terminal of the next port, and the link, now.

        Raises:
            PortOpenError: They cannot be made.
        """
        if self._made is not None:
            return
        try:
            made = PseudoTerminal()
        except OSError as error:
            detail = f"no pseudo-terminal can be made: {error.strerror}"
            loss = PortLoss(PortLossCause.NOT_THERE, detail)
            raise PortOpenError(loss) from error
        try:
            self._link.point_to(made.device)
        except PortOpenError:
            made.close()
            raise
        self._made = made

    def open(self, user: PortUser) -> DescriptorPort:
        """Wait for a program to open it; `user` is told in a later turn."""
        self._waiting = DescriptorPort(self._reactor, self._path, user, self._timing)
        if self._look is not None:
            self._look.cancel()
        self._look = self._reactor.callLater(0, self._looked)
        return self._waiting

    def close(self) -> None:
        """Take away the link, and what nobody has opened; open ports stay open."""
        self._link.remove()
        made, self._made = self._made, None
        if made is not None:
            made.close()
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _looked(self) -> None:
        self._look = None
        port = self._waiting
        if port is None or not port.is_wanted:
            return
        try:
            self.prepare()
        except PortOpenError as error:
            port.not_opened(error.loss)
            return
        if self._made is not None and self._made.is_opened:
            opened, self._waiting = self._made, None
            if self._kept:
                port.opened(_KeptPty(self._path, opened))
            else:
                self._made = None
                port.opened(_Pty(self._path, opened))
        else:
            self._look = self._reactor.callLater(self._timing.look_s, self._looked)


class _Pty:
    """A pseudo-terminal that was opened; a `hw.ports.descriptor_port.Terminal`."""

    def __init__(self, path: str, made: PseudoTerminal) -> None:
        self._path = path
        self._made = made

    @property
    def number(self) -> int:
        return self._made.number

    @property
    def marks(self) -> None:
        return None

    @property
    def leave_s(self) -> float:
        # What was just written may be on its way from one end to the other.
        return 0.02

    def read_circuits(self) -> ModemCircuits | None:
        return None

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        """Do nothing: there are none."""

    def set_break(self, *, on: bool) -> None:
        """Do nothing: there is none."""

    def held_octets(self) -> int:
        return self._made.unread_octets()

    def discard_output(self) -> None:
        """Do nothing: closing throws it away."""

    def loss(self, error: OSError | None) -> PortLoss:
        return PortLoss(PortLossCause.CLOSED_BY_PEER, self._path)


class _KeptPty(_Pty):
    """The turn of one program at a pseudo-terminal that goes on behind it."""

    def __init__(self, path: str, made: PseudoTerminal) -> None:
        super().__init__(path, made)
        # Closing this one does not hang up: the first one stays open.
        self._number = os.dup(made.number)

    @property
    def number(self) -> int:
        return self._number

    def held_octets(self) -> int:
        return self._made.left_octets()

    def discard_output(self) -> None:
        self._made.discard()

    def loss(self, error: OSError | None) -> PortLoss:
        # What the program has left unread is not the next one's.
        with suppress(OSError):
            self._made.discard()
        return super().loss(error)


def _is_terminal(path: str) -> bool:
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError:
        return False

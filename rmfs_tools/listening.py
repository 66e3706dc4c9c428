"""A line that is listened to at two ends, and a key log that may grow meanwhile.

Used by `rmfs watch --tap` and by `rmfs certify tap --tap`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from hw.capture import create_capture
from hw.clock import SystemWallClock
from hw.ports.settings import PortSettings
from hw.ports.tty import TtyOpener
from hw.reactor import MonotonicReactor
from hw.seen.files import tap_files
from hw.seen.folder import BoundedSink
from hw.seen.in_order import InOrder
from hw.seen.keylog import KeyLogError, RecordKeys, read_key_log
from hw.seen.ports import PortTap
from hw.seen.reading import SeenRecord
from hw.seen.tap import Sink, Tap
from hw.seen.telling import BothSinks, TellingSink
from protocol.errors import LinkDownError, RmfsError


class KeyFile:
    """A key log that may grow, or come, while it is used."""

    def __init__(self, path: Path | None, known: RecordKeys, *, may_come: bool) -> None:
        """Know where it is.

        Args:
            path: The file; None: there is none.
            known: Its keys go here.
            may_come: It need not be there yet.
        """
        self._path = path
        self._known = known
        self._may_come = may_come
        self._size = -1

    def read(self) -> None:
        """Read what is new.

        Raises:
            KeyLogError: It is none, or not there.
        """
        if self._path is None:
            return
        try:
            size = self._path.stat().st_size
        except OSError as error:
            if self._may_come and isinstance(error, FileNotFoundError):
                return
            message = f"{self._path} cannot be read: {error.strerror}"
            raise KeyLogError(message) from error
        if size != self._size:
            self._known.update(read_key_log(self._path))
            self._size = size


def chunks(file: Path) -> Iterator[bytes]:
    """Read a file, piece by piece.

    Raises:
        RmfsError: It cannot be read.
    """
    try:
        with file.open("rb") as stream:
            while octets := stream.read(65_536):
                yield octets
    except OSError as error:
        raise RmfsError(f"{file} cannot be read: {error.strerror}") from error


def are_files(ends: tuple[str, str]) -> bool:
    """Say whether both ends are files of octets, which hold no times."""
    # `Path.is_file` raises where one may not look.
    return all(os.path.isfile(end) for end in ends)  # noqa: PTH113


def listen(
    ends: tuple[str, str],
    baud: int,
    capture: Path | None,
    tell: Callable[[SeenRecord], None],
) -> None:
    """Listen at two ports until one is lost or Ctrl-C, or to two files of octets.

    Args:
        ends: Where the machine is heard, and where the server is.
        baud: Speed of ports.
        capture: A new file for what is heard, or None.
        tell: Told each record.

    Raises:
        LinkDownError: A port was lost.
        RmfsError: A file cannot be read or written.
    """
    clock = SystemWallClock()

    with ExitStack() as stack:
        sink: Sink = TellingSink(tell, clock)
        if capture is not None:
            try:
                writer = create_capture(capture, clock, f"tap of {' and '.join(ends)}")
            except OSError as error:
                message = f"{capture} cannot be written: {error.strerror}"
                raise RmfsError(message) from error
            sink = BothSinks(BoundedSink(stack.enter_context(writer)), sink)
        if are_files(ends):
            _tap_files(ends, sink)
        else:
            _tap_ports(ends, baud, sink)


def _tap_files(ends: tuple[str, str], sink: Sink) -> None:

    try:
        with Path(ends[0]).open("rb") as machine, Path(ends[1]).open("rb") as server:
            tap_files(machine, server, sink)
    except BrokenPipeError:
        raise
    except OSError as error:
        which = error.filename or " or ".join(ends)
        raise RmfsError(f"{which} cannot be read: {error.strerror}") from error


def _tap_ports(ends: tuple[str, str], baud: int, sink: Sink) -> None:
    """Listen until a port is lost, or Ctrl-C."""
    reactor = MonotonicReactor()
    settings = PortSettings(baud=baud)
    lost: list[str] = []
    is_over = False

    def end(why: str) -> None:
        # Behind Ctrl-C the ports are closed here, and nothing is lost.
        if not is_over:
            lost.append(why)
            reactor.callLater(0, reactor.stop)

    ordered = InOrder(sink, reactor)
    tapped = PortTap(Tap(ordered), end)

    def stop() -> None:
        nonlocal is_over
        is_over = True
        ordered.flush()
        tapped.close()

    machine, server = (TtyOpener(reactor, one, settings) for one in ends)
    reactor.callWhenRunning(tapped.open, machine, server)
    reactor.addSystemEventTrigger("before", "shutdown", stop)
    reactor.run()
    reactor.close()
    ordered.flush()
    if lost:
        raise LinkDownError(f"the tap ended: {lost[0]}")

"""`rmfs watch`: read captures, follow one that grows, tap a line."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from protocol.errors import RmfsError

if TYPE_CHECKING:
    from hw.seen.decoding import LineDecoder
    from hw.seen.keylog import RecordKeys
    from hw.seen.reading import SeenRecord
    from hw.seen.tap import Sink

_FILE = click.Path(path_type=Path, dir_okay=False)


def add_commands(root: click.Group) -> None:
    """Bring `rmfs watch`."""
    root.add_command(watch)


@click.command(
    epilog="\b\nExample:\n  rmfs watch first.pcapng --keys first.keys\n"
    "  rmfs watch -f first.pcapng\n"
    "  rmfs watch --tap /dev/ttyUSB0 /dev/ttyUSB1 --baud 9600 --capture seen.pcapng"
)
@click.argument("file", type=_FILE, required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on while FILE grows.")
@click.option("--keys", type=_FILE, help="A key log: what it has keys of is opened.")
@click.option(
    "--tap",
    type=str,
    nargs=2,
    metavar="MACHINE SERVER",
    help="Listen at two ports, or to two files of octets: what the machine sends, and "
    "what the server sends.",
)
@click.option(
    "--baud",
    type=click.IntRange(300, 921_600),
    default=9600,
    show_default=True,
    help="Speed of tapped ports.",
)
@click.option("--capture", type=_FILE, help="Write what is tapped here, as pcapng.")
@click.option("--secrets", is_flag=True, help="Show marks, signatures and plaintexts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record.")
@click.option(
    "--color/--no-color",
    default=None,
    help="Colour or none; usually as the terminal is.",
)
def watch(
    file: Path | None,
    *,
    follow: bool,
    keys: Path | None,
    tap: tuple[str, str] | None,
    baud: int,
    capture: Path | None,
    secrets: bool,
    as_json: bool,
    color: bool | None,
) -> None:
    """Show what passes on a line: frames, packets, messages, line events."""
    from hw.seen.decoding import LineDecoder

    if (file is None) == (tap is None):
        raise click.UsageError("name a capture, or tap a line with --tap")
    if capture is not None and tap is None:
        raise click.UsageError("--capture records a --tap; a capture is one already")
    if follow and file is None:
        raise click.UsageError("-f follows a capture; a tapped port is live anyway")
    known: RecordKeys = {}
    shown = _Shown(LineDecoder(known), secrets=secrets, as_json=as_json, color=color)
    source = _Keys(keys, known, may_come=follow or tap is not None)
    source.read()
    if tap is not None:
        _tap(tap, baud, capture, shown, source)
    elif file is not None and follow:
        _follow(file, shown, source)
    elif file is not None:
        _read(file, shown)


class _Shown:
    """Prints what a decoder understands."""

    def __init__(
        self,
        decoder: "LineDecoder",
        *,
        secrets: bool,
        as_json: bool,
        color: bool | None,
    ) -> None:
        from rmfs_tools.watching import Shower

        self._decoder = decoder
        self._shower = Shower(secrets=secrets)
        self._as_json = as_json
        self._color = color

    def __call__(self, seen: "SeenRecord") -> None:
        one = self._decoder.understand(seen)
        if self._as_json:
            click.echo(self._shower.json(one))
            return
        for line in self._shower.lines(one):
            click.echo(line, color=self._color)


class _Keys:
    """A key log that may grow, or come, while it is used."""

    def __init__(
        self, path: Path | None, known: "RecordKeys", *, may_come: bool
    ) -> None:
        self._path = path
        self._known = known
        self._may_come = may_come
        self._size = -1

    def read(self) -> None:
        """Read what is new.

        Raises:
            KeyLogError: It is none, or not there.
        """
        from hw.seen.keylog import KeyLogError, read_key_log

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


def _read(file: Path, shown: _Shown) -> None:
    from hw.seen.reading import CaptureReader

    reader = CaptureReader()
    for octets in _chunks(file):
        for seen in reader.records(octets):
            shown(seen)
    if not reader.is_between_blocks:
        click.echo("the file ends in the midst of a record", err=True)


def _chunks(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            while octets := stream.read(65_536):
                yield octets
    except OSError as error:
        raise RmfsError(f"{file} cannot be read: {error.strerror}") from error


def _follow(file: Path, shown: _Shown, keys: _Keys) -> None:
    """Read what is there, then what comes, until Ctrl-C."""
    from hw.reactor import MonotonicReactor
    from rmfs_tools.following import Follower

    reactor = MonotonicReactor()
    with Follower(reactor, file, shown, keys.read) as follower:
        reactor.callWhenRunning(follower.begin)
        reactor.run()
    reactor.close()
    follower.raise_failure()


def _tap(
    ends: tuple[str, str],
    baud: int,
    capture: Path | None,
    shown: _Shown,
    keys: _Keys,
) -> None:
    from hw.capture import create_capture
    from hw.clock import SystemWallClock
    from hw.seen.folder import BoundedSink
    from hw.seen.telling import BothSinks, TellingSink

    clock = SystemWallClock()

    def tell(seen: "SeenRecord") -> None:
        keys.read()
        shown(seen)

    with ExitStack() as stack:
        sink: Sink = TellingSink(tell, clock)
        if capture is not None:
            try:
                writer = create_capture(capture, clock, f"tap of {' and '.join(ends)}")
            except OSError as error:
                message = f"{capture} cannot be written: {error.strerror}"
                raise RmfsError(message) from error
            sink = BothSinks(BoundedSink(stack.enter_context(writer)), sink)
        # `Path.is_file` raises where one may not look.
        if all(os.path.isfile(end) for end in ends):  # noqa: PTH113
            _tap_files(ends, sink)
        else:
            _tap_ports(ends, baud, sink)


def _tap_files(ends: tuple[str, str], sink: "Sink") -> None:
    from hw.seen.files import tap_files

    try:
        with Path(ends[0]).open("rb") as machine, Path(ends[1]).open("rb") as server:
            tap_files(machine, server, sink)
    except BrokenPipeError:
        raise
    except OSError as error:
        which = error.filename or " or ".join(ends)
        raise RmfsError(f"{which} cannot be read: {error.strerror}") from error


def _tap_ports(ends: tuple[str, str], baud: int, sink: "Sink") -> None:
    """Listen until a port is lost, or Ctrl-C."""
    from hw.ports.settings import PortSettings
    from hw.ports.tty import TtyOpener
    from hw.reactor import MonotonicReactor
    from hw.seen.ports import PortTap
    from hw.seen.tap import Tap
    from protocol.errors import LinkDownError

    reactor = MonotonicReactor()
    settings = PortSettings(baud=baud)
    lost: list[str] = []

    def end(why: str) -> None:
        lost.append(why)
        reactor.callLater(0, reactor.stop)

    tapped = PortTap(Tap(sink), end)
    machine, server = (TtyOpener(reactor, one, settings) for one in ends)
    reactor.callWhenRunning(tapped.open, machine, server)
    reactor.run()
    tapped.close()
    reactor.close()
    if lost:
        raise LinkDownError(f"the tap ended: {lost[0]}")

"""`rmfs watch`: read captures, follow one that grows, tap a line."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hw.seen.decoding import LineDecoder
    from hw.seen.keylog import RecordKeys
    from hw.seen.reading import SeenRecord
    from rmfs_tools.listening import KeyFile

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
    from rmfs_tools.listening import KeyFile, listen

    if (file is None) == (tap is None):
        raise click.UsageError("name a capture, or tap a line with --tap")
    if capture is not None and tap is None:
        raise click.UsageError("--capture records a --tap; a capture is one already")
    if follow and file is None:
        raise click.UsageError("-f follows a capture; a tapped port is live anyway")
    known: RecordKeys = {}
    shown = _Shown(LineDecoder(known), secrets=secrets, as_json=as_json, color=color)
    source = KeyFile(keys, known, may_come=follow or tap is not None)
    source.read()
    if tap is not None:

        def tell(seen: "SeenRecord") -> None:
            source.read()
            shown(seen)

        listen(tap, baud, capture, tell)
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


def _read(file: Path, shown: _Shown) -> None:
    from hw.seen.reading import CaptureReader
    from rmfs_tools.listening import chunks

    reader = CaptureReader()
    for octets in chunks(file):
        for seen in reader.records(octets):
            shown(seen)
    if not reader.is_between_blocks:
        click.echo("the file ends in the midst of a record", err=True)


def _follow(file: Path, shown: _Shown, keys: "KeyFile") -> None:
    """Read what is there, then what comes, until Ctrl-C."""
    from hw.reactor import MonotonicReactor
    from rmfs_tools.following import Follower

    reactor = MonotonicReactor()
    with Follower(reactor, file, shown, keys.read) as follower:
        reactor.callWhenRunning(follower.begin)
        reactor.run()
    reactor.close()
    follower.raise_failure()

"""`rmfs modem`: stand in for a modem, on a port that any terminal program can use."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fm_device.typed_cli import LINE
from protocol.errors import RmfsError

if TYPE_CHECKING:
    from hw.lines.strings import LineAddress
    from hw.modem.book import PhoneBook
    from hw.modem.news import ModemNews

EXIT_DONE: Final = 0
EXIT_LINE: Final = 3
NUMBER: Final = "100"


def add_commands(root: click.Group) -> None:
    """Bring the commands about modems."""
    root.add_command(modem)


@click.group(
    epilog="\b\nExample:\n  rmfs modem emulate --port pty:./modem --book book.toml"
)
def modem() -> None:
    """Stand in for a modem."""


@modem.command(
    epilog="\b\nExamples:\n"
    "  rmfs modem emulate --port pty:./modem --book book.toml\n"
    "  rmfs modem emulate --port rfc2217:127.0.0.1:2217 --listen tcp:127.0.0.1:7200\n"
    "  rmfs modem emulate --port tcp:127.0.0.1:6400 --book book.toml --json"
)
@click.option(
    "--port",
    type=LINE,
    required=True,
    help="Where terminals find it: pty:PATH, serial:DEVICE, rfc2217:... or tcp:...",
)
@click.option(
    "--book",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The phone book: what happens when a number is dialled.",
)
@click.option(
    "--listen", type=LINE, help="A line that others call: then the modem rings."
)
@click.option(
    "--profiles",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where AT&W and AT&Z write to; without it they are forgotten at the end.",
)
@click.option(
    "--escape",
    type=click.Choice(["guard-time", "ties"]),
    default="guard-time",
    show_default=True,
    help="How +++ is recognised: between pauses, or before AT and a command.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell what happens as JSON.")
def emulate(
    port: "LineAddress",
    *,
    book: Path | None,
    listen: "LineAddress | None",
    profiles: Path | None,
    escape: str,
    as_json: bool,
) -> int:
    """Answer as a modem does, until Ctrl-C or SIGTERM.

    What is dialled goes where the phone book says. What happens is told line by line.
    """
    from hw.lines.build import build_dialler, build_listener
    from hw.lines.port import LineError
    from hw.lines.strings import parse_line_string
    from hw.modem.attaching import attach
    from hw.modem.book import PhoneBook, read_phone_book
    from hw.modem.emulated import EmulatedModem
    from hw.modem.escape import EscapeMethod
    from hw.modem.network import PhoneNetwork
    from hw.modem.news import ModemNews
    from hw.modem.profile import FileProfiles, MemoryProfiles
    from hw.reactor import MonotonicReactor

    def tell(news: "ModemNews") -> None:
        line = json.dumps(dataclasses.asdict(news)) if as_json else news.words
        click.echo(line)

    known = PhoneBook() if book is None else read_phone_book(book)
    _check_places(known)
    store = MemoryProfiles() if profiles is None else FileProfiles(profiles)
    reactor = MonotonicReactor()
    network = PhoneNetwork(
        reactor,
        known,
        make_dialler=lambda text: build_dialler(reactor, parse_line_string(text)),
        on_news=lambda words: tell(ModemNews("network", words)),
    )
    own = known.own or NUMBER
    emulated = EmulatedModem(
        reactor,
        network.line(own),
        store,
        bit_s_max=known.bit_s_max,
        escape=EscapeMethod.TIES if escape == "ties" else EscapeMethod.GUARD_TIME,
        on_news=tell,
    )
    try:
        if listen is not None:
            network.listen(build_listener(reactor, listen), own)
        address, detach = attach(
            reactor, port, emulated, lambda words: tell(ModemNews("no port", words))
        )
    except LineError as error:
        reactor.close()
        click.echo(f"rmfs: {error}", err=True)
        return EXIT_LINE
    called = f", called at {', '.join(network.places)}" if network.places else ""
    tell(ModemNews("ready", f"modem {own} answers at {address}{called}"))
    # Twisted stops the reactor upon SIGINT and SIGTERM.
    reactor.run()
    network.close()
    detach()
    reactor.close()
    return EXIT_DONE


def _check_places(book: "PhoneBook") -> None:
    """Refuse a book that leads to what is no line.

    Raises:
        RmfsError: It does; the message shows what is one.
    """
    from hw.lines.port import LineError
    from hw.lines.strings import parse_line_string

    for entry in book.entries.values():
        if entry.to:
            try:
                parse_line_string(entry.to)
            except LineError as error:
                message = f"the phone book, number {entry.number}: {error}"
                raise RmfsError(message) from error

"""The command that takes a fund file: `rmfs server import-funds`.

Exit 0: taken, or known already; suspended lines are told, they are no failure.
Exit 1: refused whole, the books are as they were.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from hw.clock import WallClock
from hw.database import Store
from protocol.exchange import FundFileError
from protocol.exchange.fund_file import FILE_OCTETS_MAX
from rmfs_server.funds import import_fund_file

EXIT_REFUSED: Final = 1

OpenStore = Callable[[Path], AbstractContextManager[Store]]
"""Opens the books of a server's folder for the length of a `with` block."""

ServerOption = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Adds ``--server FOLDER``, which arrives as the argument ``server``."""


def add_commands(
    group: click.Group,
    server_option: ServerOption,
    open_store: OpenStore,
    clock: WallClock,
) -> None:
    """Add `import-funds` to the group `rmfs server`."""

    @group.command(
        "import-funds",
        epilog="\b\nExample:\n  rmfs server import-funds FND-N-20261117-01.txt",
    )
    @click.argument("file", type=click.File("rb"))
    @server_option
    @click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
    def import_funds(file: BinaryIO, server: Path, as_json: bool) -> int:
        """Take a fund file of the Department into the books.

        FILE is read from stdin when it is "-". A file whose structure is wrong is
        refused whole, with every finding and its line number; the same file again
        changes nothing. The format is in docs/fund-files.md.
        """
        # One octet more than may be: the reader says that it is too long.
        octets = file.read(FILE_OCTETS_MAX + 1)
        try:
            with open_store(server) as store:
                report = import_fund_file(store, octets, clock.now())
        except FundFileError as error:
            if as_json:
                click.echo(json.dumps(_refusal(error), indent=2))
            else:
                click.echo("the file is refused, nothing was changed:", err=True)
                click.echo(str(error), err=True)
            return EXIT_REFUSED
        if as_json:
            click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        else:
            click.echo(report.show())
        return 0


def _refusal(error: FundFileError) -> dict[str, Any]:
    return {
        "refused": True,
        "findings": [
            {"line_number": finding.line_number, "reason": finding.reason}
            for finding in error.findings
        ],
        "more": error.more,
    }

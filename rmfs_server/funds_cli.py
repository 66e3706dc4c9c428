"""The command that takes a fund file: `rmfs server import-funds`.

Exit 0: taken, or known already; suspended lines are told, they are no failure.
Exit 1: refused whole, the books are as they were.

A file is taken when a key of the Department has signed it. A person can take an
unsigned one, and says why; a signature that is there has to be right all the same.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from hw.clock import WallClock
from hw.database import Store
from protocol.exchange import ExchangeFileError, SignatureFault, Signed
from protocol.exchange.fund import FUND
from rmfs_server.department import Department
from rmfs_server.funds import import_fund_file

EXIT_REFUSED: Final = 1

OpenStore = Callable[[Path], AbstractContextManager[Store]]
"""Opens the books of a server's folder for the length of a `with` block."""

ReadDepartment = Callable[[Path], Department]
"""Reads in a server's folder what the Department's files are judged by."""

ServerOption = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Adds ``--server FOLDER``, which arrives as the argument ``server``."""


def add_commands(
    group: click.Group,
    server_option: ServerOption,
    open_store: OpenStore,
    read_department: ReadDepartment,
    clock: WallClock,
) -> None:
    """Add `import-funds` to the group `rmfs server`."""

    @group.command(
        "import-funds",
        epilog="\b\nExample:\n  rmfs server import-funds FND-N-20261117-01.txt",
    )
    @click.argument("file", type=click.File("rb"))
    @server_option
    @click.option("--unsigned", is_flag=True, help="Take a file that nobody signed.")
    @click.option("--reason", default="", help="Why it is taken unsigned; it is kept.")
    @click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
    def import_funds(
        file: BinaryIO, server: Path, unsigned: bool, reason: str, as_json: bool
    ) -> int:
        """Take a fund file of the Department into the books.

        FILE is read from stdin when it is "-". It is signed by a key of the Department
        (dop-*.pem in the server's folder). A file whose structure is wrong is refused
        whole, with every finding and its line number; the same file again changes
        nothing. The format is in docs/exchange-files.md.
        """
        if unsigned != bool(reason.strip()):
            raise click.UsageError("--unsigned and --reason go together")
        department = read_department(server)
        # One octet more than may be: the reader says that it is too long.
        octets = file.read(department.layouts[FUND].octets_max + 1)
        judged = department.check(octets)
        if isinstance(judged, Signed):
            vouched_by = f"key {judged.key_id}"
        elif judged is SignatureFault.UNSIGNED and unsigned:
            vouched_by = f"unsigned: {reason.strip()}"
        else:
            return _tell_fault(judged, as_json=as_json)
        try:
            with open_store(server) as store:
                report = import_fund_file(
                    store, octets, clock.now(), vouched_by, department.layouts
                )
        except ExchangeFileError as error:
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


def _tell_fault(fault: SignatureFault, *, as_json: bool) -> int:
    if as_json:
        told = {"refused": True, "code": fault.code, "reason": fault.words}
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo("the file is refused, nothing was changed:", err=True)
        click.echo(f"{fault.code}: {fault.words}", err=True)
    return EXIT_REFUSED


def _refusal(error: ExchangeFileError) -> dict[str, Any]:
    return {
        "refused": True,
        "findings": [
            {
                "line_number": finding.line_number,
                "field": finding.field,
                "reason": finding.reason,
            }
            for finding in error.findings
        ],
        "more": error.more,
    }

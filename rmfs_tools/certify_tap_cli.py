"""`rmfs certify tap`: ordinary traffic, judged by whoever only listens.

Exit codes: 0 nothing failed; 1 a clause was seen broken; 2 typed wrong, or a file is
wrong; 3 a tapped port was lost, or a place cannot be written; 4 nothing was judged.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from datetime import datetime

    from rmfs_tools.lab.out_places import OutPlaces
    from rmfs_tools.lab.tapping import Tapped

EXIT_USAGE: Final = 2
EXIT_LINE: Final = 3
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.command(
    "tap",
    epilog="\b\nExamples:\n  rmfs certify tap call.pcapng --keys call.keys\n"
    "  rmfs certify tap --tap /dev/ttyUSB0 /dev/ttyUSB1 --capture seen.pcapng",
)
@click.argument("captures", nargs=-1, type=_FILE, metavar="[CAPTURE]...")
@click.option(
    "--keys",
    type=_FILE,
    multiple=True,
    help="A key log, or several: with them dialogues are judged too.",
)
@click.option(
    "--maker", type=_FILE, help="The maker's public key, for the files below."
)
@click.option(
    "--server",
    "servers",
    type=_FILE,
    multiple=True,
    help="The server's provisioning file, for its vouchers; once a credit key.",
)
@click.option(
    "--machine",
    "machines",
    type=_FILE,
    multiple=True,
    help="A machine's provisioning file, to verify its vouchers; any number.",
)
@click.option(
    "--tap",
    "ends",
    type=str,
    nargs=2,
    metavar="MACHINE SERVER",
    help="Listen at two ports, or read two files of octets: what the machine sends, "
    "and what the server sends.",
)
@click.option(
    "--baud",
    type=click.IntRange(300, 921_600),
    default=9600,
    show_default=True,
    help="Speed of tapped ports.",
)
@click.option("--capture", type=_FILE, help="Write what is tapped here, as pcapng.")
@click.option("--strict", is_flag=True, help="A SHOULD counts as a MUST.")
@click.option(
    "--out", type=_FOLDER, help="Write the page and the results into this new folder."
)
@click.option(
    "--package",
    type=_FILE,
    help="Write a signed package with the traffic to this file.",
)
@click.option("--lab", type=_FILE, help="The lab's private key, for the package.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def tap(
    captures: tuple[Path, ...],
    *,
    keys: tuple[Path, ...],
    maker: Path | None,
    servers: tuple[Path, ...],
    machines: tuple[Path, ...],
    ends: tuple[str, str] | None,
    baud: int,
    capture: Path | None,
    strict: bool,
    out: Path | None,
    package: Path | None,
    lab: Path | None,
    as_json: bool,
) -> int:
    """Judge ordinary traffic by the clauses of FMP/1, each side for itself."""
    from hw.clock import SystemWallClock
    from protocol.errors import RmfsError
    from rmfs_tools.lab.out_places import OutPlaces
    from rmfs_tools.lab.tap_files import exit_code
    from rmfs_tools.lab.tapping import judge_captures, judge_live, read_papers

    if bool(captures) == (ends is not None):
        raise click.UsageError("name captures, or tap a line with --tap")
    if capture is not None and ends is None:
        raise click.UsageError("--capture records a --tap; a capture is one already")
    if (servers or machines) and maker is None:
        raise click.UsageError("--server and --machine need --maker: who signed them")
    if (package is None) != (lab is None):
        raise click.UsageError("--package and --lab belong together")
    where = OutPlaces(out, package, lab)
    where.check()
    began = SystemWallClock().utc()
    trouble = ""
    try:
        papers = read_papers(maker, servers, machines, keys)
        if ends is not None:
            tapped, trouble = judge_live(
                ends, baud, capture, keys, papers, ready=_tell_people
            )
        else:
            tapped = judge_captures(captures, keys, papers)
    except RmfsError as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE
    _tell(tapped, began, as_json=as_json)
    _write(tapped, began, captures or _heard(capture), keys, where)
    if trouble:
        click.echo(trouble, err=True)
        return EXIT_LINE
    return exit_code(tapped, strict=strict)


def _tell_people(words: str) -> None:
    click.echo(words, err=True)


def _heard(capture: Path | None) -> tuple[Path, ...]:
    return () if capture is None else (capture,)


def _tell(tapped: "Tapped", began: "datetime", *, as_json: bool) -> None:
    from rmfs_tools.lab.tap_files import about, results

    told = about(tapped, began)
    if as_json:
        click.echo(json.dumps({"about": told, **results(tapped)}, indent=2))
        return
    for one in tapped.by.sheet.failures:
        click.echo(f"FAILED    {one.clause:10} {one.side.value:8} {one.place}")
        click.echo(f"          expected {one.expected}; seen {one.seen}")
    for side, counts in told["counts"].items():
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        click.echo(f"{side:9} {words}")
    click.echo(f"{told['records']} records judged", err=True)
    for words in told["remarks"]:
        click.echo(words, err=True)


def _write(
    tapped: "Tapped",
    began: "datetime",
    captures: tuple[Path, ...],
    keys: tuple[Path, ...],
    where: "OutPlaces",
) -> None:
    from rmfs_tools.lab.tap_files import about, tap_files, traffic_names

    if where.folder is None and where.package is None:
        return
    if where.folder is not None:
        where.write_folder(tap_files(tapped, began, {}))
    if where.package is not None:
        traffic = traffic_names(captures, keys)
        where.write_package(tap_files(tapped, began, traffic), about(tapped, began))

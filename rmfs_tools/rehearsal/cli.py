"""`rmfs dop rehearse`."""

import json
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rmfs_tools.rehearsal.playing import Span

_DAY: Final = "%Y-%m-%d"


def add_commands(dop: click.Group) -> None:
    """Bring the command into the group of the gateway."""
    dop.add_command(rehearse)


@click.command(
    epilog="\b\nExamples:\n  rmfs dop rehearse --machines 200 --days 14\n"
    "  rmfs dop rehearse --json"
)
@click.option(
    "--machines",
    type=click.IntRange(2, 20_000),
    default=2_000,
    show_default=True,
    help="Machines of both makers together.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=30,
    show_default=True,
    help="Days of the calendar; files go on those that are worked.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides all.")
@click.option(
    "--begin",
    type=click.DateTime([_DAY]),
    default="2026-11-02",
    show_default=True,
    help="The first day.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, exists=False, file_okay=False),
    help="New folder in which everything is kept; left out, it is thrown away.",
)
@click.option("--json", "as_json", is_flag=True, help="End with lines of JSON.")
def rehearse(
    *,
    machines: int,
    days: int,
    seed: int,
    begin: datetime,
    keep: Path | None,
    as_json: bool,
) -> int:
    """Rehearse weeks of the Department, two makers and a bank, with mistakes in them.

    Gateway, recharge servers, security devices and signed files are real; simulated are
    time, lines and people. Files come late, twice, cut off, out of order; a maker is
    down, acknowledgements are lost, the bank's files do not add up; cheques bounce at
    counters; makers tell of other credit than machines were given. Ends with 1 when a
    mistake is not named, or a paisa is explained by nothing.
    """
    from rmfs_tools.rehearsal.playing import Span

    span = Span(machines, days, seed, begin.date())
    if keep is not None:
        keep.mkdir(parents=True)
        return _rehearse(keep, span, as_json=as_json)
    with TemporaryDirectory(prefix="rmfs-rehearsal-") as folder:
        return _rehearse(Path(folder), span, as_json=as_json)


def _rehearse(folder: Path, span: "Span", *, as_json: bool) -> int:
    from rmfs_tools.rehearsal.playing import play
    from rmfs_tools.rehearsal.result import look_back

    def progress(words: str) -> None:
        click.echo(words, err=True)

    with play(folder, span, progress) as rehearsal:
        shown = look_back(rehearsal)
    if as_json:
        for one in (*shown.lists(), shown.summary()):
            click.echo(json.dumps(one, ensure_ascii=False))
    else:
        shown.show(click.echo)
    return 0 if shown.is_good else 1

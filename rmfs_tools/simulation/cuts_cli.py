"""`rmfs simulate cuts`: every point at which a recharge can be cut, and its redial.

Exit codes: 0 nothing was wrong; 1 a violation; 2 typed wrong.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hw.clock import SystemMonotonicClock

if TYPE_CHECKING:
    from rmfs_tools.simulation.cuts_run import Part

EXIT_VIOLATION: Final = 1
_NAMES: Final = ("recharge", "refund", "withdrawal", "void")
_FORMS: Final = (".md", ".html")


@click.command(
    "cuts",
    epilog="\b\nExamples:\n  rmfs simulate cuts\n"
    "  rmfs simulate cuts --story recharge --report cuts.html\n"
    "  rmfs simulate cuts --every --json",
)
@click.option(
    "--story",
    "names",
    type=click.Choice(_NAMES),
    multiple=True,
    help="Cut this story alone; may be given again. Otherwise all of them.",
)
@click.option(
    "--every",
    is_flag=True,
    help="Tear each NVRAM write at each of its octets, not at its edges alone, and "
    "cut the line of each story after each octet.",
)
@click.option(
    "--real-channel",
    is_flag=True,
    help="Use the product's channel in place of its double, and dial each redial.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it all to this file, .md or .html.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def cuts(
    names: tuple[str, ...],
    *,
    every: bool,
    real_channel: bool,
    report: Path | None,
    as_json: bool,
) -> int:
    """Cut line, power and server at every point of a story, redial, and count.

    The power fails before, inside and after each write of the NVRAM, the server is
    killed before, inside and after each commit, and the carrier is lost after each
    octet of a recharge, a refund, a withdrawal, and a voucher that is taken back. After
    each point the machine dials until all is quiet, and the money is checked.
    """
    from rmfs_tools.simulation.cuts_report import (
        part_as_json,
        render_html,
        render_markdown,
        total_line,
        totals_as_json,
    )
    from rmfs_tools.simulation.cuts_run import Choice, run_cuts
    from rmfs_tools.simulation.cuts_stories import STORIES

    if report is not None and report.suffix not in _FORMS:
        raise click.UsageError("the report is a .md or an .html file")
    stories = [story for story in STORIES if not names or story.name in names]
    clock = SystemMonotonicClock()
    began_s = clock.now()

    def tell(part: "Part") -> None:
        wrong = len(part.violations)
        click.echo(
            f"{part.story.name}, {part.story.about}: {len(part.trials)} cuts at each "
            f"{part.kind.value}, {wrong} wrong",
            err=True,
        )
        if as_json:
            click.echo(json.dumps(part_as_json(part)))

    parts, totals = run_cuts(Choice(stories, every, real_channel), tell)
    took_s = clock.now() - began_s
    if report is not None:
        render = render_html if report.suffix == ".html" else render_markdown
        report.write_text(render(parts, totals), encoding="utf-8")
    if as_json:
        last = totals_as_json(parts, totals)
        last |= {
            "channel": "real" if real_channel else "double",
            "seconds": round(took_s, 1),
            "points_per_s": round(totals.points / took_s, 1),
        }
        click.echo(json.dumps(last))
    elif report is None:
        click.echo(render_markdown(parts, totals), nl=False)
    else:
        click.echo(f"{total_line(totals)}; written to {report}")
    return EXIT_VIOLATION if totals.violations else 0

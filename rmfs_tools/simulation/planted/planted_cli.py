"""`rmfs simulate planted`: does the simulation find what was planted for it?"""

import json
from typing import Final

import click

_EXIT_MISSED: Final = 1


def add_commands(group: click.Group) -> None:
    """Bring the command about planted bugs."""
    group.add_command(planted)


@click.command(
    epilog="\b\nExamples:\n  rmfs simulate planted\n"
    "  rmfs simulate planted --only mark-not-checked --only torn-write-accepted\n"
    "  rmfs simulate planted --processes 2 --json"
)
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    help="Look for this bug only; may be given several times.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many bugs are looked for at once.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def planted(*, only: tuple[str, ...], processes: int, as_json: bool) -> int:
    """Plant each known mistake in a copy of the product, and see that it is found.

    A mistake is a small change of the product's text. The copy is simulated seed by
    seed, within as many seeds as the mistake is allowed, until an oracle sees a
    property broken; the product itself must break none in that world. Exit codes: 0
    every one was found; 1 one was not, or its text is not that of the product any more;
    2 typed wrong.
    """
    from hw.clock import SystemMonotonicClock
    from rmfs_tools.simulation.planted.bugs import planted_bugs
    from rmfs_tools.simulation.planted.hunting import (
        found_without_a_bug,
        hunt_all,
        show_hunts,
    )

    known = {bug.id: bug for bug in planted_bugs()}
    unknown = sorted(set(only) - set(known))
    if unknown:
        message = f"no planted bug is called {unknown[0]}: see docs/planted-bugs.md"
        raise click.UsageError(message)
    bugs = [bug for bug in known.values() if not only or bug.id in only]
    hunts = []
    for one in hunt_all(bugs, SystemMonotonicClock().now, processes=processes):
        hunts.append(one)
        word = one.property_id or "NOT FOUND"
        click.echo(f"{len(hunts)}/{len(bugs)} {one.bug.id}: {word}", err=True)
    falsely = found_without_a_bug(hunts)
    for bug_id, violation in falsely.items():
        click.echo(f"without {bug_id}, in the same world: {violation}", err=True)
    found = sum(one.found and one.bug.id not in falsely for one in hunts)
    if as_json:
        summary = {
            "planted": len(hunts),
            "found": found,
            "found_without_a_bug": falsely,
            "bugs": [one.as_json() for one in hunts],
        }
        click.echo(json.dumps(summary))
    else:
        click.echo(show_hunts(hunts))
        click.echo(f"{found} of {len(hunts)} planted bugs found")
    return 0 if found == len(hunts) else _EXIT_MISSED

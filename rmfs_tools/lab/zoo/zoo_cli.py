"""`rmfs lab zoo`: does the catalogue find what is wrong with faulty units?"""

import json
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmfs_tools.lab.zoo.playing import Played

_EXIT_MISSED: Final = 1


@click.command(
    epilog="\b\nExamples:\n  rmfs lab zoo\n  rmfs lab zoo lock-ignored fcs-ignored\n"
    "  rmfs lab zoo --whole --processes 2 --json"
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--whole",
    is_flag=True,
    help="Play every case against each unit, and not only those that are to catch it.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many units are played at once.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def zoo(ids: tuple[str, ...], *, whole: bool, processes: int, as_json: bool) -> int:
    """Play the catalogue against machines and servers with one defect each.

    Each is a small change of the product's text, in a copy. The product itself is
    played as well: it has to pass every case, or those that were played when ids are
    given. Exit codes: 0 each was caught by the cases that are to catch it; 1 one was
    not, or the product failed; 2 typed wrong.
    """
    from hw.lab.catalogue import read_catalogue
    from rmfs_tools.lab.zoo.playing import play_zoo, reference_failures
    from rmfs_tools.lab.zoo.units import faulty_units

    known = {unit.id: unit for unit in faulty_units()}
    unknown = sorted(set(ids) - set(known))
    if unknown:
        message = f"no faulty unit is called {unknown[0]}: see docs/zoo.md"
        raise click.UsageError(message)
    units = [unit for unit in known.values() if not ids or unit.id in ids]
    played: list[Played] = []
    for one in play_zoo(units, whole=whole, processes=processes):
        played.append(one)
        word = ", ".join(one.caught_by) or "NOT CAUGHT"
        click.echo(f"{len(played)}/{len(units)} {one.unit.id}: {word}", err=True)
    cases = read_catalogue()
    if ids and not whole:
        wanted = {name for unit in units for name in unit.caught_by}
        cases = tuple(case for case in cases if case.id in wanted)
    failures = reference_failures(cases)
    for name, reason in failures.items():
        click.echo(f"the product, {name}: {reason}", err=True)
    _show(played, failures, as_json=as_json)
    good = not failures and all(one.caught and not one.missed for one in played)
    return 0 if good else _EXIT_MISSED


def _show(
    played: "Sequence[Played]", failures: dict[str, str], *, as_json: bool
) -> None:
    """Show each unit, and behind them the sums."""
    from protocol.link import Role

    summary: dict[str, Any] = {
        f"{role.value}s": _sums([one for one in played if one.unit.role is role])
        for role in Role
    }
    summary["reference_failures"] = len(failures)
    if as_json:
        for one in played:
            click.echo(json.dumps(one.as_json()))
        click.echo(json.dumps(summary, separators=(",", ":")))
        return
    width = max((len(one.unit.id) for one in played), default=0)
    for one in played:
        word = " ".join(one.caught_by) or "NOT CAUGHT"
        missed = f"  but not by {' '.join(one.missed)}" if one.missed else ""
        click.echo(f"{one.unit.id:{width}}  {one.unit.clause:9}  {word}{missed}")
    caught = sum(one.caught for one in played)
    click.echo(
        f"{caught} of {len(played)} faulty units caught; "
        f"{len(failures)} cases fail on the product"
    )


def _sums(played: "Sequence[Played]") -> dict[str, int]:
    caught = sum(one.caught for one in played)
    return {"total": len(played), "by_catalogue": caught, "caught": caught}

"""`rmfs lab zoo`: does the catalogue find what is wrong with faulty units?"""

import json
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rmfs_tools.lab.zoo.fuzzing import Fuzzed
    from rmfs_tools.lab.zoo.playing import Played
    from rmfs_tools.lab.zoo.units import FaultyUnit

_EXIT_MISSED: Final = 1


@click.command(
    epilog="\b\nExamples:\n  rmfs lab zoo\n  rmfs lab zoo lock-ignored fcs-ignored\n"
    "  rmfs lab zoo --whole --processes 2 --json\n"
    "  rmfs lab zoo --fuzz --seed 7 --cases 500 --processes 2"
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--whole",
    is_flag=True,
    help="Play every case against each unit, and not only those that are to catch it.",
)
@click.option(
    "--fuzz",
    is_flag=True,
    help="Fuzz each unit as well, and the product: docs/fuzz.md.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Of the fuzz campaigns.",
)
@click.option(
    "--cases",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="How many fuzz cases are drawn for each unit, at most.",
)
@click.option(
    "--time",
    "time_s",
    type=click.IntRange(1),
    metavar="S",
    help="How long each unit is fuzzed, at most.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many units are played at once.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def zoo(
    ids: tuple[str, ...],
    *,
    whole: bool,
    fuzz: bool,
    seed: int,
    cases: int,
    time_s: int | None,
    processes: int,
    as_json: bool,
) -> int:
    """Let the catalogue find what is wrong with faulty machines and servers.

    Those of IDs, else all; and the product itself, which has to pass. Ends with 0 when
    each was caught by all of its cases, or with --fuzz by a campaign, and the product
    passed; 1 when not; 2 typed wrong.
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
    of_units = read_catalogue()
    if ids and not whole:
        wanted = {name for unit in units for name in unit.caught_by}
        of_units = tuple(case for case in of_units if case.id in wanted)
    failures = reference_failures(of_units)
    fuzzed: dict[str, Fuzzed] = {}
    if fuzz:
        fuzzed, found = _fuzz(units, seed, cases, time_s, processes)
        failures |= found
    for name, reason in failures.items():
        click.echo(f"the product, {name}: {reason}", err=True)
    _show(played, fuzzed, failures, as_json=as_json)
    missed = [one for one in played if one.missed or not _is_caught(one, fuzzed)]
    return 0 if not failures and not missed else _EXIT_MISSED


def _fuzz(
    units: "Sequence[FaultyUnit]",
    seed: int,
    cases: int,
    time_s: int | None,
    processes: int,
) -> tuple[dict[str, "Fuzzed"], dict[str, str]]:
    """Fuzz the units and the product; what was found at each, and at the product."""
    from rmfs_tools.lab.zoo.fuzzing import Search, fuzz_product, fuzz_zoo

    search = Search(seed, cases, time_s)
    roles = sorted({unit.role for unit in units}, key=lambda role: role.value)
    failures = {
        f"fuzzed as {one.name}": f"{one.oracle} {one.clause}: {one.reason}"
        for one in fuzz_product(roles, search, processes=processes)
        if one.caught
    }
    fuzzed: dict[str, Fuzzed] = {}
    found = fuzz_zoo(units, search, processes=processes)
    for unit, one in zip(units, found, strict=True):
        fuzzed[unit.id] = one
        word = f"{one.oracle} {one.clause}" if one.caught else "nothing found"
        shown = f"{unit.id}: {word}, {one.cases} cases"
        click.echo(f"{len(fuzzed)}/{len(units)} fuzzed {shown}", err=True)
    return fuzzed, failures


def _is_caught(one: "Played", fuzzed: "Mapping[str, Fuzzed]") -> bool:
    found = fuzzed.get(one.unit.id)
    return one.caught or (found is not None and found.caught)


def _show(
    played: "Sequence[Played]",
    fuzzed: "Mapping[str, Fuzzed]",
    failures: dict[str, str],
    *,
    as_json: bool,
) -> None:
    """Show each unit, and behind them the sums."""
    from protocol.link import Role

    summary: dict[str, Any] = {
        f"{role.value}s": _sums(
            [one for one in played if one.unit.role is role], fuzzed
        )
        for role in Role
    }
    summary["reference_failures"] = len(failures)
    if as_json:
        for one in played:
            found = fuzzed.get(one.unit.id)
            more = {} if found is None else {"fuzz": found.as_json()}
            click.echo(json.dumps(one.as_json() | more))
        click.echo(json.dumps(summary, separators=(",", ":")))
        return
    width = max((len(one.unit.id) for one in played), default=0)
    for one in played:
        word = " ".join(one.caught_by) or "NOT CAUGHT"
        missed = f"  but not by {' '.join(one.missed)}" if one.missed else ""
        click.echo(f"{one.unit.id:{width}}  {one.unit.clause:9}  {word}{missed}")
        if one.unit.id in fuzzed:
            click.echo(f"{'':{width}}  {_told(fuzzed[one.unit.id])}")
    caught = sum(_is_caught(one, fuzzed) for one in played)
    click.echo(
        f"{caught} of {len(played)} faulty units caught; "
        f"{len(failures)} failures of the product"
    )


def _told(one: "Fuzzed") -> str:
    if not one.caught:
        return f"fuzzed: nothing found in {one.cases} cases, seed {one.search.seed}"
    return (
        f"fuzzed: {one.oracle} {one.clause} after {one.cases} cases, "
        f"seed {one.search.seed}, {one.lasted_s:.1f} s"
    )


def _sums(played: "Sequence[Played]", fuzzed: "Mapping[str, Fuzzed]") -> dict[str, int]:
    sums = {"total": len(played), "by_catalogue": sum(one.caught for one in played)}
    if fuzzed:
        sums["by_fuzz"] = sum(fuzzed[one.unit.id].caught for one in played)
    sums["caught"] = sum(_is_caught(one, fuzzed) for one in played)
    return sums

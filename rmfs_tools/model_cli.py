"""`rmfs model`: the formal model of the recharge, searched exhaustively with Spin.

Exit codes: 0 as it should be; 1 something was found in the model, a planted mistake was
not, or the real code did otherwise; 3 Spin or the compiler is missing.
"""

import json
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rmfs_tools.model.checking import Checked, Followed, Refuted
    from rmfs_tools.model.replay import Replayed

EXIT_DONE: Final = 0
EXIT_FOUND: Final = 1
EXIT_BENCH: Final = 3


def add_commands(root: click.Group) -> None:
    """Bring the commands about the formal model."""
    root.add_command(model_group)


@click.group("model", epilog="\b\nExample:\n  rmfs model check --config base")
def model_group() -> None:
    """Search every state of the recharge's formal model, and compare it with the code.

    Needs spin and gcc (Debian: apt-get install spin gcc libc6-dev).
    """


@model_group.command(
    epilog="\b\nExamples:\n  rmfs model check\n  rmfs model check --config clone --long"
)
@click.option("--config", "names", multiple=True, metavar="NAME", help="Only these.")
@click.option("--long", "is_long", is_flag=True, help="Deeper bounds: takes minutes.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(names: tuple[str, ...], *, is_long: bool, as_json: bool) -> int:
    """Search the model in its configurations for a property that is broken."""
    from hw.clock import SystemMonotonicClock
    from rmfs_tools.model.checking import check as search
    from rmfs_tools.model.configurations import configurations_named
    from rmfs_tools.model.spin import ToolMissingError

    wanted = configurations_named(names)
    done: list[Checked] = []
    try:
        for one in search(wanted, SystemMonotonicClock(), long=is_long):
            done.append(one)
            _tell(_checked(one), _show_checked(one), as_json=as_json)
    except ToolMissingError as error:
        return _missing(error)
    errors = sum(one.errors for one in done)
    total = {
        "configurations": len(done),
        "states": sum(one.found.states for one in done),
        "transitions": sum(one.found.transitions for one in done),
        "errors": errors,
        "seconds": round(sum(one.seconds for one in done), 1),
    }
    words = (
        f"{total['configurations']} configurations, {total['states']:,} states, "
        f"{errors} errors, {total['seconds']} s"
    )
    _tell(total, words, as_json=as_json)
    return EXIT_FOUND if errors else EXIT_DONE


@model_group.command(
    epilog="\b\nExamples:\n  rmfs model refute --replay\n"
    "  rmfs model refute --variant timer --replay"
)
@click.option("--variant", "names", multiple=True, metavar="NAME", help="Only these.")
@click.option(
    "--replay", is_flag=True, help="Take each run through the real code as well."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def refute(names: tuple[str, ...], *, replay: bool, as_json: bool) -> int:
    """Plant mistakes in the model, and find for each a shortest run that shows it.

    With --replay the real PSD, dialogues and books do what the run says, as far as they
    do it at all; the money has to be right in the end.
    """
    from hw.clock import SystemMonotonicClock
    from rmfs_tools.model.checking import refute as search
    from rmfs_tools.model.configurations import variants_named
    from rmfs_tools.model.spin import ToolMissingError

    wanted = variants_named(names)
    done: list[Refuted] = []
    try:
        for one in search(wanted, SystemMonotonicClock(), replayed=replay):
            done.append(one)
            _tell(_refuted(one), _show_refuted(one), as_json=as_json)
    except ToolMissingError as error:
        return _missing(error)
    refuted = sum(one.refuted for one in done)
    total = {
        "variants": len(done),
        "refuted": refuted,
        "seconds": round(sum(one.seconds for one in done), 1),
        **_replays([one.replayed for one in done if one.replayed is not None]),
    }
    words = f"{refuted} of {len(done)} planted mistakes are refuted"
    if replay:
        words += (
            f"; {total['carried_out']} of {total['steps']} steps carried out by the "
            f"real code, {total['findings']} findings"
        )
    _tell(total, words, as_json=as_json)
    bad = refuted < len(done) or total["findings"]
    return EXIT_FOUND if bad else EXIT_DONE


@model_group.command(
    epilog="\b\nExample:\n  rmfs model follow --runs 20 --config lines"
)
@click.option("--config", "names", multiple=True, metavar="NAME", help="Only these.")
@click.option(
    "--runs",
    type=click.IntRange(1, 1_000_000),
    default=5,
    show_default=True,
    help="Random runs of each configuration.",
)
@click.option(
    "--seed",
    type=click.IntRange(1, 2**31 - 1),
    default=1,
    show_default=True,
    help="Of the first run; each following one has the next.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def follow(names: tuple[str, ...], *, runs: int, seed: int, as_json: bool) -> int:
    """Take random runs of the model, without a mistake, through the real code.

    Where the real code does not do a step, model and code have parted.
    """
    from rmfs_tools.model.checking import follow as take
    from rmfs_tools.model.configurations import configurations_named
    from rmfs_tools.model.spin import ToolMissingError

    wanted = configurations_named(names)
    done: list[Followed] = []
    try:
        for one in take(wanted, range(seed, seed + runs)):
            done.append(one)
            _tell(_followed(one), _show_followed(one), as_json=as_json)
    except ToolMissingError as error:
        return _missing(error)
    replays = _replays([one.replayed for one in done])
    total = {"configurations": len(wanted), "runs": len(done), **replays}
    words = (
        f"{len(done)} runs, {total['carried_out']} of {total['steps']} steps carried "
        f"out, {total['findings']} findings"
    )
    _tell(total, words, as_json=as_json)
    bad = total["carried_out"] < total["steps"] or total["findings"]
    return EXIT_FOUND if bad else EXIT_DONE


@model_group.command("map", epilog="\b\nExample:\n  rmfs model map > map.md")
def show_the_map() -> None:
    """Print which step stands for which rows of the state tables and which clauses."""
    from rmfs_tools.model.steps import (
        read_outside,
        read_steps,
        show_map,
        show_outside,
    )

    click.echo(show_map(read_steps()))
    click.echo(show_outside(read_outside()), nl=False)


def _tell(document: dict[str, Any], words: str, *, as_json: bool) -> None:
    click.echo(json.dumps(document) if as_json else words)


def _missing(error: Exception) -> int:
    click.echo(f"rmfs: {error}", err=True)
    return EXIT_BENCH


def _checked(one: "Checked") -> dict[str, Any]:
    return {
        "configuration": one.configuration.name,
        "bounds": str(one.bounds),
        "states": one.found.states,
        "transitions": one.found.transitions,
        "depth": one.found.depth,
        "endless": None if one.endless is None else one.endless.errors,
        "errors": one.errors,
        "broken": one.found.broken,
        "taken": one.found.taken,
        "seconds": round(one.seconds, 1),
    }


def _show_checked(one: "Checked") -> str:
    found = one.found
    words = (
        f"{one.configuration.name:12} {found.states:>10,} states "
        f"{found.transitions:>11,} transitions  depth {found.depth:>3}  "
        f"{one.errors} errors  {one.seconds:5.1f} s  ({one.bounds})"
    )
    return f"{words}\n  broken: {found.broken}" if found.errors else words


def _refuted(one: "Refuted") -> dict[str, Any]:
    return {
        "variant": one.variant.name,
        "clause": one.variant.clause,
        "refuted": one.refuted,
        "states": one.found.states,
        "broken": one.found.broken,
        "run": [str(step) for step in one.run],
        "seconds": round(one.seconds, 1),
        "replayed": None if one.replayed is None else _replayed(one.replayed),
    }


def _show_refuted(one: "Refuted") -> str:
    run = f"{one.found.broken} in {len(one.run)} steps" if one.refuted else "NOT FOUND"
    words = f"{one.variant.name:16} {run:22}  {one.variant.what}"
    if one.replayed is None:
        return words
    return "\n".join((words, *_show_replayed(one.replayed)))


def _followed(one: "Followed") -> dict[str, Any]:
    return {
        "configuration": one.configuration.name,
        "seed": one.seed,
        "run": [str(step) for step in one.run],
        "replayed": _replayed(one.replayed),
    }


def _show_followed(one: "Followed") -> str:
    words = f"{one.configuration.name:12} seed {one.seed}"
    return "\n".join((words, *_show_replayed(one.replayed)))


def _replayed(one: "Replayed") -> dict[str, Any]:
    return {
        "steps": one.steps,
        "carried_out": one.carried_out,
        "prevented": [f"{said.step}: {said.words}" for said in one.prevented],
        "remarks": [f"{said.step}: {said.words}" for said in one.remarks],
        "end": one.end,
        "findings": list(one.findings),
    }


def _show_replayed(one: "Replayed") -> list[str]:
    lines = [f"  {one.carried_out} of {one.steps} steps carried out, then {one.end}"]
    lines += [f"  not done: {said.step}: {said.words}" for said in one.prevented]
    return lines + [f"  WRONG: {finding}" for finding in one.findings]


def _replays(replays: "list[Replayed]") -> dict[str, int]:
    return {
        "replayed": len(replays),
        "steps": sum(one.steps for one in replays),
        "carried_out": sum(one.carried_out for one in replays),
        "findings": sum(len(one.findings) for one in replays),
    }

"""`rmfs lab decoders`: whatever octets come, decoders end as they say."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rmfs_tools.lab.decoders.running import Ran

_EXIT_FOUND: Final = 1
_EXIT_MISSING: Final = 2
_EXIT_HARNESS: Final = 3


@click.command(
    epilog="\b\nExamples:\n  rmfs lab decoders\n  rmfs lab decoders message fund-file "
    "--time 600 --corpus inputs\n  rmfs lab decoders --again crashes/message.0a1b2c3d4e"
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--time",
    "time_s",
    type=click.IntRange(1),
    metavar="S",
    help="Run for so many seconds in all, and not for the runs of each table.",
)
@click.option(
    "--seed",
    type=click.IntRange(1, 0xFFFF_FFFF),
    default=1,
    show_default=True,
    help="Decides which inputs are tried.",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep inputs that reached something new there, and begin with them.",
)
@click.option(
    "--crashes",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("crashes"),
    show_default=True,
    help="Where an input that failed is kept.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many decoders are tried at once.",
)
@click.option(
    "--again",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Play one input that failed; Atheris is not needed.",
)
@click.option("--list", "as_list", is_flag=True, help="Name the decoders, and end.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def decoders(
    ids: tuple[str, ...],
    *,
    time_s: int | None,
    seed: int,
    corpus: Path | None,
    crashes: Path,
    processes: int,
    again: Path | None,
    as_list: bool,
    as_json: bool,
) -> int:
    """Give decoders changed octets, and see that they refuse as they say.

    Everything that reads octets of a peer, of a file or of a memory is tried in a
    process of its own, from the project's own vectors on: by their ids, else all. The
    number of runs is fixed, so that the same seed tries the same inputs; with --time
    it depends on the machine. Ends with 1 when an input failed.
    """
    from rmfs_tools.lab.decoders.listing import TargetError, chosen_targets
    from rmfs_tools.lab.decoders.running import (
        HarnessError,
        Plan,
        check_atheris,
        run_targets,
    )

    try:
        if again is not None:
            return _again(again)
        chosen = chosen_targets(ids)
        if as_list:
            _list()
            return 0
        check_atheris()
    except (TargetError, HarnessError) as error:
        click.echo(str(error), err=True)
        return _EXIT_MISSING
    each_s = None if time_s is None else max(1, time_s * processes // len(chosen))
    runs = found = 0
    try:
        for ran in run_targets(chosen, Plan(seed, crashes, each_s, corpus), processes):
            runs += ran.runs
            found += ran.crash is not None
            _say(ran, as_json=as_json)
    except HarnessError as error:
        click.echo(str(error), err=True)
        return _EXIT_HARNESS
    last = {"targets": len(chosen), "runs": runs, "findings": found, "seed": seed}
    if as_json:
        click.echo(json.dumps(last))
    else:
        click.echo(f"{len(chosen)} decoders, {runs:,} inputs, {found} failed")
    return _EXIT_FOUND if found else 0


def _list() -> None:
    from rmfs_tools.lab.decoders.listing import every_target

    for name, (_, target) in every_target().items():
        click.echo(f"{name:18} {target.what}")


def _say(ran: "Ran", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(ran.as_json()))
        return
    counts = f"{ran.runs:>7,} inputs, {ran.kept:>5,} reached something new"
    click.echo(f"{ran.target:18} {counts}")
    if ran.crash is not None:
        click.echo(f"  FAILED: {ran.words}")
        click.echo(f"  once more: rmfs lab decoders --again {ran.crash}")


def _again(path: Path) -> int:
    """Play one input; what it raises comes out, with where it was raised."""
    from rmfs_tools.lab.decoders.listing import chosen_targets

    name = path.name.partition(".")[0]
    _, target = chosen_targets((name,))[name]
    taken = target.play(path.read_bytes())
    click.echo(f"{name}: {'taken' if taken else 'refused, as its docstring says'}")
    return 0

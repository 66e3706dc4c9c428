"""`rmfs lab replay`: is what was found still there?

Exit codes: 0 nothing is found any more; 1 something is; 2 typed wrong, or a file is
wrong; 3 a case could not be played; 130 interrupted.
"""

import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rmfs_tools.lab.duration import Duration
from rmfs_tools.lab.fuzz.processor_time import CASE_CPU_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmfs_tools.lab.fuzz.fuzz_files import FuzzFile
    from rmfs_tools.lab.fuzz.replaying import Replayed
    from rmfs_tools.lab.screen import Screen

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_BENCH: Final = 3
EXIT_INTERRUPTED: Final = 130
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.command(
    "replay",
    epilog="\b\nExamples:\n  rmfs lab replay found/findings\n"
    "  rmfs lab replay F-1c02d3e4f5 --in found\n"
    "  rmfs lab replay found/findings/F-1c02d3e4f5.toml --target machine --json",
)
@click.argument("what", nargs=-1, required=True, metavar="ID|FILE|DIR...")
@click.option(
    "--target",
    help="Play on this one, and not on the unit that showed the finding.",
)
@click.option(
    "--in",
    "below",
    type=_FOLDER,
    default=".",
    help="Folder below which ids are looked for; else where you are.",
)
@click.option(
    "--times",
    type=click.IntRange(1, 1_000),
    default=1,
    show_default=True,
    help="Play each so often, until something is found: for what comes now and then.",
)
@click.option(
    "--case-time",
    "case_cpu_s",
    type=Duration(),
    default=CASE_CPU_S,
    show_default="60s",
    help="A unit in virtual time that takes more processor time for a case is a "
    "finding.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def replay(
    what: tuple[str, ...],
    *,
    target: str | None,
    below: Path,
    times: int,
    case_cpu_s: float,
    as_json: bool,
) -> int:
    """Play findings again, and say of each whether it is FIXED, FAILED or an ERROR.

    Exit codes: 0 all are FIXED; 1 one FAILED; 2 typed wrong, or a file is wrong, and
    none was played; 3 one could not be played; 130 interrupted.
    """
    from protocol.errors import LinkDownError, RmfsError
    from rmfs_tools.lab.fuzz.fuzz_files import find_fuzz_files
    from rmfs_tools.lab.fuzz.on_target import EndedEarlyError
    from rmfs_tools.lab.screen import Screen

    screen = Screen(is_terminal=sys.stderr.isatty())
    told: list[Replayed] = []

    def tell(one: "Replayed") -> None:
        told.append(one)
        screen.result(json.dumps(one.as_json()) if as_json else _line(one))

    try:
        files = find_fuzz_files(what, below)
        is_whole = _play(files, target, screen, tell, times, case_cpu_s=case_cpu_s)
    except EndedEarlyError:
        is_whole = False
    except LinkDownError as error:
        click.echo(str(error), err=True)
        return EXIT_BENCH
    except RmfsError as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE
    counts = Counter(one.outcome.value for one in told)
    _sum_up(counts, screen, as_json=as_json)
    if not is_whole:
        screen.tell(f"interrupted: {len(told)} of {len(files)} were played")
        return EXIT_INTERRUPTED
    if counts["ERROR"]:
        return EXIT_BENCH
    return EXIT_FAILED if counts["FAILED"] else 0


def _play(
    files: "tuple[FuzzFile, ...]",
    target: str | None,
    screen: "Screen",
    tell: "Callable[[Replayed], None]",
    times: int,
    *,
    case_cpu_s: float,
) -> bool:
    """Play all, target by target; whether nobody has ended it."""
    from rmfs_tools.lab.fuzz.on_target import on_target
    from rmfs_tools.lab.fuzz.replaying import by_target, replay

    for name, some in by_target(files, target).items():
        play = partial(replay, files=some, tell=tell, times=times)
        if not on_target(name, screen, play, case_cpu_s=case_cpu_s):
            return False
    return True


def _sum_up(counts: "Counter[str]", screen: "Screen", *, as_json: bool) -> None:
    names = ("FIXED", "FAILED", "ERROR")
    if as_json:
        numbers = {name.lower(): counts[name] for name in names}
        screen.result(json.dumps(numbers, separators=(",", ":")))
        return
    screen.tell(", ".join(f"{counts[name]} {name}" for name in names if counts[name]))


def _line(one: "Replayed") -> str:
    return f"{one.file.path.stem:13} {one.outcome.value:7}{one.target}: {one.reason}"

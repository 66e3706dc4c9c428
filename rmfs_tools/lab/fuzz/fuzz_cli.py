"""`rmfs lab fuzz`: look for what breaks a unit.

Exit codes: 0 nothing was found; 1 something was; 2 typed wrong, or a file is wrong; 3
the line or the bench failed; 130 interrupted. What was found is kept in any case.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rmfs_tools.lab.duration import Duration
from rmfs_tools.lab.fuzz.processor_time import CASE_CPU_S

if TYPE_CHECKING:
    from rmfs_tools.lab.fuzz.campaigning import Campaign, Found, Limits
    from rmfs_tools.lab.fuzz.fuzz_folder import FuzzFolder, Row
    from rmfs_tools.lab.fuzz.targets import Target
    from rmfs_tools.lab.screen import Screen

EXIT_FOUND: Final = 1
EXIT_USAGE: Final = 2
EXIT_BENCH: Final = 3
EXIT_INTERRUPTED: Final = 130
CASES: Final = 500
_SEED_OCTETS: Final = 4
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.command(
    "fuzz",
    epilog="\b\nExamples:\n  rmfs lab fuzz machine --cases 2000 --out found\n"
    "  rmfs lab fuzz my-machine.toml --time 10m --out found\n"
    "  rmfs lab fuzz machine --out found --resume --cases 10000\n"
    "  rmfs lab fuzz zoo:voucher-replay-accepted --seed 7 --json",
)
@click.argument("target")
@click.option(
    "--seed",
    type=click.IntRange(0),
    help="What every case follows from; without it one is drawn, and told.",
)
@click.option(
    "--cases",
    type=click.IntRange(1),
    help=f"End after so many cases, counted from the beginning; {CASES} when neither "
    "this nor --time is given.",
)
@click.option(
    "--time", "lasted_s", type=Duration(), help="End after so long: 90s, 10m."
)
@click.option(
    "--out", type=_FOLDER, help="Keep findings, pages and coverage in this new folder."
)
@click.option("--resume", is_flag=True, help="Go on with the campaign in --out.")
@click.option(
    "--preset",
    "presets",
    multiple=True,
    metavar="NAME",
    help="Draw cases with these presets of the unit's registers alone: docs/fuzz.md.",
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
def fuzz(
    target: str,
    *,
    seed: int | None,
    cases: int | None,
    lasted_s: float | None,
    out: Path | None,
    resume: bool,
    presets: tuple[str, ...],
    case_cpu_s: float,
    as_json: bool,
) -> int:
    """Play drawn cases on a unit, and keep the smallest that shows each finding.

    TARGET is `machine` or `server`, the product's own in virtual time; `zoo:ID`, a
    faulty one of docs/zoo.md; or the declaration file of a real unit, as for
    `rmfs certify run`. Exit codes: 0 nothing was found; 1 something was; 2 typed wrong,
    or a file is wrong; 3 the line or the bench failed; 130 interrupted: what was found
    is kept.
    """
    from protocol.errors import LinkDownError, RmfsError
    from rmfs_tools.lab.fuzz.campaigning import Limits
    from rmfs_tools.lab.fuzz.fuzz_folder import FuzzFolder, read_folder
    from rmfs_tools.lab.fuzz.on_target import EndedEarlyError, on_target
    from rmfs_tools.lab.screen import Screen

    if resume and out is None:
        raise click.UsageError("--resume goes on with a folder: name it with --out")
    screen = Screen(is_terminal=sys.stderr.isatty())
    try:
        folder, before = None if out is None else FuzzFolder(out), None
        if resume and out is not None:
            folder, before = read_folder(out)
            _check_same(before, target, seed, presets)
        if before is not None and cases is None and lasted_s is None:
            cases = before.goal
        if cases is None and lasted_s is None:
            cases = CASES
        run = _Run(folder, before, screen, as_json=as_json)
        limits = Limits(cases, lasted_s)
        number = _drawn_seed() if seed is None else seed
        done = on_target(
            target,
            screen,
            lambda unit: run.go(unit, limits, number, presets),
            case_cpu_s=case_cpu_s,
        )
    except EndedEarlyError:
        return EXIT_INTERRUPTED
    except LinkDownError as error:
        click.echo(str(error), err=True)
        return EXIT_BENCH
    except RmfsError as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE
    return run.told(done)


class _Run:
    """One campaign, told and kept as it goes."""

    def __init__(
        self,
        folder: "FuzzFolder | None",
        before: "Campaign | None",
        screen: "Screen",
        *,
        as_json: bool,
    ) -> None:
        self._folder = folder
        self._before = before
        self._screen = screen
        self._as_json = as_json

    def go(
        self, target: "Target", limits: "Limits", seed: int, presets: tuple[str, ...]
    ) -> "Campaign":
        """Run it."""
        from hw.clock import SystemMonotonicClock
        from rmfs_tools.lab.fuzz.campaigning import Watching, go_on, new_campaign
        from rmfs_tools.lab.fuzz.fuzz_telling import CampaignProgress
        from rmfs_tools.lab.fuzz.targets import check_presets

        check_presets(target, presets)
        before = self._before
        if before is None:
            before = new_campaign(target, seed, presets or None)
            if self._folder is not None:
                self._folder.begin()
                self._folder.save(before)
        clock = SystemMonotonicClock()
        progress = CampaignProgress(self._screen, clock)
        self._screen.tell(f"seed {before.seed}")

        def found(one: "Found", now: "Campaign") -> None:
            progress.shrunk(one)
            self._found(one, now)

        def over(now: "Campaign") -> None:
            if self._folder is not None:
                self._folder.save(now)

        watching = Watching(played=progress.played, found=found, round_over=over)
        return go_on(target, before, limits, now_s=clock.now, watching=watching)

    def _found(self, found: "Found", campaign: "Campaign") -> None:
        from hw.clock import SystemWallClock
        from rmfs_tools.lab.fuzz.fuzz_folder import finding_text, row_of

        at = SystemWallClock().utc()
        if self._folder is not None:
            self._show(self._folder.keep(found, campaign, at))
            return
        self._show(row_of(found, found.case.id))
        if not self._as_json:
            self._screen.result(finding_text(found, campaign, at))

    def _show(self, row: "Row") -> None:
        import json

        from rmfs_tools.lab.fuzz.fuzz_telling import row_words

        self._screen.result(
            json.dumps(row.as_json()) if self._as_json else row_words(row)
        )

    def told(self, done: "Campaign") -> int:
        """Sum up; the exit code."""
        from rmfs_tools.lab.fuzz.fuzz_telling import summary_json, summary_words

        words = summary_json(done) if self._as_json else summary_words(done)
        self._screen.result(words)
        if done.trouble:
            self._screen.tell(done.trouble)
        if done.interrupted or done.trouble:
            self._screen.tell(self._how_to_go_on(done))
        if done.interrupted:
            return EXIT_INTERRUPTED
        if done.trouble:
            return EXIT_BENCH
        return EXIT_FOUND if done.known else 0

    def _how_to_go_on(self, done: "Campaign") -> str:
        word = "interrupted" if done.interrupted else "it ended early"
        if self._folder is None:
            return (
                f"{word}: the same cases come again with --seed {done.seed}; with "
                f"--out a campaign can be gone on with"
            )
        where = self._folder.path
        command = f"rmfs lab fuzz {done.target} --out {where} --resume"
        return f"{word}, and kept in {where}: go on with {command}"


def _check_same(
    before: "Campaign", target: str, seed: int | None, presets: tuple[str, ...]
) -> None:
    """Refuse to go on with another campaign than was begun.

    Raises:
        UsageError: It is another one.
    """
    for option, given, kept in (
        ("TARGET", target, before.target),
        ("--seed", before.seed if seed is None else seed, before.seed),
        ("--preset", presets or before.presets, before.presets),
    ):
        if given != kept:
            raise click.UsageError(
                f"the campaign in --out was begun with {option} {kept}, not {given}: "
                f"begin another one in a new folder"
            )


def _drawn_seed() -> int:
    from hw.entropy import SystemEntropy

    return int.from_bytes(SystemEntropy().octets(_SEED_OCTETS), "big")

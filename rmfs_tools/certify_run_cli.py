"""`rmfs certify run`: the cases that apply to a unit, played on its line.

Exit codes: 0 every case that applies passed; 1 one failed, or came out otherwise than
expected; 2 typed wrong, or a declaration, or a file that it names, is wrong; 3 line or
bench failed; 4 nothing failed, and something was inconclusive; 130 interrupted, with
the results so far.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from hw.lab.catalogue import Case
    from hw.lab.declaration import Declaration
    from hw.lab.player import Result
    from hw.lab.verdicts import Verdict
    from rmfs_tools.lab.out_places import OutPlaces
    from rmfs_tools.lab.run_files import Run
    from rmfs_tools.lab.screen import Screen

EXIT_USAGE: Final = 2
EXIT_BENCH: Final = 3
EXIT_INTERRUPTED: Final = 130
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.command(
    "run",
    epilog="\b\nExamples:\n  rmfs certify run my-machine.toml\n"
    "  rmfs certify run my-machine.toml DLG-8 REG --json\n"
    "  rmfs certify run my-server.toml --dry-run",
)
@click.argument("declaration", type=_FILE)
@click.argument("prefixes", nargs=-1, metavar="[PREFIX]...")
@click.option("--strict", is_flag=True, help="A SHOULD counts as a MUST.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be played, and play none."
)
@click.option(
    "--expected",
    type=_FILE,
    help="Verdicts that are known beforehand, as JSON: {case: verdict}; what comes out "
    "otherwise, better too, is told and fails the run.",
)
@click.option(
    "--also",
    type=_FILE,
    help="Play cases of this file too, such as rmfs lab promote makes.",
)
@click.option(
    "--out",
    type=_FOLDER,
    help="Write pages, results, JUnit and traffic into this new folder.",
)
@click.option(
    "--for-certification",
    type=_FILE,
    metavar="PACKAGE",
    help="Play every case that applies, and write the signed package to this new file.",
)
@click.option("--lab", type=_FILE, help="The lab's private key, for the package.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def run(
    declaration: Path,
    prefixes: tuple[str, ...],
    *,
    strict: bool,
    dry_run: bool,
    expected: Path | None,
    also: Path | None,
    out: Path | None,
    for_certification: Path | None,
    lab: Path | None,
    as_json: bool,
) -> int:
    """Play the cases that apply to a unit, on its line, and say how it did."""
    from hw.lines.port import LineError
    from protocol.errors import RmfsError
    from rmfs_tools.lab.out_places import OutPlaceError, OutPlaces

    if for_certification is not None and (prefixes or expected or also):
        message = "a certification plays the catalogue, all of it, and expects nothing"
        raise click.UsageError(f"{message}: leave out prefixes, --expected and --also")
    if (for_certification is None) != (lab is None):
        raise click.UsageError("--for-certification and --lab belong together")
    where = OutPlaces(out, for_certification, lab)
    try:
        declared, cases, known = _chosen(declaration, prefixes, expected, also)
        where.check()
        if dry_run:
            _tell_dry_run(declared, cases, as_json=as_json)
            return 0
        return _play(
            declared,
            declaration.parent,
            cases,
            known,
            where,
            strict=strict,
            as_json=as_json,
        )
    except OutPlaceError:
        raise
    except LineError as error:
        click.echo(str(error), err=True)
        return EXIT_BENCH
    except RmfsError as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE


def _play(
    declared: "Declaration",
    folder: Path,
    cases: "tuple[Case, ...]",
    known: "dict[str, Verdict]",
    where: "OutPlaces",
    *,
    strict: bool,
    as_json: bool,
) -> int:
    """Play, tell, write; the exit code."""
    from hw.clock import SystemMonotonicClock, SystemWallClock
    from hw.lab.suite import outcome_of
    from rmfs_tools.lab.certifying import Watching, certify
    from rmfs_tools.lab.progress import Progress
    from rmfs_tools.lab.run_files import Run
    from rmfs_tools.lab.screen import Screen

    screen = Screen(is_terminal=sys.stderr.isatty())
    screen.tell(_plan(declared, cases))
    began, clock = SystemWallClock().utc(), SystemMonotonicClock()
    began_s = clock.now()
    progress = Progress(
        [case for case in cases if not declared.why_not(case)],
        declared.line,
        clock,
        screen.status,
        every_case=screen.is_terminal,
    )
    played = certify(
        declared,
        folder,
        cases,
        Watching(
            ready=lambda line: screen.tell(f"the bench listens at {line}"),
            begins=progress.begins,
            result=lambda one: None if as_json else screen.result(_line(one)),
            screen=screen,
        ),
    )
    outcome = outcome_of(played.results, known)
    is_whole = where.package is not None and len(played.results) == len(cases)
    lasted_s = clock.now() - began_s
    one_run = Run(declared, played.results, outcome, began, lasted_s, is_whole)
    _tell_end(one_run, screen, as_json=as_json)
    if played.trouble:
        screen.tell(played.trouble)
    if played.interrupted:
        screen.tell(f"interrupted: {len(played.results)} of {len(cases)} cases are out")
    where.write(one_run)
    if played.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_BENCH if played.trouble else outcome.exit_code(strict=strict)


def _chosen(
    declaration: Path,
    prefixes: tuple[str, ...],
    expected: Path | None,
    also: Path | None,
) -> "tuple[Declaration, tuple[Case, ...], dict[str, Verdict]]":
    """Read what is to be played.

    Raises:
        RmfsError: A file is wrong, or a prefix.
    """
    from hw.lab.catalogue import selected
    from hw.lab.declaration import read_declaration
    from rmfs_tools.lab.own_cases import catalogue_with

    declared = read_declaration(declaration)
    known = _read_expected(expected)
    mine = tuple(case for case in catalogue_with(also) if case.role is declared.role)
    return declared, selected(mine, prefixes), known


def _plan(declared: "Declaration", cases: "tuple[Case, ...]") -> str:
    from rmfs_tools.lab.progress import run_s, show_duration

    applies = [case for case in cases if not declared.why_not(case)]
    lasts = show_duration(run_s(applies, declared.line))
    return f"{len(applies)} of {len(cases)} cases apply: {lasts} at {declared.line}"


def _tell_dry_run(
    declared: "Declaration", cases: "tuple[Case, ...]", *, as_json: bool
) -> None:
    from rmfs_tools.lab.progress import case_s
    from rmfs_tools.lab.run_files import about_case

    if as_json:
        shown = [
            {
                **about_case(case),
                "why_not": declared.why_not(case),
                "estimate_s": round(case_s(case, declared.line), 1),
            }
            for case in cases
        ]
        click.echo(json.dumps({"cases": shown}))
        return
    for case in cases:
        slow = f" (takes long: {case.slow})" if case.slow else ""
        click.echo(f"{case.id:16}{declared.why_not(case) or case.title + slow}")
    click.echo(_plan(declared, cases), err=True)


def _tell_end(run: "Run", screen: "Screen", *, as_json: bool) -> None:
    if as_json:
        screen.result(_as_json(run))
    outcome = run.outcome
    for words in outcome.unexpected:
        screen.tell(words)
    counts = ", ".join(f"{n} {name}" for name, n in outcome.counts.items() if n)
    words = (
        f"conformance {outcome.conformance.value}, "
        f"compatibility {outcome.compatibility.value}: {counts or 'no case was played'}"
    )
    (screen.tell if as_json else screen.result)(words)


def _read_expected(path: Path | None) -> "dict[str, Verdict]":
    """Read expected verdicts.

    Raises:
        ExpectedFileError: The file is none.
    """
    from hw.lab.suite import ExpectedFileError
    from hw.lab.verdicts import Verdict

    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(name): Verdict(verdict) for name, verdict in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise ExpectedFileError(f"{path}: {error}") from error


def _line(result: "Result") -> str:
    words = f"{result.case.id:16}{result.verdict.value:16}{result.lasted_s:6.1f} s  "
    return words + (
        result.case.title if result.verdict.value == "PASS" else result.reason
    )


def _as_json(run: "Run") -> str:
    from rmfs_tools.lab.run_files import about, results

    return json.dumps({"about": about(run), "cases": results(run.results)}, indent=2)

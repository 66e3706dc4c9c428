"""`rmfs certify`: does a machine or a server do what FMP/1 says?

Exit codes of `run`: 0 every case that applies passed; 1 one failed, or came out
otherwise than expected; 2 typed wrong, or a declaration is wrong; 3 line or bench
failed; 4 nothing failed, and something was inconclusive; 130 interrupted.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from hw.lab.catalogue import Case
    from hw.lab.player import Result
    from protocol.link import Role
    from rmfs_tools.lab.run_files import Run

EXIT_USAGE: Final = 2
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_ROLES: Final = click.Choice(["machine", "server"])


def add_commands(root: click.Group) -> None:
    """Bring the commands about certification."""
    root.add_command(certify_group)


@click.group("certify", epilog="\b\nExample:\n  rmfs certify run my-machine.toml")
def certify_group() -> None:
    """Test a machine or a server against the clauses of FMP/1, and prove the result."""


@certify_group.command(
    "list",
    epilog="\b\nExamples:\n  rmfs certify list\n  rmfs certify list DLG-8\n"
    "  rmfs certify list --role server --json",
)
@click.argument("prefixes", nargs=-1, metavar="[PREFIX]...")
@click.option("--role", type=_ROLES, help="Cases for this kind of unit alone.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_cases(prefixes: tuple[str, ...], *, role: str | None, as_json: bool) -> None:
    """List the cases whose id or clause begins so, one a line."""
    from hw.lab.catalogue import catalogue_hash, read_catalogue, selected
    from protocol.link import Role
    from rmfs_tools.lab.run_files import about_case

    cases = selected(read_catalogue(), prefixes)
    if role is not None:
        cases = tuple(case for case in cases if case.role is Role(role))
    if as_json:
        found = [about_case(case) for case in cases]
        click.echo(json.dumps({"catalogue": catalogue_hash(cases), "cases": found}))
        return
    for case in cases:
        click.echo(f"{case.id:16}{case.clause:12}{case.level.value:8}{case.title}")
    click.echo(f"{len(cases)} cases", err=True)


@certify_group.command(
    "template",
    epilog="\b\nExample:\n  rmfs certify template machine > my-machine.toml",
)
@click.argument("role", type=_ROLES)
def template_command(role: str) -> None:
    """Print a declaration that is to be filled in."""
    from hw.lab.declaration import template
    from protocol.link import Role

    click.echo(template(Role(role)), nl=False)


@certify_group.command(
    "check", epilog="\b\nExample:\n  rmfs certify check my-machine.toml"
)
@click.argument("declaration", type=_FILE)
def check(declaration: Path) -> int:
    """Check a declaration and the files that it names, and count what applies."""
    from hw.lab.catalogue import read_catalogue
    from hw.lab.declaration import DeclarationError, read_declaration
    from protocol.errors import RmfsError
    from protocol.link import Role
    from rmfs_tools.lab.certifying import read_machine, read_server_file

    try:
        declared = read_declaration(declaration)
        if declared.role is Role.MACHINE:
            read_machine(declared)
        else:
            read_server_file(declared)
    except (DeclarationError, RmfsError) as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE
    cases = [case for case in read_catalogue() if case.role is declared.role]
    applies = [case for case in cases if not declared.why_not(case)]
    click.echo(f"{declaration} is complete: {len(applies)} of {len(cases)} cases apply")
    return 0


@certify_group.command(
    "machines",
    epilog="\b\nExample:\n  rmfs certify machines bench --count 160 --letter N",
)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--count",
    type=click.IntRange(1, 10_000),
    default=160,
    show_default=True,
    help="How many; each case of a server's certification needs one.",
)
@click.option(
    "--letter",
    default="N",
    show_default=True,
    help="First letter of their licence identifiers.",
)
def machines(folder: Path, *, count: int, letter: str) -> None:
    """Make the machines that the bench is when it tests a server, and their papers."""
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy
    from rmfs_tools.lab.bench_machines import make_machines

    funds = make_machines(
        folder,
        count,
        letter=letter,
        clock=SystemWallClock(),
        entropy=SystemEntropy(),
    )
    click.echo(f"{count} machines in {folder / 'machines'}; {funds} pays for them")


@certify_group.command("key", epilog="\b\nExample:\n  rmfs certify key lab.pem")
@click.argument("file", type=_FILE)
def key(file: Path) -> None:
    """Make a lab's key, which signs packages, and its public half beside it."""
    from hw.entropy import SystemEntropy
    from rmfs_tools.lab.out_places import make_lab_key

    public = make_lab_key(file, SystemEntropy())
    click.echo(f"{file} signs packages: keep it; give away {public}")


@certify_group.command(
    "verify",
    epilog="\b\nExample:\n  rmfs certify verify machine.zip --lab lab-public.pem",
)
@click.argument("package", type=_FILE)
@click.option("--lab", type=_FILE, help="The lab's public key, as you know it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def verify(package: Path, *, lab: Path | None, as_json: bool) -> None:
    """Check a package offline: what it binds together, and that nothing was changed."""
    from rmfs_tools.lab.out_places import verify_file

    found = verify_file(package, lab)
    about = found.manifest["about"]
    if as_json:
        click.echo(json.dumps({"lab": found.fingerprint, "about": about}))
        return
    for name, value in about.items():
        shown = value if isinstance(value, str) else json.dumps(value)
        click.echo(f"{name:22}{shown}")
    click.echo(f"{'files':22}{len(found.files)}, none changed since the lab signed")
    click.echo(f"{'lab':22}{found.fingerprint}")
    if lab is None:
        click.echo(
            "the package brings its own key: with --lab you see whose it is", err=True
        )


@certify_group.command(
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
    out: Path | None,
    for_certification: Path | None,
    lab: Path | None,
    as_json: bool,
) -> int:
    """Play the cases that apply to a unit, on its line, and say how it did."""
    from hw.clock import SystemMonotonicClock, SystemWallClock
    from hw.lab.catalogue import CatalogueError, read_catalogue, selected
    from hw.lab.declaration import DeclarationError, read_declaration
    from hw.lab.suite import outcome_of
    from rmfs_tools.lab.certifying import Watching, certify
    from rmfs_tools.lab.out_places import OutPlaces
    from rmfs_tools.lab.run_files import Run

    try:
        declared = read_declaration(declaration)
        known = _read_expected(expected)
        cases = selected(_of_role(read_catalogue(), declared.role), prefixes)
    except (DeclarationError, CatalogueError, ValueError) as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE
    if for_certification is not None and (prefixes or expected):
        message = "a certification deselects nothing and expects nothing: leave out "
        raise click.UsageError(f"{message}prefixes and --expected")
    if (for_certification is None) != (lab is None):
        raise click.UsageError("--for-certification and --lab belong together")
    where = OutPlaces(out, for_certification, lab)
    where.check()
    if dry_run:
        for case in cases:
            why_not = declared.why_not(case)
            click.echo(f"{case.id:16}{why_not or case.title}")
        return 0

    def tell(result: "Result") -> None:
        if not as_json:
            click.echo(_line(result))

    began, clock = SystemWallClock().utc(), SystemMonotonicClock()
    began_s = clock.now()
    results = certify(
        declared,
        declaration.parent,
        cases,
        Watching(
            ready=lambda line: click.echo(f"the bench listens at {line}", err=True),
            result=tell,
            ask=lambda words: click.confirm(f"Please {words}. Done?", err=True),
        ),
    )
    outcome = outcome_of(results, known)
    complete = for_certification is not None and len(results) == len(cases)
    one_run = Run(declared, results, outcome, began, clock.now() - began_s, complete)
    where.write(one_run)
    if as_json:
        click.echo(_as_json(one_run))
    for words in outcome.unexpected:
        click.echo(words, err=True)
    counts = ", ".join(f"{n} {name}" for name, n in outcome.counts.items() if n)
    click.echo(
        f"conformance {outcome.conformance.value}, "
        f"compatibility {outcome.compatibility.value}: {counts}",
        err=as_json,
    )
    return outcome.exit_code(strict=strict)


def _of_role(cases: "tuple[Case, ...]", role: "Role") -> "tuple[Case, ...]":
    return tuple(case for case in cases if case.role is role)


def _read_expected(path: Path | None) -> dict[str, Any]:
    """Read expected verdicts.

    Raises:
        ValueError: The file is none.
    """
    from hw.lab.verdicts import Verdict

    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(name): Verdict(verdict) for name, verdict in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _line(result: "Result") -> str:
    words = f"{result.case.id:16}{result.verdict.value:16}{result.lasted_s:6.1f} s  "
    return words + (
        result.case.title if result.verdict.value == "PASS" else result.reason
    )


def _as_json(run: "Run") -> str:
    from rmfs_tools.lab.run_files import about, results

    return json.dumps({"about": about(run), "cases": results(run.results)}, indent=2)

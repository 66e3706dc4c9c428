"""`rmfs certify`: does a machine or a server do what FMP/1 says?"""

import json
from pathlib import Path
from typing import Final

import click

from rmfs_tools.certify_run_cli import run
from rmfs_tools.certify_tap_cli import tap

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
    "  rmfs certify list --role server --json\n  rmfs certify list --coverage REG",
)
@click.argument("prefixes", nargs=-1, metavar="[PREFIX]...")
@click.option("--role", type=_ROLES, help="Cases for this kind of unit alone.")
@click.option(
    "--also",
    type=_FILE,
    help="Cases of this file too, such as rmfs lab promote makes.",
)
@click.option(
    "--coverage",
    "by_clause",
    is_flag=True,
    help="List the clauses instead, with their cases, or why they have none.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_cases(
    prefixes: tuple[str, ...],
    *,
    role: str | None,
    also: Path | None,
    by_clause: bool,
    as_json: bool,
) -> None:
    """List the cases whose id or clause begins so, in whole parts, one a line."""
    from hw.lab.catalogue import catalogue_hash, selected
    from protocol.link import Role
    from rmfs_tools.lab.own_cases import catalogue_with
    from rmfs_tools.lab.run_files import about_case

    if by_clause:
        _list_coverage(prefixes, role, also, as_json=as_json)
        return
    cases = selected(catalogue_with(also), prefixes)
    if role is not None:
        cases = tuple(case for case in cases if case.role is Role(role))
    if as_json:
        found = [about_case(case) for case in cases]
        click.echo(json.dumps({"catalogue": catalogue_hash(cases), "cases": found}))
        return
    for case in cases:
        click.echo(f"{case.id:16}{case.clause:12}{case.level.value:8}{case.title}")
    click.echo(f"{len(cases)} cases", err=True)


def _list_coverage(
    prefixes: tuple[str, ...], role: str | None, also: Path | None, *, as_json: bool
) -> None:
    from hw.lab.catalogue import is_within
    from rmfs_tools.lab.coverage import coverage
    from rmfs_tools.lab.own_cases import catalogue_with

    rows = [
        row
        for row in coverage(catalogue_with(also))
        if role in {None, row.role.value}
        and (not prefixes or any(is_within(row.clause, one) for one in prefixes))
    ]
    if as_json:
        shown = [
            {
                "clause": row.clause,
                "role": row.role.value,
                "cases": list(row.cases),
                "reason": row.reason,
            }
            for row in rows
        ]
        click.echo(json.dumps({"clauses": shown}))
        return
    for row in rows:
        words = ", ".join(row.cases) or f"not tested: {row.reason or 'no case yet'}"
        click.echo(f"{row.clause:12}{row.role.value:9}{words}")
    tested = sum(bool(row.cases) for row in rows)
    reasons = sum(bool(row.reason) for row in rows)
    words = f"{tested} with cases, {reasons} with a reason why not"
    click.echo(f"{words}, {len(rows) - tested - reasons} with neither", err=True)


@certify_group.command(
    "template",
    epilog="\b\nExamples:\n  rmfs certify template machine > my-machine.toml\n"
    "  rmfs certify template machine --provisioning unit/provisioning.json",
)
@click.argument("role", type=_ROLES)
@click.option(
    "--provisioning",
    type=_FILE,
    help="The unit's own provisioning file: its names are filled in.",
)
def template_command(role: str, provisioning: Path | None) -> None:
    """Print a declaration that is to be filled in."""
    from hw.lab.declaration import template
    from protocol.link import Role

    click.echo(template(Role(role), provisioning), nl=False)


@certify_group.command(
    "check", epilog="\b\nExample:\n  rmfs certify check my-machine.toml"
)
@click.argument("declaration", type=_FILE)
def check(declaration: Path) -> int:
    """Check a declaration and the files that it names, and count what applies."""
    from hw.lab.catalogue import read_catalogue
    from hw.lab.declaration import read_declaration
    from protocol.errors import RmfsError
    from rmfs_tools.lab.declared_files import check_files
    from rmfs_tools.lab.progress import run_s, show_duration

    try:
        declared = read_declaration(declaration)
        check_files(declared)
    except RmfsError as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE
    cases = [case for case in read_catalogue() if case.role is declared.role]
    applies = [case for case in cases if not declared.why_not(case)]
    lasts = show_duration(run_s(applies, declared.line))
    counts = f"{len(applies)} of {len(cases)} cases apply, {lasts}"
    click.echo(f"{declaration} is complete: {counts}")
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


certify_group.add_command(run)
certify_group.add_command(tap)

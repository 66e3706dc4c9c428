"""`rmfs dop office`: the tree of offices, from the gateway's own computer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dop_gateway.options_cli import (
    EXIT_FAILED,
    by_command,
    gateway_option,
    json_option,
    opened,
    reason_option,
)

if TYPE_CHECKING:
    from dop_gateway.offices.importing import Imported
    from dop_gateway.offices.model import Office

_FOUND_MAX: Final = 1_000
_TOLD_MAX: Final = 10


@click.group("office", epilog="\b\nExample:\n  rmfs dop office find Mysuru")
def office_group() -> None:
    """Look offices up, and bring the PIN directory in."""


@office_group.command(epilog="\b\nExample:\n  rmfs dop office find Mysuru --json")
@click.argument("words")
@gateway_option
@click.option(
    "--last",
    "rows_max",
    type=click.IntRange(1, _FOUND_MAX),
    default=20,
    show_default=True,
    help="So many at most.",
)
@json_option
def find(*, words: str, gateway: Path, rows_max: int, as_json: bool) -> None:
    """Find open offices by a part of the name, a PIN, a code or a facility id."""
    from dop_gateway.offices import store

    with opened(gateway) as parts, parts.store.reading() as connection:
        found = store.find(connection, words, limit=rows_max)
    _print(found, as_json=as_json)


@office_group.command(epilog="\b\nExample:\n  rmfs dop office tree KN06")
@click.argument("code", required=False)
@gateway_option
@json_option
def tree(*, code: str | None, gateway: Path, as_json: bool) -> None:
    """List the open offices right below one: its code or facility id, or the top."""
    from dop_gateway.errors import NotFoundError
    from dop_gateway.offices import store

    with opened(gateway) as parts, parts.store.reading() as connection:
        if code is None:
            of = store.top(connection)
        else:
            of = store.by_code(connection, code)
            of = of or store.by_facility(connection, code)
        if of is None:
            raise NotFoundError(f"there is no office {code or 'at all yet'}")
        below = store.children(connection, of.office_id)
    _print([of, *below], as_json=as_json)


@office_group.command(
    "import",
    epilog="\b\nExample:\n  rmfs dop office import offices.csv --reason 'of May'",
)
@click.argument(
    "file", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False
)
@gateway_option
@click.option(
    "--codes",
    "codes_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="TOML of the codes of Circles and Divisions; left out, the shipped sample.",
)
@click.option("--plan", is_flag=True, help="Only tell what it would do.")
@click.option(
    "--although-left-out", is_flag=True, help="Take it although lines are left out."
)
@click.option(
    "--closes-many", is_flag=True, help="Take it although many offices close."
)
@reason_option
@json_option
def bring_in(
    *,
    file: Path | None,
    gateway: Path,
    codes_file: Path | None,
    plan: bool,
    although_left_out: bool,
    closes_many: bool,
    reason: str,
    as_json: bool,
) -> int:
    """Make the tree what a PIN directory says; without FILE the shipped sample."""
    from importlib.resources import files

    from dop_gateway.offices import service
    from dop_gateway.offices.codes import parse_codes, shipped_codes
    from dop_gateway.offices.importing import plan_directory
    from dop_gateway.offices.reading import read_directory, read_octets

    if file is None:
        sample = files("dop_gateway.offices").joinpath("sample.csv").read_bytes()
        directory = read_octets(sample.splitlines(keepends=True))
    else:
        directory = read_directory(file)
    codes = (
        shipped_codes()
        if codes_file is None
        else parse_codes(codes_file.read_text("utf-8"))
    )
    with opened(gateway) as parts:
        by = by_command(parts, reason)
        if plan:
            with parts.store.reading() as connection:
                done = plan_directory(connection, directory, codes, by)
        else:
            with parts.store.writing("bring in offices") as connection:
                done = service.bring_in(
                    connection,
                    directory,
                    codes,
                    by,
                    although_left_out=although_left_out,
                    closes_many=closes_many,
                )
    _tell(directory.sha256, done, plan=plan, as_json=as_json)
    return 0 if done.taken else EXIT_FAILED


def _tell(sha256: str, done: "Imported", *, plan: bool, as_json: bool) -> None:
    if as_json:
        from dop_gateway.offices.schemas import DirectoryShown

        click.echo(DirectoryShown.of(sha256, done).model_dump_json())
        return
    for finding in done.findings[:_TOLD_MAX]:
        click.echo(str(finding))
    for change in done.changes[:_TOLD_MAX]:
        click.echo(str(change))
    if not done.taken:
        click.echo(
            f"not taken: {done.left_out} lines were left out, {done.closed} offices "
            "would close; see --although-left-out and --closes-many"
        )
        return
    would = "would be " if plan else ""
    click.echo(
        f"{done.lines} lines: {done.added} offices {would}added, {done.changed} "
        f"{would}changed, {done.closed} {would}closed, {done.unchanged} unchanged"
    )


def _print(found: "list[Office]", *, as_json: bool) -> None:
    if as_json:
        from dop_gateway.offices.schemas import OfficeShown

        shown = [OfficeShown.of(one).model_dump(mode="json") for one in found]
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    for one in found:
        named = " ".join(part for part in (one.code, one.pin) if part)
        click.echo(f"{one.facility}  {one.kind.value}  {one.name}  {named}".rstrip())

"""`rmfs dop report`: the reports to postal authorities, as files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dop_gateway.options_cli import by_command, gateway_option, opened

if TYPE_CHECKING:
    from dop_gateway.reports.queries import ReportQuery

_NAMES: Final = (
    *("month", "deposits", "downloads", "usage", "remaining", "silent", "dial-ins"),
    *("failed-dial-ins", "windows", "unmatched", "downloaded"),
)
_STANDARD_OUTPUT: Final = "-"


@click.command(
    "report",
    epilog="\b\nExamples:\n"
    "  rmfs dop report month --month 2026-11 --by office=F000000018 --output kn.csv\n"
    "  rmfs dop report usage --by first=2026-11-01 --by group=product_class\n"
    "  rmfs dop report dial-ins --by window=2 --format pdf --lang hi --output day.pdf",
)
@click.argument("name", type=click.Choice(_NAMES))
@gateway_option
@click.option("--month", default="", help="As in 2026-11; left out: this month.")
@click.option(
    "--by",
    "narrowing",
    multiple=True,
    metavar="NAME=VALUE",
    help="What else a route of this report is asked with: first, last, licence, "
    "office, maker, group, sort and its own filters.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "hi"]),
    default="en",
    show_default=True,
    help="Of titles and names.",
)
@click.option(
    "--format",
    "wanted",
    type=click.Choice(["csv", "xlsx", "pdf", "json"]),
    default="csv",
    show_default=True,
    help="Of the file.",
)
@click.option(
    "--output",
    default=_STANDARD_OUTPUT,
    help="File that is written; left out, it goes to standard output.",
)
def report_command(
    *,
    name: str,
    gateway: Path,
    month: str,
    narrowing: tuple[str, ...],
    lang: str,
    wanted: str,
    output: str,
) -> None:
    """Write a report of the whole Department; the audit trail says that it was had."""
    from tempfile import SpooledTemporaryFile
    from typing import BinaryIO, cast

    from dop_gateway.access import Permit
    from dop_gateway.exports.writing import Format
    from dop_gateway.identity.model import Grant, Role, ScopeKind
    from dop_gateway.reports.catalogue import REPORTS
    from dop_gateway.web.lists import tell_of_file, write_list

    asked = {"month": month, "lang": lang, **dict(map(_pair, narrowing))}
    query = _read(REPORTS[name].query, asked)
    kind = Format[wanted.upper()]
    with (
        opened(gateway) as parts,
        cast("BinaryIO", SpooledTemporaryFile(1_048_576)) as file,
    ):
        by = by_command(parts, "a report was written")
        made = REPORTS[name].make(query, by.now)
        everything = (Grant(Role.AUDITOR, ScopeKind.EVERYTHING),)
        with parts.store.reading() as connection:
            count = write_list(
                connection,
                Permit(by.actor, everything),
                made,
                query,
                wanted=kind,
                file=file,
                person=by.request_id,
                now=by.now,
            )
        with parts.store.writing("tell of a file") as connection:
            tell_of_file(connection, by, made.name, query, wanted=kind, count=count)
        file.seek(0)
        octets = file.read()
    if output == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(octets)
        return
    Path(output).write_bytes(octets)
    click.echo(f"{count} rows are in {output}")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"{text!r} is no NAME=VALUE")
    return name, value


def _read(kind: "type[ReportQuery]", asked: dict[str, str]) -> "ReportQuery":
    from pydantic import ValidationError

    try:
        return kind.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise click.UsageError(f"{where}: {first['msg']}") from error

"""`rmfs dop frank` and `rmfs dop usage`: franks scanned, usage told."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dop_gateway.options_cli import (
    EXIT_FAILED,
    by_command,
    gateway_option,
    json_option,
    opened,
)

if TYPE_CHECKING:
    from dop_gateway.franks.model import FrankVerdict
    from dop_gateway.posting.list_store import Usage

EXIT_NOT_READABLE: Final = 3
_FILE_OCTETS_MAX: Final = 8_192
_DAY: Final = click.DateTime(["%Y-%m-%d"])
_TEXT: Final = re.compile(r"[0-9A-Za-z+/_=\s-]*", re.ASCII)


@click.group("frank", epilog="\b\nExample:\n  rmfs dop frank verify frank.bin")
def frank_group() -> None:
    """Verify scanned franks against all that the Department knows."""


@frank_group.command(
    epilog="\b\nExamples:\n"
    "  rmfs dop frank verify frank.bin --office F000000018\n"
    "  rmfs dop frank verify 0101015400... --office F000000018 --mail --json"
)
@click.argument("scans", nargs=-1, required=True, metavar="SCAN...")
@gateway_option
@click.option(
    "--office", "facility", required=True, help="Facility id of where it is scanned."
)
@click.option("--on", type=_DAY, help="The day; the clock's when left out.")
@click.option(
    "--mail",
    is_flag=True,
    help="It is mail that is handed in: remember it, so that it pays once.",
)
@click.option(
    "--registered", is_flag=True, help="A registered article: an older date will do."
)
@json_option
def verify(
    *,
    scans: tuple[str, ...],
    gateway: Path,
    facility: str,
    on: datetime | None,
    mail: bool,
    registered: bool,
    as_json: bool,
) -> int:
    """Say what is wrong with franks; a SCAN is hex, Base64, or a file of octets.

    Ends with 1 when something is wrong with one, with 3 when one cannot be read.
    """
    from dop_gateway.franks.model import Purpose
    from dop_gateway.franks.verifying import verify as verify_frank
    from dop_gateway.posting.reach import office_of
    from protocol.indicium import Verdict
    from protocol.parameters import business_date

    found: list[tuple[str, FrankVerdict]] = []
    with opened(gateway) as parts:
        by = by_command(parts, "a frank was scanned")
        day = on.date() if on else business_date(by.now)
        with parts.store.writing("verify franks") as connection:
            office = office_of(connection, facility).office_id
            for scan in scans:
                verdict = verify_frank(
                    connection,
                    _octets(scan),
                    office,
                    day,
                    by,
                    purpose=Purpose.MAIL if mail else Purpose.CHECK,
                    is_registered=registered,
                )
                found.append((scan, verdict))
    if as_json:
        click.echo(json.dumps({"franks": [_json_of(*one) for one in found]}, indent=2))
    else:
        for scan, verdict in found:
            _tell(scan, verdict)
    codes = {verdict.code for _, verdict in found}
    if codes - {Verdict.GENUINE.code, Verdict.NOT_READABLE.code}:
        return EXIT_FAILED
    return EXIT_NOT_READABLE if Verdict.NOT_READABLE.code in codes else 0


@click.command(
    "usage",
    epilog="\b\nExample:\n  rmfs dop usage --licence N123456 --first 2026-11-01",
)
@gateway_option
@click.option("--licence", default="", help="Of one licence only.")
@click.option("--first", type=_DAY, help="From this day on.")
@click.option("--last", type=_DAY, help="Up to this day.")
@json_option
def usage_command(
    *,
    gateway: Path,
    licence: str,
    first: datetime | None,
    last: datetime | None,
    as_json: bool,
) -> None:
    """Print what machines franked, by day, machine and class."""
    from sqlalchemy import true

    from dop_gateway.posting.list_store import Span, usage_matching

    days = Span(_day(first), _day(last))
    matching = usage_matching(true(), days=days, licence_is=licence, product_class=None)
    with opened(gateway) as parts, parts.store.reading() as connection:
        found = list(matching.all(connection, "day"))
    total = sum(one.amount_paise for one in found)
    if as_json:
        rows = [_usage_json(one) for one in found]
        click.echo(json.dumps({"usage": rows, "total_paise": total}))
        return
    for one in found:
        click.echo(
            f"{one.day} {one.licence} class {one.product_class:>3} "
            f"{one.items:>8} items {_rupees(one.amount_paise):>16}"
        )
    click.echo(f"{len(found)} rows, {_rupees(total)}")


def _octets(scan: str) -> bytes | str:
    path = Path(scan)
    try:
        if path.is_file() and path.stat().st_size <= _FILE_OCTETS_MAX:
            return path.read_bytes()
    except OSError:
        # The octets of a frank in hex may be longer than a name can be.
        return scan
    if _TEXT.fullmatch(scan) is None:
        message = f"there is no file {scan}, and it is neither hex nor Base64"
        raise click.BadParameter(message, param_hint="SCAN")
    return scan


def _tell(scan: str, verdict: "FrankVerdict") -> None:
    name = scan if len(scan) <= 40 else f"{scan[:37]}..."  # noqa: PLR2004 - a line's width
    click.echo(f"{name}: {verdict.name} ({verdict.code})")
    for one in verdict.findings:
        click.echo(f"  {one.name} ({one.code}): {one.detail}")
        click.echo(f"    what to do: {one.advice}")
    if verdict.signed is not None and verdict.is_believed:
        says = verdict.signed.indicium
        click.echo(
            f"  signed by {says.licence}: {_rupees(says.value_paise)}, class "
            f"{says.product_class}, {says.printed_on}, item {says.item}"
        )
    for what in verdict.unchecked:
        click.echo(f"  not checked: {what.value}")


def _json_of(scan: str, verdict: "FrankVerdict") -> dict[str, Any]:
    from dop_gateway.posting.schemas import VerdictShown

    return {"scan": scan, **VerdictShown.of(verdict).model_dump(mode="json")}


def _usage_json(one: "Usage") -> dict[str, Any]:
    return {
        "day": one.day.isoformat(),
        "licence": one.licence,
        "product_class": one.product_class,
        "items": one.items,
        "amount_paise": one.amount_paise,
    }


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _rupees(paise: int) -> str:
    from protocol.values import Paise, show_rupees

    return show_rupees(Paise(paise))

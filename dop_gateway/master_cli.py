"""`rmfs dop calendar` and `rmfs dop parameter`: what holds on which day."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click

from dop_gateway.options_cli import (
    by_command,
    gateway_option,
    json_option,
    opened,
    reason_option,
)

_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.group(
    "calendar", epilog="\b\nExample:\n  rmfs dop calendar show DCR --year 2026"
)
def calendar_group() -> None:
    """Say which days are worked."""


@calendar_group.command(epilog="\b\nExample:\n  rmfs dop calendar show KN --year 2026")
@click.argument("name")
@gateway_option
@click.option(
    "--year", type=click.IntRange(2000, 2199), help="Left out, that of today."
)
@json_option
def show(*, name: str, gateway: Path, year: int | None, as_json: bool) -> None:
    """List the days of a year of which the calendar NAME itself says something."""
    from dop_gateway.calendars import store
    from dop_gateway.calendars.model import parse_calendar_name
    from protocol.parameters import business_date

    of = parse_calendar_name(name)
    with opened(gateway) as parts, parts.store.reading() as connection:
        asked = business_date(parts.clock.now()).year if year is None else year
        known = store.calendar(connection, of).is_known(asked)
        days = store.days(connection, of, asked)
    if as_json:
        said = [
            {"day": one.day.isoformat(), "works": one.works, "name": one.name}
            for one in days
        ]
        click.echo(json.dumps({"year": asked, "is_known": known, "days": said}))
        return
    for one in days:
        click.echo(f"{one.day}  {'worked' if one.works else 'holiday'}  {one.name}")
    click.echo(f"{asked}: its list is {'known' if known else 'not known'}")


@calendar_group.command(
    epilog="\b\nExample:\n  rmfs dop calendar say KN 2026-11-01 Rajyotsava "
    "--reason 'circular of 3 October'"
)
@click.argument("name")
@click.argument("day", type=_DAY)
@click.argument("what")
@gateway_option
@click.option("--works", is_flag=True, help="It is worked all the same.")
@reason_option
def say(
    *, name: str, day: datetime, what: str, gateway: Path, works: bool, reason: str
) -> None:
    """Say that DAY is a holiday called WHAT, or why it is worked all the same."""
    from dop_gateway.calendars import service
    from dop_gateway.calendars.model import parse_calendar_name

    of = parse_calendar_name(name)
    with opened(gateway) as parts, parts.store.writing("say a day") as connection:
        by = by_command(parts, reason)
        service.say(connection, of, day.date(), what, by, works=works)


@calendar_group.command(
    "take-back",
    epilog="\b\nExample:\n  rmfs dop calendar take-back KN 2026-11-01 "
    "--reason 'the circular was withdrawn'",
)
@click.argument("name")
@click.argument("day", type=_DAY)
@gateway_option
@reason_option
def take_back(*, name: str, day: datetime, gateway: Path, reason: str) -> None:
    """Take out of force what the calendar NAME says of DAY."""
    from dop_gateway.calendars import service
    from dop_gateway.calendars.model import parse_calendar_name

    of = parse_calendar_name(name)
    with opened(gateway) as parts, parts.store.writing("take back a day") as connection:
        service.take_back(connection, of, day.date(), by_command(parts, reason))


@calendar_group.command(
    "import",
    epilog="\b\nExample:\n  rmfs dop calendar import COMMON holidays.toml "
    "--reason 'list of 2027'",
)
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@gateway_option
@reason_option
def bring_in(*, name: str, file: Path, gateway: Path, reason: str) -> None:
    """Take over the years of FILE, in place of those that were brought in before."""
    from dop_gateway.calendars import service
    from dop_gateway.calendars.model import parse_calendar_name
    from dop_gateway.calendars.reading import parse_years

    of, years = parse_calendar_name(name), parse_years(file.read_text("utf-8"))
    with opened(gateway) as parts, parts.store.writing("bring in years") as connection:
        by = by_command(parts, reason)
        done = [service.bring_in_year(connection, of, one, by) for one in years]
    for year, one in zip(years, done, strict=True):
        click.echo(
            f"{year.year}: {one.added} added, {one.removed} removed, {one.kept} kept, "
            f"{one.unchanged} unchanged"
        )


@click.group(
    "parameter", epilog="\b\nExample:\n  rmfs dop parameter list --search licence"
)
def parameter_group() -> None:
    """Say which numbers and times hold on which day."""


@parameter_group.command(
    "list", epilog="\b\nExample:\n  rmfs dop parameter list --on 2026-11-16 --json"
)
@gateway_option
@click.option("--on", type=_DAY, help="Left out, today.")
@click.option("--search", default="", help="That the key has in it.")
@json_option
def list_parameters(
    *, gateway: Path, on: datetime | None, search: str, as_json: bool
) -> None:
    """List what holds on a day."""
    from dop_gateway.parameters import store
    from protocol.parameter_values import write_value
    from protocol.parameters import Parameter, business_date

    with opened(gateway) as parts, parts.store.reading() as connection:
        day = business_date(parts.clock.now()) if on is None else on.date()
        rows = store.table(connection).rows
    holding: dict[str, Parameter] = {}
    for row in rows:
        if row.holds(day) and search in row.key:
            holding.setdefault(row.key, row)
    if as_json:
        values = {key: write_value(row.value) for key, row in sorted(holding.items())}
        click.echo(json.dumps(values))
        return
    for key, row in sorted(holding.items()):
        click.echo(f"{key} = {json.dumps(write_value(row.value))}  ({row.source})")


@parameter_group.command(
    "set",
    epilog="\b\nExample:\n  rmfs dop parameter set licence.fee_paise 40000 "
    "--from 2027-04-01 --reason 'circular of 3 March'",
)
@click.argument("key")
@click.argument("value")
@gateway_option
@click.option("--from", "first", required=True, type=_DAY, help="The first day.")
@click.option("--to", "last", type=_DAY, help="The last day; left out, it has no end.")
@click.option(
    "--although-past", is_flag=True, help="Days that are over may be among them."
)
@reason_option
def set_parameter(
    *,
    key: str,
    value: str,
    gateway: Path,
    first: datetime,
    last: datetime | None,
    although_past: bool,
    reason: str,
) -> None:
    """Set KEY to VALUE, written as JSON; null gives it back to what is shipped."""
    from dop_gateway.parameters import service

    until: date | None = None if last is None else last.date()
    written = _parsed(value)
    with opened(gateway) as parts, parts.store.writing("set a parameter") as connection:
        service.set_value(
            connection,
            key,
            written,
            first.date(),
            by_command(parts, reason),
            valid_to=until,
            although_past=although_past,
        )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # A time or a letter need not stand in quotation marks twice.
        return text

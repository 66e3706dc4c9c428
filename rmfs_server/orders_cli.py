"""Commands for what machines are told: orders, contents, credit keys.

`rmfs server order` gives one, to one machine or to all; `orders` shows what became of
them; `take-back` ends one that no machine has acknowledged; `credit-key new` makes the
key that a CREDIT_KEY order brings.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from protocol.errors import RmfsError
from rmfs_server.options_cli import (
    EXIT_FAILED,
    LICENCE,
    act,
    by_person,
    json_option,
    person_options,
    server_option,
    tell,
)

if TYPE_CHECKING:
    from protocol.messages import OrderKind
    from protocol.values import LicenceIdentifier, OrderSerial
    from rmfs_server.administration import Administration
    from rmfs_server.fleet import FleetReport
    from rmfs_server.store.acts import By

    Give = Callable[[Administration, LicenceIdentifier], OrderSerial]
    """Gives one machine the order."""

_KINDS: Final = {
    "clock": "set the clock to the time of sending",
    "lock": "[REASON] frank no more; the reason is a number",
    "unlock": "frank again",
    "next-call": "[YYYY-MM-DD] dial in by this day; left out, taken back",
    "frank-limit": "RUPEES largest value of one frank; 0 for none",
    "funds-limit": "RUPEES largest DR to recharge to; 0 for none",
    "tariff": "FILE a content that the maker has signed",
    "slogan": "FILE a content that the maker has signed",
    "slogan-off": "NUMBER remove a slogan, 1 to 10",
    "firmware": "FILE a content that the maker has signed",
    "credit-key": "FILE trust one more; see rmfs server credit-key",
    "retire-credit-key": "ID forget a credit key",
}


def add_commands(group: click.Group) -> None:
    """Add the commands to the group `rmfs server`."""
    for command in (order, orders, take_back):
        group.add_command(command)


@click.command(
    "order",
    epilog="\b\nKinds:\n"
    + "".join(f"  {kind:<18}{words}\n" for kind, words in _KINDS.items())
    + "\n\b\nExamples:\n  rmfs server order N123456 next-call 2026-12-01\n"
    "  rmfs server order N123456 frank-limit 500\n"
    "  rmfs server order --all tariff tariff-2026.fmpc",
)
@click.argument("words", nargs=-1, required=True, metavar="[LICENCE] KIND [VALUE]")
@server_option
@click.option(
    "--all",
    "to_all",
    is_flag=True,
    help="Give it to every machine in use instead of LICENCE, each in a transaction of "
    "its own. A machine whose last order is the same and still waits is left out, so "
    "is one that has the firmware already.",
)
@json_option
@person_options("order of the operator")
def order(
    *,
    words: tuple[str, ...],
    server: Path,
    to_all: bool,
    as_json: bool,
    person: str | None,
    reason: str,
) -> int:
    """Give a machine an order, sent from its next dial-in on.

    With --all exit 1 when a machine could not be given the order.
    """
    licence, kind, value = _parse_words(words, to_all=to_all)
    give = _parse_order(
        server, kind, value, by_person(person, reason), repeat=not to_all
    )
    if licence is None:
        return _order_all(server, kind, give, as_json=as_json)
    serial = act(server, lambda office: give(office, licence))
    said = f"order {serial} goes to {licence} at its next dial-in"
    tell({"licence": licence, "serial": serial}, [said], as_json=as_json)
    return 0


@click.command("orders", epilog="\b\nExample:\n  rmfs server orders N123456 --json")
@click.argument("licence", type=LICENCE)
@server_option
@json_option
def orders(licence: "LicenceIdentifier", server: Path, *, as_json: bool) -> None:
    """Show every order of a machine, what became of it, and what holds it back."""
    from rmfs_server.folder import open_books
    from rmfs_server.showing import picture_of_orders, show_orders

    with open_books(server) as store, store.reading() as connection:
        picture = picture_of_orders(connection, licence)
    tell(picture, show_orders(picture), as_json=as_json)


@click.command(
    "take-back",
    epilog='\b\nExample:\n  rmfs server take-back N123456 3 --reason "wrong tariff"',
)
@click.argument("licence", type=LICENCE)
@click.argument("serial", type=click.IntRange(1))
@server_option
@person_options()
def take_back(
    *,
    licence: "LicenceIdentifier",
    serial: "OrderSerial",
    server: Path,
    person: str | None,
    reason: str,
) -> None:
    """Take an order back that the machine has not acknowledged.

    From now on NOTHING is sent under its serial. An order that was sent before may be
    applied all the same.
    """
    by = by_person(person, reason)
    was = act(server, lambda office: office.take_back(licence, serial, by))
    click.echo(f"order {serial} of {licence}, {was.order.order.name}, is taken back")
    if was.sent_at is not None:
        click.echo("it was sent before: the machine may have applied it")


def _parse_words(
    words: tuple[str, ...], *, to_all: bool
) -> tuple["LicenceIdentifier | None", str, str | None]:
    """Read LICENCE, KIND and VALUE; with --all there is no LICENCE."""
    from protocol.values import parse_licence_identifier

    licence = None
    if not to_all:
        try:
            licence = parse_licence_identifier(words[0])
        except RmfsError as error:
            raise click.UsageError(f"{error}; or give it to --all") from error
        words = words[1:]
    kind, *rest = words or ("",)
    if kind not in _KINDS:
        raise click.UsageError(f"{kind!r} is no kind of order: {', '.join(_KINDS)}")
    if len(rest) > 1:
        raise click.UsageError(f"{kind} takes one value, not {len(rest)}")
    return licence, kind, rest[0] if rest else None


def _parse_order(
    server: Path, kind: str, value: str | None, by: "By", *, repeat: bool
) -> "Give":
    """Read what is ordered before the books are opened."""
    from protocol.messages import CONTENT_ORDERS, OrderKind
    from rmfs_server.folder import read_server
    from rmfs_server.refusals import MoveRefusedError

    of_kind = OrderKind[kind.replace("-", "_").upper()]
    if of_kind not in CONTENT_ORDERS:
        number = _order_value(of_kind, kind, value)
        return lambda office, licence: office.order(
            licence, of_kind, number, by, repeat=repeat
        )
    if value is None:
        raise click.UsageError(f"{kind} needs the FILE of a content")
    ordered = read_server(server).read_content(Path(value))
    if int(ordered.content.kind) != of_kind:
        message = f"{value} is {ordered.name}, and {kind} is ordered"
        raise MoveRefusedError(message)
    return lambda office, licence: office.order_content(
        licence, ordered, by, repeat=repeat
    )


def _order_value(kind: "OrderKind", typed_kind: str, value: str | None) -> int:
    from rmfs_server.ordering import check_order_value

    parse = _value_parsers().get(kind)
    if value is None:
        if kind in _needing_a_value():
            raise click.UsageError(f"{typed_kind} needs a value")
        return 0
    if parse is None:
        raise click.UsageError(f"{typed_kind} takes no value")
    try:
        number = parse(value)
        check_order_value(kind, number)
    except (ValueError, RmfsError) as error:
        raise click.UsageError(str(error)) from error
    return number


def _value_parsers() -> "dict[OrderKind, Callable[[str], int]]":
    from protocol.amounts import parse_rupees
    from protocol.messages import OrderKind
    from protocol.parameters import INDIA

    def parse_day(text: str) -> int:
        day = date.fromisoformat(text)
        return int(datetime.combine(day, time(), INDIA).timestamp())

    return {
        OrderKind.LOCK: int,
        OrderKind.NEXT_CALL: parse_day,
        OrderKind.FRANK_LIMIT: parse_rupees,
        OrderKind.FUNDS_LIMIT: parse_rupees,
        OrderKind.SLOGAN_OFF: int,
        OrderKind.RETIRE_CREDIT_KEY: int,
    }


def _needing_a_value() -> "frozenset[OrderKind]":
    from protocol.messages import OrderKind

    return frozenset(_value_parsers()) - {OrderKind.LOCK, OrderKind.NEXT_CALL}


def _order_all(server: Path, kind: str, give: "Give", *, as_json: bool) -> int:
    from rmfs_server.fleet import order_all

    def told(line: str) -> None:
        click.echo(line, err=as_json)

    report: FleetReport = act(
        server,
        lambda office: order_all(office, lambda licence: give(office, licence), told),
    )
    tell(report.as_json(), _fleet_lines(kind, report), as_json=as_json)
    return EXIT_FAILED if report.refused else 0


def _fleet_lines(kind: str, report: "FleetReport") -> Iterator[str]:
    yield (
        f"{kind}: {len(report.ordered)} machines ordered, "
        f"{len(report.waiting)} left out, {len(report.refused)} refused"
    )

"""A command for who plans a server: what so many machines need."""

from collections.abc import Callable
from typing import Any, Final

import click

from rmfs_server.options_cli import C, FiniteRange, json_option, tell

_AMOUNT: Final = FiniteRange(0)
_SHARE: Final = FiniteRange(0, 1, min_open=True)
_COUNT: Final = click.IntRange(1)


def add_commands(group: click.Group) -> None:
    """Add `estimate` to the group `rmfs server`."""
    group.add_command(estimate)


def _option(
    name: str, kind: "click.ParamType[Any]", default: float, words: str
) -> Callable[[C], C]:
    return click.option(name, type=kind, default=default, show_default=True, help=words)


@click.command(
    epilog="\b\nExample:\n  rmfs server estimate --machines 1000000 "
    "--recharges-a-month 2 --core-price 10 --gb-price 0.1 --json"
)
@click.option(
    "--database",
    type=click.Choice(["postgresql", "sqlite"]),
    default="postgresql",
    show_default=True,
    help="Where the books are.",
)
@click.option("--machines", type=_COUNT, required=True, help="Of one maker.")
@_option("--recharges-a-month", _AMOUNT, 1.0, "Of a machine.")
@_option("--inspections-a-month", _AMOUNT, 1.0, "Its dial-ins without a recharge.")
@_option("--deposits-a-month", _AMOUNT, 1.0, "Of its licensee.")
@_option("--classes", click.IntRange(0, 8), 3, "Product classes that it franks with.")
@_option("--working-days", click.IntRange(1, 31), 25, "Of a month.")
@_option("--busy-day", _AMOUNT, 3.0, "Times the dial-ins of an average day.")
@_option("--busy-hour", _SHARE, 0.25, "Share of that day's dial-ins in one hour.")
@_option("--core-share", _SHARE, 0.5, "How much of a core may be used in that hour.")
@_option("--years", _AMOUNT, 3.0, "How long nothing is moved off the disk.")
@_option("--copies", _COUNT, 3, "Of the books: leader and followers.")
@_option("--core-price", _AMOUNT, 0.0, "Of a core for a month, in your money.")
@_option("--gb-price", _AMOUNT, 0.0, "Of a GB of disk for a month, in the same.")
@click.option(
    "--dial-in-us",
    type=_COUNT,
    help="CPU of server and database for a recharge, as rmfs bench recharge measures "
    "it on your computer; left out, as docs/growing.md has it.",
)
@json_option
def estimate(
    *, database: str, dial_in_us: int | None, as_json: bool, **assumed: Any
) -> None:
    """Estimate what so many machines need: cores, disk, and money by your prices.

    It multiplies what was measured by what you assume; docs/growing.md says what is not
    in it. It also says where one maker's exchange of files with the Department ends.
    """
    from dataclasses import replace

    from rmfs_server.estimating import MEASURED, Assumed
    from rmfs_server.estimating import estimate as multiply

    measured = MEASURED[database]
    if dial_in_us is not None:
        measured = replace(measured, dial_in_us=dial_in_us)
    need = multiply(Assumed(**assumed), measured)
    tell(need.as_json(), need.lines(), as_json=as_json)

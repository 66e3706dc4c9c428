"""`rmfs bank`: a bank for everybody who has none, its files and its SFTP server."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dop_gateway.options_cli import json_option

if TYPE_CHECKING:
    from dop_gateway.simulators.bank import PaidIn

FAULTS: Final = (
    "wrong-total",
    "duplicate-line",
    "truncated",
    "late",
    "not-in-account",
    "not-in-file",
    "amount-differs",
    "bounced-cheque",
    "unknown-licence",
    "twice",
    "out-of-order",
)
"""Names of `dop_gateway.simulators.bank.Fault`."""

_folder_option: Final = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("rmfs-bank"),
    show_default=True,
    help="Folder of the simulated bank.",
)


@click.group("bank", epilog="\b\nExample:\n  rmfs bank simulate --folder rmfs-bank")
def bank_group() -> None:
    """Be a bank that takes payments for machines (a simulator)."""


@bank_group.command(epilog="\b\nExample:\n  rmfs bank init --folder rmfs-bank")
@_folder_option
@click.option("--code", default="SBI", show_default=True, help="Names it in its files.")
@click.option(
    "--account",
    default="30012345678",
    show_default=True,
    help="Number of the Department's account.",
)
@click.option(
    "--realm",
    type=click.Choice(["TEST", "PRODUCTION"]),
    default="TEST",
    show_default=True,
    help="In which its files are signed.",
)
def init(*, folder: Path, code: str, account: str, realm: str) -> None:
    """Make a simulated bank in a new folder, with new keys and empty books."""
    from dop_gateway.simulators.bank_folder import BankSettings, create_bank
    from hw.entropy import SystemEntropy

    settings = BankSettings(code, account, realm, f"{code}-1")
    create_bank(folder, settings, SystemEntropy())
    click.echo(f"a bank is in {folder}")
    click.echo(f"let the gateway in: rmfs dop bank key > {folder}/gateway.pub")


@bank_group.command(epilog="\b\nExample:\n  rmfs bank simulate --port 2022")
@_folder_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where it listens."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=2022,
    show_default=True,
    help="Where it listens; 0 for one that is free.",
)
def simulate(*, folder: Path, host: str, port: int) -> None:
    """Let the bank's files be fetched by SFTP until SIGTERM or Ctrl-C."""
    from dop_gateway.simulators.bank_folder import read_bank
    from dop_gateway.simulators.bank_sftp import run_bank

    run_bank(
        read_bank(folder),
        host,
        port,
        lambda address: click.echo(f"listening at {address}"),
    )


@bank_group.command(
    epilog="\b\nExample:\n  rmfs bank make --day 2026-11-17 --payments paid.csv "
    "--fault wrong-total"
)
@_folder_option
@click.option(
    "--day",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Business date of the files.",
)
@click.option(
    "--payments",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=None,
    help="CSV: licence, licence_number, licensee, amount, mode.",
)
@click.option("--seed", default="", help="Draw amounts and payers of the CSV from it.")
@click.option(
    "--count",
    type=click.IntRange(1, 100_000),
    default=10,
    show_default=True,
    help="So many are drawn.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(FAULTS),
    help="A mistake that the bank makes. Again for more.",
)
@json_option
def make(
    *,
    folder: Path,
    day: datetime,
    payments: Path | None,
    seed: str,
    count: int,
    faults: tuple[str, ...],
    as_json: bool,
) -> None:
    """Let one day of the bank pass: its two files are put out."""
    from dop_gateway.simulators.bank import Fault
    from dop_gateway.simulators.bank_folder import read_bank
    from dop_gateway.simulators.bank_payments import read_payments

    paid = [] if payments is None else read_payments(payments.read_text("utf-8"))
    if seed:
        paid = list(_drawn(paid, seed, count))
    bank = read_bank(folder)
    made = bank.make(day.date(), paid, [Fault(name) for name in faults])
    if as_json:
        shown = {
            "files": [one.name for one in made.files],
            "payments": len(made.paid),
            "total_paise": sum(one.amount_paise for one in made.paid),
            "injected": [
                {
                    "fault": one.fault.value,
                    "kind": None if one.kind is None else one.kind.name,
                    "subject": one.subject,
                }
                for one in made.injected
            ],
        }
        click.echo(json.dumps(shown))
        return
    for file in made.files:
        click.echo(file.name)
    for one in made.injected:
        kind = "suspense or bounced" if one.kind is None else one.kind.name
        click.echo(f"{one.fault.value}: {kind} {one.subject}")


def _drawn(payers: list["PaidIn"], seed: str, count: int) -> Iterable["PaidIn"]:
    from dop_gateway.simulators.bank_payments import draw_payments
    from hw.entropy import SeededEntropy

    if not payers:
        raise click.UsageError("a seed draws among the payers of --payments")
    licences = [(one.licence, one.licence_number, one.licensee) for one in payers]
    return draw_payments(SeededEntropy(seed.encode()), licences, count)

"""`rmfs machine frank` and `day`: from a letter on the scale to a frank."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fm_device.item_cli import choose_item, item_options, scale_of
from fm_device.opened_cli import give_pin
from fm_device.typed_cli import EXIT_DONE, EXIT_REFUSED, FOLDER, LINE

if TYPE_CHECKING:
    from fm_device.firmware.franking import Printed
    from fm_device.firmware.printing import Printer
    from fm_device.firmware.refusals import Refusal
    from hw.lines.strings import LineAddress
    from hw.scales.strings import ScaleAddress


def add_frank_commands(machine: click.Group) -> None:
    """Bring the commands that frank."""
    machine.add_command(frank)
    machine.add_command(day)


@click.command(
    epilog="\b\nExample:\n  rmfs machine frank office-1 --class L --on-scale 18 "
    "--count 20 --pictures franks"
)
@click.argument("folder", type=FOLDER)
@item_options
@click.option(
    "--count",
    type=click.IntRange(1, 100_000),
    default=1,
    show_default=True,
    help="How many franks.",
)
@click.option("--zero", is_flag=True, help="Print to try the machine, of no value.")
@click.option(
    "--department", type=click.IntRange(0, 50), default=0, help="Who pays; 0 for none."
)
@click.option("--pin", help="The operator's PIN, where the machine asks for one.")
@click.option("--confirm", is_flag=True, help="Confirm a high value.")
@click.option("--pictures", type=FOLDER, help="Write every frank as PNG and SVG here.")
@click.option("--json", "as_json", is_flag=True, help="A line for each frank.")
def frank(
    folder: Path,
    product_class: int,
    day: Any,
    scale: "ScaleAddress | None",
    pictures: Path | None,
    *,
    pin: str | None,
    zone: str,
    on_scale: int,
    count: int,
    zero: bool,
    department: int,
    confirm: bool,
    as_json: bool,
) -> int:
    """Frank what lies on the scale."""
    from fm_device.firmware.runs import print_run
    from fm_device.folder import open_machine
    from fm_device.psd.pins import Role
    from fm_device.show import printed_as_json, show_printed
    from hw.clock import SystemWallClock

    weighing = scale_of(scale, on_scale)
    with open_machine(
        folder,
        SystemWallClock(),
        "machine frank",
        scale=weighing,
        printer=_printer(pictures),
    ) as machine:
        refusal = None if pin is None else give_pin(machine, Role.OPERATOR, pin)
        refusal = refusal or choose_item(
            machine.franking, product_class, zone, day, department=department
        )
        if refusal is not None:
            return _refused(refusal, 0, count)

        def print_one() -> "Printed | Refusal":
            franking = machine.franking
            return franking.try_out() if zero else franking.frank(confirmed=confirm)

        def show(done: "Printed") -> bool:
            click.echo(
                json.dumps(printed_as_json(done)) if as_json else show_printed(done)
            )
            return True

        run = print_run(count, print_one, show)
        if run.refusal is not None:
            return _refused(run.refusal, run.done, count)
        for words in run.last.warnings if run.last else ():
            click.echo(words, err=True)
    return EXIT_DONE


@click.command(
    epilog="\b\nExample:\n  rmfs machine day office-1 --letters 40 "
    "--line tcp:127.0.0.1:7001"
)
@click.argument("folder", type=FOLDER)
@click.option(
    "--letters",
    type=click.IntRange(1, 100_000),
    required=True,
    help="How many items the office sends today.",
)
@click.option("--seed", default=1, show_default=True, help="Chooses the items.")
@click.option("--line", type=LINE, help="Dial in here in the evening.")
def day(folder: Path, letters: int, seed: int, line: "LineAddress | None") -> int:
    """Frank a mixed day's mail, and dial in afterwards."""
    from fm_device.cli import dial_in, tell
    from fm_device.day import frank_day
    from fm_device.folder import open_machine
    from hw.clock import SystemWallClock
    from hw.scales.simulated import SimulatedScale
    from protocol.registers import RequestKind
    from protocol.values import show_rupees

    scale = SimulatedScale()
    with open_machine(folder, SystemWallClock(), "machine day", scale=scale) as machine:
        done = frank_day(machine, scale, letters, seed)
        click.echo(f"{done.items} items franked, {show_rupees(done.amount_paise)}")
        if done.refusal is not None:
            click.echo(f"{done.refusal.words} ({done.refusal.code})", err=True)
        if line is None:
            return EXIT_DONE if done.refusal is None else EXIT_REFUSED
        report = dial_in(machine, RequestKind.INSPECTION, None, line)
    return EXIT_REFUSED if report is None else tell(report, as_json=False)


def _printer(pictures: Path | None) -> "Printer | None":
    from fm_device.firmware.printing import FolderPrinter
    from fm_device.folder import write_file

    if pictures is None:
        return None
    pictures.mkdir(parents=True, exist_ok=True)
    return FolderPrinter(pictures, write_file)


def _refused(refusal: "Refusal", number: int, count: int) -> int:
    click.echo(f"{refusal.words} ({refusal.code})", err=True)
    click.echo(f"{number} of {count} items are franked", err=True)
    return EXIT_REFUSED

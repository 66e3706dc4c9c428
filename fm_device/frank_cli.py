"""`rmfs machine frank` and `day`: from a letter on the scale to a frank."""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fm_device.typed_cli import (
    CLASS,
    DAY,
    EXIT_DONE,
    EXIT_REFUSED,
    FOLDER,
    LINE,
    SCALE,
)

if TYPE_CHECKING:
    from fm_device.firmware.franking import Printed
    from fm_device.firmware.machine import Machine
    from fm_device.firmware.printing import Printer
    from fm_device.firmware.refusals import Refusal
    from hw.lines.strings import LineAddress
    from hw.scales.port import Scale
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
@click.option(
    "--class",
    "product_class",
    type=CLASS,
    default="L",
    show_default=True,
    help="A class of the tariff: P, ILC, L, BP, RL, SP, ...",
)
@click.option("--zone", default="", help="How far it goes, for classes that ask.")
@click.option(
    "--on-scale",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Grams that lie on the simulated scale. The machine weighs; no weight and "
    "no postage can be keyed in.",
)
@click.option("--scale", type=SCALE, help="Weigh on this scale, as serial:/dev/ttyS0.")
@click.option(
    "--count",
    type=click.IntRange(1, 100_000),
    default=1,
    show_default=True,
    help="How many franks.",
)
@click.option("--zero", is_flag=True, help="Print to try the machine, of no value.")
@click.option("--date", "day", type=DAY, help="+DAYS, a date, or next: ahead of today.")
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
        refusal = _choose(
            machine, product_class, zone, day, department=department, pin=pin
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
            return _refused(run.refusal, len(run.printed), count)
        for words in run.printed[-1].warnings:
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


def scale_of(address: "ScaleAddress | None", on_scale: int) -> "Scale":
    """Give the scale at an address, or a simulated one with something on it."""
    from hw.clock import SystemMonotonicClock
    from hw.scales.build import build_scale
    from hw.scales.simulated import SimulatedScale

    if address is not None:
        return build_scale(address, SystemMonotonicClock())
    scale = SimulatedScale()
    scale.put(on_scale)
    return scale


def _printer(pictures: Path | None) -> "Printer | None":
    from fm_device.firmware.printing import FolderPrinter
    from fm_device.folder import write_file

    if pictures is None:
        return None
    pictures.mkdir(parents=True, exist_ok=True)
    return FolderPrinter(pictures, write_file)


def _choose(
    machine: "Machine",
    product_class: int,
    zone: str,
    day: int | date | None,
    *,
    department: int,
    pin: str | None,
) -> "Refusal | None":
    """Do what the operator does before the first letter."""
    from fm_device.psd.pins import PinVerdict, Role

    franking = machine.franking
    if pin is not None:
        answer = machine.desk.enter(Role.OPERATOR, pin)
        if answer.verdict is not PinVerdict.RIGHT:
            return answer.verdict
    refusal = franking.choose_class(product_class)
    if refusal is None and zone:
        refusal = franking.choose_zone(zone)
    if refusal is None and department:
        refusal = franking.choose_department(department)
    if refusal is None and day is not None:
        refusal = franking.choose_day(day)
    return refusal


def _refused(refusal: "Refusal", number: int, count: int) -> int:
    click.echo(f"{refusal.words} ({refusal.code})", err=True)
    click.echo(f"{number} of {count} items are franked", err=True)
    return EXIT_REFUSED

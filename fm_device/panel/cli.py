"""`rmfs machine panel`: stand before a machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_device.typed_cli import FOLDER, LINE, NEW_FILE, SCALE

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine
    from fm_device.panel.driver import Line
    from hw.lines.strings import LineAddress
    from hw.scales.strings import ScaleAddress


def add_panel(machine: click.Group) -> None:
    """Bring the command of the panel."""
    machine.add_command(panel)


@click.command(
    epilog="\b\nExample:\n  rmfs machine panel office-1 --line tcp:127.0.0.1:7120"
)
@click.argument("folder", type=FOLDER)
@click.option("--line", type=LINE, help="Dial in here; without it no dial-in is made.")
@click.option(
    "--scale", type=SCALE, help="What weighs; a simulated scale if nothing is said."
)
@click.option(
    "--pictures", type=FOLDER, help="Keep each frank there as a picture, PNG and SVG."
)
@click.option(
    "--capture",
    type=NEW_FILE,
    help="Write the frames here; of later dial-ins into NAME-2 and so on.",
)
def panel(
    folder: Path,
    line: "LineAddress | None",
    scale: "ScaleAddress | None",
    pictures: Path | None,
    capture: Path | None,
) -> None:
    """Stand before a machine: display, keys and lamps in this terminal."""
    from fm_device.firmware.printing import FolderPrinter
    from fm_device.folder import open_machine, write_file
    from fm_device.panel.driver import Panel
    from fm_device.panel.terminal import PanelApp, best_picture
    from hw.clock import SystemMonotonicClock, SystemWallClock
    from hw.scales.build import build_scale
    from hw.scales.strings import SimulatedAddress

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "a panel needs a terminal; scripts use the other commands of rmfs machine"
        )
    printer = None
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        printer = FolderPrinter(pictures, write_file)
    weighs = build_scale(scale or SimulatedAddress(), SystemMonotonicClock())
    with open_machine(
        folder, SystemWallClock(), "machine panel", scale=weighs, printer=printer
    ) as machine:
        dial = None if line is None else _line(machine, line, capture)
        app = PanelApp(
            Panel(machine, dial), line=str(line or ""), picture=best_picture()
        )
        app.run()


def _line(machine: "Machine", line: "LineAddress", capture: Path | None) -> "Line":
    """Dial over a line in the thread that uses the machine."""
    from fm_device.panel.lines import SystemLine
    from hw.clock import SystemWallClock

    return SystemLine(machine, line, SystemWallClock(), capture)

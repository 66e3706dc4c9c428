"""`rmfs machine control`: open the control port of a machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_device.typed_cli import FOLDER, LINE, NEW_FILE, SCALE

if TYPE_CHECKING:
    from hw.lines.strings import LineAddress
    from hw.scales.strings import ScaleAddress

_PORT_MAX = 65_535


def add_control(machine: click.Group) -> None:
    """Bring the command that opens the control port."""
    machine.add_command(control)


@click.command(
    epilog="\b\nExample:\n  rmfs machine control office-1 --line tcp:127.0.0.1:7001"
)
@click.argument("folder", type=FOLDER)
@click.option(
    "--port",
    type=click.IntRange(0, _PORT_MAX),
    default=0,
    show_default=True,
    help="TCP port on 127.0.0.1; 0 for one that is free.",
)
@click.option("--line", type=LINE, help="Where the machine dials in.")
@click.option(
    "--scale",
    type=SCALE,
    default="simulated:",
    show_default=True,
    help="Weigh on this scale, as serial:/dev/ttyS0.",
)
@click.option(
    "--token-file",
    type=NEW_FILE,
    help="Write the token here; FOLDER/control-token if not given.",
)
def control(
    folder: Path,
    scale: "ScaleAddress",
    line: "LineAddress | None",
    token_file: Path | None,
    *,
    port: int,
) -> None:
    """Let programs of this computer work a machine, over HTTP and JSON.

    It listens at 127.0.0.1 alone, for whoever can read the token file, until Ctrl-C.
    GET /openapi.json describes it; docs/control.md has a rig to begin with.
    """
    from fm_device.control.program import ControlOptions, run_control
    from hw.clock import SystemMonotonicClock, SystemWallClock
    from hw.entropy import SystemEntropy
    from hw.scales.build import build_scale

    weighing = build_scale(scale, SystemMonotonicClock())
    run_control(
        folder,
        ControlOptions(port, line, weighing, token_file),
        clock=SystemWallClock(),
        entropy=SystemEntropy(),
        say=click.echo,
    )

"""`rmfs machine preset|dump|restore`: lab tools, for the realm TEST alone."""

import json
from pathlib import Path

import click

from fm_device.typed_cli import EXIT_DONE, FOLDER

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_NEW_FILE = click.Path(path_type=Path, dir_okay=False)
_WARNING = (
    "LAB TOOL: what this machine tells from now on did not happen, and its server will "
    "find that at the next dial-in."
)


def add_image_commands(machine: click.Group) -> None:
    """Bring the commands that change a memory behind the machine's back."""
    for command in (preset, dump, restore):
        machine.add_command(command)


@click.command(
    epilog="\b\nExample:\n  rmfs machine preset office-1 blocked-tomorrow\n"
    "  rmfs machine preset --list\n  rmfs machine preset --show unbalanced"
)
@click.argument("folder", type=FOLDER, required=False)
@click.argument("file", required=False)
@click.option(
    "--list", "as_list", is_flag=True, help="List the presets that there are."
)
@click.option("--show", "shown", metavar="NAME", help="Show a preset as it is written.")
@click.option("--json", "as_json", is_flag=True, help="For programs; money in paise.")
def preset(
    folder: Path | None,
    file: str | None,
    shown: str | None,
    *,
    as_list: bool,
    as_json: bool,
) -> int:
    """Put a test machine into the registers and memory that FILE tells.

    FILE is a file in TOML, or the name of a preset that comes with the product.
    docs/presets.md tells how to write one.
    """
    from fm_device.presets import (
        find_preset,
        library_names,
        preset_machine,
        read_library,
        show_library,
        show_preset,
    )
    from hw.clock import SystemWallClock

    if as_list:
        titles = {name: read_library(name).title for name in library_names()}
        click.echo(
            json.dumps(titles, indent=2) if as_json else "\n".join(show_library())
        )
        return EXIT_DONE
    if shown is not None:
        click.echo(show_preset(shown), nl=False)
        return EXIT_DONE
    if folder is None or file is None:
        raise click.UsageError("give a FOLDER and a FILE, or --list, or --show NAME")
    click.echo(_WARNING, err=True)
    record = preset_machine(folder, find_preset(file), SystemWallClock())
    registers = record.registers
    if as_json:
        found = {
            "preset": file,
            "standing": record.standing.name,
            "ascending_paise": registers.ascending_paise,
            "descending_paise": registers.descending_paise,
            "control_total_paise": registers.control_total_paise,
            "items": registers.items,
            "items_with_zero": registers.items_with_zero,
            "balanced": record.balanced,
        }
        click.echo(json.dumps(found, indent=2))
    else:
        balanced = "" if record.balanced else ", OUT OF BALANCE"
        click.echo(f"{folder} is as {file} tells: {record.standing.name}{balanced}")
    return EXIT_DONE


@click.command(epilog="\b\nExample:\n  rmfs machine dump office-1 office-1.image")
@click.argument("folder", type=FOLDER)
@click.argument("file", type=_NEW_FILE)
def dump(folder: Path, file: Path) -> None:
    """Write both memories of a test machine to a new file, keys and all.

    Its owner alone can read it: whoever has the file can frank with it.
    """
    from fm_device.presets import dump_machine

    octets = dump_machine(folder, file)
    click.echo(f"{file}: {octets:,} octets, with the private keys of the machine")


@click.command(epilog="\b\nExample:\n  rmfs machine restore office-1 office-1.image")
@click.argument("folder", type=FOLDER)
@click.argument("file", type=_FILE)
@click.option("--other", is_flag=True, help="Put in the image of another PSD as well.")
def restore(folder: Path, file: Path, *, other: bool) -> None:
    """Put the memories of a test machine back to what FILE holds.

    A machine that has dialled in since then is found by its server: the mark of its
    last receipt is an old one.
    """
    from fm_device.presets import restore_machine

    click.echo(_WARNING, err=True)
    restore_machine(folder, file, other=other)
    click.echo(f"{folder} is as it was when {file} was written")

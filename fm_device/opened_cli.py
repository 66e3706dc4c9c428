"""What the machine's commands share: opening one, its PINs, and saying no."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fm_device.typed_cli import EXIT_DONE, EXIT_REFUSED

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine
    from fm_device.firmware.refusals import Refusal
    from fm_device.psd.pins import Role
    from hw.scales.port import Scale

as_json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="For programs."
)
"""Of every command that tells what a program may read."""


@contextmanager
def opened(
    folder: Path, command: str, scale: "Scale | None" = None
) -> "Iterator[Machine]":
    """Switch on the machine in a folder, by the computer's clock.

    Args:
        folder: Where it is.
        command: What this process does, told to whoever finds the machine in use.
        scale: Whatever weighs.

    Raises:
        FolderError: There is no machine, or another process has it.
        StoreError: Its memory is beyond repair.
    """
    from fm_device.folder import open_machine
    from hw.clock import SystemWallClock

    with open_machine(folder, SystemWallClock(), command, scale=scale) as machine:
        yield machine


def give_pin(machine: "Machine", role: "Role", pin: str | None) -> "Refusal | None":
    """Give the PIN of a role, where it has one; ask for it where it was not typed.

    Returns:
        None when the role is open, or what came of the PIN.
    """
    from fm_device.psd.pins import PinVerdict

    if pin is None:
        if not machine.psd.has_pin(role):
            return None
        pin = ask_pin(role)
    verdict = machine.desk.enter(role, pin).verdict
    return None if verdict is PinVerdict.RIGHT else verdict


def ask_pin(role: "Role", *, is_new: bool = False) -> str:
    """Ask for a PIN without showing it; a new one twice."""
    what = f"{'New ' if is_new else ''}PIN of the {role.name.lower()}"
    pin: str = click.prompt(what, hide_input=True, confirmation_prompt=is_new, err=True)
    return pin


def told(refusal: "Refusal | None", done: str = "") -> int:
    """Say what was done, or why it was not; the exit code says which."""
    if refusal is not None:
        click.echo(f"{refusal.words} ({refusal.code})", err=True)
        return EXIT_REFUSED
    if done:
        click.echo(done)
    return EXIT_DONE

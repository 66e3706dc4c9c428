"""`rmfs lab`: whether the lab itself can be believed, and what breaks a unit."""

import click

from rmfs_tools.lab.decoders.decoders_cli import decoders
from rmfs_tools.lab.fuzz.fuzz_cli import fuzz
from rmfs_tools.lab.fuzz.promote_cli import promote
from rmfs_tools.lab.fuzz.replay_cli import replay
from rmfs_tools.lab.zoo.zoo_cli import zoo


def add_commands(root: click.Group) -> None:
    """Bring the commands of the lab."""
    root.add_command(lab_group)


@click.group("lab", epilog="\b\nExample:\n  rmfs lab zoo")
def lab_group() -> None:
    """Prove the lab by faulty units, and look for what breaks a unit."""


lab_group.add_command(zoo)
lab_group.add_command(fuzz)
lab_group.add_command(replay)
lab_group.add_command(promote)
lab_group.add_command(decoders)

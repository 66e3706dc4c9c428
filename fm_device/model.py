"""What this machine is called, and which firmware it runs: told in every STATEMENT."""

from typing import Final

MODEL: Final = "RMFS-S1"
FIRMWARE: Final = (0, 1, 0)
CAPABILITIES: Final = 0
"""No capability bit is defined yet (DLG-11)."""


def show_firmware() -> str:
    """Show the firmware version to people: ``0.1.0``."""
    return ".".join(str(part) for part in FIRMWARE)

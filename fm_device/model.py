"""What this machine is called, and which firmware it leaves the factory with."""

from typing import Final

MODEL: Final = "RMFS-S1"
FIRMWARE: Final = (0, 2, 0)
"""Until an order brings another: major, minor, patch, one octet each."""


def show_version(version: tuple[int, int, int]) -> str:
    """Show a firmware version to people: ``0.1.0``."""
    return ".".join(str(part) for part in version)

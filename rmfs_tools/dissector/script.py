"""The dissector as one script: a head, the tables, and the parts in their order."""

from pathlib import Path
from typing import Final

from rmfs_tools import __version__
from rmfs_tools.dissector.tables import make_tables

FILE_NAME: Final = "fmp1.lua"
MARK: Final = "-- FMP/1 for Wireshark, made by `rmfs dissector`"
"""How a script of ours begins: only such a file is written over."""

_PARTS: Final = ("cipher", "fields", "keys", "line", "messages", "frames", "register")


def make_script() -> str:
    """Make the dissector from today's tables."""
    folder = Path(__file__).parent
    parts = [
        f"-- {name}\n\n{(folder / f'{name}.lua').read_text('utf-8')}" for name in _PARTS
    ]
    return "\n".join(
        (
            f"{MARK} {__version__}.",
            "-- Made anew from the tables of the product; changes here are lost.\n",
            f"local T = {make_tables()}\n",
            *parts,
        )
    )

"""The settings under which the file is tried: the product's own, and its controls.

A clean run of the product's settings shows something only because the same model, run
with weaker ones, catches them: a control in which nothing is lost proves that the model
is blind, and fails.

Source: reliability notes, section 4.1; SQLite on ``PRAGMA synchronous``: in WAL mode
NORMAL does not sync at a commit; in DELETE mode only EXTRA syncs the folder after the
journal was deleted.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Expectation(Enum):
    """What must come of a mode."""

    CLEAN = "clean"
    LOSES = "loses acknowledged money, whole transactions at a time"
    CAUGHT = "corrupt, half or lost"
    UNKNOWN = "no claim"


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to keep the file.

    Attributes:
        name: For the table.
        pragmas: Put in place of the product's own.
        expectation: What must come of it.
        settings: Journal and synchronous, which are read back; None: the product's.
        folder_at_once: Names of the folder are durable without a sync.
    """

    name: str
    pragmas: tuple[str, ...]
    expectation: Expectation
    settings: tuple[str, str] | None
    folder_at_once: bool = False


def mode_of(journal: str, synchronous: str, *, folder_at_once: bool = False) -> Mode:
    """Give a mode by its settings, with what must come of it."""
    expectation = {
        ("wal", "full"): Expectation.CLEAN,
        ("wal", "extra"): Expectation.CLEAN,
        ("wal", "normal"): Expectation.LOSES,
        ("wal", "off"): Expectation.CAUGHT,
        ("delete", "extra"): Expectation.CLEAN,
        ("delete", "full"): Expectation.CLEAN if folder_at_once else Expectation.LOSES,
        ("delete", "off"): Expectation.CAUGHT,
    }.get((journal, synchronous), Expectation.UNKNOWN)
    at_once = ", folder at once" if folder_at_once else ""
    return Mode(
        f"{journal}/{synchronous}{at_once}",
        (f"journal_mode = {journal}", f"synchronous = {synchronous}"),
        expectation,
        (journal, synchronous),
        folder_at_once,
    )


PRODUCT: Final = Mode("the product", (), Expectation.CLEAN, None)
MODES: Final = (
    PRODUCT,
    mode_of("wal", "normal"),
    mode_of("wal", "off"),
    mode_of("delete", "extra"),
    mode_of("delete", "full", folder_at_once=True),
    mode_of("delete", "full"),
)
"""What a run without arguments tries, the product's own first."""

"""The table of the planted bugs in docs/planted-bugs.md, drawn from their data.

``python -m rmfs_tools.simulation.planted.drawing`` writes it; a test compares it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rmfs_tools.marked_text import with_text_between
from rmfs_tools.simulation.planted.bugs import DAYS, MACHINES, PlantedBug, planted_bugs

_DOCUMENT: Final = Path("docs") / "planted-bugs.md"
_BEGIN: Final = "<!-- planted bugs: begin -->"
_END: Final = "<!-- planted bugs: end -->"
_HEAD: Final = (
    "| id | the mistake | breaks | how a run shows it, and what has to happen | "
    "what else stands against it | faults | seeds |\n"
    "|---|---|---|---|---|---|---|"
)


def with_table(document: str, bugs: Sequence[PlantedBug]) -> str:
    """Draw the table into a document, in place of the one between its marks.

    Raises:
        ValueError: The marks are not there.
    """
    rows = "\n".join(_row(bug) for bug in bugs)
    return with_text_between(document, _BEGIN, _END, f"{_HEAD}\n{rows}")


def _row(bug: PlantedBug) -> str:
    worlds = bug.faults
    if (bug.machines, bug.days) != (MACHINES, DAYS):
        worlds += f", {bug.machines} machines, {bug.days} days"
    cells = (
        f"`{bug.id}`",
        f"**{bug.name}.** {bug.mistake}",
        ", ".join(bug.breaks),
        f"{bug.shows}; needs {bug.needs}",
        bug.guard,
        worlds,
        str(bug.seeds),
    )
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the table into the document of this folder's tree."""
    document = _DOCUMENT.read_text("utf-8")
    _DOCUMENT.write_text(with_table(document, planted_bugs()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

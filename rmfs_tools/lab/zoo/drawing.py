"""The tables of the faulty units in docs/zoo.md, drawn from their data.

``python -m rmfs_tools.lab.zoo.drawing`` writes them; a test compares them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from protocol.link import Role
from rmfs_tools.lab.zoo.units import FaultyUnit, faulty_units
from rmfs_tools.marked_text import with_text_between

_DOCUMENT: Final = Path("docs") / "zoo.md"
_HEAD: Final = (
    "| id | what is wrong | breaks | where | caught by |\n|---|---|---|---|---|"
)


def with_tables(document: str, units: Sequence[FaultyUnit]) -> str:
    """Draw the tables into a document, in place of those between their marks.

    Raises:
        ValueError: The marks are not there.
    """
    for role in Role:
        rows = "\n".join(_row(unit) for unit in units if unit.role is role)
        document = with_text_between(
            document,
            f"<!-- faulty {role.value}s: begin -->",
            f"<!-- faulty {role.value}s: end -->",
            f"{_HEAD}\n{rows}",
        )
    return document


def _row(unit: FaultyUnit) -> str:
    places = dict.fromkeys(edit.file for edit in unit.edits)
    cells = (
        f"`{unit.id}`",
        unit.title,
        unit.clause,
        ", ".join(f"`{place}`" for place in places),
        ", ".join(unit.caught_by),
    )
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the tables into the document of this folder's tree."""
    document = _DOCUMENT.read_text("utf-8")
    _DOCUMENT.write_text(with_tables(document, faulty_units()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

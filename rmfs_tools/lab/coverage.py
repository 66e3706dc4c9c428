"""Which clauses of the specification have cases, and why the others have none."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hw.lab.catalogue import CATALOGUE, Case
from protocol.link import Role
from rmfs_tools.lab.run_files import SPECIFICATION

NOT_TESTED: Final = CATALOGUE.parent / "not_tested.toml"
_CLAUSE: Final = re.compile(
    r"\*\*([A-Z]+-\d+\.\d+)\*\*|^### ([A-Z]+-\d+)\b", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Covered:
    """What is known of a clause for one role.

    Attributes:
        clause: Such as ``DLG-8.3``.
        role: Of the unit under test.
        cases: Ids of those that test it.
        reason: Why none does, or empty.
    """

    clause: str
    role: Role
    cases: tuple[str, ...]
    reason: str

    @property
    def is_open(self) -> bool:
        """Whether it has neither a case nor a reason."""
        return not self.cases and not self.reason


def clauses(specification: Path = SPECIFICATION) -> tuple[str, ...]:
    """Give the clauses of the specification, in its order."""
    found = _CLAUSE.finditer(specification.read_text("utf-8"))
    return tuple(dict.fromkeys(one[1] or one[2] for one in found))


def coverage(cases: Iterable[Case]) -> tuple[Covered, ...]:
    """Put clauses and cases together.

    Args:
        cases: The catalogue. Headings without a number of their own, such as ``REG-4``,
            are told where they have a case or a reason.
    """
    document = tomllib.loads(NOT_TESTED.read_text("utf-8"))
    reasons = {
        (entry["clause"], Role(entry["role"])): str(entry["reason"])
        for entry in document["clause"]
    }
    by_clause: dict[tuple[str, Role], list[str]] = {}
    for case in cases:
        by_clause.setdefault((case.clause, case.role), []).append(case.id)
    rows = (
        Covered(
            clause,
            role,
            tuple(by_clause.get((clause, role), ())),
            reasons.get((clause, role), ""),
        )
        for clause in clauses()
        for role in Role
    )
    return tuple(row for row in rows if "." in row.clause or not row.is_open)

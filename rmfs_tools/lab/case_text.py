"""A case of the catalogue as it is written: its TOML, and the next free number."""

import json
import re
from collections.abc import Iterable
from typing import Final

from hw.lab.catalogue import Case, Ends
from hw.lab.verdicts import Level
from protocol.errors import RmfsError
from protocol.link import Role

_CLAUSE: Final = re.compile(r"([A-Z]+)-(\d+)(?:\.\d+)?")
_ROLES: Final = {Role.MACHINE: "M", Role.SERVER: "S"}
_NUMBERS_MAX: Final = 99


class CaseNumberError(RmfsError):
    """There is no number for a further case."""


def free_id(clause: str, role: Role, kind: str, cases: Iterable[Case]) -> str:
    """Name a further case: the number behind the highest of its clause and role.

    Args:
        clause: That it tests.
        role: Of the unit under test.
        kind: P, N or B.
        cases: Those that are there.

    Raises:
        CaseNumberError: The clause is none, or has no number left.
    """
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        raise CaseNumberError(f"{clause} is no clause: they are like DLG-8.3")
    area, number = found[1], int(found[2])
    beginning, letter = f"{area}-{number:02d}-", _ROLES[role]
    taken = [
        int(case.id.split("-")[2])
        for case in cases
        if case.id.startswith(beginning) and case.role is role
    ]
    free = max(taken, default=0) + 1
    if free > _NUMBERS_MAX:
        raise CaseNumberError(f"{area}-{number} has no number left for a case")
    return f"{beginning}{free:02d}-{letter}-{kind}"


def case_text(case: Case) -> str:
    """Write a case as a table of a file of the catalogue."""
    members = {
        "id": case.id,
        "clause": case.clause,
        "level": case.level.value if case.level is not Level.MUST else "",
        "text": case.text,
        "title": case.title,
    }
    lines = ["[[case]]"]
    lines += [f"{name} = {_quoted(value)}" for name, value in members.items() if value]
    if case.needs:
        lines.append(f"needs = [{', '.join(_quoted(need) for need in case.needs)}]")
    if case.slow:
        lines.append(f"slow = {_quoted(case.slow)}")
    lines += ["steps = [", *(f"    {_quoted(step.text)}," for step in case.steps), "]"]
    if case.ends is not (Ends.UNCHANGED if case.kind == "N" else Ends.SERVED):
        lines.append(f"ends = {_quoted(case.ends.value)}")
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """Write a basic string of TOML; JSON escapes as that does, all but DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

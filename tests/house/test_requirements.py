"""Every requirement has a test that names it, or a decision that says why not."""

import re
from pathlib import Path

import pytest

from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "requirements.md"
NUMBERS = [
    *(f"RMFS-{number:02d}" for number in range(1, 42)),
    *(f"GW-{number:02d}" for number in range(1, 13)),
]
ROW = re.compile(r"^\| ((?:RMFS|GW)-\d\d) \| (.+?) \| (.+) \|$", re.MULTILINE)
ROWS = {found[1]: found for found in ROW.finditer(PAGE.read_text("utf-8"))}
SPAN = re.compile(r"\b(RMFS|GW)-(\d\d)\s+to\s+(?:RMFS|GW)-(\d\d)\b")


def named_in(path: Path) -> set[str]:
    """List the requirements that a file names, alone or in a span."""
    text = path.read_text("utf-8")
    found = set(re.findall(r"\b(?:RMFS|GW)-\d\d\b", text))
    for kind, first, last in SPAN.findall(text):
        found |= {f"{kind}-{one:02d}" for one in range(int(first), int(last) + 1)}
    return found


def test_the_page_has_every_requirement_once() -> None:
    assert list(ROWS) == NUMBERS
    assert len(ROW.findall(PAGE.read_text("utf-8"))) == len(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_requirement_is_shown_by_a_test_or_explained_by_a_decision(
    number: str,
) -> None:
    shown = ROWS[number][3]
    tests = re.findall(r"`(tests/[^`]+)`", shown)
    decisions = re.findall(r"\((decisions/[^)]+)\)", shown)
    assert tests or decisions
    for name in tests:
        path = ROOT / name
        assert path.name.startswith("test_")
        assert number in named_in(path), f"{name} does not name {number}"
    for name in decisions:
        assert number in named_in(ROOT / "docs" / name)

"""The threat model names tests that there are, and who bears what is left."""

import re
from typing import Final

import pytest

from tests.house.sources import ROOT

PAGE: Final = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
KINDS: Final = frozenset("STRIDE")
BOUNDARY: Final = re.compile(r"^### (\d+)\. (.+)$", re.MULTILINE)
THREAT: Final = re.compile(
    r"^\| ([^|]+) \| ([STRIDE](?: [STRIDE])*) \| ([^|]*`tests/[^|]+) \| ([^|]+) \|$",
    re.MULTILINE,
)
TEST: Final = re.compile(r"`(tests/[\w/.]+)::(test_\w+)`")


def missing(text: str) -> list[str]:
    """List the tests that a text names and that are not there."""
    return [
        f"{path}::{name}"
        for path, name in TEST.findall(text)
        if not (ROOT / path).is_file()
        or f"def {name}(" not in (ROOT / path).read_text("utf-8")
    ]


def _sections() -> dict[str, str]:
    parts = BOUNDARY.split(PAGE)
    found = {}
    for number, _, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found[number] = text.split("\n## ")[0]
    return found


def test_every_test_that_is_named_is_there() -> None:
    assert len(TEST.findall(PAGE)) > 50
    assert missing(PAGE) == []


def test_a_test_that_is_not_there_is_found() -> None:
    assert missing("`tests/house/test_threat_model.py::test_of_something_else`")
    assert missing("`tests/house/test_nowhere.py::test_a_thing`")


def test_the_boundaries_are_those_of_the_picture() -> None:
    numbers = [str(number) for number in range(1, 11)]
    assert list(_sections()) == numbers
    picture = PAGE.split("```")[1]
    assert sorted(re.findall(r"(?<= )(\d+)(?= |\n)", picture), key=int) == numbers


@pytest.mark.parametrize("number", [str(number) for number in range(1, 11)])
def test_every_threat_is_answered_and_borne(number: str) -> None:
    text = _sections()[number]
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    threats = THREAT.findall(text)
    assert threats
    assert len(threats) == len(rows)
    for _, kinds, tests, left in threats:
        assert set(kinds.split()) <= KINDS
        assert TEST.findall(tests)
        assert left.strip() == "-" or len(left.split()) >= 3


def test_every_kind_of_threat_was_thought_of() -> None:
    kinds = {kind for _, kinds, _, _ in THREAT.findall(PAGE) for kind in kinds.split()}
    assert kinds == KINDS

"""Each requirement of ASVS 5.0.0 is answered once: by test, reason or sentence."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

import pytest

from tests.house.sources import ROOT

PAGE: Final = ROOT / "docs" / "asvs.md"
LEVELS: Final[dict[int, str]] = {
    1: "22 1111122223 112222222223 222 123",
    2: "122 112 12223 23",
    3: "3 113 12223 11222233 11122333 3 22333",
    4: "12233 23333 22 1222",
    5: "2 112333 113 222",
    6: "122 111111112222 11223333 112233 22222333 2223 33 2222",
    7: "222 1111 22 11222 223 22",
    8: "1233 1123 133 23",
    9: "111 1222",
    10: "22 223 22223 1111122222233333 22222 22 222",
    11: "2233 22233 11233 1222 23 23 33",
    12: "12233 11 22223",
    13: "2333 222223 2233 1222233",
    14: "22 12223333 122",
    15: "12233 12233 1222222 3333",
    16: "2 22222 2222 222 2223",
    17: "23 22223333 22",
}
"""Of each chapter its sections, as the levels of their requirements in their order.

Source: OWASP Application Security Verification Standard 5.0.0.
"""
DOCUMENTS: Final = frozenset(
    {"2", "3", "5", "6", "7", "8", "11", "13", "14", "15", "16"}
)
"""Chapters whose first section asks for documents: there a page may answer, where
elsewhere a test has to."""
ROW: Final = re.compile(
    r"^\| (V\d+\.\d+\.\d+) \| ([123]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
    re.MULTILINE,
)
SUM: Final = re.compile(
    r"^\| (level [123]|all) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE
)
TEST: Final = re.compile(r"`(tests/[\w/.]+)::(test_\w+)`")
LINK: Final = re.compile(r"\]\(([\w/.-]+)\)")
STATES: Final = ("holds", "n/a", "open")
WORDS_MIN: Final = 4


@dataclass(frozen=True)
class Row:
    """A row of the page."""

    number: str
    level: str
    asked: str
    state: str
    why: str


ROWS: Final = [Row(*found) for found in ROW.findall(PAGE.read_text("utf-8"))]


def requirements() -> list[tuple[str, str]]:
    """List number and level of each requirement, in the standard's order."""
    return [
        (f"V{chapter}.{section}.{place}", level)
        for chapter, sections in LEVELS.items()
        for section, levels in enumerate(sections.split(), 1)
        for place, level in enumerate(levels, 1)
    ]


def fault(row: Row) -> str | None:
    """Say what is wrong with a row."""
    tests, links = TEST.findall(row.why), LINK.findall(row.why)
    for path, name in tests:
        if not (ROOT / path).is_file():
            return f"there is no {path}"
        if f"def {name}(" not in (ROOT / path).read_text("utf-8"):
            return f"{path} has no {name}"
    for link in links:
        if not (ROOT / "docs" / link).is_file():
            return f"there is no docs/{link}"
    words = len(re.findall(r"\w+", TEST.sub("", row.why)))
    if row.state not in STATES:
        return f"{row.state} is no state"
    if row.state == "holds" and not tests and not (links and _is_document(row.number)):
        return "it names no test"
    if row.state == "open" and (words < WORDS_MIN or not row.why.endswith(".")):
        return "it does not say in a sentence what is missing"
    if row.state == "n/a" and words < WORDS_MIN - 1:
        return "it gives no reason"
    return None


def _is_document(number: str) -> bool:
    chapter, section, _ = number.removeprefix("V").split(".")
    return section == "1" and chapter in DOCUMENTS


def test_the_standard_has_as_many_requirements_as_it_says() -> None:
    counted = Counter(level for _, level in requirements())
    assert counted == {"1": 70, "2": 183, "3": 92}


def test_every_requirement_is_answered_once() -> None:
    assert [(row.number, row.level) for row in ROWS] == requirements()


def test_every_line_of_a_requirement_is_read() -> None:
    text = PAGE.read_text("utf-8")
    assert len(re.findall(r"^\| V\d", text, re.MULTILINE)) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_an_answer_has_its_test_its_reason_or_its_sentence(row: Row) -> None:
    assert fault(row) is None


def test_the_sums_are_those_of_the_rows() -> None:
    wanted = []
    for name, levels in (
        ("level 1", "1"),
        ("level 2", "2"),
        ("level 3", "3"),
        ("all", "123"),
    ):
        states = Counter(row.state for row in ROWS if row.level in levels)
        counts = [states[state] for state in STATES]
        wanted.append((name, *map(str, (*counts, sum(counts)))))
    assert SUM.findall(PAGE.read_text("utf-8")) == wanted


def test_what_is_asked_is_said_in_our_own_words() -> None:
    for row in ROWS:
        assert len(row.asked.split()) <= 12, row.number
        assert not row.asked.startswith("Verify"), row.number


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("holds", "of course"),
        ("holds", "`tests/house/test_asvs.py::test_that_is_not_there`"),
        ("holds", "`tests/house/test_nowhere.py::test_a_thing`"),
        ("holds", "[gateway.md](gateway.md)"),
        ("n/a", "no"),
        ("open", "later"),
        (
            "perhaps",
            "`tests/house/test_asvs.py::test_every_requirement_is_answered_once`",
        ),
    ],
)
def test_the_rule_about_answers_has_teeth(state: str, why: str) -> None:
    assert fault(Row("V6.2.4", "1", "no common passwords", state, why))

"""Each clause has a case for each role, or stands in the list of those without."""

import re
import tomllib

import pytest

from hw.lab.catalogue import CATALOGUE, read_catalogue
from protocol.link import Role
from tests.house.sources import ROOT

LISTED = tomllib.loads((CATALOGUE.parent / "not_tested.toml").read_text("utf-8"))
ENTRIES = [(entry["clause"], Role(entry["role"])) for entry in LISTED["clause"]]
TESTED = {(case.clause, case.role) for case in read_catalogue()}
SPEC = (ROOT / "protocol" / "SPEC.md").read_text("utf-8")
COVERED = (
    ("LINK", Role.MACHINE),
    ("LINK", Role.SERVER),
    ("DLG", Role.MACHINE),
    ("REG", Role.MACHINE),
    ("CHAN", Role.MACHINE),
    ("CHAN", Role.SERVER),
    ("DLG", Role.SERVER),
    ("REG", Role.SERVER),
    ("KEY", Role.SERVER),
    ("KEY", Role.MACHINE),
    ("CONT", Role.MACHINE),
    ("CONT", Role.SERVER),
    ("INDICIUM", Role.MACHINE),
    ("INDICIUM", Role.SERVER),
)
"""Areas and roles of which every numbered clause has a case or an entry."""


def clauses(area: str) -> list[str]:
    return re.findall(rf"\*\*({area}-\d+\.\d+)\*\*", SPEC)


@pytest.mark.parametrize(("area", "role"), COVERED)
def test_each_clause_has_a_case_or_a_reason_why_not(area: str, role: Role) -> None:
    known = TESTED | set(ENTRIES)
    assert [one for one in clauses(area) if (one, role) not in known] == []


def test_no_clause_is_listed_twice_or_has_a_case_all_the_same() -> None:
    assert sorted(set(ENTRIES), key=str) == sorted(ENTRIES, key=str)
    assert set(ENTRIES) & TESTED == set()


def test_each_listed_clause_is_one_of_the_specification_and_has_its_reason() -> None:
    for entry in LISTED["clause"]:
        assert set(entry) == {"clause", "role", "reason"}
        assert re.search(rf"(\*\*|### ){re.escape(entry['clause'])}\b", SPEC)
        assert entry["reason"].endswith(".")

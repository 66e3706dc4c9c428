"""The catalogue of the lab and SPEC.md say the same."""

import re

import pytest

from hw.lab.catalogue import Case, read_catalogue
from hw.lab.declaration import OPTIONS
from hw.lab.needs import needed_by
from protocol.link import Role
from tests.house.sources import ROOT

CASES = read_catalogue()
SPEC = (ROOT / "protocol" / "SPEC.md").read_text("utf-8")


def plain(text: str) -> str:
    """Read words without their marks, and with one space between them."""
    return " ".join(re.sub(r"[`*]", "", text).split())


WORDS = plain(SPEC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_text_of_a_case_is_that_of_the_specification(case: Case) -> None:
    assert plain(case.text) in WORDS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_clause_of_a_case_is_in_the_specification(case: Case) -> None:
    assert re.search(rf"(\*\*|### ){re.escape(case.clause)}\b", SPEC) is not None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_a_case_needs_can_be_declared(case: Case) -> None:
    needs = {need.removeprefix("not ") for need in case.needs}
    assert needs - set(OPTIONS[case.role]) == set()


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.role is Role.MACHINE], ids=lambda case: case.id
)
def test_a_case_says_what_it_needs_of_a_machine(case: Case) -> None:
    for step in case.steps:
        options = needed_by(step)
        assert not options or set(options) & set(case.needs), step.text
    assert set(case.needs) <= set(OPTIONS[Role.MACHINE])

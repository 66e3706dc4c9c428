"""The catalogue of the lab and SPEC.md say the same."""

import re

import pytest

from hw.lab.catalogue import Case, read_catalogue
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

"""Cases are chosen by beginnings of ids and clauses, in whole parts."""

import pytest

from hw.lab.catalogue import CatalogueError, read_catalogue, selected

CASES = read_catalogue()


def clauses(*prefixes: str) -> set[str]:
    """Give the clauses of what is chosen, without the numbers behind the dot."""
    return {case.clause.partition(".")[0] for case in selected(CASES, prefixes)}


def test_nothing_chooses_all() -> None:
    assert selected(CASES, ()) == CASES


@pytest.mark.parametrize("number", ["1", "01"])
def test_a_clause_is_not_the_beginning_of_another_one(number: str) -> None:
    assert clauses(f"DLG-{number}") == {"DLG-1"}
    assert clauses(f"DLG-{number}", "DLG-12") == {"DLG-1", "DLG-12"}


def test_a_part_of_a_clause_ends_at_its_number() -> None:
    assert {case.clause for case in selected(CASES, ["DLG-10.1"])} == {"DLG-10.1"}
    assert "DLG-10.10" in {case.clause for case in CASES}


def test_an_area_or_an_id_chooses_too() -> None:
    ids = {case.id for case in CASES}
    assert {case.id for case in selected(CASES, ["REG"])} == {
        one for one in ids if one.startswith("REG-")
    }
    assert {case.id for case in selected(CASES, ["DLG-10-03"])} == {
        one for one in ids if one.startswith("DLG-10-03-")
    }
    assert [one.id for one in selected(CASES, ["DLG-05-02-M-N"])] == ["DLG-05-02-M-N"]


@pytest.mark.parametrize("prefix", ["D", "DLG-", "DLG-8.", "DLG-10-0", "NONE", ""])
def test_what_ends_in_the_middle_of_a_part_chooses_none(prefix: str) -> None:
    with pytest.raises(CatalogueError, match="no case begins with"):
        selected(CASES, ["REG", prefix])

"""Faulty machines and servers are caught by the cases that are to catch them.

That the product passes every case is the matter of test_lab_reference.py.
"""

import json

import pytest
from click.testing import CliRunner

from hw.lab.catalogue import read_catalogue
from protocol.link import Role
from rmfs_tools.cli import tree
from rmfs_tools.lab.zoo.drawing import with_tables
from rmfs_tools.lab.zoo.playing import (
    cases_that_catch,
    play_unit,
    play_zoo,
    reference_failures,
)
from rmfs_tools.lab.zoo.units import FaultyUnit, ZooError, faulty_units, read_units
from rmfs_tools.planting import ROOT
from tests.house.test_clauses import defined_clauses
from tests.planting import WRONG_EDITS, fits

UNITS = faulty_units()
IDS = [unit.id for unit in UNITS]
CASES = {case.id: case for case in read_catalogue()}
DOCUMENT = ROOT / "docs" / "zoo.md"
MACHINES_LEAST = 40
SERVERS_LEAST = 20

A_UNIT = """
[[unit]]
id = "one"
title = "Something is wrong."
clause = "REG-2"
caught_by = ["REG-02-01-M-P"]

[[unit.edit]]
file = "protocol/registers.py"
find = "no such text"
replace = ""
"""


@pytest.mark.parametrize("unit", UNITS, ids=IDS)
def test_a_defect_fits_the_product_and_leaves_it_python(unit: FaultyUnit) -> None:
    assert fits(unit.id, unit.edits)


@pytest.mark.parametrize("unit", UNITS, ids=IDS)
def test_a_faulty_unit_is_caught_by_its_cases(unit: FaultyUnit) -> None:
    played = play_unit(unit)
    assert played.caught_by
    assert not played.missed, played.caught_by


def test_there_are_as_many_faulty_units_as_are_promised() -> None:
    roles = [unit.role for unit in UNITS]
    assert roles.count(Role.MACHINE) >= MACHINES_LEAST
    assert roles.count(Role.SERVER) >= SERVERS_LEAST


def test_the_first_case_that_catches_a_unit_tests_the_clause_it_breaks() -> None:
    defined = defined_clauses((ROOT / "protocol" / "SPEC.md").read_text())
    assert not [unit.id for unit in UNITS if unit.clause not in defined]
    wrong = {
        unit.id: unit.caught_by[0]
        for unit in UNITS
        if CASES[unit.caught_by[0]].clause != unit.clause
        or CASES[unit.caught_by[0]].role is not unit.role
    }
    assert not wrong


@pytest.mark.long
def test_the_whole_catalogue_catches_every_unit_and_the_product_passes_it() -> None:
    played = list(play_zoo(UNITS, whole=True, processes=2))
    assert not [one.unit.id for one in played if not one.caught]
    assert not {one.unit.id: one.missed for one in played if one.missed}
    assert not reference_failures(CASES.values())


def test_the_document_lists_the_faulty_units_as_their_data_say() -> None:
    """`python -m rmfs_tools.lab.zoo.drawing` draws it anew."""
    document = DOCUMENT.read_text()
    assert with_tables(document, UNITS) == document


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        *WRONG_EDITS,
        ('title = "Something is wrong."', 'title = ""'),
        ('clause = "REG-2"', "clause = 2"),
        ('caught_by = ["REG-02-01-M-P"]', "caught_by = [1]"),
        ("[[unit]]", "[[units]]"),
        ("[[unit]]", "[[unit"),
    ],
)
def test_a_unit_is_read_strictly(right: str, wrong: str) -> None:
    with pytest.raises(ZooError, match=r"one\.toml"):
        read_units(A_UNIT.replace(right, wrong), "one.toml", Role.MACHINE)


def test_a_case_that_is_not_there_catches_nothing() -> None:
    (unit,) = read_units(A_UNIT, "one.toml", Role.MACHINE)
    assert [case.id for case in cases_that_catch(unit, CASES.values())]
    with pytest.raises(ZooError, match="there is no case REG-02-01-M-P"):
        cases_that_catch(unit, ())


def test_the_command_says_which_case_caught_a_unit_and_sums_up() -> None:
    result = CliRunner().invoke(tree(), ["lab", "zoo", "lock-ignored", "--json"])
    assert result.exit_code == 0, result.output
    *lines, last = result.stdout.splitlines()
    (told,) = [json.loads(line) for line in lines]
    assert (told["id"], told["role"], told["missed"]) == ("lock-ignored", "machine", [])
    assert list(told["caught_by"]) == ["DLG-10-06-M-P", "DLG-10-07-M-N"]
    assert last == (
        '{"machines":{"total":1,"by_catalogue":1,"caught":1},'
        '"servers":{"total":0,"by_catalogue":0,"caught":0},"reference_failures":0}'
    )


def test_the_command_wants_units_that_there_are() -> None:
    result = CliRunner().invoke(tree(), ["lab", "zoo", "no-such"])
    assert result.exit_code == 2
    assert "no faulty unit is called no-such" in result.output

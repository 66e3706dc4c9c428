"""The catalogue of properties, the oracle, and its tests name the same ids."""

import ast
import re
import sys
from pathlib import Path

from rmfs_tools.simulation.oracle.findings import RARE
from rmfs_tools.simulation.oracle.properties import Property
from tests.house.sources import ROOT, parsed, uses

SIMULATION = ROOT / "rmfs_tools" / "simulation"
ORACLE = SIMULATION / "oracle"
MODEL = ROOT / "protocol" / "model"
DOCUMENT = ROOT / "docs" / "properties.md"
TESTS = sorted(Path(__file__).parent.glob("test_simulation_oracle_*.py"))

FINDINGS = Path(__file__).parent / "test_simulation_findings.py"
ROW = re.compile(r"^\| ([A-Z]+-[A-Z0-9]+) \|.*`(test_\w+)` \|$", re.MULTILINE)

IDS = {one.value for one in Property}


def ids_of_worlds() -> set[str]:
    """Collect what worlds find by themselves: ``world.find("SOUND-1", …)``."""
    return {
        str(node.args[0].value)
        for path in SIMULATION.glob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "find"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def ids_of_the_model() -> set[str]:
    return {
        name
        for path in MODEL.glob("*.pml")
        for name in re.findall(r"HOLDS\(([A-Z]+-\d+)", path.read_text())
    }


def test_the_document_has_exactly_the_properties_that_can_be_reported() -> None:
    rows = [name for name, _ in ROW.findall(DOCUMENT.read_text())]
    assert len(rows) == len(set(rows))
    assert set(rows) == IDS | ids_of_worlds() | ids_of_the_model()


def test_what_worlds_find_by_themselves_no_oracle_reports() -> None:
    assert ids_of_worlds()
    assert not ids_of_worlds() & IDS
    assert ids_of_the_model() - IDS == {"ONCE-1"}


def test_every_property_is_reported_somewhere_in_the_oracle() -> None:
    named = {
        node.attr
        for path in ORACLE.glob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Property"
    }
    assert named == {one.name for one in Property}


def test_every_property_has_a_stream_that_breaks_it() -> None:
    broken = {
        node.value
        for path in TESTS
        if path != Path(__file__)
        for check in ast.walk(parsed(path))
        if isinstance(check, ast.Assert) and "ids" in ast.dump(check.test)
        for node in ast.walk(check.test)
        if isinstance(node, ast.Constant) and node.value in IDS
    }
    assert IDS - broken == set()


def test_what_worlds_find_by_themselves_is_broken_in_a_test_of_its_own() -> None:
    broken = {
        node.value
        for check in ast.walk(parsed(FINDINGS))
        if isinstance(check, ast.Assert)
        for node in ast.walk(check.test)
        if isinstance(node, ast.Constant)
    }
    assert ids_of_worlds() - broken == set()


def test_every_row_names_the_test_file_that_breaks_it() -> None:
    wrong = []
    for name, test in ROW.findall(DOCUMENT.read_text()):
        path = Path(__file__).parent / f"{test}.py"
        if name in IDS | ids_of_worlds() and (
            not path.is_file() or f'"{name}"' not in path.read_text()
        ):
            wrong.append(name)
    assert wrong == []


def test_the_document_has_exactly_the_rare_states_that_are_counted() -> None:
    section = DOCUMENT.read_text().partition("## Rare states")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", section, re.MULTILINE)
    assert set(rows) - {"state", "---"} == set(RARE)


def test_an_oracle_imports_observations_and_the_standard_library_only() -> None:
    allowed = (
        "rmfs_tools.simulation.observations",
        "rmfs_tools.simulation.oracle",
        "rmfs_tools.simulation.violations",
    )
    found = [
        f"{path.name}: {use.name}"
        for path in ORACLE.glob("*.py")
        for use in uses(parsed(path))
        if use.imported
        and use.name.split(".")[0] not in sys.stdlib_module_names
        and not use.name.startswith(allowed)
    ]
    assert found == []

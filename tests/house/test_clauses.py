"""Clauses that code, tests and docs cite exist in the specification."""

import re
from pathlib import Path

from tests.house.sources import ROOT, shown, text_files

SPECIFICATION = ROOT / "protocol" / "SPEC.md"

# An id of a case (hw.lab.catalogue) is none: DLG-08-03-S-N.
_CLAUSE = re.compile(r"\b([A-Z]{2,8})-([0-9]+(?:\.[0-9]+)*)\b(?!-[0-9]{2}-[MS])")

# A clause is defined where its number opens a paragraph, a heading, a list entry or a
# row of a table.
_DEFINED = re.compile(
    r"^[#>*\-|\s`\[]*([A-Z]{2,8}-[0-9]+(?:\.[0-9]+)*)\b", re.MULTILINE
)


def defined_clauses(text: str) -> set[str]:
    """Find the clauses that a specification defines."""
    return set(_DEFINED.findall(text))


def cited_clauses(text: str, areas: set[str]) -> set[str]:
    """Find the clauses of some areas that a text cites."""
    return {
        f"{area}-{number}" for area, number in _CLAUSE.findall(text) if area in areas
    }


def test_every_clause_that_is_cited_exists() -> None:
    defined = defined_clauses(SPECIFICATION.read_text())
    # An area starts with its clause 1: SHA-256 at the start of a line is none.
    areas = {clause.removesuffix("-1") for clause in defined if clause.endswith("-1")}
    # The specification cites itself, too.
    missing = {
        shown(path): sorted(unknown)
        for path in _citing_files()
        if (unknown := cited_clauses(path.read_text(), areas) - defined)
    }
    assert not missing


def test_a_clause_is_defined_where_it_opens_a_line() -> None:
    text = "## LINK-1 Frames\n\n**LINK-1.1** A frame (see DLG-9).\n- `CHAN-2`: keys\n"
    assert defined_clauses(text) == {"LINK-1", "LINK-1.1", "CHAN-2"}


def test_citations_of_other_areas_are_not_ours() -> None:
    text = "SHA-256, FCS-16, LINK-3 and DLG-12.1."
    assert cited_clauses(text, {"LINK", "DLG"}) == {"LINK-3", "DLG-12.1"}


def _citing_files() -> list[Path]:
    this = Path(__file__)
    return [
        path
        for path in text_files()
        if path.suffix in {".py", ".md", ".json", ".toml"} and path != this
    ]

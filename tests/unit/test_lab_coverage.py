"""Which clauses have cases: each of the specification is told, for each role."""

import json

from click.testing import CliRunner

from hw.lab.catalogue import read_catalogue
from protocol.link import Role
from rmfs_tools.cli import tree
from rmfs_tools.lab.coverage import clauses, coverage


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(tree(), ["certify", "list", "--coverage", *arguments])
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def test_every_case_stands_at_its_clause_and_every_numbered_clause_is_told() -> None:
    rows = coverage(read_catalogue())
    assert {case for row in rows for case in row.cases} == {
        case.id for case in read_catalogue()
    }
    numbered = {clause for clause in clauses() if "." in clause}
    assert len(numbered) > 200
    for role in Role:
        assert numbered <= {row.clause for row in rows if row.role is role}


def test_a_clause_without_a_case_is_told_with_its_reason() -> None:
    words = shown("LINK-1", "--role", "machine")
    assert "LINK-1.1    machine  LINK-01-01-M-P" in words
    assert "LINK-1.6    machine  not tested: Data bits, parity" in words
    assert "LINK-10" not in words
    assert "server" not in words


def test_programs_read_it_too_and_see_what_is_open() -> None:
    rows = json.loads(shown("--json"))["clauses"]
    assert {frozenset(row) for row in rows} == {
        frozenset({"clause", "role", "cases", "reason"})
    }
    assert [row.is_open for row in coverage(())].count(True) > 0


def test_no_row_has_both_a_case_and_a_reason() -> None:
    assert not [row for row in coverage(read_catalogue()) if row.cases and row.reason]

"""The bench of the month's report measures each file, and judges the longest CSV."""

import json
from pathlib import Path

import pytest

from protocol.errors import InvariantError
from rmfs_tools.bench.report import check_sums
from tests.processes import rmfs


def test_a_quick_run_tells_what_a_line_costs() -> None:
    said = rmfs("bench", "report", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])
    assert found["engines"] == ["SQLite"]
    assert [(row["machines"], row["format"]) for row in found["files"]] == [
        (50, name) for name in ("CSV", "XLSX", "PDF")
    ]
    for row in found["files"]:
        assert row["us_a_line"] > 0
        assert 20 < row["peak_mb"] < found["peak_mb_max"]
        assert row["octets"] > 100 * row["machines"]
    assert found["good"] is True
    assert "a Circle with 50 machines on SQLite" in said.err


def test_a_report_that_sums_up_something_else_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    head = "License Identifier,Deposits,Deposited in the period"
    path.write_text(f"\n\n\n\n\n{head}\nTotal,4,9999.00\n", "utf-8")
    with pytest.raises(InvariantError, match=r"8000\.00 was put in"):
        check_sums(path, 1)

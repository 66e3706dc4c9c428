"""The bench of fund files measures, and judges the longest."""

import json

from tests.processes import rmfs


def test_a_quick_run_tells_what_a_line_costs() -> None:
    said = rmfs("bench", "funds", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])
    assert [row["lines"] for row in found["files"]] == [200, 1_000]
    for row in found["files"]:
        assert row["us_a_line"] > 0
        assert 20 < row["peak_mb"] < found["peak_mb_max"]
        assert row["octets"] > 60 * row["lines"]
    assert found["good"] is True
    assert "a fund file of 1,000 lines" in said.err

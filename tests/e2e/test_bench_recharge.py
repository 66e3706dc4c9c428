"""The bench of recharges measures a real server, and the parts beside it."""

import json

from tests.processes import rmfs


def test_a_quick_run_tells_what_a_recharge_costs_beside_its_parts() -> None:
    said = rmfs("bench", "recharge", "--part", "rates", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])
    assert [(row["db"], row["calls"]) for row in found["rows"]] == [
        ("sqlite", 1),
        ("sqlite", 8),
    ]
    for row in found["rows"]:
        assert row["recharges"] == 24
        assert row["failed"] == {}
        assert row["per_s"] > 0
        assert row["per_core_s"] > 0
        assert row["database_us"] == 0
        assert 0 < row["p50_ms"] <= row["p99_ms"]
    assert found["server_cpu_us"] > found["floor_us"] > 0
    assert "sqlite: 8 calls at once" in said.err
    assert "a bare connection" in said.out

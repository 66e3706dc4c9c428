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


def test_the_disk_is_waited_for_at_each_commit() -> None:
    said = rmfs("bench", "recharge", "--part", "commits", "--quick", "--json")
    assert said.code == 0, said
    (row,) = json.loads(said.out.splitlines()[-1])["commits"]
    assert row["recharges"] == 24
    # A recharge asks for its credential, and with its STATEMENT, CONFIRMATION and
    # GOODBYE; what comes while one transaction is committed shares the next.
    assert row["questions"] >= 3 * 24
    assert row["commits"] <= 3 * 24
    if row["syncs"] is None:
        assert "strace does not run here" in row["witness"]
    else:
        assert row["syncs"] >= row["commits"] > 0


def test_idle_lines_are_held_and_machines_are_served_beside_them() -> None:
    said = rmfs("bench", "recharge", "--part", "idle", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])["idle"]
    assert found["served"] == 5
    assert found["lines_wanted"] == 200
    for name in ("server", "bare"):
        assert found[name]["lines"] == 200
        # So few lines may fit into a huge page that was there before.
        assert found[name]["octets"] >= 0
    assert found["server"]["linked_octets"] >= found["server"]["octets"]
    assert found["bare"]["linked_octets"] is None


def test_a_recharge_is_measured_while_the_books_grow() -> None:
    said = rmfs("bench", "recharge", "--part", "growth", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])["growth"]
    assert [row["machines"] for row in found["rows"]] == [100, 1_000]
    for row in found["rows"]:
        assert row["recharges"] == 12
        assert row["failed"] == {}
        assert row["server_us"] > 0
    assert found["ratios"]["sqlite"] > 0


def test_peers_are_measured_with_what_they_do_not_do() -> None:
    said = rmfs("bench", "recharge", "--part", "peers", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])["peers"]
    assert [peer["name"] for peer in found] == ["rmfs", "ocpp", "asyncio+ORM"]
    ours, ocpp, bare = found
    assert ours["exchanges"] == bare["exchanges"] == 12
    assert ours["server_us"] > 0
    assert "no signatures" in bare["lacks"]
    # It does not come with what the check needs.
    assert ocpp["exchanges"] == 12 or "left out: no ocpp here" in ocpp["lacks"]

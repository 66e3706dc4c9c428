"""The bench of overload: a real server, machines that call it, and strangers."""

import json

from tests.processes import rmfs


def test_a_quick_run_overloads_a_server_and_lets_strangers_call() -> None:
    said = rmfs("bench", "overload", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])
    assert set(found["kept"]) == {"overload", "drips", "strangers"}
    for name in ("best", "overload", "recovery", "calm", "dripped", "knocked"):
        part = found[name]
        assert part["recharges"] > 0, name
        ended = part["recharges"] + part["busy"] + sum(part["other"].values())
        assert ended == part["begun"], "every call has an end"
    assert found["recovery"]["recharges"] == found["recovery"]["begun"]
    assert found["drippers"]["calls"] >= 200
    assert found["knockers"]["calls"] > found["knockers"]["greeted"] > 0
    assert "handshakes of strangers" in said.out

"""The bench of signatures measures keys in memory and in a token."""

import json

from tests.processes import rmfs
from tests.witness.programs import needs


def test_a_quick_run_tells_what_a_signature_costs() -> None:
    needs("softhsm2-util")
    said = rmfs("bench", "sign", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])
    assert [(row["where"], row["processes"]) for row in found["rows"]] == [
        (where, processes)
        for where in ("file", "file, verified", "hsm")
        for processes in (1, 2)
    ]
    for row in found["rows"]:
        assert row["a_second"] > 0
        assert 0 < row["median_us"] <= row["p99_us"]
    assert found["passed"]
    assert "hsm, 2 at once" in said.err

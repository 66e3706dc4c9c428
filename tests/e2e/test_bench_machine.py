"""The bench of the machine measures, and every figure keeps its limit."""

import json

from tests.processes import rmfs


def test_a_quick_run_gives_every_figure_within_its_limit() -> None:
    said = rmfs("bench", "machine", "--quick", "--json")
    assert said.code == 0, said
    found = json.loads(said.out.splitlines()[-1])
    assert 0 < found["frank_ms"] <= 20
    assert 0 < found["frank_picture_ms"] <= 150
    assert 0 < found["fleet_1000_mb"] <= 500
    assert found["barcode_read_pct"] >= 99
    assert found["barcodes_read"] == found["barcodes"] == 20
    assert "20 franks without a picture" in said.err

"""The bench of the line measures, and the link reaches its goals on every line."""

import json

from rmfs_tools.bench.line import GOALS_PCT, the_file, the_line
from rmfs_tools.bench.zmodem import Zmodem, send_by_zmodem
from tests.processes import rmfs
from tests.witness.programs import needs


def test_a_quick_run_reaches_the_goal_at_every_error_rate() -> None:
    said = rmfs("bench", "line", "--quick", "--json")
    assert said.code == 0, said
    rows = json.loads(said.out.splitlines()[-1])["rows"]
    assert [row["ber"] for row in rows] == list(GOALS_PCT)
    for row in rows:
        assert row["goal_pct"] <= row["goodput_pct"] <= row["ideal_pct"]
        assert row["identical"]
        assert row["zmodem_pct"] is None
    assert "bit error rate 0.001" in said.err


def test_zmodem_brings_the_same_file_over_the_same_line_without_errors() -> None:
    zmodem = Zmodem(needs("sz"), needs("rz"))
    (took_s,) = send_by_zmodem(zmodem, the_file(), [the_line(0.0, seed=1)])
    assert took_s is not None

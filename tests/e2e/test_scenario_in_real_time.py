"""`rmfs scenario run --real` as a process: to its end, and stopped by Ctrl-C."""

import signal
from pathlib import Path

from rmfs_tools.cli import EXIT_DONE, EXIT_INTERRUPTED
from tests.processes import Program

SLOW = """title = "Slow"
[[steps]]
dial = { for = "recharge", amount = 1000 }
expect = { outcome = "confirmed" }
[[steps]]
at = "10:00"
zero = 1
"""


def test_a_shipped_scenario_goes_in_hurried_real_time_as_it_says() -> None:
    hurry = ("--real", "--hurry", 100_000)
    with Program("scenario", "run", "ordinary-day", *hurry) as program:
        assert program.ended() == EXIT_DONE
    assert program.out.startswith("ordinary-day: as expected; 9 steps, ")
    assert "    steps[9] comes at 2026-11-23 22:00:00, in 0:01:00" in program.err


def test_ctrl_c_ends_it_in_order_and_the_next_is_not_played(tmp_path: Path) -> None:
    file = tmp_path / "slow.toml"
    file.write_text(SLOW)
    with Program("scenario", "run", file, "zero-prints", "--real") as program:
        program.said("steps[2] comes at 2026-11-23 10:00:00, in 1:00:00")
        program.signal(signal.SIGINT)
        assert program.ended() == EXIT_INTERRUPTED
    assert program.out.startswith("slow: stopped, as expected so far; 1 steps, ")
    assert "zero-prints" not in program.out
    assert "rmfs: stopping" in program.err

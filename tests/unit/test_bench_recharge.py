"""The parts of the bench of recharges, and what it judges."""

from rmfs_tools.bench import cli
from rmfs_tools.bench.recharge import PARTS
from rmfs_tools.bench.recharge_commits import Commits, Row
from rmfs_tools.bench.recharge_growth import Grown, Growth
from rmfs_tools.bench.recharge_rates import Row as Rate


def row(commits: int, syncs: int | None) -> Row:
    return Row("sqlite", 8, 24, commits, 96, commits, syncs, "strace")


def grown(machines: int, server_us: float, database_us: float = 0.0) -> Grown:
    rate = Rate("sqlite", 64, 10, 1.0, server_us, database_us, 1.0, 1.0, {})
    return Grown(machines, rate)


def test_every_part_can_be_named() -> None:
    option = next(one for one in cli.recharge.params if one.name == "parts")
    assert list(option.to_info_dict()["type"]["choices"]) == list(PARTS)


def test_a_commit_that_waits_for_no_disk_is_found() -> None:
    assert Commits([row(20, 20), row(20, None)]).good
    assert not Commits([row(20, 20), row(20, 19)]).good


def test_a_recharge_that_grows_with_the_books_is_found() -> None:
    assert Growth([grown(1_000, 1_000.0), grown(10**6, 1_200.0)], judged=True).good
    worse = [grown(1_000, 1_000.0), grown(10**6, 1_100.0, 101.0)]
    assert not Growth(worse, judged=True).good
    assert Growth(worse, judged=False).good


def test_a_recharge_for_a_core_counts_the_database_too() -> None:
    assert grown(1_000, 1_500.0, 500.0).row.per_core_s == 500.0

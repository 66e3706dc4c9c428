"""Memory may grow while a unit warms up, and by a bound afterwards."""

from hw.lab.fuzz.memory import MemoryWatch
from hw.lab.fuzz.oracles import Oracle


def test_growth_counts_from_where_the_unit_was_warm() -> None:
    watch = MemoryWatch(growth_octets_max=100, warm_up_cases=2)
    assert [watch.judge(octets) for octets in (10, 5_000, 5_100, 4_000)] == [None] * 4
    found = watch.judge(5_101)
    assert found is not None
    assert (found.oracle, watch.growth_octets) == (Oracle.MEMORY, 101)
    assert "101 octets" in found.reason

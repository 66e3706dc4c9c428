"""Every clock keeps the promises of its port; memory clocks move when they are told."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from twisted.internet.task import Clock

from hw.clock import (
    DriftingWallClock,
    MemoryMonotonicClock,
    MemoryWallClock,
    MonotonicClock,
    SystemMonotonicClock,
    SystemWallClock,
    WallClock,
    epoch_seconds,
    utc_instant,
)
from hw.reactor import MonotonicReactor, ReactorClock
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

NOON = datetime(2010, 7, 1, 12, 0, 0, 250_000, tzinfo=UTC)

MONOTONIC_CLOCKS: list[MonotonicClock] = [
    SystemMonotonicClock(),
    MemoryMonotonicClock(5.0),
    ReactorClock(Clock()),
]
WALL_CLOCKS: list[WallClock] = [
    SystemWallClock(),
    MemoryWallClock(NOON),
    DriftingWallClock(MemoryWallClock(NOON), -20, NOON - timedelta(days=1)),
    DriftingWallClock(SystemWallClock(), 20, NOON),
]


@pytest.mark.parametrize("clock", MONOTONIC_CLOCKS)
def test_a_monotonic_clock_never_goes_back(clock: MonotonicClock) -> None:
    readings = [clock.now() for _ in range(100)]
    assert readings == sorted(readings)


@pytest.mark.parametrize("clock", WALL_CLOCKS)
def test_a_wall_clock_tells_aware_utc(clock: WallClock) -> None:
    assert clock.utc().utcoffset() == timedelta(0)


@pytest.mark.parametrize("clock", WALL_CLOCKS)
def test_a_wall_clock_tells_the_same_time_in_both_forms(clock: WallClock) -> None:
    before = epoch_seconds(clock.utc())
    between = clock.now()
    after = epoch_seconds(clock.utc())
    assert before <= between <= after


def test_a_memory_monotonic_clock_moves_only_when_told() -> None:
    clock = MemoryMonotonicClock()
    clock.advance(1.5)
    assert clock.now() == 1.5
    clock.set(9.0)
    assert clock.now() == 9.0


def test_a_memory_monotonic_clock_refuses_to_go_back() -> None:
    clock = MemoryMonotonicClock(9.0)
    with pytest.raises(LocalProtocolError, match=r"cannot go back from 9\.0 to 8\.0"):
        clock.set(8.0)
    with pytest.raises(LocalProtocolError):
        clock.advance(-1.0)


def test_a_memory_wall_clock_can_be_set_back_as_a_person_may() -> None:
    clock = MemoryWallClock(NOON)
    clock.advance(-3600.0)
    assert clock.utc() == NOON - timedelta(hours=1)
    clock.set(NOON)
    assert clock.utc() == NOON


def test_a_battery_clock_gains_or_loses_so_many_millionths() -> None:
    base = MemoryWallClock(NOON)
    fast = DriftingWallClock(base, 20, NOON)
    slow = DriftingWallClock(base, -20.5, NOON)
    assert fast.utc() == slow.utc() == NOON
    base.advance(1_000_000)
    assert fast.utc() - base.utc() == timedelta(seconds=20)
    assert base.utc() - slow.utc() == timedelta(seconds=20.5)


def test_a_battery_clock_that_is_set_is_right_until_it_has_drifted_again() -> None:
    base = MemoryWallClock(NOON)
    clock = DriftingWallClock(base, 100, NOON)
    base.advance(86_400)
    clock.set(base.utc())
    assert clock.utc() == base.utc()
    base.advance(10_000)
    assert clock.utc() - base.utc() == timedelta(seconds=1)


def test_a_battery_clock_without_battery_stands_until_it_is_set() -> None:
    base = MemoryWallClock(NOON)
    clock = DriftingWallClock(base, 0, NOON)
    assert clock.is_running
    base.advance(60)
    clock.stop()
    base.advance(3600)
    clock.stop()
    assert not clock.is_running
    assert clock.utc() == NOON + timedelta(seconds=60)
    clock.set(base.utc())
    base.advance(5)
    assert clock.is_running
    assert clock.utc() == base.utc()


@pytest.mark.parametrize("ppm", [-1_000_000, -1e7, float("nan")])
def test_a_battery_clock_cannot_run_backwards(ppm: float) -> None:
    with pytest.raises(LocalProtocolError, match="runs backwards"):
        DriftingWallClock(MemoryWallClock(NOON), ppm, NOON)


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="no time zone"):
        MemoryWallClock(NOON.replace(tzinfo=None))
    with pytest.raises(LocalProtocolError, match="no time zone"):
        DriftingWallClock(MemoryWallClock(NOON), 0, NOON.replace(tzinfo=None))


def test_epoch_seconds_round_down_and_know_time_zones() -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    assert epoch_seconds(NOON) == 1_277_985_600
    assert epoch_seconds(NOON.astimezone(kolkata)) == 1_277_985_600
    assert utc_instant(EpochSeconds(1_277_985_600)) == NOON.replace(microsecond=0)


def test_the_timers_of_a_reactor_follow_the_monotonic_clock() -> None:
    before = SystemMonotonicClock().now()
    between = MonotonicReactor.seconds()
    after = SystemMonotonicClock().now()
    assert before <= between <= after

"""Percentiles from classes: close to the exact ones, and added up without loss."""

import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmfs_tools.load.spread import Spread

US = 1_000_000
SHARES = (0.0, 0.5, 0.9, 0.99, 0.999, 1.0)
TIMES = st.lists(st.integers(0, 3_600 * US), min_size=1, max_size=200)


def spread_of(times_us: list[int]) -> Spread:
    spread = Spread()
    for us in times_us:
        spread.add(us / US)
    return spread


@given(TIMES, st.sampled_from(SHARES))
def test_a_share_is_the_exact_one_to_a_128th(times_us: list[int], share: float) -> None:
    rank = max(1, ceil(share * len(times_us)))
    exact_us = sorted(times_us)[rank - 1]
    found_us = spread_of(times_us).at(share) * US
    assert exact_us - 0.5 <= found_us <= exact_us * (1 + 1 / 128) + 0.5


@given(TIMES, TIMES)
def test_two_together_are_as_if_one_had_counted_all(
    some: list[int], others: list[int]
) -> None:
    together = spread_of(some)
    together.merge(spread_of(others))
    assert together == spread_of(some + others)


@given(TIMES)
def test_another_process_reads_what_was_counted(times_us: list[int]) -> None:
    spread = spread_of(times_us)
    assert Spread.of_json(json.loads(json.dumps(spread.as_json()))) == spread


def test_the_longest_is_known_exactly_and_nothing_is_below_nothing() -> None:
    spread = spread_of([1, 1_234_567])
    assert spread.at(1.0) == 1.234567
    spread.add(-1.0)
    assert spread.at(0.0) == 0.0
    assert spread.total == 3


@pytest.mark.parametrize("share", SHARES)
def test_of_none_no_time_is_told(share: float) -> None:
    assert Spread().at(share) == 0.0

"""When dial-ins come due: at the rate that was asked for, and by seed."""

from itertools import islice, pairwise

import pytest

from protocol.errors import LocalProtocolError
from rmfs_tools.load.arrivals import Arrivals, drawn_moments, even_moments

RATE = 200.0
MANY = 20_000


def test_drawn_moments_come_at_the_rate_on_average() -> None:
    *_, last_s = islice(drawn_moments(RATE, "1"), MANY)
    # The sum of so many gaps is known to a standard deviation of 1 / sqrt(20,000).
    assert last_s == pytest.approx(MANY / RATE, rel=5 / MANY**0.5)


def test_gaps_between_drawn_moments_are_exponential() -> None:
    moments = list(islice(drawn_moments(1.0, "1"), MANY))
    gaps = [after - before for before, after in pairwise(moments)]
    # exp(-1) of them are longer than one gap on average, exp(-3) than three.
    assert sum(gap > 1 for gap in gaps) / len(gaps) == pytest.approx(0.3679, abs=0.02)
    assert sum(gap > 3 for gap in gaps) / len(gaps) == pytest.approx(0.0498, abs=0.01)
    assert min(gaps) > 0


def test_a_seed_chooses_the_moments() -> None:
    first, again, other = (
        list(islice(drawn_moments(RATE, seed), 5)) for seed in ("1 0", "1 0", "1 1")
    )
    assert first == again != other


def test_even_moments_have_the_same_gap() -> None:
    assert list(islice(even_moments(4.0), 4)) == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_nothing_comes_at_no_rate(rate: float) -> None:
    with pytest.raises(LocalProtocolError, match="nothing comes"):
        next(even_moments(rate))
    with pytest.raises(LocalProtocolError, match="nothing comes"):
        next(drawn_moments(rate, "1"))


def test_arrivals_are_given_once_and_none_behind_the_end() -> None:
    arrivals = Arrivals(even_moments(2.0), seconds=2.0)
    assert arrivals.take(0.4) == []
    assert arrivals.next_s == 0.5
    assert arrivals.take(1.2) == [0.5, 1.0]
    assert arrivals.take(1.2) == []
    assert arrivals.take(60.0) == [1.5]
    assert arrivals.next_s is None
    assert arrivals.take(120.0) == []

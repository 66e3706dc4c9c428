"""Addresses with many lines behind them, as operators name them."""

import pytest

from rmfs_server.pools import PoolError, lines_behind, parse_pool


@pytest.mark.parametrize(
    "text", ["10.0.0.7=48", "10.0.8.0/24=16", "2001:db8::7=4096", "2001:db8::/64=1"]
)
def test_a_pool_is_shown_as_it_is_typed(text: str) -> None:
    assert str(parse_pool(text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.7", "is not ADDRESS=LINES"),
        ("10.0.0.7=many", "is not ADDRESS=LINES"),
        ("10.0.0.7=0", "0 is not in the range 1<=x<=4096"),
        ("10.0.0.7=4097", "4097 is not in the range 1<=x<=4096"),
        ("10.0.0.7/24=5", "10.0.0.7/24 has host bits set"),
        ("pool.example=5", "does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_what_names_no_pool_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(PoolError, match=reason):
        parse_pool(text)


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("tcp:10.0.8.9", 16),
        ("tcp:10.0.8.7", 48),
        ("rfc2217:10.0.8.9", 16),
        ("tcp:10.0.9.9", 0),
        ("tcp:[2001:db8::7]", 5),
        ("tcp:2001:db8::7", 5),
        ("tcp:[::ffff:10.0.8.9]", 16),
        ("tcp", 0),
        ("modem 10.0.8.9", 0),
        ("virtual exchange", 0),
    ],
)
def test_the_first_pool_that_fits_an_address_counts(line: str, lines: int) -> None:
    named = ("10.0.8.7=48", "10.0.8.0/24=16", "2001:db8::/64=5")
    pools = [parse_pool(text) for text in named]
    assert lines_behind(pools, line) == lines
    assert lines_behind([], line) == 0

"""Every source of entropy draws what it is asked for; a seed gives one stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.entropy import SeededEntropy, SystemEntropy
from protocol.errors import LocalProtocolError
from protocol.ports import Entropy

SOURCES: list[Entropy] = [SystemEntropy(), SeededEntropy(b"contract")]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000])
def test_a_source_draws_as_many_octets_as_asked(source: Entropy, count: int) -> None:
    assert len(source.octets(count)) == count


@pytest.mark.parametrize("source", SOURCES)
def test_two_draws_differ(source: Entropy) -> None:
    assert source.octets(32) != source.octets(32)


@pytest.mark.parametrize("source", SOURCES)
def test_a_negative_draw_is_a_bug(source: Entropy) -> None:
    with pytest.raises(LocalProtocolError):
        source.octets(-1)


def test_a_seed_always_gives_these_octets() -> None:
    # SHA-256 of the label, a zero octet, "seed" and eight zero octets, by sha256sum.
    expected = "88f0e113656588744ea3f41395d59bd4"
    assert SeededEntropy(b"seed").octets(16).hex() == expected


def test_different_seeds_give_different_octets() -> None:
    assert SeededEntropy(b"1").octets(32) != SeededEntropy(b"2").octets(32)


@given(st.lists(st.integers(0, 100), max_size=20))
def test_how_a_seeded_stream_is_cut_into_draws_changes_nothing(
    counts: list[int],
) -> None:
    piecewise = SeededEntropy(b"cut")
    drawn = b"".join(piecewise.octets(count) for count in counts)
    assert drawn == SeededEntropy(b"cut").octets(sum(counts))

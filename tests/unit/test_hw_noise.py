"""Bit errors follow from seed and place in the stream, at the rate asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.entropy import SeededEntropy
from hw.lines.noise import BitErrors
from protocol.errors import LocalProtocolError


def _noise(rate: float, seed: bytes = b"noise") -> BitErrors:
    return BitErrors(rate, SeededEntropy(seed))


def test_a_rate_of_zero_strikes_nothing() -> None:
    noise = _noise(0.0)
    assert noise.spoil(bytes(100_000)) == bytes(100_000)
    assert noise.bit_errors == 0


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 0.01, 0.5])
def test_bits_are_struck_at_the_rate_asked_for(rate: float) -> None:
    noise = _noise(rate)
    octets = 200_000
    spoilt = noise.spoil(bytes(octets))
    struck = sum(octet.bit_count() for octet in spoilt)
    expected = 8 * octets * rate
    # Six standard deviations of a binomial distribution: the seed is fixed anyway.
    assert abs(struck - expected) < 6 * (expected * (1 - rate)) ** 0.5
    assert noise.bit_errors == struck


def test_every_bit_of_an_octet_is_struck_about_as_often() -> None:
    spoilt = _noise(0.1).spoil(bytes(100_000))
    counts = [sum(octet >> bit & 1 for octet in spoilt) for bit in range(8)]
    assert all(9_000 < count < 11_000 for count in counts)


def test_different_seeds_strike_different_bits() -> None:
    assert _noise(0.01, b"1").spoil(bytes(1000)) != _noise(0.01, b"2").spoil(
        bytes(1000)
    )


@given(st.lists(st.integers(0, 200), max_size=30))
def test_how_the_stream_is_cut_into_calls_changes_nothing(lengths: list[int]) -> None:
    piecewise = _noise(0.01)
    got = b"".join(piecewise.spoil(bytes(length)) for length in lengths)
    whole = _noise(0.01)
    assert got == whole.spoil(bytes(sum(lengths)))
    assert piecewise.bit_errors == whole.bit_errors


@pytest.mark.parametrize("rate", [-0.1, 0.51, float("nan")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(LocalProtocolError, match="is impossible"):
        _noise(rate)

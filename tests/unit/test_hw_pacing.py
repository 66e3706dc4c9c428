"""The schedule of a paced wire is exact, however long it is busy or cut up."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.entropy import SeededEntropy
from hw.lines.pacing import JITTER_OCTETS, Jitter, PacedWire


def test_an_octet_takes_ten_bit_times() -> None:
    wire = PacedWire(bit_s=9600, delay_s=0.0, delivery_octets=1)
    wire.submit(b"a", from_s=100.0)
    assert wire.next_due_s() == 100.0 + 10 / 9600


def test_octets_follow_each_other_without_a_gap() -> None:
    wire = PacedWire(bit_s=1000, delay_s=0.5, delivery_octets=1)
    wire.submit(b"abc", from_s=0.0)
    arrivals = []
    while wire.waiting_octets:
        arrivals.append((wire.next_due_s(), wire.take(wire.next_due_s())))
    assert arrivals == [(0.51, b"a"), (0.52, b"b"), (0.53, b"c")]


def test_octets_submitted_while_the_wire_is_busy_wait_for_their_turn() -> None:
    wire = PacedWire(bit_s=10, delay_s=0.0, delivery_octets=1)
    wire.submit(b"ab", from_s=0.0)
    wire.submit(b"c", from_s=1.5)
    assert wire.free_at_s == 3.0
    assert wire.take(2.999) == b"ab"
    assert wire.take(3.0) == b"c"


def test_an_idle_wire_starts_at_the_time_of_submission() -> None:
    wire = PacedWire(bit_s=10, delay_s=5.0, delivery_octets=1)
    wire.submit(b"a", from_s=0.0)
    wire.submit(b"b", from_s=2.0)
    assert wire.take(5.999) == b""
    assert wire.take(6.0) == b"a"
    assert wire.next_due_s() == 8.0


def test_a_batch_is_due_when_its_last_octet_has_arrived() -> None:
    wire = PacedWire(bit_s=10, delay_s=0.0, delivery_octets=16)
    wire.submit(bytes(20), from_s=0.0)
    assert wire.next_due_s() == 16.0
    assert wire.next_due_s(octets_max=3) == 3.0
    assert len(wire.take(16.0)) == 16
    assert wire.next_due_s() == 20.0


def test_a_wire_with_nothing_to_carry_is_never_due() -> None:
    wire = PacedWire(bit_s=10, delay_s=0.0, delivery_octets=1)
    wire.submit(b"", from_s=0.0)
    assert wire.next_due_s() == math.inf
    assert wire.take(1e9) == b""
    wire.submit(b"a", from_s=0.0)
    assert wire.next_due_s(octets_max=0) == math.inf


def test_no_rounding_adds_up_over_a_day_of_octets() -> None:
    wire = PacedWire(bit_s=9600, delay_s=0.0, delivery_octets=65_536)
    octets_a_day = 960 * 86_400
    left = octets_a_day
    wire.submit(bytes(65_536), from_s=0.0)
    left -= 65_536
    while left:
        due_s = wire.next_due_s()
        more = min(left, 65_536)
        left -= more
        wire.submit(bytes(more), from_s=due_s - 0.001)
        wire.take(due_s)
    assert wire.free_at_s == 86_400.0


@given(
    bit_s=st.integers(1, 1_000_000),
    start_ms=st.integers(0, 10**12),
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=20),
    delivery_octets=st.integers(1, 64),
)
def test_every_octet_arrives_once_in_order_at_its_exact_time(
    bit_s: int, start_ms: int, lengths: list[int], delivery_octets: int
) -> None:
    start_s = start_ms / 1000
    wire = PacedWire(bit_s, 0.0, delivery_octets)
    sent = b""
    for length in lengths:
        octets = bytes((len(sent) + i) % 256 for i in range(length))
        wire.submit(octets, start_s)
        sent += octets
    got = b""
    while wire.waiting_octets:
        due_s = wire.next_due_s()
        octets = wire.take(due_s)
        assert octets
        got += octets
        exact = Fraction(start_s) + Fraction(10 * len(got), bit_s)
        assert due_s == pytest.approx(float(exact), rel=4e-16, abs=0)
    assert got == sent


def test_parity_and_stop_bits_take_their_time() -> None:
    wire = PacedWire(bit_s=1200, delay_s=0.0, delivery_octets=1, bits_per_octet=12)
    wire.submit(bytes(100), from_s=0.0)
    assert wire.free_at_s == 1.0


def test_octets_that_may_not_leave_yet_begin_a_run_of_their_own() -> None:
    wire = PacedWire(bit_s=10, delay_s=0.5, delivery_octets=16)
    wire.submit(b"a", from_s=0.0)
    wire.submit(b"b", from_s=4.0)
    assert wire.next_due_s() == 1.5
    assert wire.take(1.5) == b"a"
    assert wire.next_due_s() == 5.5
    assert wire.quiet_at_s == 5.5


def _jittered(jitter_s: float, delivery_octets: int = 1) -> PacedWire:
    jitter = Jitter(jitter_s, SeededEntropy(b"jitter"))
    return PacedWire(1000, 0.1, delivery_octets, jitter=jitter)


def _arrivals(wire: PacedWire) -> list[tuple[float, bytes]]:
    arrivals = []
    while wire.waiting_octets:
        due_s = wire.next_due_s()
        arrivals += [(due_s, bytes([octet])) for octet in wire.take(due_s)]
    return arrivals


def test_jitter_makes_octets_late_and_leaves_their_order() -> None:
    wire = _jittered(0.2)
    octets = bytes(range(200))
    wire.submit(octets, from_s=0.0)
    last_s = wire.quiet_at_s
    arrivals = _arrivals(wire)
    assert b"".join(octet for _, octet in arrivals) == octets
    times = [due_s for due_s, _ in arrivals]
    assert times == sorted(times)
    assert times[-1] == last_s
    late = [time - (0.01 * n + 0.11) for n, time in enumerate(times)]
    assert -1e-9 < min(late) < 0.05
    assert 0.15 < max(late) < 0.2


def test_jitter_depends_on_the_place_in_the_stream_only() -> None:
    whole, piecewise = _jittered(0.2), _jittered(0.2)
    whole.submit(bytes(100), from_s=0.0)
    for _ in range(20):
        piecewise.submit(bytes(5), from_s=0.0)
    assert _arrivals(whole) == _arrivals(piecewise)


def test_octets_that_are_late_hold_up_those_behind_them() -> None:
    wire = _jittered(1000.0)
    wire.submit(bytes(JITTER_OCTETS), from_s=0.0)
    first_s = wire.quiet_at_s
    for n in range(1, 20):
        wire.submit(bytes(JITTER_OCTETS), from_s=float(n))
    assert wire.quiet_at_s >= first_s
    times = [due_s for due_s, _ in _arrivals(wire)]
    assert times == sorted(times)


def test_a_wire_with_jitter_and_nothing_to_carry_is_never_due() -> None:
    wire = _jittered(1.0)
    assert wire.quiet_at_s == -math.inf
    assert wire.next_due_s() == math.inf

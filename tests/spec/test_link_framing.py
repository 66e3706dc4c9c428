"""SPEC.md LINK-1 to LINK-3: flags, stuffing, ACCM, FCS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.link.framing import (
    Deframer,
    FramingCounters,
    Stuffing,
    fcs,
    flagged,
    unstuff,
)

FRAMES = st.lists(st.binary(min_size=2, max_size=80), max_size=6)
AWKWARD = st.lists(
    st.sampled_from([0x00, 0x03, 0x11, 0x13, 0x5D, 0x5E, 0x7D, 0x7E, 0xFF]),
    min_size=2,
    max_size=40,
).map(bytes)


def fcs_bit_by_bit(octets: bytes) -> bytes:
    """FCS-16 as RFC 1662 appendix C defines it, sharing no code with the product."""
    register = 0xFFFF
    for octet in octets:
        for bit in range(8):
            low = (register ^ octet >> bit) & 1
            register = register >> 1 ^ (0x8408 if low else 0)
    register ^= 0xFFFF
    return bytes([register & 0xFF, register >> 8])


def deframe(octets: bytes, octets_max: int = 300, drop: bytes = b"") -> list[bytes]:
    deframer = Deframer(octets_max, FramingCounters())
    deframer.drop = drop
    return list(deframer.frames(octets))


def on_line(*frames: bytes, accm: int = 0) -> bytes:
    return flagged([Stuffing(accm).encode(frame) for frame in frames])


def test_the_fcs_of_the_check_string_is_906e() -> None:
    assert fcs(b"123456789") == bytes.fromhex("6e90")


def test_sabm_on_the_line_has_six_octets() -> None:
    assert on_line(bytes.fromhex("013f")).hex() == "7e013febdf7e"


@given(st.binary(max_size=300))
def test_the_fcs_is_that_of_rfc_1662(octets: bytes) -> None:
    assert fcs(octets) == fcs_bit_by_bit(octets)


@given(FRAMES | st.lists(AWKWARD, max_size=6), st.data())
def test_frames_are_found_in_any_split_of_the_line(
    frames: list[bytes], data: st.DataObject
) -> None:
    octets = on_line(*frames)
    cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=8).map(sorted))
    deframer = Deframer(300, FramingCounters())
    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        found += deframer.frames(octets[start:end])
    assert found == frames


@given(AWKWARD | st.binary(min_size=2, max_size=60), st.integers(0, 0xFFFF_FFFF))
def test_whatever_is_escaped_a_receiver_understands_it_without_knowing_the_accm(
    frame: bytes, accm: int
) -> None:
    octets = on_line(frame, accm=accm)
    assert not any(accm >> octet & 1 for octet in octets if octet < 32)
    assert deframe(octets) == [frame]


def test_frames_that_follow_each_other_share_a_flag() -> None:
    assert on_line(b"\x01\x3f", b"\x01\x43").count(0x7E) == 3


def test_escape_is_undone_before_nothing_else_is_looked_at() -> None:
    assert unstuff(bytes.fromhex("7d5d5e")) == bytes.fromhex("7d5e")


def test_a_frame_that_ends_with_an_escape_is_aborted() -> None:
    counters = FramingCounters()
    deframer = Deframer(300, counters)
    octets = on_line(b"\x01\x3f")[:-1] + b"\x7d\x7e" + on_line(b"\x01\x43")
    assert list(deframer.frames(octets)) == [b"\x01\x43"]
    assert counters.aborted == 1


@given(st.binary(max_size=100))
def test_after_any_noise_that_ends_with_a_flag_the_first_good_frame_is_found(
    noise: bytes,
) -> None:
    found = deframe(noise + on_line(b"good frame"))
    assert found[-1] == b"good frame"


@given(st.binary(min_size=2, max_size=80), st.data())
def test_an_early_flag_costs_the_frame_that_it_cuts_and_no_more(
    cut: bytes, data: st.DataObject
) -> None:
    line = on_line(cut)
    at = data.draw(st.integers(2, len(line) - 2))
    found = deframe(line[:at] + b"\x7e" + line[at:] + on_line(b"next", b"after it"))
    assert found[-2:] == [b"next", b"after it"]
    assert cut not in found


@given(st.binary(min_size=2, max_size=80), st.data())
def test_an_altered_octet_costs_its_frame_and_no_more(
    altered: bytes, data: st.DataObject
) -> None:
    line = bytearray(flagged(map(Stuffing().encode, [altered, b"next", b"after it"])))
    line[data.draw(st.integers(1, line.index(0x7E, 1) - 1))] ^= data.draw(
        st.integers(1, 255)
    )
    found = deframe(bytes(line))
    assert found[-2:] == [b"next", b"after it"]
    assert altered not in found


def test_a_flag_that_was_lost_costs_the_two_frames_beside_it_and_no_more() -> None:
    line = on_line(b"first", b"second", b"third")
    at = line.index(0x7E, 1)
    assert deframe(line[:at] + line[at + 1 :]) == [b"third"]


def test_octets_without_flags_are_not_hoarded() -> None:
    counters = FramingCounters()
    deframer = Deframer(300, counters)
    for _ in range(1000):
        assert list(deframer.frames(b"x" * 1000)) == []
        assert len(deframer._partial) <= 2 * 302
    assert list(deframer.frames(on_line(b"good"))) == [b"good"]
    assert counters.oversize == 1


def test_a_frame_longer_than_allowed_is_dropped_though_it_verifies() -> None:
    assert deframe(on_line(bytes(301))) == []
    assert deframe(on_line(bytes(300))) == [bytes(300)]


def test_xon_that_the_line_put_in_is_taken_out_where_the_accm_says_so() -> None:
    accm = 1 << 0x11 | 1 << 0x13
    octets = on_line(b"\x01\x11\x13\x7e", accm=accm)
    disturbed = octets[:3] + b"\x13" + octets[3:5] + b"\x11" + octets[5:]
    assert deframe(disturbed) == []
    assert deframe(disturbed, drop=b"\x11\x13") == [b"\x01\x11\x13\x7e"]


def test_a_peer_that_does_not_know_the_accm_yet_is_understood() -> None:
    assert deframe(on_line(b"\x11\x13"), drop=b"\x11\x13") == [b"\x11\x13"]


@pytest.mark.parametrize("octets", [b"", b"\x7e", b"\x7e\x7e\x7e", b"\x7e\x7d\x7e"])
def test_nothing_between_flags_is_nothing(octets: bytes) -> None:
    assert deframe(octets) == []

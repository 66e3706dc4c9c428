"""A tap cuts two streams of octets into frames, and keeps what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.seen.deframing import PIECE_OCTETS_MAX, Piece, WholeDeframer
from hw.seen.tap import Tap
from protocol.link import LinkParameters
from protocol.link.framing import Stuffing, flagged
from protocol.link.xid import encode_offer
from tests.seen import DOWN, UP, SeenSink

SABM = b"\x01\x3f"
UA = b"\x01\x73"
ENCODED = Stuffing().encode(SABM)


def pieces(*deliveries: bytes) -> list[Piece]:
    deframer = WholeDeframer()
    found = [piece for octets in deliveries for piece in deframer.pieces(octets)]
    return [*found, *deframer.rest()]


def test_good_frames_come_out_without_flags_stuffing_and_fcs() -> None:
    line = flagged([ENCODED, Stuffing().encode(b"\x01\x00\x03\x7e\x7d")])
    assert pieces(line) == [Piece(SABM), Piece(b"\x01\x00\x03\x7e\x7d")]


@pytest.mark.parametrize(
    ("line", "octets", "why"),
    [
        (b"\x7e\x01\x3f\x00\x00\x7e", b"\x01\x3f\x00\x00", NoFrame.BAD_FCS),
        (b"\x7e\x01\x3f\x7e", b"\x01\x3f", NoFrame.SHORT),
        (b"\x7e\x01\x3f\x55\x7d\x7e", b"\x01\x3f\x55\x7d", NoFrame.ABORTED),
        (b"\x7e\x01\x3f", b"\x01\x3f", NoFrame.UNFINISHED),
        (b"CONNECT 9600\r", b"CONNECT 9600\r", NoFrame.BESIDE),
        (b"CONNECT\x7e", b"CONNECT", NoFrame.BESIDE),
    ],
)
def test_octets_that_are_no_frame_come_out_with_the_reason(
    line: bytes, octets: bytes, why: NoFrame
) -> None:
    assert pieces(line) == [Piece(octets, why)]


def test_a_modems_lines_come_out_one_by_one_and_connect_is_an_event() -> None:
    sink = SeenSink()
    tap = Tap(sink)
    tap.octets(UP, b"ATDT0801234\r")
    tap.octets(DOWN, b"ATDT0801234\r\r\nCONN")
    tap.octets(DOWN, b"ECT 33600/V42\r\n\x7e" + ENCODED + b"\x7e")
    assert sink.others == [
        (UP, NoFrame.BESIDE, b"ATDT0801234\r"),
        (DOWN, NoFrame.BESIDE, b"ATDT0801234\r"),
        (DOWN, NoFrame.BESIDE, b"\r"),
        (DOWN, NoFrame.BESIDE, b"\nCONNECT 33600/V42\r"),
        (DOWN, NoFrame.BESIDE, b"\n"),
    ]
    assert sink.events == [LineEvent.CONNECT]
    assert sink.words == ["CONNECT 33600/V42"]
    assert sink.frames == [(DOWN, SABM)]


def test_what_never_ends_comes_out_in_pieces_and_memory_stays_bounded() -> None:
    line = b"\x7e" + b"\x55" * (2 * PIECE_OCTETS_MAX + 3) + flagged([ENCODED])
    found = pieces(*(line[at : at + 1000] for at in range(0, len(line), 1000)))
    assert [piece.why for piece in found] == [NoFrame.LONG] * 3 + [None]
    assert sum(len(piece.octets) for piece in found[:3]) == 2 * PIECE_OCTETS_MAX + 3
    assert found[3] == Piece(SABM)


@given(
    st.lists(st.binary(max_size=40) | st.just(b"\x7e" + ENCODED + b"\x7e")),
    st.integers(1, 20),
)
def test_any_split_gives_the_same_and_no_octet_is_left_out(
    parts: list[bytes], step: int
) -> None:
    line = b"".join(parts)
    whole = pieces(line)
    assert pieces(*(line[at : at + step] for at in range(0, len(line), step))) == whole
    kept = [piece.octets for piece in whole if piece.why]
    without_frames = line.replace(ENCODED, b"")
    assert sum(map(len, kept)) == len(without_frames.replace(b"\x7e", b""))


def test_the_two_directions_do_not_mix() -> None:
    sink = SeenSink()
    tap = Tap(sink)
    up, down = flagged([ENCODED]), flagged([Stuffing().encode(UA)])
    for one, other in zip(up, down, strict=True):
        tap.octets(UP, bytes([one]))
        tap.octets(DOWN, bytes([other]))
    assert sink.frames == [(UP, SABM), (DOWN, UA)]


def test_octets_that_a_line_puts_in_are_taken_out_once_an_accm_is_agreed() -> None:
    sink = SeenSink()
    tap = Tap(sink)
    accm = 1 << 0x11 | 1 << 0x13
    xid = b"\x01\xbf" + encode_offer(LinkParameters(accm=accm))
    tap.octets(DOWN, flagged([Stuffing(accm).encode(xid)]))
    frame = Stuffing(accm).encode(SABM)
    tap.octets(UP, flagged([frame[:2] + b"\x13" + frame[2:]]))
    assert sink.frames[-1] == (UP, SABM)
    tap.ended()
    tap.octets(UP, flagged([frame[:2] + b"\x13" + frame[2:]]))
    assert [why for _, why, _ in sink.others] == [NoFrame.BAD_FCS]


def test_what_is_left_of_a_frame_is_told_when_the_line_ends() -> None:
    sink = SeenSink()
    tap = Tap(sink)
    tap.octets(DOWN, b"\x7e\x01\x73")
    tap.event(LineEvent.LOST, "carrier lost")
    assert sink.others == []
    tap.ended(CaptureDirection.FROM_MACHINE)
    assert sink.others == []
    tap.ended()
    assert sink.others == [(DOWN, NoFrame.UNFINISHED, b"\x01\x73")]

"""Two files of octets give the records that a tap of the line would have given."""

import io
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from hw.capture import CaptureDirection, NoFrame
from hw.clock import MemoryWallClock
from hw.lines.exchange import CallPlan, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.seen.decoding import LineDecoder
from hw.seen.deframing import Piece
from hw.seen.files import merged, tap_files
from hw.seen.reading import SeenRecord
from hw.seen.telling import BothSinks, TellingSink
from protocol.link.framing import Stuffing, flagged
from tests.seen import DOWN, UP, RawTap, SeenSink, run_dial
from tests.system import BEGAN, LINE, RUPEES_2000, RUPEES_3000, new_system

NOISY = every_call(VirtualLineParameters(delay_s=0.05, bit_error_rate=1e-3, seed=3))


def only(
    frames: list[tuple[CaptureDirection, bytes]], way: CaptureDirection
) -> list[bytes]:
    return [octets for one, octets in frames if one is way]


@pytest.mark.parametrize("plan", [every_call(LINE), NOISY], ids=["clean", "noisy"])
def test_recorded_octets_of_two_calls_give_what_the_tap_heard(
    tmp_path: Path, plan: CallPlan
) -> None:
    system = new_system(tmp_path / "system")
    heard = SeenSink()
    tap = RawTap(heard)
    for request in (RUPEES_2000, RUPEES_3000):
        run_dial(system, system.psd(), request, tap, plan)
    again = SeenSink()
    tap_files(io.BytesIO(tap.raw[UP]), io.BytesIO(tap.raw[DOWN]), again)
    for way in CaptureDirection:
        assert only(again.frames, way) == only(heard.frames, way)
    whys = [why for _, why, _ in again.others]
    assert sorted(whys) == sorted(why for _, why, _ in heard.others)
    assert packets_of(again) == packets_of(heard)


def packets_of(sink: SeenSink) -> list[tuple[CaptureDirection, bytes]]:
    found: list[SeenRecord] = []
    telling = TellingSink(found.append, MemoryWallClock(BEGAN))
    for direction, octets in sink.frames:
        telling.write_frame(direction, octets)
    decoder = LineDecoder()
    return [
        (packet.direction, packet.octets)
        for seen in found
        for packet in decoder.understand(seen).packets
    ]


def test_an_answer_stands_behind_its_command() -> None:
    machine = [b"\x01\x3f", b"\x01\x00\x03\x01", b"\x01\x43"]
    server = [b"\x01\x73", b"\x03\x20\x03\x02", b"\x01\x63"]
    up, down = (
        io.BytesIO(flagged(Stuffing().encode(one) for one in frames))
        for frames in (machine, server)
    )
    sink = SeenSink()
    tap_files(up, down, sink)
    assert [octets.hex() for _, octets in sink.frames] == [
        *("013f", "0173", "01000301", "03200302", "0143", "0163"),
    ]


def test_nothing_is_lost_where_no_order_fits() -> None:
    server = [b"\x01\x73", b"\x01\x73", b"\x03\xe0\x03\x02"]
    sink = SeenSink()
    stream = io.BytesIO(flagged(Stuffing().encode(one) for one in server) + b"rest")
    tap_files(io.BytesIO(), stream, sink)
    assert [octets for _, octets in sink.frames] == server
    assert sink.others == [(DOWN, NoFrame.UNFINISHED, b"rest")]
    assert list(merged([], [])) == []


def test_two_sinks_are_both_given_everything() -> None:
    first, second = SeenSink(), SeenSink()
    stream = io.BytesIO(b"\x7e\x00\x7e")
    tap_files(stream, io.BytesIO(), BothSinks(first, second))
    assert first == second
    assert first.others == [(UP, NoFrame.SHORT, b"\x00")]


def test_a_long_file_is_read_as_it_is_needed() -> None:
    taken = []

    def endless() -> Iterator[Piece]:
        for number in count():
            taken.append(number)
            yield Piece(b"\x00", NoFrame.SHORT)

    pieces = merged(endless(), endless())
    assert [next(pieces)[0] for _ in range(3)] == [UP, UP, UP]
    assert len(taken) < 9

"""Captures are read as they were written; nothing in a file is believed."""

import io
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.capture import CaptureWriter, LineEvent, NoFrame
from hw.clock import MemoryWallClock
from hw.seen.reading import (
    BLOCK_OCTETS_MAX,
    CaptureError,
    CaptureReader,
    SeenEvent,
    SeenFrame,
    SeenNoFrame,
    SeenRecord,
)
from tests.seen import DOWN, UP, read_capture
from tests.wireshark import run_tshark

NOON = datetime(2010, 7, 1, 12, 0, 0, 250_001, tzinfo=UTC)
RECORDS: list[SeenRecord] = [
    SeenEvent(NOON, None, LineEvent.DIALLED, "tcp:नमस्ते:7120"),
    SeenFrame(NOON, UP, b"\x01\x3f"),
    SeenNoFrame(NOON, DOWN, NoFrame.BAD_FCS, b"\x01\x73\x7d\x00\x00"),
    SeenEvent(NOON, UP, LineEvent.BREAK, ""),
    SeenFrame(NOON, DOWN, b""),
]


def written() -> bytes:
    stream = io.BytesIO()
    writer = CaptureWriter(stream, MemoryWallClock(NOON), "tcp")
    writer.write_event(LineEvent.DIALLED, "tcp:नमस्ते:7120")
    writer.write_frame(UP, b"\x01\x3f", "a comment")
    writer.write_no_frame(DOWN, NoFrame.BAD_FCS, b"\x01\x73\x7d\x00\x00")
    writer.write_event(LineEvent.BREAK, direction=UP)
    writer.write_frame(DOWN, b"")
    assert writer.octets == len(stream.getvalue())
    return stream.getvalue()


WRITTEN = written()


def read(*parts: bytes) -> list[SeenRecord]:
    reader = CaptureReader()
    return [seen for part in parts for seen in reader.records(part)]


@pytest.mark.parametrize("step", [1, 3, 40, len(WRITTEN)])
def test_what_was_written_is_read_in_any_split(step: int) -> None:
    parts = (WRITTEN[at : at + step] for at in range(0, len(WRITTEN), step))
    assert read(*parts) == RECORDS


def test_a_file_that_ends_in_the_midst_of_a_block_gives_all_before_it() -> None:
    reader = CaptureReader()
    assert list(reader.records(WRITTEN[:-1])) == RECORDS[:-1]
    assert not reader.is_between_blocks
    assert list(reader.records(WRITTEN[-1:])) == RECORDS[-1:]
    assert reader.is_between_blocks


def test_words_of_an_event_are_bounded() -> None:
    stream = io.BytesIO()
    writer = CaptureWriter(stream, MemoryWallClock(NOON), "tcp")
    writer.write_event(LineEvent.REMARK, "x" * 100_000)
    (seen,) = read(stream.getvalue())
    assert isinstance(seen, SeenEvent)
    assert seen.words == "x" * 400


def test_a_section_may_follow_another() -> None:
    assert read(WRITTEN + WRITTEN) == RECORDS + RECORDS


def test_blocks_of_other_kinds_are_skipped() -> None:
    statistics = struct.pack("<II", 5, 24) + bytes(12) + struct.pack("<I", 24)
    assert read(WRITTEN + statistics + WRITTEN[40:]) != []


def changed(at: int, octets: bytes) -> bytes:
    return WRITTEN[:at] + octets + WRITTEN[at + len(octets) :]


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"#!/bin/sh\necho hello\n", "it does not begin as a pcapng file"),
        (struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 9, 147), "does not begin"),
        (changed(8, bytes.fromhex("1a2b3c4d")), "big-endian"),
        (changed(4, struct.pack("<I", BLOCK_OCTETS_MAX + 4)), "a block of"),
        (changed(4, struct.pack("<I", 12)), "a block of 12 octets"),
        (changed(4, struct.pack("<I", 0)), "a block of 0 octets"),
        (changed(36, struct.pack("<I", 44)), "ends with another length"),
        (WRITTEN[:40] + struct.pack("<III", 6, 12, 12), "a packet without its fields"),
        (
            WRITTEN[:40] + struct.pack("<IIIIIIII", 6, 32, 9, 0, 0, 0, 0, 32),
            "interface 9, which is not there",
        ),
        (
            WRITTEN[:80] + struct.pack("<IIIIIIII", 6, 32, 0, 0, 0, 99, 99, 32),
            "longer than its block",
        ),
        (
            WRITTEN[:80]
            + struct.pack("<IIIIIII", 6, 36, 0, 0, 0, 0, 0)
            + struct.pack("<HHI", 2, 400, 36),
            "an option that is longer",
        ),
        (
            WRITTEN[:80] + struct.pack("<IIIIIIII", 6, 32, 0, 0xFFFFFFFF, 0, 0, 0, 32),
            "beyond the year 9999",
        ),
    ],
)
def test_a_file_that_is_no_capture_is_refused_with_the_place(
    octets: bytes, words: str
) -> None:
    with pytest.raises(CaptureError, match=words):
        read(octets)


@given(st.integers(0, len(WRITTEN) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_capture_raises_nothing_else(at: int, octets: bytes) -> None:
    damaged = changed(at, octets)[: len(WRITTEN)]
    try:
        found = read(damaged)
    except CaptureError:
        return
    assert len(found) <= len(RECORDS)


def test_a_capture_that_wireshark_has_saved_again_is_read(tmp_path: Path) -> None:
    ours, saved = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    ours.write_bytes(WRITTEN)
    run_tshark(tmp_path, "-r", str(ours), "-w", str(saved))
    assert read_capture(saved) == RECORDS


def test_tshark_shows_events_and_damage_without_any_dissector(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(WRITTEN)
    fields = ("frame.encap_type", "frame.packet_flags_crc_error", "frame.comment")
    options = [word for field in fields for word in ("-e", field)]
    table = run_tshark(tmp_path, "-r", str(path), "-T", "fields", *options)
    # 45 and 46 are the numbers that Wireshark gives USER0 and USER1.
    assert table.splitlines() == [
        "46\t0\tdialled: tcp:नमस्ते:7120",
        "45\t0\ta comment",
        "46\t1\ta damaged frame: its FCS is wrong",
        "46\t0\tBREAK",
        "45\t0\t",
    ]

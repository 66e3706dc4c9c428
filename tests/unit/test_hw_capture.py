"""Captures are pcapng to the octet, and tshark reads them as they were meant."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hw.capture import CaptureDirection, CaptureWriter, create_capture
from hw.clock import MemoryWallClock
from tests.wireshark import run_tshark

NOON = datetime(2010, 7, 1, 12, 0, 0, 250_001, tzinfo=UTC)


class _Stream(io.BytesIO):
    """A stream that knows how much of it was flushed."""

    flushed = 0

    def flush(self) -> None:
        super().flush()
        self.flushed = self.tell()


def test_a_capture_begins_with_its_section_and_its_interface() -> None:
    stream = io.BytesIO()
    CaptureWriter(stream, MemoryWallClock(NOON), "tcp")
    assert stream.getvalue().hex(" ", 4) == (
        # Section Header Block, 40 octets: magic, version 1.0, length not known
        "0a0d0d0a 28000000 4d3c2b1a 01000000 ffffffff ffffffff "
        # shb_userappl "rmfs", end of options, length again
        "04000400 726d6673 00000000 28000000 "
        # Interface Description Block, 40 octets: link type 147, no limit of length
        "01000000 28000000 93000000 00000000 "
        # if_name "tcp", if_tsresol 6, end of options, length again
        "02000300 74637000 09000100 06000000 00000000 28000000"
    )


@pytest.mark.parametrize(
    ("direction", "flags"),
    [
        (CaptureDirection.TO_MACHINE, "01000000"),
        (CaptureDirection.FROM_MACHINE, "02000000"),
    ],
)
def test_a_frame_has_its_time_its_octets_and_its_direction(
    direction: CaptureDirection, flags: str
) -> None:
    stream = io.BytesIO()
    writer = CaptureWriter(stream, MemoryWallClock(NOON), "tcp")
    start = stream.tell()
    writer.write_frame(direction, b"\x03\x3f\x7e\xff\x55")
    # 1277985600.250001 s are 0x00048a52_35bb2091 microseconds.
    assert stream.getvalue()[start:].hex(" ", 4) == (
        "06000000 34000000 00000000 528a0400 9120bb35 05000000 05000000 "
        f"033f7eff 55000000 02000400 {flags} 00000000 34000000"
    )


def test_every_block_is_flushed_when_it_is_written() -> None:
    stream = _Stream()
    writer = CaptureWriter(stream, MemoryWallClock(NOON), "tcp")
    assert stream.flushed == stream.tell()
    writer.write_frame(CaptureDirection.FROM_MACHINE, b"x")
    assert stream.flushed == stream.tell()


def test_a_capture_is_never_written_over(tmp_path: Path) -> None:
    clock = MemoryWallClock(NOON)
    create_capture(tmp_path / "a.pcapng", clock, "tcp").close()
    with pytest.raises(FileExistsError):
        create_capture(tmp_path / "a.pcapng", clock, "tcp")


def test_tshark_reads_every_frame_back(tmp_path: Path) -> None:
    clock = MemoryWallClock(NOON)
    path = tmp_path / "call.pcapng"
    with create_capture(path, clock, "tcp:127.0.0.1:7001") as writer:
        writer.write_frame(CaptureDirection.FROM_MACHINE, b"\x01\x2f", "SABM")
        clock.advance(0.000_001)
        writer.write_frame(CaptureDirection.TO_MACHINE, b"\x01\x63")
        clock.advance(1)
        writer.write_frame(CaptureDirection.FROM_MACHINE, b"")
    fields = (
        "frame.interface_name",
        "frame.encap_type",
        "frame.time_epoch",
        "frame.packet_flags_direction",
        "frame.len",
        "frame.comment",
    )
    listing = run_tshark(tmp_path, "-r", str(path), "-T", "json", "-x")
    raw = [
        packet["_source"]["layers"].get("frame_raw", [""])[0]
        for packet in json.loads(listing)
    ]
    assert raw == ["012f", "0163", ""]
    options = [word for field in fields for word in ("-e", field)]
    table = run_tshark(tmp_path, "-r", str(path), "-T", "fields", *options)
    # 45 is the number that Wireshark itself gives USER0.
    assert table.splitlines() == [
        "tcp:127.0.0.1:7001\t45\t1277985600.250001000\t0x00000002\t2\tSABM",
        "tcp:127.0.0.1:7001\t45\t1277985600.250002000\t0x00000001\t2\t",
        "tcp:127.0.0.1:7001\t45\t1277985601.250002000\t0x00000002\t0\t",
    ]

"""A folder of captures is bounded, and a full disk never ends a call."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hw.capture import CaptureWriter, LineEvent, NoFrame
from hw.clock import MemoryWallClock
from hw.seen.folder import BoundedSink, CaptureFolder, CaptureLimits
from hw.seen.reading import SeenEvent
from protocol.errors import RmfsError
from tests.seen import DOWN, UP, read_capture

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class _FullDisk(io.BytesIO):
    """A file on a disk that is full from some octet on."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, octets: object) -> int:
        if self.tell() > self._room:
            raise OSError(28, "No space left on device")
        return super().write(octets)  # type: ignore[arg-type]


def test_each_call_has_a_file_named_after_its_time_and_caller(tmp_path: Path) -> None:
    folder = CaptureFolder(tmp_path / "c", MemoryWallClock(NOON), CaptureLimits())
    for _ in range(2):
        tap = folder.begin("tcp:127.0.0.1:40000/../x")
        assert tap is not None
        tap.event(LineEvent.LOST, "carrier lost")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "call-20261122T120000Z-0001-tcp-127.0.0.1-40000-..-x.pcapng",
        "call-20261122T120000Z-0002-tcp-127.0.0.1-40000-..-x.pcapng",
    ]


def test_the_oldest_go_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.pcapng").write_bytes(b"mine")
    clock = MemoryWallClock(NOON)
    folder = CaptureFolder(tmp_path, clock, CaptureLimits(files=2))
    for _ in range(4):
        tap = folder.begin("a")
        assert tap is not None
        tap.event(LineEvent.LOST)
        clock.advance(1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "call-20261122T120002Z-0003-a.pcapng",
        "call-20261122T120003Z-0004-a.pcapng",
        "thesis.pcapng",
    ]


def test_what_is_too_old_goes_with_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "call-20200101T000000Z-0001-a.txt").write_bytes(b"mine")
    clock = MemoryWallClock(NOON)
    folder = CaptureFolder(tmp_path, clock, CaptureLimits(days=2))
    for wait_s in (0, 86_400, 86_399, 1, 1):
        clock.advance(wait_s)
        tap = folder.begin("a")
        assert tap is not None
        tap.event(LineEvent.LOST)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "call-20200101T000000Z-0001-a.txt",
        "call-20261123T120000Z-0002-a.pcapng",
        "call-20261124T115959Z-0003-a.pcapng",
        "call-20261124T120000Z-0004-a.pcapng",
        "call-20261124T120001Z-0005-a.pcapng",
    ]


def test_a_file_that_is_full_says_so_last(tmp_path: Path) -> None:
    limits = CaptureLimits(octets=300)
    tap = CaptureFolder(tmp_path, MemoryWallClock(NOON), limits).begin("a")
    assert tap is not None
    for _ in range(10):
        tap.octets(UP, b"\x7e\x01\x3f\xeb\xdf\x7e")
    (path,) = tmp_path.iterdir()
    last = read_capture(path)[-1]
    assert isinstance(last, SeenEvent)
    assert last.words == "the capture is full at 300 octets"
    assert path.stat().st_size < 600


def test_a_full_disk_ends_the_recording_and_raises_nothing() -> None:
    stream = _FullDisk(100)
    sink = BoundedSink(CaptureWriter(stream, MemoryWallClock(NOON), "a"))
    for _ in range(3):
        sink.write_frame(UP, b"\x01\x3f")
        sink.write_no_frame(DOWN, NoFrame.SHORT, b"\x01")
        sink.write_event(LineEvent.LOST)
    assert stream.closed


def test_a_file_that_cannot_be_made_leaves_the_call_unrecorded(tmp_path: Path) -> None:
    folder = CaptureFolder(tmp_path / "c", MemoryWallClock(NOON), CaptureLimits())
    (tmp_path / "c").rmdir()
    assert folder.begin("a") is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "c").touch()
    with pytest.raises(RmfsError, match="cannot be made"):
        CaptureFolder(tmp_path / "c", MemoryWallClock(NOON), CaptureLimits())

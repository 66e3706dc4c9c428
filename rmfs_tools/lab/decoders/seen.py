"""What is heard of a line: octets that a tap takes, captures, and key logs."""

import io
from datetime import UTC, datetime
from typing import Final

from hw.capture import CaptureDirection, CaptureWriter, LineEvent, NoFrame
from hw.clock import MemoryWallClock
from hw.seen.decoding import LineDecoder
from hw.seen.keylog import KeyLogError, RecordKeys, parse_key_log, write_key_line
from hw.seen.reading import CaptureError, CaptureReader, SeenRecord
from hw.seen.tap import Tap
from hw.seen.telling import TellingSink
from protocol.channel import ChannelKeys
from protocol.channel.schedule import DirectionKeys
from rmfs_tools.lab.decoders.target import Target, UnstableError
from rmfs_tools.lab.decoders.vectors import octets_of, vectors

_NOON: Final = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
_WAYS: Final = {
    "machine": CaptureDirection.FROM_MACHINE,
    "server": CaptureDirection.TO_MACHINE,
}
_G_X: Final = slice(5, 37)
"""Where G_X stands in a GREETING_1 packet."""


def _capture() -> bytes:
    """Record the call of the vectors, with whatever else a capture may hold."""
    stream = io.BytesIO()
    writer = CaptureWriter(stream, MemoryWallClock(_NOON), "tcp")
    writer.write_event(LineEvent.DIALLED, "tcp:127.0.0.1:7001")
    for part in vectors("call")["line"]:
        for frame in part["frames"]:
            writer.write_frame(_WAYS[part["from"]], bytes.fromhex(frame), "a frame")
    writer.write_no_frame(CaptureDirection.TO_MACHINE, NoFrame.BAD_FCS, b"\x01\x73\x7d")
    writer.write_event(LineEvent.BREAK, direction=CaptureDirection.FROM_MACHINE)
    return stream.getvalue()


def _keys() -> RecordKeys:
    return parse_key_log(_key_log().splitlines(keepends=True))


def _key_log() -> str:
    told = {
        name: bytes.fromhex(text) for name, text in vectors("call")["exported"].items()
    }
    keys = ChannelKeys(
        DirectionKeys(told["machine_key"], told["machine_iv"]),
        DirectionKeys(told["server_key"], told["server_iv"]),
        told["binding"],
    )
    return write_key_line(octets_of("call", "packets", "packet")[0][_G_X], keys)


def _read_capture(octets: bytes) -> list[SeenRecord]:
    """Read a capture in one piece and in two, and understand what it holds.

    Raises:
        UnstableError: The two readings differ.
    """
    records = list(CaptureReader().records(octets))
    reader, half = CaptureReader(), len(octets) // 2
    halves = [*reader.records(octets[:half]), *reader.records(octets[half:])]
    if halves != records:
        raise UnstableError(f"in two pieces it holds {halves}, in one {records}")
    decoder = LineDecoder(_keys())
    for record in records:
        decoder.understand(record)
    return records


def _tap(octets: bytes) -> None:
    """Hear octets in turn from both ends, in pieces whose lengths are in the input."""
    decoder = LineDecoder(_keys())
    sink = TellingSink(lambda seen: _ignore(decoder.understand(seen)), _CLOCK)
    tap = Tap(sink)
    at = 0
    for number in range(len(octets)):
        length = octets[at] if at < len(octets) else 0
        way = (
            CaptureDirection.FROM_MACHINE if number % 2 else CaptureDirection.TO_MACHINE
        )
        tap.octets(way, octets[at + 1 : at + 1 + length])
        at += 1 + length
        if at >= len(octets):
            break
    tap.ended()


_CLOCK: Final = MemoryWallClock(_NOON)


def _ignore(_understood: object) -> None:
    """Understanding is all that is asked for."""


def _heard() -> list[bytes]:
    call = b"\x00"
    for part in vectors("call")["line"]:
        octets = bytes.fromhex(part["octets"])[:0xFF]
        # Nothing is heard of the other end in between, where one end goes on.
        gap = b"" if part["from"] == "machine" else b"\x00"
        call += gap + bytes([len(octets)]) + octets + (b"\x00" if gap else b"")
    return [call, b"\x0f\r\nCONNECT 9600\r\n"]


TARGETS: Final = (
    Target(
        "capture",
        "a capture of a line, understood with the keys of a call",
        _read_capture,
        lambda: [_capture()],
        (CaptureError,),
        runs=1_500,
        octets_max=8_192,
        watched=("hw.seen", "protocol.link"),
    ),
    Target(
        "tap",
        "the octets of both directions of a line that is listened to",
        _tap,
        _heard,
        runs=1_500,
        watched=("hw.seen", "protocol.link"),
    ),
    Target(
        "key-log",
        "a key log",
        lambda octets: parse_key_log(
            octets.decode("latin-1").splitlines(keepends=True)
        ),
        lambda: [_key_log().encode(), b"# a remark\n\n" + _key_log().encode() * 2],
        (KeyLogError,),
        watched=("hw.seen",),
    ),
)

"""Captures for Wireshark: frames with their time and direction, as pcapng.

Write-only, one section, one interface of link type USER0, microseconds. The direction
flag is seen from the machine: *outbound* went from the machine to the server. Every
block is flushed when it is written, so that a capture can be watched while it grows and
a crash costs at most one block.

Source: IETF draft-ietf-opsawg-pcapng, sections 4.1 to 4.3 and 3.5;
docs/decisions/pcapng-writer.md.
"""

import struct
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from hw.clock import WallClock

LINKTYPE_USER0: Final = 147

_SECTION_HEADER: Final = 0x0A0D0D0A
_INTERFACE_DESCRIPTION: Final = 1
_ENHANCED_PACKET: Final = 6

_BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
_VERSION: Final = (1, 0)
_LENGTH_UNKNOWN: Final = -1
_SNAPLEN_UNLIMITED: Final = 0

_OPTION_END: Final = 0
_OPTION_COMMENT: Final = 1
_OPTION_SHB_USERAPPL: Final = 4
_OPTION_IF_NAME: Final = 2
_OPTION_IF_TSRESOL: Final = 9
_OPTION_EPB_FLAGS: Final = 2

_TSRESOL_MICROSECONDS: Final = 6
"""The power of ten: time stamps count units of 10 to the minus 6 seconds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CaptureDirection(Enum):
    """Which way a frame went; the value is the direction bits of epb_flags."""

    TO_MACHINE = 1
    FROM_MACHINE = 2


class CaptureWriter:
    """Writes one capture."""

    def __init__(self, stream: BinaryIO, clock: WallClock, interface: str) -> None:
        """Begin a capture.

        Args:
            stream: Where it goes; closed by `close`.
            clock: Gives each frame its time.
            interface: What was listened to, such as a line string.
        """
        self._stream = stream
        self._clock = clock
        header = struct.pack("<IHHq", _BYTE_ORDER_MAGIC, *_VERSION, _LENGTH_UNKNOWN)
        header += _option(_OPTION_SHB_USERAPPL, b"rmfs")
        self._write_block(_SECTION_HEADER, header + _END)
        description = struct.pack("<HHI", LINKTYPE_USER0, 0, _SNAPLEN_UNLIMITED)
        description += _option(_OPTION_IF_NAME, interface.encode())
        description += _option(_OPTION_IF_TSRESOL, bytes([_TSRESOL_MICROSECONDS]))
        self._write_block(_INTERFACE_DESCRIPTION, description + _END)

    def __enter__(self) -> Self:
        """Be closed at the end of a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the capture, whatever happened."""
        self.close()

    def write_frame(
        self, direction: CaptureDirection, octets: bytes, comment: str = ""
    ) -> None:
        """Record a frame at the present time, with what a person should know of it."""
        microseconds = (self._clock.utc() - _EPOCH) // timedelta(microseconds=1)
        high, low = divmod(microseconds, 2**32)
        body = struct.pack("<IIIII", 0, high, low, len(octets), len(octets))
        body += _padded(octets)
        body += _option(_OPTION_EPB_FLAGS, struct.pack("<I", direction.value))
        if comment:
            body += _option(_OPTION_COMMENT, comment.encode())
        self._write_block(_ENHANCED_PACKET, body + _END)

    def close(self) -> None:
        """End the capture."""
        self._stream.close()

    def _write_block(self, kind: int, body: bytes) -> None:
        total_length = struct.pack("<I", len(body) + 12)
        self._stream.write(struct.pack("<I", kind) + total_length + body + total_length)
        self._stream.flush()


def create_capture(path: Path, clock: WallClock, interface: str) -> CaptureWriter:
    """Begin a capture in a new file.

    Raises:
        FileExistsError: Captures are evidence, so none is written over.
    """
    return CaptureWriter(path.open("xb"), clock, interface)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


_END: Final = _option(_OPTION_END, b"")

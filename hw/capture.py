"""Captures for Wireshark: what passed on a line, with time and direction, as pcapng.

One section. Frames stand on an interface of link type USER0, from the address octet up
to the FCS, not included, so that Wireshark's own LAPB dissector can read them. What is
no frame stands on a second interface, of link type USER1, declared when it is first
needed: line events, and octets that are no good frame, as they came. Such a record is
one octet that says what it is (`LineEvent`, `NoFrame`), then words in UTF-8 or the
octets, and it says the same in a comment, which Wireshark shows without any dissector.

The direction flag is seen from the machine: *outbound* went from the machine to the
server. Every block is flushed when it is written, so that a capture can be watched
while it grows and a crash costs at most one block. `hw.seen.reading` reads captures.

Source: IETF draft-ietf-opsawg-pcapng, sections 4.1 to 4.3 and 3.5;
docs/decisions/pcapng-writer.md.
"""

import struct
from datetime import UTC, datetime, timedelta
from enum import Enum, IntEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from hw.clock import WallClock

LINKTYPE_USER0: Final = 147
LINKTYPE_USER1: Final = 148

SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE_DESCRIPTION: Final = 1
ENHANCED_PACKET: Final = 6
BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D

OPTION_END: Final = 0
OPTION_COMMENT: Final = 1
OPTION_IF_NAME: Final = 2
OPTION_IF_TSRESOL: Final = 9
OPTION_EPB_FLAGS: Final = 2

FLAGS_DIRECTION: Final = 0b11
FLAGS_FCS_ERROR: Final = 1 << 24
FLAGS_TOO_LONG: Final = 1 << 25
FLAGS_TOO_SHORT: Final = 1 << 26

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_VERSION: Final = (1, 0)
_LENGTH_UNKNOWN: Final = -1
_SNAPLEN_UNLIMITED: Final = 0
_OPTION_SHB_USERAPPL: Final = 4
_TSRESOL_MICROSECONDS: Final = 6
"""The power of ten: time stamps count units of 10 to the minus 6 seconds."""

WORDS_MAX: Final = 400
"""Characters of an event's words that are kept: they come from peers and modems."""

_FRAMES: Final = 0
_OTHERS: Final = 1
"""Numbers of the two interfaces."""


class CaptureDirection(Enum):
    """Which way a frame went; the value is the direction bits of epb_flags."""

    TO_MACHINE = 1
    FROM_MACHINE = 2


class LineEvent(IntEnum):
    """What happened to a line: the first octet of its record; words follow."""

    DIALLED = 0x01
    UP = 0x02
    LOST = 0x03
    LINK_UP = 0x04
    LINK_DOWN = 0x05
    CONNECT = 0x06
    """A modem reported a connection; the words say at which speed."""
    BREAK = 0x07
    PARITY = 0x08
    FRAMING = 0x09
    OVERRUN = 0x0A
    CIRCUITS = 0x0B
    """V.24 circuits changed; the words name those that are on."""
    REMARK = 0x0C


class NoFrame(IntEnum):
    """Why octets are no frame: the first octet of their record; they follow."""

    BAD_FCS = 0x81
    SHORT = 0x82
    ABORTED = 0x83
    LONG = 0x84
    UNFINISHED = 0x85
    """No flag came before the line ended."""
    BESIDE = 0x86
    """Nothing had opened a frame: what a modem says, for one."""


EVENT_WORDS: Final = {
    LineEvent.DIALLED: "dialled",
    LineEvent.UP: "the line is up",
    LineEvent.LOST: "the line is lost",
    LineEvent.LINK_UP: "the link is up",
    LineEvent.LINK_DOWN: "the link is down",
    LineEvent.CONNECT: "the modem connected",
    LineEvent.BREAK: "BREAK",
    LineEvent.PARITY: "parity error",
    LineEvent.FRAMING: "framing error",
    LineEvent.OVERRUN: "octets were lost: overrun",
    LineEvent.CIRCUITS: "circuits",
    LineEvent.REMARK: "remark",
}
NO_FRAME_WORDS: Final = {
    NoFrame.BAD_FCS: "a damaged frame: its FCS is wrong",
    NoFrame.SHORT: "no frame: fewer than 4 octets between two flags",
    NoFrame.ABORTED: "a frame that its sender aborted (7D 7E)",
    NoFrame.LONG: "no frame: longer than any frame",
    NoFrame.UNFINISHED: "the beginning of a frame: no flag came before the end",
    NoFrame.BESIDE: "octets beside frames",
}
_NO_FRAME_FLAGS: Final = {
    NoFrame.BAD_FCS: FLAGS_FCS_ERROR,
    NoFrame.SHORT: FLAGS_TOO_SHORT,
    NoFrame.LONG: FLAGS_TOO_LONG,
}


class CaptureWriter:
    """Writes one capture.

    Attributes:
        octets: Written so far.
    """

    def __init__(self, stream: BinaryIO, clock: WallClock, interface: str) -> None:
        """Begin a capture.

        Args:
            stream: Where it goes; closed by `close`.
            clock: Gives each record its time.
            interface: What was listened to, such as a line string.
        """
        self.octets = 0
        self._stream = stream
        self._clock = clock
        self._interface = interface
        self._has_others = False
        header = struct.pack("<IHHq", BYTE_ORDER_MAGIC, *_VERSION, _LENGTH_UNKNOWN)
        header += _option(_OPTION_SHB_USERAPPL, b"rmfs")
        self._write_block(SECTION_HEADER, header + _END)
        self._describe_interface(LINKTYPE_USER0)

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
        self._write_packet(_FRAMES, octets, direction.value, comment)

    def write_no_frame(
        self, direction: CaptureDirection, why: NoFrame, octets: bytes
    ) -> None:
        """Record octets that are no good frame, as they came on the line."""
        flags = direction.value | _NO_FRAME_FLAGS.get(why, 0)
        self._write_other(bytes([why]) + octets, flags, NO_FRAME_WORDS[why])

    def write_event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        """Record what happened to the line, at one end if `direction` says so."""
        words = words[:WORDS_MAX]
        what = EVENT_WORDS[event]
        comment = f"{what}: {words}" if words else what
        flags = 0 if direction is None else direction.value
        self._write_other(bytes([event]) + words.encode(), flags, comment)

    def close(self) -> None:
        """End the capture."""
        self._stream.close()

    def _write_other(self, octets: bytes, flags: int, comment: str) -> None:
        if not self._has_others:
            self._has_others = True
            self._describe_interface(LINKTYPE_USER1)
        self._write_packet(_OTHERS, octets, flags, comment)

    def _describe_interface(self, link_type: int) -> None:
        description = struct.pack("<HHI", link_type, 0, _SNAPLEN_UNLIMITED)
        description += _option(OPTION_IF_NAME, self._interface.encode())
        description += _option(OPTION_IF_TSRESOL, bytes([_TSRESOL_MICROSECONDS]))
        self._write_block(INTERFACE_DESCRIPTION, description + _END)

    def _write_packet(
        self, interface: int, octets: bytes, flags: int, comment: str
    ) -> None:
        microseconds = (self._clock.utc() - EPOCH) // timedelta(microseconds=1)
        high, low = divmod(microseconds, 2**32)
        body = struct.pack("<IIIII", interface, high, low, len(octets), len(octets))
        body += _padded(octets)
        body += _option(OPTION_EPB_FLAGS, struct.pack("<I", flags))
        if comment:
            body += _option(OPTION_COMMENT, comment.encode())
        self._write_block(ENHANCED_PACKET, body + _END)

    def _write_block(self, kind: int, body: bytes) -> None:
        total_length = struct.pack("<I", len(body) + 12)
        block = struct.pack("<I", kind) + total_length + body + total_length
        self._stream.write(block)
        self._stream.flush()
        self.octets += len(block)


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


_END: Final = _option(OPTION_END, b"")

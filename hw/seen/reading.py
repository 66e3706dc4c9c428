"""Captures read again, also while they grow: octets in, records out.

Only what `hw.capture` writes is read, and what Wireshark and its tools make of it when
they save it again on a usual computer: little-endian sections, any number of
interfaces, enhanced packets. Other blocks are skipped. Nothing in a file is believed:
every length is checked before it is used, and a block longer than `BLOCK_OCTETS_MAX`
is refused, so that memory stays bounded.

Source: IETF draft-ietf-opsawg-pcapng, sections 3 and 4.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hw.capture import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    EPOCH,
    FLAGS_DIRECTION,
    INTERFACE_DESCRIPTION,
    LINKTYPE_USER0,
    LINKTYPE_USER1,
    OPTION_COMMENT,
    OPTION_END,
    OPTION_EPB_FLAGS,
    OPTION_IF_TSRESOL,
    SECTION_HEADER,
    CaptureDirection,
    LineEvent,
    NoFrame,
)
from protocol.errors import RmfsError

BLOCK_OCTETS_MAX: Final = 1 << 20
"""Longest block: the longest that we write has some 17,000 octets; a comment that a
person adds in Wireshark may have 65,535."""

INTERFACES_MAX: Final = 64
"""Interfaces that one section may declare."""

_HEAD_OCTETS: Final = 8
_BLOCK_OCTETS_LEAST: Final = 12
_PACKET_HEAD_OCTETS: Final = 20
_INTERFACE_HEAD_OCTETS: Final = 8
_OPTION_HEAD_OCTETS: Final = 4
_SECTION_OCTETS_LEAST: Final = 16
_TSRESOL_USUAL: Final = 6
_TSRESOL_MAX: Final = 9
_YEARS_S: Final = 253_402_300_799
"""The last second of the year 9999: no later time can be shown."""


class CaptureError(RmfsError):
    """What is read is no capture of ours, or a damaged one."""


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A good frame.

    Attributes:
        time: When it passed, UTC.
        direction: None where the file does not say.
        octets: From its address up to the FCS, not included.
    """

    time: datetime
    direction: CaptureDirection | None
    octets: bytes


@dataclass(frozen=True, slots=True)
class SeenNoFrame:
    """Octets that are no good frame, as they came on the line."""

    time: datetime
    direction: CaptureDirection | None
    why: NoFrame
    octets: bytes


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """Something that happened to the line."""

    time: datetime
    direction: CaptureDirection | None
    event: LineEvent
    words: str


SeenRecord = SeenFrame | SeenNoFrame | SeenEvent


class CaptureReader:
    """Reads one capture, in any split of its octets."""

    def __init__(self) -> None:
        """Begin at the first octet."""
        self._waiting = bytearray()
        self._offset = 0
        self._interfaces: list[tuple[int, int]] = []
        self._in_section = False

    @property
    def is_between_blocks(self) -> bool:
        """Whether all that came was whole: else the file ends in the midst of one."""
        return not self._waiting

    def records(self, octets: bytes) -> Iterator[SeenRecord]:
        """Take more of the file; yield the records that are whole.

        Raises:
            CaptureError: It is no capture, or damaged; the message says where.
        """
        self._waiting += octets
        while len(self._waiting) >= _HEAD_OCTETS:
            kind, length = struct.unpack_from("<II", self._waiting)
            if not self._in_section and kind != SECTION_HEADER:
                raise self._error("it does not begin as a pcapng file does")
            if kind == SECTION_HEADER:
                self._check_byte_order()
            if (
                length % 4
                or not _BLOCK_OCTETS_LEAST <= length <= BLOCK_OCTETS_MAX
                or (kind == SECTION_HEADER and length < _SECTION_OCTETS_LEAST)
            ):
                raise self._error(f"a block of {length} octets")
            if len(self._waiting) < length:
                return
            block = bytes(self._waiting[:length])
            if struct.unpack_from("<I", block, length - 4)[0] != length:
                raise self._error("a block ends with another length than it begins")
            record = self._read(kind, block[_HEAD_OCTETS:-4])
            del self._waiting[:length]
            self._offset += length
            if record is not None:
                yield record

    def _check_byte_order(self) -> None:
        magic = bytes(self._waiting[8:12])
        ours = BYTE_ORDER_MAGIC.to_bytes(4, "little")
        if not ours.startswith(magic):
            raise self._error(
                "it is no pcapng file, or written by a big-endian machine"
            )

    def _read(self, kind: int, body: bytes) -> SeenRecord | None:
        if kind == SECTION_HEADER:
            self._in_section = True
            self._interfaces.clear()
        elif kind == INTERFACE_DESCRIPTION:
            self._read_interface(body)
        elif kind == ENHANCED_PACKET:
            return self._read_packet(body)
        return None

    def _read_interface(self, body: bytes) -> None:
        if len(body) < _INTERFACE_HEAD_OCTETS:
            raise self._error("an interface without its fields")
        if len(self._interfaces) >= INTERFACES_MAX:
            raise self._error(f"more than {INTERFACES_MAX} interfaces")
        options = self._options(body[_INTERFACE_HEAD_OCTETS:])
        exponent = (options.get(OPTION_IF_TSRESOL) or bytes([_TSRESOL_USUAL]))[0]
        if exponent > _TSRESOL_MAX:
            raise self._error(f"an interface with time resolution 0x{exponent:02x}")
        self._interfaces.append((struct.unpack_from("<H", body)[0], exponent))

    def _read_packet(self, body: bytes) -> SeenRecord | None:
        if len(body) < _PACKET_HEAD_OCTETS:
            raise self._error("a packet without its fields")
        interface, high, low, captured, _ = struct.unpack_from("<IIIII", body)
        end = _PACKET_HEAD_OCTETS + captured
        if end > len(body):
            raise self._error("a packet that is longer than its block")
        if interface >= len(self._interfaces):
            raise self._error(f"a packet of interface {interface}, which is not there")
        link_type, exponent = self._interfaces[interface]
        options = self._options(body[end + -captured % 4 :])
        flags = int.from_bytes(options.get(OPTION_EPB_FLAGS, b""), "little")
        return _record(
            link_type,
            self._time(high << 32 | low, exponent),
            _DIRECTIONS.get(flags & FLAGS_DIRECTION),
            body[_PACKET_HEAD_OCTETS:end],
        )

    def _time(self, units: int, exponent: int) -> datetime:
        seconds, fraction = divmod(units, 10**exponent)
        if seconds > _YEARS_S:
            raise self._error("a time beyond the year 9999")
        microseconds = fraction * 1_000_000 // 10**exponent
        return EPOCH + timedelta(seconds=seconds, microseconds=microseconds)

    def _options(self, octets: bytes) -> dict[int, bytes]:
        """Read options; of one that is repeated, such as a comment, the first."""
        found: dict[int, bytes] = {}
        at = 0
        while at + _OPTION_HEAD_OCTETS <= len(octets):
            code, length = struct.unpack_from("<HH", octets, at)
            at += _OPTION_HEAD_OCTETS
            if code == OPTION_END:
                break
            if at + length > len(octets):
                raise self._error("an option that is longer than its block")
            if code != OPTION_COMMENT:
                found.setdefault(code, octets[at : at + length])
            at += length + -length % 4
        return found

    def _error(self, what: str) -> CaptureError:
        return CaptureError(f"this is no capture of a line: {what}, at {self._offset}")


_DIRECTIONS: Final = {way.value: way for way in CaptureDirection}


def _record(
    link_type: int,
    time: datetime,
    direction: CaptureDirection | None,
    octets: bytes,
) -> SeenRecord | None:
    """Say what a packet is; None for one of a newer writer, or of another program."""
    if link_type == LINKTYPE_USER0:
        return SeenFrame(time, direction, octets)
    if link_type != LINKTYPE_USER1 or not octets:
        return None
    code = octets[0]
    if code in _NO_FRAME:
        return SeenNoFrame(time, direction, NoFrame(code), octets[1:])
    if code in _EVENTS:
        words = octets[1:].decode("utf-8", "replace")
        return SeenEvent(time, direction, LineEvent(code), words)
    return None


_NO_FRAME: Final = frozenset(NoFrame)
_EVENTS: Final = frozenset(LineEvent)

"""Captures as a certification leaves them, read block by block.

pcapng: a section of blocks, each with its type, its length, a body, its length again.
Frames stand on an interface of link type 147 (USER0), address to information; what is
no frame on one of link type 148 (USER1), behind one octet that says what it is. The
direction is seen from the machine. (IETF draft-ietf-opsawg-pcapng, sections 3 and 4;
docs/seeing-a-line.md.)
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.oracle.channel import Secrets
from tests.oracle.octets import Way
from tests.oracle.witness import Heard, Witness

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
FRAMES, OTHERS = 147, 148
END_OF_OPTIONS, FLAGS, RESOLUTION = 0, 2, 9
LINE_IS_UP: Final = 2
"""First octet of the record that says so."""
FROM: Final = {1: Way.SERVER, 2: Way.MACHINE}
"""Bits 0 and 1 of the flags: inbound to the machine, outbound from it."""


@dataclass(frozen=True)
class Captured:
    """One record.

    Attributes:
        at_s: Seconds since 1970.
        way: Which end it comes from; None for what befell the line.
        is_frame: Else the first octet says what it is.
        octets: A frame, address to information, or what is none.
    """

    at_s: float
    way: Way | None
    is_frame: bool
    octets: bytes


def read_capture(octets: bytes) -> Iterator[Captured]:
    """Read a whole capture.

    Raises:
        ValueError: It is none.
    """
    interfaces: list[tuple[int, float]] = []
    for kind, body in _blocks(octets):
        if kind == SECTION:
            interfaces.clear()
        elif kind == INTERFACE:
            options = dict(_options(body[8:]))
            exponent = options.get(RESOLUTION, b"\x06")[0]
            interfaces.append((int.from_bytes(body[:2], "little"), 10.0**-exponent))
        elif kind == PACKET:
            number, high, low, length, _ = struct.unpack_from("<IIIII", body)
            link_type, unit_s = interfaces[number]
            options = dict(_options(body[20 + length + -length % 4 :]))
            flags = int.from_bytes(options.get(FLAGS, b""), "little")
            yield Captured(
                (high << 32 | low) * unit_s,
                FROM.get(flags & 3),
                link_type == FRAMES,
                body[20 : 20 + length],
            )


def hear_capture(octets: bytes, known: Mapping[bytes, Secrets]) -> list[Heard]:
    """Have a witness hear the frames of a capture, one line after the other.

    Args:
        octets: The whole file.
        known: Secrets of its channels.
    """
    witness, line, heard = Witness(known), 0, []
    for record in read_capture(octets):
        if record.is_frame and record.way is not None:
            frame = witness.frame(record.at_s, line, record.way, record.octets)
            heard.append(frame)
        elif not record.is_frame and record.octets[0] == LINE_IS_UP:
            line += 1
    return heard


def _blocks(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        end = struct.unpack_from("<I", octets, at + length - 4)[0]
        if length < 12 or end != length:
            raise ValueError(f"no block at {at}")
        yield kind, octets[at + 8 : at + length - 4]
        at += length


def _options(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(octets):
        code, length = struct.unpack_from("<HH", octets, at)
        if code == END_OF_OPTIONS:
            return
        yield code, octets[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4

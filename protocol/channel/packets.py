"""Packets: what the link carries, one packet a link message.

The first octet is the type; what follows has a fixed form per type. Whatever is wrong
with a packet before any key is used is found here.

Source: protocol/SPEC.md CHAN-2, CHAN-9.
"""

from enum import IntEnum
from typing import Final

from protocol.errors import ErrorCode, RemoteProtocolError

MESSAGE_1_OCTETS: Final = 37
MESSAGE_2_OCTETS: Final = 45
MESSAGE_3_OCTETS: Final = 27
MESSAGE_4_OCTETS: Final = 9

G_X_AT: Final = 4
G_X_OCTETS: Final = 32
"""Where message_1 has G_X, which tells channels apart."""

COUNTER_OCTETS: Final = 2
TAG_OCTETS: Final = 8
BODY_OCTETS_MAX: Final = 1024
"""Six times the longest message; bounds memory before a key is proved."""

RECORD_OCTETS_MIN: Final = COUNTER_OCTETS + 1 + TAG_OCTETS
RECORD_OCTETS_MAX: Final = COUNTER_OCTETS + BODY_OCTETS_MAX + TAG_OCTETS
PACKET_OCTETS_MAX: Final = 1 + MESSAGE_3_OCTETS + RECORD_OCTETS_MAX


class PacketType(IntEnum):
    """The first octet of a packet."""

    GREETING_1 = 0x01
    """Machine to server: EDHOC message_1."""
    GREETING_2 = 0x02
    """Server to machine: EDHOC message_2."""
    GREETING_3 = 0x03
    """Machine to server: EDHOC message_3 and the first record."""
    GREETING_4 = 0x04
    """Server to machine: EDHOC message_4 and the first record."""
    RECORD = 0x05
    """Both ways: a record."""
    ERROR = 0x0E
    """Both ways: one octet of `ErrorCode`; unauthenticated."""


PACKET_LENGTHS: Final = {
    PacketType.GREETING_1: (MESSAGE_1_OCTETS, MESSAGE_1_OCTETS),
    PacketType.GREETING_2: (MESSAGE_2_OCTETS, MESSAGE_2_OCTETS),
    PacketType.GREETING_3: (
        MESSAGE_3_OCTETS + RECORD_OCTETS_MIN,
        MESSAGE_3_OCTETS + RECORD_OCTETS_MAX,
    ),
    PacketType.GREETING_4: (
        MESSAGE_4_OCTETS + RECORD_OCTETS_MIN,
        MESSAGE_4_OCTETS + RECORD_OCTETS_MAX,
    ),
    PacketType.RECORD: (RECORD_OCTETS_MIN, RECORD_OCTETS_MAX),
    PacketType.ERROR: (1, 1),
}


_TYPES: Final = {int(known): known for known in PacketType}


def packet_type(packet: bytes) -> PacketType:
    """Read the type of a packet.

    Raises:
        RemoteProtocolError: MALFORMED; the packet is empty or its type unknown.
    """
    if not packet:
        raise RemoteProtocolError(
            "a packet is empty", clause="CHAN-2.1", code=ErrorCode.MALFORMED
        )
    found = _TYPES.get(packet[0])
    if found is None:
        message = f"no packet has the type 0x{packet[0]:02x}"
        raise RemoteProtocolError(message, clause="CHAN-2.1", code=ErrorCode.MALFORMED)
    return found


def packet_content(packet: bytes, expected: PacketType) -> bytes:
    """Take the octets after the type of a packet that must be of one type.

    Raises:
        RemoteProtocolError: UNEXPECTED for another type, MALFORMED for an unknown one
            or a wrong length.
    """
    found = packet_type(packet)
    if found is not expected:
        raise RemoteProtocolError(
            f"{found.name} came where {expected.name} belongs",
            clause="CHAN-8.2",
            code=ErrorCode.UNEXPECTED,
        )
    shortest, longest = PACKET_LENGTHS[expected]
    content = packet[1:]
    if not shortest <= len(content) <= longest:
        raise RemoteProtocolError(
            f"{expected.name} has {len(content)} octets after its type, "
            f"{shortest} to {longest} are allowed",
            clause="CHAN-2.2",
            code=ErrorCode.MALFORMED,
        )
    return content


def read_error(packet: bytes) -> ErrorCode:
    """Read an ERROR packet.

    Raises:
        RemoteProtocolError: It is no ERROR packet, or names no code.
    """
    code = packet_content(packet, PacketType.ERROR)[0]
    try:
        return ErrorCode(code)
    except ValueError:
        raise RemoteProtocolError(
            f"no error has the code {code}",
            clause="CHAN-9.2",
            code=ErrorCode.MALFORMED,
        ) from None


def write_error(code: ErrorCode) -> bytes:
    """Make an ERROR packet: ``0e`` and the code."""
    return bytes((PacketType.ERROR, code))

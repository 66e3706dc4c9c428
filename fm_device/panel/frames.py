"""The line's frames as words, while they pass."""

from typing import Final

from protocol.channel import PacketType

_SEGMENT_FIRST: Final = 1
_UNNUMBERED: Final = {
    0x2F: "SABM",
    0x6F: "SABME",
    0x63: "UA",
    0x43: "DISC",
    0x0F: "DM",
    0x87: "FRMR",
    0xAF: "XID",
}
_POLL: Final = 0x10
_SUPERVISORY: Final = {0x01: "RR", 0x05: "RNR", 0x09: "REJ", 0x0D: "SREJ"}
_INFORMATION_AT: Final = 2
_WITH_RECORD: Final = {
    "GREETING_3": " + sealed STATEMENT",
    "GREETING_4": " + sealed answer",
    "RECORD": ", sealed",
}


def describe_frame(frame: bytes) -> str:
    """Say what a modulo 8 frame is, from its address octet to before the FCS."""
    control = frame[1]
    if control & 0x01 == 0:
        number = f"I {control >> 1 & 7}/{control >> 5}"
        return f"{number}  {_describe_segment(frame[_INFORMATION_AT:])}"
    if control & 0x03 == 0x01:
        return f"{_SUPERVISORY[control & 0x0F]} {control >> 5}"
    return _UNNUMBERED.get(control & ~_POLL, f"control 0x{control:02x}")


def _describe_segment(information: bytes) -> str:
    if not information or not information[0] & _SEGMENT_FIRST:
        return f"{len(information)} octets, going on"
    packet = information[1:]
    try:
        name = PacketType(packet[0]).name
    except (ValueError, IndexError):
        name = "?"
    return f"{name}{_WITH_RECORD.get(name, '')}  ({len(packet)} octets)"

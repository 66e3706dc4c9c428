"""What both sides of a dialogue have: how it ends, and how it speaks to its link."""

from dataclasses import dataclass

from protocol.channel import read_error
from protocol.errors import ErrorCode, RemoteProtocolError


@dataclass(frozen=True, slots=True)
class LineLost:
    """The link or the line ended."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A clause was broken, the peer said ERROR, or a time-out struck."""

    code: ErrorCode
    detail: str
    by_peer: bool


@dataclass(frozen=True, slots=True)
class SendPacket:
    """Give this packet to the link."""

    packet: bytes


@dataclass(frozen=True, slots=True)
class EndLink:
    """Disconnect the link once everything sent is acknowledged."""


def failure_told(packet: bytes, peer: str) -> Failed:
    """Read an ERROR; one without form ends the call just so, unanswered (CHAN-9.2)."""
    try:
        return Failed(read_error(packet), f"the {peer} said ERROR", by_peer=True)
    except RemoteProtocolError as error:
        return Failed(error.code, str(error), by_peer=True)

"""What comes in a call, understood as far as it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hw.lab.station import FrameCame, Heard, LineEnded, LinkEnded, PacketCame
from protocol.channel import PacketType
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.messages import TABLE_OF, MessageTable, MessageType
from protocol.messages.codec import FieldValue, decode_fields


@dataclass(frozen=True, slots=True)
class Taken:
    """What came, understood as far as it goes.

    Attributes:
        name: ``STATEMENT``, ``GREETING_1``, ``ERROR``, ``end``, or what is wrong.
        packet: The packet, if it is one.
        body: The message, if there is one.
        table: Its layout.
        fields: Its fields.
        error: The code of an ERROR.
        wrong: Why it is nothing that can be read.
    """

    name: str
    packet: bytes = b""
    body: bytes = b""
    table: MessageTable | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    error: int | None = None
    wrong: str = ""

    def __str__(self) -> str:
        """Show what came in a word or two."""
        if self.name == "ERROR" and self.error is not None:
            return f"ERROR {error_name(self.error)}"
        return f"{self.name} ({self.wrong})" if self.wrong else self.name


ENDED: Final = "end"
"""What is taken when link or line has ended."""


def message_taken(packet: bytes, body: bytes) -> Taken:
    """Read a message that a record held.

    Args:
        packet: The packet that carried it.
        body: The message.
    """
    try:
        table = TABLE_OF[MessageType(body[0])]
    except (IndexError, KeyError, ValueError):
        return Taken("message", packet, body, wrong=f"type 0x{body[:1].hex()}")
    try:
        fields = decode_fields(table, body)
    except RemoteProtocolError as error:
        return Taken(table.type.name, packet, body, table, wrong=str(error))
    return Taken(table.type.name, packet, body, table, fields)


def other_taken(heard: Heard) -> Taken | None:
    """Say what came if it is no packet but an end, or an ERROR; else None."""
    if isinstance(heard, LinkEnded):
        return Taken(ENDED, wrong=heard.reason)
    if isinstance(heard, LineEnded):
        return Taken(ENDED, wrong=str(heard.loss))
    if isinstance(heard, FrameCame):
        return Taken("frame", wrong="the script makes the frames")
    if not isinstance(heard, PacketCame):
        return Taken(type(heard).__name__)
    packet = heard.octets
    if packet[:1] == bytes([PacketType.ERROR]):
        code = packet[1] if len(packet) > 1 else None
        return Taken("ERROR", packet, error=code)
    return None


def error_name(code: int) -> str:
    """Name the code of an ERROR."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"0x{code:02x}"

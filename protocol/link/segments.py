"""Message boundaries: a message spans one or more I frames.

The first octet of every information field is the segment octet: bit 0 says that a
message begins here, bit 1 that it ends here, all others are 0. At least one octet of
the message follows. A sender shortens its frames on a noisy line, because a short frame
more often comes through; the receiver need not know.

Source: SPEC.md LINK-9.
"""

from collections import deque
from typing import Final

from protocol.link.frames import Fault

FIRST: Final = 0x01
LAST: Final = 0x02


class Segmenter:
    """Messages that wait, cut into information fields as the window opens."""

    def __init__(self) -> None:
        self.octets = 0
        """Octets of messages not yet cut."""
        self._messages: deque[bytes] = deque()
        self._at = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._messages

    def add(self, message: bytes) -> None:
        """Put a message at the end of the queue."""
        self._messages.append(message)
        self.octets += len(message)

    def next(self, frame_octets: int) -> bytes:
        """Cut the next information field, at most `frame_octets` long."""
        message = self._messages[0]
        part = message[self._at : self._at + frame_octets - 1]
        segment = 0 if self._at else FIRST
        octets = len(part)
        self._at += octets
        self.octets -= octets
        if self._at == len(message):
            segment |= LAST
            self._messages.popleft()
            self._at = 0
        return bytes([segment]) + part


class Reassembler:
    """Joins information fields, in order, to messages."""

    def __init__(self, message_octets_max: int) -> None:
        """Set the bound.

        Args:
            message_octets_max: Longest message that is taken.
        """
        self._message_octets_max = message_octets_max
        self._partial: bytearray | None = None

    @property
    def is_between_messages(self) -> bool:
        """Whether no message has begun that did not end."""
        return self._partial is None

    def add(self, information: bytes) -> bytes | Fault | None:
        """Take the next information field.

        Returns:
            The message that ended with it, None if it goes on, or what is wrong.
        """
        segment = information[0] if information else 0
        part = information[1:]
        begins = bool(segment & FIRST)
        if segment & ~(FIRST | LAST) or not part or begins != self.is_between_messages:
            return Fault.UNSPECIFIED
        message = bytearray() if self._partial is None else self._partial
        message += part
        if len(message) > self._message_octets_max:
            return Fault.INFORMATION_TOO_LONG
        if not segment & LAST:
            self._partial = message
            return None
        self._partial = None
        return bytes(message)

"""Frames on their way to the line, and who may watch them."""

from collections.abc import Callable

from protocol.link.events import LinkCounters
from protocol.link.frames import Frame, encode_frame
from protocol.link.framing import Stuffing, flagged
from protocol.link.parameters import Direction, Role

OnFrame = Callable[[Direction, bytes], None]
"""Called with each frame sent and each good frame received, address to information."""


class Outbox:
    """What is to be sent next, already stuffed, so that its length is known."""

    def __init__(
        self, role: Role, counters: LinkCounters, on_frame: OnFrame | None
    ) -> None:
        """Begin empty, with nothing but flag and escape escaped.

        Args:
            role: Of this end; it decides the address octets.
            counters: Counted up here.
            on_frame: Told of each frame when it is taken to the line.
        """
        self.stuffing = Stuffing()
        self.octets = 0
        """Line octets that wait, opening flag not counted."""
        self._role = role
        self._counters = counters
        self._on_frame = on_frame
        self._waiting: list[tuple[bytes, bytes]] = []

    def write(self, frame: Frame, modulus: int) -> None:
        """Add a frame."""
        octets = encode_frame(frame, self._role, modulus)
        encoded = self.stuffing.encode(octets)
        self._waiting.append((octets, encoded))
        self.octets += len(encoded) + 1

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self.octets = 0

    def take(self) -> bytes:
        """Take everything for the line, with one flag between two frames."""
        if not self._waiting:
            return b""
        if self._on_frame is not None:
            for octets, _ in self._waiting:
                self._on_frame(Direction.SENT, octets)
        line = flagged([encoded for _, encoded in self._waiting])
        self._counters.frames_sent += len(self._waiting)
        self._counters.octets_sent += len(line)
        self.clear()
        return line

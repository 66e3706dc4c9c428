"""A tap: both directions of a line, cut into frames and written to a capture.

It only listens: what it hears may be a line that the product uses itself
(`hw.seen.lines`), two serial ports (`hw.seen.ports`), or two files of octets. It is
bounded: beside a piece of a frame in each direction it keeps nothing.
"""

import re
from typing import Final, Protocol

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.seen.deframing import Piece, WholeDeframer
from protocol.link.frames import FrameKind
from protocol.link.xid import decode_offer

_CONNECT: Final = re.compile(rb"CONNECT[ -~]*")
"""What a modem says in words when it has a connection (ITU-T V.250, 6.3)."""
_POLL_FINAL: Final = 0x10
_INFORMATION_AT: Final = 2
_USER_GROUP: Final = 0xF0
_USER_ACCM: Final = 1
_ACCM_OCTETS: Final = 4


class Sink(Protocol):
    """Whoever takes what is seen: a `hw.capture.CaptureWriter`, for one."""

    def write_frame(
        self, direction: CaptureDirection, octets: bytes, comment: str = ""
    ) -> None:
        """Take a good frame, from its address up to the FCS, not included."""
        ...

    def write_no_frame(
        self, direction: CaptureDirection, why: NoFrame, octets: bytes
    ) -> None:
        """Take octets that are no good frame, as they came on the line."""
        ...

    def write_event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        """Take what happened to the line."""
        ...


class Tap:
    """Listens to one line.

    Attributes:
        hears_port: It hears the port beneath the line, and all octets pass there.
    """

    def __init__(self, sink: Sink) -> None:
        """Begin to listen; nothing has passed yet."""
        self.hears_port = False
        self._sink = sink
        self._ways = {way: WholeDeframer() for way in CaptureDirection}

    def octets(self, direction: CaptureDirection, octets: bytes) -> None:
        """Hear octets that went one way, cut anywhere."""
        for piece in self._ways[direction].pieces(octets):
            if piece.why is not None:
                self._sink.write_no_frame(direction, piece.why, piece.octets)
                self._hear_modem(direction, piece)
                continue
            self._sink.write_frame(direction, piece.octets)
            self._learn(piece.octets)

    def event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        """Hear of something that happened, at its place between the octets."""
        self._sink.write_event(event, words, direction)

    def ended(self, direction: CaptureDirection | None = None) -> None:
        """Hear that the line, or one direction, has ended: what is unfinished is told.

        Octets that come after it belong to another call.
        """
        for way, deframer in self._ways.items():
            if direction in (None, way):
                for piece in deframer.rest():
                    self._sink.write_no_frame(
                        way, piece.why or NoFrame.UNFINISHED, piece.octets
                    )

    def _hear_modem(self, direction: CaptureDirection, piece: Piece) -> None:
        found = _CONNECT.search(piece.octets)
        if (
            found is not None
            and piece.why is NoFrame.BESIDE
            and direction is CaptureDirection.TO_MACHINE
        ):
            self._sink.write_event(LineEvent.CONNECT, found[0].decode("ascii"))

    def _learn(self, frame: bytes) -> None:
        """Take the ACCM from the XID that ends an agreement: the line needs it."""
        if frame[1] & ~_POLL_FINAL != FrameKind.XID.value:
            return
        offer = decode_offer(frame[_INFORMATION_AT:]) or {}
        value = offer.get((_USER_GROUP, _USER_ACCM), b"")
        if len(value) == _ACCM_OCTETS:
            for deframer in self._ways.values():
                deframer.accm |= int.from_bytes(value, "big")

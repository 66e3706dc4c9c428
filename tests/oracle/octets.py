"""What stands between flags on a line: good frames, and what is none (LINK-1 to 3)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.witness.spec_link import ESCAPE, FLAG, fcs16, unstuff

FCS_OCTETS: Final = 2
FRAME_OCTETS_MIN: Final = 4
"""With its FCS (LINK-1.3)."""


class Way(Enum):
    """Which end octets come from."""

    MACHINE = "machine"
    SERVER = "server"

    @property
    def other(self) -> "Way":
        return Way.SERVER if self is Way.MACHINE else Way.MACHINE


class NoFrame(Enum):
    """Why octets are no frame."""

    BESIDE = "octets that no flag opened"
    ABORTED = "an abort"
    ESCAPE = "an escape that no sender writes"
    SHORT = "fewer octets than a frame has"
    FCS = "a wrong FCS"
    UNFINISHED = "a frame that nothing closed"


@dataclass(frozen=True)
class Piece:
    """What stood between two flags.

    Attributes:
        octets: As they came, without the flags.
        frame: Address to information; empty if it is no frame.
        why: Why it is none.
    """

    octets: bytes
    frame: bytes = b""
    why: NoFrame | None = None


class Deframer:
    """Cuts the octets of one direction, in whatever portions they come.

    Attributes:
        accm: Octets that the line may put in, bit n for octet n (LINK-2.4).
    """

    def __init__(self) -> None:
        """Begin before the first flag."""
        self.accm = 0
        self._open = False
        self._held = bytearray()

    def pieces(self, octets: bytes) -> Iterator[Piece]:
        """Take octets; give what a flag has closed."""
        for octet in octets:
            if octet != FLAG:
                self._held.append(octet)
                continue
            between, opened = bytes(self._held), self._open
            self._open = True
            self._held.clear()
            if between:
                yield self._judged(between) if opened else _no(between, NoFrame.BESIDE)

    def rest(self) -> Iterator[Piece]:
        """The line has ended: give what nothing closed."""
        between, opened = bytes(self._held), self._open
        self._open = False
        self._held.clear()
        if between:
            yield _no(between, NoFrame.UNFINISHED if opened else NoFrame.BESIDE)

    def _judged(self, between: bytes) -> Piece:
        if between[-1] == ESCAPE:
            return _no(between, NoFrame.ABORTED)
        put_in = bytes(n for n in range(0x20) if self.accm >> n & 1)
        judged = _judge(between)
        if isinstance(judged, NoFrame) and put_in:
            cleaned = _judge(between.translate(None, put_in))
            judged = judged if isinstance(cleaned, NoFrame) else cleaned
        if isinstance(judged, NoFrame):
            return _no(between, judged)
        return Piece(between, judged)


def _judge(between: bytes) -> bytes | NoFrame:
    """The frame without its FCS, or why it is none."""
    frame = unstuff(between)
    if frame is None:
        return NoFrame.ESCAPE
    if len(frame) < FRAME_OCTETS_MIN:
        return NoFrame.SHORT
    body, fcs = frame[:-FCS_OCTETS], frame[-FCS_OCTETS:]
    return body if struct.pack("<H", fcs16(body)) == fcs else NoFrame.FCS


def _no(between: bytes, why: NoFrame) -> Piece:
    return Piece(between, why=why)

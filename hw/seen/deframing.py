"""One direction of a line cut into frames and what is no frame: nothing is left out.

`protocol.link.framing.Deframer` drops in silence whatever does not verify, as a
receiver must. An observer must not: each octet between two flags comes out here, as a
good frame or with the reason why it is none. Octets before the first flag, and those
behind the last flag of a line that has ended, come out as well.

Source: SPEC.md LINK-1 to LINK-3; LINK-2.4 for octets that a line puts in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hw.capture import NoFrame
from protocol.link.framing import (
    ESCAPE,
    FCS_OCTETS,
    FLAG,
    FRAME_OCTETS_LEAST,
    fcs,
    unstuff,
)
from protocol.link.parameters import FRAME_OCTETS_LIMIT

PIECE_OCTETS_MAX: Final = 2 * (2 * FRAME_OCTETS_LIMIT + 8)
"""Octets kept until a flag comes: a frame of twice the largest N1, all of it stuffed.
What is longer comes out in pieces."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something between two flags.

    Attributes:
        octets: A frame from its address up to the FCS, not included; or the octets as
            they came on the line, without the flags.
        why: None for a good frame.
    """

    octets: bytes
    why: NoFrame | None = None


class WholeDeframer:
    """Cuts one direction, in any split of what comes."""

    def __init__(self) -> None:
        """Begin before the first flag."""
        self.accm = 0
        """What the two ends have agreed: octets that the line may have put in."""
        self._partial = bytearray()
        self._before_first_flag = True
        self._dropping = False

    def pieces(self, octets: bytes) -> Iterator[Piece]:
        """Take what came; yield what is whole."""
        first, *chunks = octets.split(FLAG)
        yield from self._keep(first)
        for chunk in chunks:
            yield from self._flag()
            yield from self._keep(chunk)

    def rest(self) -> Iterator[Piece]:
        """End: what stands behind the last flag, if anything does."""
        if self._partial:
            beside = self._before_first_flag
            why = NoFrame.BESIDE if beside else NoFrame.UNFINISHED
            yield Piece(bytes(self._partial), why)
        self.accm = 0
        self._partial.clear()
        self._before_first_flag = True
        self._dropping = False

    def _keep(self, octets: bytes) -> Iterator[Piece]:
        self._partial += octets
        if self._before_first_flag:
            # A modem's lines come out one by one, each when it is whole.
            while (end := self._partial.find(b"\r") + 1) > 0:
                yield Piece(bytes(self._partial[:end]), NoFrame.BESIDE)
                del self._partial[:end]
        while len(self._partial) > PIECE_OCTETS_MAX:
            piece = bytes(self._partial[:PIECE_OCTETS_MAX])
            del self._partial[:PIECE_OCTETS_MAX]
            yield Piece(piece, self._why_long())

    def _why_long(self) -> NoFrame:
        if self._before_first_flag:
            return NoFrame.BESIDE
        self._dropping = True
        return NoFrame.LONG

    def _flag(self) -> Iterator[Piece]:
        stuffed = bytes(self._partial)
        self._partial.clear()
        dropping, self._dropping = self._dropping, False
        before, self._before_first_flag = self._before_first_flag, False
        if not stuffed:
            return
        if dropping:
            yield Piece(stuffed, NoFrame.LONG)
            return
        piece = self._judge(stuffed)
        # What a modem says before the first flag is no damaged frame.
        yield Piece(stuffed, NoFrame.BESIDE) if before and piece.why else piece

    def _judge(self, stuffed: bytes) -> Piece:
        if stuffed[-1] == ESCAPE[0]:
            return Piece(stuffed, NoFrame.ABORTED)
        octets = unstuff(stuffed)
        if not _verifies(octets) and self.accm:
            inserted = bytes(n for n in range(32) if self.accm >> n & 1)
            octets = unstuff(stuffed.translate(None, inserted))
        if _verifies(octets):
            return Piece(octets[:-FCS_OCTETS])
        short = len(octets) < FRAME_OCTETS_LEAST + FCS_OCTETS
        return Piece(stuffed, NoFrame.SHORT if short else NoFrame.BAD_FCS)


def _verifies(octets: bytes) -> bool:
    if len(octets) < FRAME_OCTETS_LEAST + FCS_OCTETS:
        return False
    return fcs(octets[:-FCS_OCTETS]) == octets[-FCS_OCTETS:]

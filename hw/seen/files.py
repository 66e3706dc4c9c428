"""Two files of octets, one for each direction, as a tap would have heard them.

The files say nothing of time, so the order between the directions is worked out from
the frames themselves: a response comes behind its command, a command when the other end
has nothing but its answer to say, and a frame whose N(R) is n behind the other end's I
frame n - 1. Where both could come next, the machine's does.
Each direction keeps its own order, always.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, Final

from hw.capture import CaptureDirection
from hw.seen.deframing import Piece, WholeDeframer
from hw.seen.tap import Sink
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, decode_frame
from protocol.link.parameters import MODULO_8, MODULO_128

CHUNK_OCTETS: Final = 65_536
"""Octets of a file that are read at once; a file may have any length."""

_COMMANDS: Final = frozenset(
    {FrameKind.SABM, FrameKind.SABME, FrameKind.DISC, FrameKind.XID}
)
_ANSWERS: Final = frozenset({FrameKind.UA, FrameKind.DM, FrameKind.XID})
_MACHINE: Final = CaptureDirection.FROM_MACHINE
_SERVER: Final = CaptureDirection.TO_MACHINE
_OTHER: Final = {_MACHINE: _SERVER, _SERVER: _MACHINE}


def tap_files(machine: BinaryIO, server: BinaryIO, sink: Sink) -> None:
    """Give what two files hold to a sink."""
    for way, piece in merged(_pieces(machine), _pieces(server)):
        if piece.why is None:
            sink.write_frame(way, piece.octets)
        else:
            sink.write_no_frame(way, piece.why, piece.octets)


def merged(
    machine: Iterable[Piece], server: Iterable[Piece]
) -> Iterator[tuple[CaptureDirection, Piece]]:
    """Put the pieces of two directions into one order."""
    coming = {_MACHINE: iter(machine), _SERVER: iter(server)}
    heads = {way: next(pieces, None) for way, pieces in coming.items()}
    order = _Order()
    while ready := [(way, head) for way, head in heads.items() if head is not None]:
        fitting = [(way, head) for way, head in ready if order.fits(way, head, heads)]
        way, piece = (fitting or ready)[0]
        heads[way] = next(coming[way], None)
        order.took(way, piece)
        yield way, piece


def _pieces(file: BinaryIO) -> Iterator[Piece]:
    deframer = WholeDeframer()
    while octets := file.read(CHUNK_OCTETS):
        yield from deframer.pieces(octets)
    yield from deframer.rest()


class _Order:
    """What has passed, as far as it decides what can come next."""

    def __init__(self) -> None:
        self._modulus = MODULO_8
        self._next = {_MACHINE: 0, _SERVER: 0}
        self._unanswered: CaptureDirection | None = None
        """Whose command waits for its answer."""

    def fits(
        self,
        way: CaptureDirection,
        piece: Piece,
        heads: Mapping[CaptureDirection, Piece | None],
    ) -> bool:
        """Say whether a piece can come before the next one of the other direction."""
        others = heads[_OTHER[way]]
        frame = self._frame(way, piece)
        if frame is None or others is None:
            return True
        if frame.kind in _ANSWERS and not frame.command:
            return self._unanswered not in (None, way)
        if self._unanswered is not None:
            return False
        if frame.kind in _COMMANDS:
            answer = self._frame(_OTHER[way], others)
            return answer is not None and answer.kind in _ANSWERS
        ahead = (frame.receive_number - self._next[_OTHER[way]]) % self._modulus
        return ahead == 0 or ahead > self._modulus // 2

    def took(self, way: CaptureDirection, piece: Piece) -> None:
        """Note what has come."""
        frame = self._frame(way, piece)
        if frame is None:
            return
        if frame.kind in _COMMANDS and frame.command:
            self._unanswered = way
        elif frame.kind in _ANSWERS:
            self._unanswered = None
        if frame.kind in {FrameKind.SABM, FrameKind.SABME}:
            sabm = frame.kind is FrameKind.SABM
            self._modulus = MODULO_8 if sabm else MODULO_128
            self._next = {_MACHINE: 0, _SERVER: 0}
        elif frame.kind is FrameKind.INFORMATION:
            ahead = (frame.send_number - self._next[way]) % self._modulus
            if ahead < self._modulus // 2:
                self._next[way] = (frame.send_number + 1) % self._modulus

    def _frame(self, way: CaptureDirection, piece: Piece) -> Frame | None:
        if piece.why is not None:
            return None
        receiver = Role.SERVER if way is _MACHINE else Role.MACHINE
        frame = decode_frame(piece.octets, receiver, self._modulus)
        return frame if isinstance(frame, Frame) else None

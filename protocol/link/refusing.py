"""An end that takes no link: a server that has too much to do says so, and no more.

It keeps nothing of the caller: whatever would begin a link, or end one, is answered
with DM, and the caller knows that nothing has begun. That costs a frame each way, where
a link and the greetings on it would cost a key exchange.

Source: SPEC.md LINK-5.3, LINK-5.7, DLG-14.6.
"""

from typing import Final

from protocol.link.frames import Frame, FrameKind, decode_frame, encode_frame
from protocol.link.framing import Deframer, FramingCounters, Stuffing, flagged
from protocol.link.parameters import DEFAULT, Role

_MODULUS: Final = 8
_BEGINS_OR_ENDS: Final = frozenset(
    {FrameKind.SABM, FrameKind.SABME, FrameKind.XID, FrameKind.DISC}
)


def _dm(*, final: bool) -> bytes:
    frame = Frame(FrameKind.DM, command=False, poll_final=final)
    return flagged([Stuffing().encode(encode_frame(frame, Role.SERVER, _MODULUS))])


_ANSWERS: Final = {final: _dm(final=final) for final in (False, True)}


class RefusingEnd:
    """The server's end of a line on which no link will be; without I/O."""

    def __init__(self) -> None:
        """Wait for the first frame."""
        self._deframer = Deframer(DEFAULT.frame_octets_max, FramingCounters())

    def receive_octets(self, octets: bytes) -> bytes:
        """Take what the line delivered; gives what is to be sent, or nothing.

        Nothing that the peer sends raises. What is no frame of a machine that begins or
        ends a link has no answer.
        """
        return b"".join(map(_answer, self._deframer.frames(octets)))


def _answer(octets: bytes) -> bytes:
    frame = decode_frame(octets, Role.SERVER, _MODULUS)
    if isinstance(frame, Frame) and frame.command and frame.kind in _BEGINS_OR_ENDS:
        return _ANSWERS[frame.poll_final]
    return b""

"""The witness: octets of lines go in, and what was said in them comes out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.oracle.channel import ChannelReader, Packet, Secrets
from tests.oracle.link import Carried, LinkReader
from tests.oracle.octets import Deframer, Piece, Way


@dataclass(frozen=True)
class Heard:
    """What one flag has closed.

    Attributes:
        at_s: When it was whole.
        line: Number of the line.
        way: Which end it comes from.
        piece: Its octets, and why they are no frame if they are none.
        carried: What the frame is, if it is one.
        packets: Packets that it has completed.
        secrets: Of the channel of these packets, where they are known.
    """

    at_s: float
    line: int
    way: Way
    piece: Piece
    carried: Carried | None = None
    packets: tuple[Packet, ...] = ()
    secrets: Secrets | None = None


class Witness:
    """Listens to lines, each from its first octet on."""

    def __init__(self, known: Mapping[bytes, Secrets]) -> None:
        """Begin.

        Args:
            known: Secrets of channels, by G_X; it may grow while it listens.
        """
        self._known = known
        self._lines: dict[int, _Line] = {}

    def hear(self, at_s: float, line: int, way: Way, octets: bytes) -> list[Heard]:
        """Take octets of one end, cut anywhere; tell what they complete."""
        if line not in self._lines:
            self._lines[line] = _Line(line, self._known)
        return list(self._lines[line].hear(at_s, way, octets))

    def frame(self, at_s: float, line: int, way: Way, frame: bytes) -> Heard:
        """Take a good frame, address to information, as a capture holds it."""
        if line not in self._lines:
            self._lines[line] = _Line(line, self._known)
        return self._lines[line].understood(at_s, way, Piece(b"", frame))

    def ended(self, at_s: float, line: int) -> list[Heard]:
        """The line is lost: tell what nothing closed."""
        found = self._lines.pop(line, None)
        return [] if found is None else list(found.ended(at_s))


class _Line:
    """One line."""

    def __init__(self, number: int, known: Mapping[bytes, Secrets]) -> None:
        self._number = number
        self._known = known
        self._deframers = {way: Deframer() for way in Way}
        self._link = LinkReader()
        self._channel = ChannelReader(known)

    def hear(self, at_s: float, way: Way, octets: bytes) -> Iterator[Heard]:
        for piece in self._deframers[way].pieces(octets):
            yield self.understood(at_s, way, piece)

    def ended(self, at_s: float) -> Iterator[Heard]:
        for way, deframer in self._deframers.items():
            for piece in deframer.rest():
                yield self.understood(at_s, way, piece)

    def understood(self, at_s: float, way: Way, piece: Piece) -> Heard:
        if piece.why is not None:
            return Heard(at_s, self._number, way, piece)
        carried = self._link.take(way, piece.frame, at_s)
        for deframer in self._deframers.values():
            deframer.accm = self._link.accm
        if carried.begins:
            self._channel = ChannelReader(self._known)
        packets = tuple(self._channel.take(way, octets) for octets in carried.packets)
        secrets = self._channel.secrets
        return Heard(at_s, self._number, way, piece, carried, packets, secrets)

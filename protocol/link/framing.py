"""HDLC framing on an asynchronous line: flags, octet stuffing, FCS-16.

A frame is what stands between two flags. On the line each flag, each escape and each
octet that the ACCM names is sent as an escape and the octet with bit 5 turned; the FCS
is counted before stuffing and sent low octet first. One flag between two frames is
enough. Whatever does not verify is dropped in silence and counted: the layer above
recovers, and the next good frame is found because every flag begins anew.

No loop here runs per octet: a chunk is split at its flags, and a frame at its escapes,
so that time is linear with a small constant. Buffers are bounded by the longest frame.

`fastcrc` counts the FCS (0.2 us for 256 octets against 1.5 us with the standard
library): MIT licence, no dependencies, releases several times a year since 2021, wheels
for all platforms that we name.

Source: ISO/IEC 13239 4.3 (start/stop transmission with basic transparency); RFC 1662
section 4 and appendix C; SPEC.md LINK-1 to LINK-3; vectors/link.json.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fastcrc import crc16

FLAG: Final = b"\x7e"
ESCAPE: Final = b"\x7d"
TURN: Final = 0x20
FCS_OCTETS: Final = 2
FRAME_OCTETS_LEAST: Final = 2
"""Address and control field."""

_GOOD_FCS: Final = 0x0F47
"""CRC-16/IBM-SDLC over a frame and its FCS: the residue F0B8 of RFC 1662, inverted."""

_TURNED: Final = bytes(octet ^ TURN for octet in range(256))


def fcs(octets: bytes) -> bytes:
    """Count the FCS-16 of a frame: 2 octets as they are sent, low octet first."""
    return crc16.ibm_sdlc(octets).to_bytes(FCS_OCTETS, "little")


class Stuffing:
    """How one end writes frames on the line: the ACCM decides what is escaped."""

    def __init__(self, accm: int = 0) -> None:
        """Prepare for an ACCM.

        Args:
            accm: Bit n set: octet n (0 to 31) is escaped. Flag and escape always are.
        """
        escaped = [ESCAPE[0], FLAG[0], *(n for n in range(32) if accm >> n & 1)]
        self._replacements = [
            (bytes([octet]), ESCAPE + bytes([octet ^ TURN])) for octet in escaped
        ]

    def encode(self, frame: bytes) -> bytes:
        """Add the FCS and stuff; the flags are added by `flagged`."""
        octets = frame + fcs(frame)
        for plain, stuffed in self._replacements:
            octets = octets.replace(plain, stuffed)
        return octets


def flagged(encoded: Iterable[bytes]) -> bytes:
    """Put encoded frames on the line after idle: one flag before, between and after."""
    return FLAG + FLAG.join(encoded) + FLAG


@dataclass
class FramingCounters:
    """What a `Deframer` met, for metrics and tests."""

    frames: int = 0
    fcs_errors: int = 0
    aborted: int = 0
    oversize: int = 0

    @property
    def damaged(self) -> int:
        """Frames that came and could not be used."""
        return self.fcs_errors + self.aborted + self.oversize


class Deframer:
    """Finds good frames in any split of what a line delivers."""

    def __init__(self, frame_octets_max: int, counters: FramingCounters) -> None:
        """Set the bound.

        Args:
            frame_octets_max: Longest frame, address to information field; what is
            longer
                is dropped up to the next flag.
            counters: Counted up here.
        """
        self.drop: bytes = b""
        """Octets that the line may have put in (the agreed ACCM): see `_verified`."""
        self._stuffed_octets_max = 2 * (frame_octets_max + FCS_OCTETS)
        self._frame_octets_max = frame_octets_max
        self._counters = counters
        self._partial = bytearray()
        self._dropping = False

    def reset(self) -> None:
        """Forget a partial frame: the line is a new one."""
        self._partial.clear()
        self._dropping = False

    def frames(self, octets: bytes) -> Iterator[bytes]:
        """Take what the line delivered; yield good frames, address to information."""
        first, *chunks = octets.split(FLAG)
        if first:
            self._keep(first)
        if not chunks:
            return
        last = chunks.pop()
        if self._partial or self._dropping:
            frame = self._end_partial()
            if frame is not None:
                yield frame
        for chunk in chunks:
            if chunk:
                frame = self._frame(chunk)
                if frame is not None:
                    yield frame
        if last:
            self._keep(last)

    def _keep(self, octets: bytes) -> None:
        if self._dropping:
            return
        if len(self._partial) + len(octets) > self._stuffed_octets_max:
            self._partial.clear()
            self._dropping = True
        else:
            self._partial += octets

    def _end_partial(self) -> bytes | None:
        """A flag ends what came so far."""
        frame = None
        if self._dropping:
            self._counters.oversize += 1
        else:
            frame = self._frame(bytes(self._partial))
        self.reset()
        return frame

    def _frame(self, stuffed: bytes) -> bytes | None:
        """Undo the stuffing of what stood between two flags, and verify it."""
        if len(stuffed) > self._stuffed_octets_max:
            self._counters.oversize += 1
            return None
        if stuffed[-1] == ESCAPE[0]:
            self._counters.aborted += 1
            return None
        return self._verified(stuffed)

    def _verified(self, stuffed: bytes) -> bytes | None:
        """Check the FCS.

        A line with an ACCM may put XON or XOFF of its own between our octets. They are
        taken out only where the frame does not verify as it came, so that a peer that
        does not know the ACCM yet is understood as well.
        """
        octets = unstuff(stuffed) if ESCAPE in stuffed else stuffed
        is_good = crc16.ibm_sdlc(octets) == _GOOD_FCS
        if not is_good and self.drop:
            octets = unstuff(stuffed.translate(None, self.drop))
            is_good = crc16.ibm_sdlc(octets) == _GOOD_FCS
        if len(octets) < FRAME_OCTETS_LEAST + FCS_OCTETS or not is_good:
            self._counters.fcs_errors += 1
            return None
        if len(octets) > self._frame_octets_max + FCS_OCTETS:
            self._counters.oversize += 1
            return None
        self._counters.frames += 1
        return octets[:-FCS_OCTETS]


def unstuff(stuffed: bytes) -> bytes:
    """Undo octet stuffing; an escape before another escape is left out.

    No sender writes that (LINK-2.2): such a frame is damaged, and its FCS says so.
    """
    head, *rest = stuffed.split(ESCAPE)
    return head + b"".join(
        [_TURNED[part[0] : part[0] + 1] + part[1:] for part in rest if part]
    )

"""What `rmfs bench codec` compares: our frames, and two libraries from the index.

pymodbus (BSD-3-Clause) and sliplib (MIT) come with what the check needs, not with what
the product needs: they are imported where a peer is made, and nowhere else. What each
does differently is told with its figures, since no two protocols ask the same.
"""

import logging
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from protocol.link.frames import Frame, FrameKind, decode_frame, encode_frame
from protocol.link.framing import FLAG, Deframer, FramingCounters, Stuffing, flagged
from protocol.link.parameters import MODULO_8, Role

if TYPE_CHECKING:
    from pymodbus.pdu import ModbusPDU

F = TypeVar("F")

INFORMATION_OCTETS: Final = 256
CHUNK_OCTETS: Final = 4_096
_FRAME_OCTETS_MAX: Final = 3 + 2 * INFORMATION_OCTETS
"""What the deframer of a link with frames of 256 octets takes."""
_DEVICE: Final = 100


class Codec(Protocol[F]):
    """One way to put frames on a line and to find them again.

    Attributes:
        version: Of the library; ours has none.
        licence: SPDX.
        check: What finds an altered frame.
        differs: What to know when figures are compared.
        information_octets: In one frame.
        chunk_octets: What a stream is cut into for it.
    """

    version: str
    licence: str
    check: str
    differs: str
    information_octets: int
    chunk_octets: int

    def frame(self, information: bytes) -> F:
        """Make what the codec calls a frame."""

    def information(self, frame: F) -> bytes:
        """Tell what a frame carries."""

    def encode(self, frame: F) -> bytes:
        """Write a frame as it stands on an idle line."""

    def decode(self, octets: bytes) -> list[F]:
        """Take what the line delivered; give the frames that are complete."""

    def deframe(self, octets: bytes) -> int:
        """Take what the line delivered; count the frames that verified."""

    def cut_short(self, line: bytes, at: int) -> bytes:
        """Let the end of a frame come too early.

        Args:
            line: The frame as it stands on the line.
            at: Where, inside of it.
        """


class _FmpCodec:
    """Our own frames, by the calls that the link makes."""

    version = ""
    licence = ""
    check = "FCS-16"
    differs = "address and control field, octet stuffing; the FCS by a C extension"
    information_octets = INFORMATION_OCTETS
    chunk_octets = CHUNK_OCTETS

    def __init__(self) -> None:
        self._stuffing = Stuffing()
        self._deframer = Deframer(_FRAME_OCTETS_MAX, FramingCounters())

    def frame(self, information: bytes) -> Frame:
        return Frame(FrameKind.INFORMATION, command=True, information=information)

    def information(self, frame: Frame) -> bytes:
        return frame.information

    def encode(self, frame: Frame) -> bytes:
        octets = encode_frame(frame, Role.MACHINE, MODULO_8)
        return flagged([self._stuffing.encode(octets)])

    def decode(self, octets: bytes) -> list[Frame]:
        frames = []
        for found in self._deframer.frames(octets):
            frame = decode_frame(found, Role.SERVER, MODULO_8)
            if isinstance(frame, Frame):
                frames.append(frame)
        return frames

    def deframe(self, octets: bytes) -> int:
        return sum(1 for _ in self._deframer.frames(octets))

    def cut_short(self, line: bytes, at: int) -> bytes:
        return line[:at] + FLAG + line[at:]


class _ModbusCodec:
    """Modbus RTU by pymodbus: requests to write registers, as its server takes them.

    The buffer is kept as pymodbus's own transport keeps it: emptied when it grows over
    what the framer allows, and when a request is answered. A client of pymodbus also
    empties it whenever it asks again; nobody asks again here. The device's number is
    no function code: else no frame is found behind junk.
    """

    licence = "BSD-3-Clause"
    check = "CRC-16"
    differs = (
        "its longest request, 123 registers in 255 octets, built of numbers and parsed "
        "to them; CRC in Python, no stuffing; silence ends a frame, so each is "
        "delivered by itself"
    )
    information_octets = 246
    chunk_octets = 255

    def __init__(self) -> None:
        from pymodbus import exceptions, framer, pdu  # noqa: PLC0415  # of the check
        from pymodbus.pdu import register_message  # noqa: PLC0415  # as above

        # It would warn on stderr of each frame that it cannot read.
        logging.getLogger("pymodbus").addHandler(logging.NullHandler())
        self.version = version("pymodbus")
        self._request = register_message.WriteMultipleRegistersRequest
        self._error = exceptions.ModbusException
        self._framer = framer.FramerRTU(pdu.DecodePDU(is_server=True))
        self._waiting = b""

    def frame(self, information: bytes) -> "ModbusPDU":
        numbers = [
            int.from_bytes(information[at : at + 2])
            for at in range(0, len(information), 2)
        ]
        return self._request(dev_id=_DEVICE, address=0, registers=numbers)

    def information(self, frame: "ModbusPDU") -> bytes:
        return b"".join(number.to_bytes(2) for number in frame.registers)

    def encode(self, frame: "ModbusPDU") -> bytes:
        return self._framer.buildFrame(frame)

    def decode(self, octets: bytes) -> "list[ModbusPDU]":
        self._waiting += octets
        if len(self._waiting) > self._framer.MAX_SIZE:
            self._waiting = b""
            return []
        try:
            used, frame = self._framer.handleFrame(self._waiting, 0, 0)
        except self._error:
            self._waiting = b""
            return []
        if frame is None:
            self._waiting = self._waiting[used:]
            return []
        self._waiting = b""
        return [frame]

    def deframe(self, octets: bytes) -> int:
        return len(self.decode(octets))

    def cut_short(self, line: bytes, at: int) -> bytes:
        return line[:at]


class _SlipCodec:
    """SLIP by sliplib, with an END before each packet as well (RFC 1055 advises it)."""

    licence = "MIT"
    check = "none"
    differs = (
        "octet stuffing alone: no checksum, no address, no numbers; an END before each "
        "packet, which is not its default: without it junk spoils the packet behind"
    )
    information_octets = INFORMATION_OCTETS
    chunk_octets = CHUNK_OCTETS

    def __init__(self) -> None:
        import sliplib  # type: ignore[import-untyped]  # noqa: PLC0415  # of the check

        self.version = version("sliplib")
        self._end: bytes = sliplib.END
        self._error: type[ValueError] = sliplib.ProtocolError
        with sliplib.use_leading_end_byte(value=True):
            self._driver = sliplib.Driver()

    def frame(self, information: bytes) -> bytes:
        return information

    def information(self, frame: bytes) -> bytes:
        return frame

    def encode(self, frame: bytes) -> bytes:
        return bytes(self._driver.send(frame))

    def decode(self, octets: bytes) -> list[bytes]:
        packets: list[bytes] = []
        self._driver.receive(octets)
        while True:
            try:
                packet = self._driver.get(block=False)
            except self._error:
                continue
            if packet is None:
                return packets
            packets.append(packet)

    def deframe(self, octets: bytes) -> int:
        return len(self.decode(octets))

    def cut_short(self, line: bytes, at: int) -> bytes:
        return line[:at] + self._end + line[at:]


MakeCodec = Callable[[], Codec[Any]]

CODECS: Final[dict[str, MakeCodec]] = {
    "fmp": _FmpCodec,
    "pymodbus": _ModbusCodec,
    "sliplib": _SlipCodec,
}
"""Ours first. Each call makes one with nothing received yet; it raises
ModuleNotFoundError where the library is not installed."""
OURS: Final = "fmp"

"""What hangs on ports: terminal servers, marked octets of a terminal, scales."""

from typing import Final

from hw.ports.marks import Marks
from hw.ports.rfc2217.messages import (
    ComPortError,
    ComPortMessage,
    decode_message,
    encode_message,
)
from hw.ports.rfc2217.session import Role, Session
from hw.ports.settings import Parity
from hw.scales.mt_sics import (
    Lines,
    decode_reading,
    decode_serial_number,
    decode_zeroing,
)
from hw.scales.responder import ScaleResponder
from hw.scales.simulated import SimulatedScale
from rmfs_tools.lab.decoders.target import Target, UnstableError

_ANSWERS: Final = (
    *(b"S S     123.45 g\r\n", b"S D      18.40 g\r\n", b"S +\r\nS -\r\nS I\r\n"),
    *(b"Z A\r\nZ I\r\n", b'I4 A "B012345678"\r\n', b"ES\r\nEL\r\nET\r\n"),
    *(b"S S       1.23 kg\r\n", b"S S EEEE\r\n"),
)


def _telnet(octets: bytes) -> object:
    """Read a telnet stream as either end, in one piece and octet by octet.

    Raises:
        UnstableError: The two readings end differently.
    """
    role = Role.SERVER if octets[:1] == b"\x01" else Role.CLIENT
    whole, cut = Session(role), Session(role)
    whole.receive(octets[1:])
    for octet in octets[1:]:
        cut.receive(bytes([octet]))
    told = (whole.com_port, whole.binary, whole.ignored, whole.octets_to_send())
    if told != (cut.com_port, cut.binary, cut.ignored, cut.octets_to_send()):
        raise UnstableError("in pieces it says something else")
    return None


_Read = tuple[ComPortMessage, bool]


def _com_port(octets: bytes) -> _Read:
    by_server = octets[:1] == b"\x01"
    return decode_message(octets[1:], by_server=by_server), by_server


def _write_com_port(read: _Read) -> bytes:
    message, by_server = read
    return bytes([by_server]) + encode_message(message, by_server=by_server)


def _marks(octets: bytes) -> None:
    parity = Parity.EVEN if octets[:1] == b"\x01" else Parity.NONE
    whole = _plain(Marks(parity), [octets[1:]])
    cut = _plain(Marks(parity), [bytes([octet]) for octet in octets[1:]])
    if whole != cut:
        raise UnstableError(f"{whole} in one piece, {cut} octet by octet")


def _plain(marks: Marks, pieces: list[bytes]) -> list[object]:
    """Give what was read, octet by octet, faults between them."""
    found: list[object] = []
    for piece in pieces:
        for part in marks.read(piece):
            found += part if isinstance(part, bytes) else [part]
    return found


def _scale_answers(octets: bytes) -> None:
    lines = Lines()
    lines.take(octets)
    while (line := lines.next_line()) is not None:
        decode_reading(line)
        decode_zeroing(line)
        decode_serial_number(line)


def _scale_commands(octets: bytes) -> None:
    scale = SimulatedScale()
    scale.put(18)
    ScaleResponder(scale).receive(octets)


TARGETS: Final = (
    Target(
        "telnet",
        "the stream of a terminal server, or of its client",
        _telnet,
        lambda: [
            b"\x01\xff\xfb\x2c\xff\xfd\x00\xff\xfb\x00hello\xff\xff\r\x00",
            b"\x00\xff\xfd\x2c\xff\xfa\x2c\x65\x00\x00\x25\x80\xff\xf0data",
            b"\x01\xff\xfb\x2c\xff\xfa\x2c\x01\x00\x00\x25\x80\xff\xf0\xff\xf1",
        ],
        runs=8_000,
        watched=("hw.ports.rfc2217",),
    ),
    Target(
        "com-port",
        "a message of RFC 2217",
        _com_port,
        lambda: [b"\x00\x01\x00\x00\x25\x80", b"\x01\x65\x00\x00\x25\x80", b"\x01\x64"],
        (ComPortError,),
        _write_com_port,
        runs=20_000,
        octets_max=512,
        watched=("hw.ports.rfc2217",),
    ),
    Target(
        "marks",
        "octets that a terminal has marked",
        _marks,
        lambda: [b"\x00a\xff\xffb\xff\x00\x00c\xff\x00d", b"\x01\xff\x00"],
        runs=8_000,
        octets_max=1_024,
        watched=("hw.ports",),
    ),
    Target(
        "scale-answers",
        "what a scale says",
        _scale_answers,
        lambda: list(_ANSWERS),
        runs=20_000,
        octets_max=512,
        watched=("hw.scales",),
    ),
    Target(
        "scale-commands",
        "what a terminal asks of a simulated scale",
        _scale_commands,
        lambda: [b"SI\r\nS\r\nZ\r\n@\r\nI4\r\n"],
        runs=20_000,
        octets_max=512,
        watched=("hw.scales",),
    ),
)

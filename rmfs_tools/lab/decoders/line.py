"""What a line delivers: octets, frames, and what stands in frames."""

from typing import Final

from protocol.link import BULK, Link, LinkParameters, LinkUp, Role
from protocol.link.frames import Frame, decode_frame, encode_frame
from protocol.link.framing import Stuffing, flagged
from protocol.link.parameters import MODULO_8, MODULO_128
from protocol.link.reports import ArrivalReport, decode_report, encode_report
from protocol.link.xid import agree, decode_offer, encode_offer
from rmfs_tools.lab.decoders.target import Target, UnstableError
from rmfs_tools.lab.decoders.vectors import octets_of

_BY_SERVER: Final = 1
_UP: Final = 2
_EXTENDED: Final = 4
"""Bits of an input's first octet: which end reads, in which state, at which modulus."""

_LENGTH_MAX: Final = 0xFF
"""Of a frame in an input: its length has one octet."""
_CONNECT: Final = {
    Role.SERVER: b"\x01\x3f",
    Role.MACHINE: b"\x01\x73",
}
"""SABM to a server, and UA to a machine that has dialled."""


def _line_octets() -> list[bytes]:
    heads = [bytes([bits]) for bits in range(8)]
    octets = octets_of("link", "vectors", "octets")
    return [
        *(head + one for head in heads for one in octets),
        *(b"\x01" + one for one in octets_of("call", "line", "octets")),
    ]


def _frames() -> list[bytes]:
    frames = octets_of("link", "vectors", "frames")
    calls = octets_of("call", "line", "frames")
    return [
        *(bytes([3, len(one)]) + one for one in frames if len(one) <= _LENGTH_MAX),
        b"\x03" + b"".join(bytes([min(len(one), _LENGTH_MAX)]) + one for one in calls),
        bytes([7, 4]) + b"\x01\x00\x00\x0b" + bytes([3]) + b"\x03\x0d\x02",
    ]


def _link(bits: int) -> Link:
    role = Role.SERVER if bits & _BY_SERVER else Role.MACHINE
    link = Link(role, BULK if bits & _EXTENDED else LinkParameters())
    link.connect(0.0)
    if bits & _UP:
        link.receive_octets(_on_line(_CONNECT[role]), 0.0)
    return link


def _on_line(*frames: bytes) -> bytes:
    return flagged([Stuffing().encode(frame) for frame in frames])


def _deliver(octets: bytes) -> None:
    """Deliver the octets in two pieces, let time pass, and call once more.

    Raises:
        UnstableError: After all of it a server does not take the next call.
    """
    bits, stream = (octets[0], octets[1:]) if octets else (0, b"")
    link = _link(bits)
    half = len(stream) // 2
    now = 1.0
    for piece in (stream[:half], stream[half:]):
        link.receive_octets(piece, now)
        link.octets_to_send()
        while link.deadline is not None and link.deadline < now + 30:
            now = max(now, link.deadline)
            link.handle_timer(now)
            link.octets_to_send()
        now += 30
    link.line_lost(now)
    if bits & _BY_SERVER:
        events = link.receive_octets(_on_line(_CONNECT[Role.SERVER]), now)
        if events != [LinkUp()]:
            raise UnstableError(f"the next call gives {events}")


def _deliver_frames(octets: bytes) -> None:
    """Deliver frames that verify; each has its length before it."""
    frames, at = [], 1
    while at < len(octets):
        frames.append(octets[at + 1 : at + 1 + octets[at]])
        at += 1 + octets[at]
    _deliver(octets[:1] + _on_line(*frames))


_FrameRead = tuple[Frame, Role, int] | None


def _read_frame(octets: bytes) -> _FrameRead:
    """Read one frame; the input's first octet says who reads, at which modulus."""
    bits, frame = (octets[0], octets[1:]) if octets else (0, b"")
    role = Role.SERVER if bits & _BY_SERVER else Role.MACHINE
    modulus = MODULO_128 if bits & _EXTENDED else MODULO_8
    # Shorter ones are not good frames: the layer below has dropped them.
    found = decode_frame(frame.ljust(2, b"\0"), role, modulus)
    return (found, role, modulus) if isinstance(found, Frame) else None


def _write_frame(read: _FrameRead) -> bytes:
    if read is None:
        return b""
    frame, role, modulus = read
    sender = Role.MACHINE if role is Role.SERVER else Role.SERVER
    bits = _BY_SERVER * (role is Role.SERVER) | _EXTENDED * (modulus == MODULO_128)
    return bytes([bits]) + encode_frame(frame, sender, modulus)


def _agree(octets: bytes) -> LinkParameters | None:
    offer = decode_offer(octets)
    return None if offer is None else agree(BULK, offer)


def _read_report(octets: bytes) -> tuple[ArrivalReport, int] | None:
    number, information = (octets[0] % MODULO_128, octets[1:]) if octets else (0, b"")
    report = decode_report(information, number, MODULO_128)
    return None if report is None else (report, number)


def _write_report(read: tuple[ArrivalReport, int]) -> bytes:
    report, number = read
    return bytes([number]) + encode_report(report, number, MODULO_128)


TARGETS: Final = (
    Target(
        "line-octets",
        "the octets of a line, at either end of a link, before and in a link",
        _deliver,
        _line_octets,
        runs=2_500,
        watched=("protocol.link",),
    ),
    Target(
        "line-frames",
        "frames with a good FCS, at either end of a link, before and in a link",
        _deliver_frames,
        _frames,
        runs=2_000,
        watched=("protocol.link",),
    ),
    Target(
        "frame",
        "the address and control fields of one frame, modulo 8 and 128",
        _read_frame,
        lambda: [
            bytes([bits]) + one
            for bits in (0, 1, 4, 5)
            for one in octets_of("link", "vectors", "frames")
        ],
        encode=_write_frame,
        runs=20_000,
        watched=("protocol.link",),
    ),
    Target(
        "xid",
        "the offer of an XID, and what is agreed upon it",
        _agree,
        lambda: [encode_offer(BULK), encode_offer(LinkParameters())],
        encode=encode_offer,
        runs=20_000,
        watched=("protocol.link",),
    ),
    Target(
        "arrival-report",
        "the field of an arrival report",
        _read_report,
        lambda: [b"\x00\x05", b"\x05\x09\x0d\x80", b"\x7f\x00\xff\xff"],
        encode=_write_report,
        runs=20_000,
        watched=("protocol.link",),
    ),
)

"""Frames as a step writes them: right, but for what it says.

=============== ==================================================================
p=1, f=1        P of a command, F of a response; supervisory frames and XID are
                commands if ``p`` stands there, else responses
ns=, nr=        numbers; those that are next, if they are left out
info=hex        information; ``fill=n`` puts n octets 00 behind it
of=name         information: a packet (GREETING_2, a message, one that was kept), or
                ``segment=i/n`` of it
control=hex     the control field, of a frame called RAW: its address is that of a
                command (``p``) or response (``f``)
address=hex     the address
fcs=            ``wrong`` (a bit turned), ``swapped``, or ``none``
escape=all      each octet escaped that may be
stray=hex       an octet put in, unescaped, as a line would
before=, after= hex: octets in front of the first flag, behind the last
more=1          kept back: the next frame follows behind one flag
count=n         n times
n1=, k=, n2=,   what an XID offers or answers; t1, t2 in ms; accm in hex; ``extra=hex``
t1=, t2=, accm= puts another group behind it
modulus=, srej=,
reports=
=============== ==================================================================
"""

from collections.abc import Callable, Mapping
from typing import Final

from hw.entropy import SeededEntropy
from hw.lab.frame_words import INFORMATION, XID_FIELDS
from hw.lab.hand_link import HandLink
from hw.lab.station import Station
from hw.lab.steps import Step
from protocol.link.frames import (
    COMMANDS_ONLY,
    RESPONSES_ONLY,
    Frame,
    FrameKind,
    encode_frame,
)
from protocol.link.framing import ESCAPE, FLAG, TURN, fcs
from protocol.link.xid import decode_offer

FIRST: Final = 1
LAST: Final = 2
_FORMAT: Final = b"\x82"
_NUMBERS: Final = {
    "n1": (0x80, 6, 2),
    "k": (0x80, 8, 1),
    "t1": (0x80, 9, 2),
    "n2": (0x80, 10, 1),
    "accm": (0xF0, 1, 4),
    "t2": (0xF0, 2, 2),
    "reports": (0xF0, 3, 1),
}
"""Parameters of an XID by their names: group, identifier, octets (LINK-10.3)."""
_FUNCTIONS: Final = (0x80, 3)
_USERS: Final = (0xF0, 0)
_USERS_NAME: Final = b"FM1"
_ALWAYS: Final = 1 << 1 | 1 << 15 | 1 << 18 | 1 << 20
_SREJ: Final = 1 << 2
_MODULO_8: Final = 1 << 10
_MODULO_128: Final = 1 << 11
_BITS: Final = 8


def made_frame(step: Step, by_hand: HandLink, make: Callable[[str], bytes]) -> Frame:
    """Make the frame that a step sends."""
    name = step.words[1]
    fields = step.fields
    kind = FrameKind.INFORMATION if name == INFORMATION else FrameKind[name]
    command = kind in COMMANDS_ONLY or (kind not in RESPONSES_ONLY and "p" in fields)
    next_number = by_hand.send_number if kind is FrameKind.INFORMATION else 0
    return Frame(
        kind,
        command=command,
        poll_final=bool(int(fields.get("p", fields.get("f", "0")), 0)),
        send_number=int(fields.get("ns", str(next_number)), 0),
        receive_number=int(fields.get("nr", str(by_hand.receive_number)), 0),
        information=_information(step, make),
    )


def made_octets(step: Step, station: Station, frame: Frame) -> bytes:
    """Write a frame as it goes between two flags, bent as the step says."""
    fields = step.fields
    octets = encode_frame(frame, station.role, station.modulus)
    if "control" in fields:
        octets = octets[:1] + bytes.fromhex(fields["control"]) + frame.information
    if "address" in fields:
        octets = bytes([int(fields["address"], 16)]) + octets[1:]
    if fields.get("fcs") == "none":
        return octets
    if fields.get("fcs") == "swapped":
        return octets + fcs(octets)[::-1]
    if fields.get("escape") == "all":
        return _escaped(octets + fcs(octets))
    stuffed = station.stuffing.encode(octets)
    if "stray" in fields:
        stuffed = stuffed[:2] + bytes.fromhex(fields["stray"]) + stuffed[2:]
    return _damaged(stuffed) if fields.get("fcs") == "wrong" else stuffed


def raw_frame(step: Step, make: Callable[[str], bytes]) -> Frame:
    """Stand in for a frame whose control field is written out."""
    command = "f" not in step.fields
    return Frame(FrameKind.XID, command, information=_information(step, make))


def line_octets(step: Step) -> bytes:
    """Give the octets of an ``octets`` step: hex, repeated, or noise."""
    if "noise" in step.fields:
        noise = SeededEntropy(b"noise of a case")
        return noise.octets(int(step.fields["noise"], 0))
    count = int(step.fields.get("count", "1"), 0)
    return bytes.fromhex("".join(step.words)) * count


def _information(step: Step, make: Callable[[str], bytes]) -> bytes:
    """Give what a frame carries: octets, a segment of a packet, or an offer."""
    fields = step.fields
    fill = bytes(int(fields.get("fill", "0"), 0))
    if "info" in fields:
        return bytes.fromhex(fields["info"]) + fill
    if not XID_FIELDS.isdisjoint(fields):
        return written_offer(fields) + bytes.fromhex(fields.get("extra", ""))
    name = fields.get("of")
    if name is None:
        return fill
    packet = make(name)
    place, _, parts = fields.get("segment", "1/1").partition("/")
    number, count = int(place, 0), int(parts, 0)
    size = -(-len(packet) // count)
    flags = (FIRST if number == 1 else 0) | (LAST if number == count else 0)
    return bytes([flags]) + packet[(number - 1) * size : number * size]


def written_offer(fields: Mapping[str, str]) -> bytes:
    """Write the information of an XID with what the fields name, and nothing else."""
    groups: dict[int, bytes] = {}
    if "modulus" in fields or "srej" in fields:
        functions = _ALWAYS
        functions |= 0 if fields.get("srej") == "0" else _SREJ
        wide = fields.get("modulus") == "128"
        functions |= _MODULO_128 if wide else _MODULO_8
        group, identifier = _FUNCTIONS
        groups[group] = bytes([identifier, 3]) + functions.to_bytes(3, "little")
    for name, (group, identifier, octets) in _NUMBERS.items():
        if name not in fields:
            continue
        if group == _USERS[0] and group not in groups:
            groups[group] = bytes([_USERS[1], len(_USERS_NAME)]) + _USERS_NAME
        value = int(fields[name], 16 if name == "accm" else 0)
        value *= _BITS if name == "n1" else 1
        groups[group] = (
            groups.get(group, b"")
            + bytes([identifier, octets])
            + value.to_bytes(octets, "big")
        )
    return _FORMAT + b"".join(
        bytes([group]) + len(body).to_bytes(2, "big") + body
        for group, body in groups.items()
    )


def read_offer(information: bytes) -> dict[str, int] | None:
    """Read what an XID offers or answers, by the names that steps use."""
    offer = decode_offer(information)
    if offer is None:
        return None
    found = {
        name: int.from_bytes(offer[group, identifier], "big")
        for name, (group, identifier, _) in _NUMBERS.items()
        if (group, identifier) in offer
    }
    found.setdefault("reports", 0)
    if "n1" in found:
        found["n1"] //= _BITS
    if _FUNCTIONS in offer:
        functions = int.from_bytes(offer[_FUNCTIONS], "little")
        found["srej"] = int(bool(functions & _SREJ))
        found["modulus"] = 128 if functions & _MODULO_128 else 8
    return found


def unescaped(stuffed: bytes, accm: int) -> bool:
    """Whether an octet stands there bare that an ACCM has escaped."""
    return any(octet < 32 and accm >> octet & 1 for octet in stuffed)  # noqa: PLR2004


def _escaped(octets: bytes) -> bytes:
    """Escape each octet that may be (LINK-2.2)."""
    never = {FLAG[0] ^ TURN, ESCAPE[0] ^ TURN}
    return b"".join(
        bytes([octet]) if octet in never else ESCAPE + bytes([octet ^ TURN])
        for octet in octets
    )


def _damaged(stuffed: bytes) -> bytes:
    """Turn a bit of the FCS, so that no flag and no escape comes of it."""
    for bit in (1, 2):
        last = stuffed[-1] ^ bit
        if last not in FLAG + ESCAPE:
            return stuffed[:-1] + bytes([last])
    return stuffed

"""Frames of the link: address and control fields, modulo 8 and modulo 128.

The address octet says who answers: 0x01 stands in commands of the machine and in
responses of the server, 0x03 in commands of the server and in responses of the machine.
A frame that is neither is not for this end (an echo of its own frames, for one).

Source: ISO/IEC 13239 5.5 (control fields), ISO/IEC 7776 (addresses, FRMR); SPEC.md
LINK-4, LINK-6, LINK-14; vectors/link.json.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from protocol.link.parameters import MODULO_8, MODULO_128, Role

ADDRESS_A: Final = 0x03
"""Of the machine: the server's commands and the machine's responses carry it."""
ADDRESS_B: Final = 0x01
"""Of the server: the machine's commands and the server's responses carry it."""

_POLL_FINAL_8: Final = 0x10
_POLL_FINAL_128: Final = 0x01
_UNNUMBERED: Final = 0b11
_SUPERVISORY: Final = 0b01


class FrameKind(IntEnum):
    """Kinds of frame; the value is the control octet with all numbers and P/F at 0."""

    INFORMATION = 0x00
    RR = 0x01
    RNR = 0x05
    REJ = 0x09
    SREJ = 0x0D
    SABM = 0x2F
    SABME = 0x6F
    UA = 0x63
    DISC = 0x43
    DM = 0x0F
    FRMR = 0x87
    XID = 0xAF


SUPERVISORY: Final = frozenset(
    {FrameKind.RR, FrameKind.RNR, FrameKind.REJ, FrameKind.SREJ}
)
_NUMBERED: Final = SUPERVISORY | {FrameKind.INFORMATION}
COMMANDS_ONLY: Final = frozenset(
    {FrameKind.INFORMATION, FrameKind.SABM, FrameKind.SABME, FrameKind.DISC}
)
RESPONSES_ONLY: Final = frozenset({FrameKind.UA, FrameKind.DM, FrameKind.FRMR})
WITH_INFORMATION: Final = frozenset(
    {FrameKind.INFORMATION, FrameKind.FRMR, FrameKind.XID}
)
_UNNUMBERED_KINDS: Final = {
    kind.value: kind for kind in FrameKind if kind not in _NUMBERED
}
_SUPERVISORY_KINDS: Final = {kind.value: kind for kind in SUPERVISORY}
_ADDRESSES: Final = frozenset({ADDRESS_A, ADDRESS_B})


class Frame(NamedTuple):
    """One frame, without FCS.

    Attributes:
        kind: What the control field says.
        command: Else a response.
        poll_final: P of a command, F of a response.
        send_number: N(S), of an I frame.
        receive_number: N(R), of I and supervisory frames.
        information: What follows the control field.
    """

    kind: FrameKind
    command: bool
    poll_final: bool = False
    send_number: int = 0
    receive_number: int = 0
    information: bytes = b""


class Fault(IntFlag):
    """Bits W to Z of an FRMR: what was wrong with a frame (LINK-14)."""

    UNSPECIFIED = 0
    CONTROL_UNKNOWN = 1
    INFORMATION_NOT_ALLOWED = 3
    INFORMATION_TOO_LONG = 4
    RECEIVE_NUMBER = 8


@dataclass(frozen=True, slots=True)
class MalformedFrame:
    """A frame for this end with a good FCS that makes no sense."""

    control: bytes
    command: bool
    fault: Fault


@dataclass(frozen=True, slots=True)
class ForeignFrame:
    """A frame with a good FCS that is not for this end."""

    octets: bytes


def encode_frame(frame: Frame, sender: Role, modulus: int) -> bytes:
    """Write a frame, address to information field."""
    address = ADDRESS_B if (sender is Role.MACHINE) == frame.command else ADDRESS_A
    return bytes([address]) + encode_control(frame, modulus) + frame.information


def encode_control(frame: Frame, modulus: int) -> bytes:
    """Write the control field: 1 octet, or 2 for numbered frames at modulo 128."""
    kind = frame.kind
    is_numbered = kind in _NUMBERED
    if is_numbered and modulus != MODULO_8:
        return bytes(
            [
                kind | frame.send_number << 1,
                frame.receive_number << 1 | frame.poll_final,
            ]
        )
    control = kind | _POLL_FINAL_8 * frame.poll_final
    if is_numbered:
        control |= frame.receive_number << 5 | frame.send_number << 1
    return bytes([control])


def decode_frame(
    octets: bytes, receiver: Role, modulus: int
) -> Frame | MalformedFrame | ForeignFrame:
    """Read a frame that verified; never raises, whatever the octets are.

    Args:
        octets: Address to information field, at least 2 octets.
        receiver: The end that received it.
        modulus: In force at this end.
    """
    address = octets[0]
    if address not in _ADDRESSES:
        return ForeignFrame(octets)
    command = (address == ADDRESS_A) == (receiver is Role.MACHINE)
    first = octets[1]
    if first & _UNNUMBERED == _UNNUMBERED:
        frame = _decode_unnumbered(octets, command=command)
    elif modulus == MODULO_8:
        frame = _decode_numbered_8(octets, command=command)
    else:
        frame = _decode_numbered_128(octets, command=command)
    if frame is None:
        width = 1 if first & _UNNUMBERED == _UNNUMBERED or modulus == MODULO_8 else 2
        control = octets[1 : 1 + width]
        return MalformedFrame(control, command, Fault.CONTROL_UNKNOWN)
    if frame.kind in (RESPONSES_ONLY if command else COMMANDS_ONLY):
        return ForeignFrame(octets)
    if frame.information and frame.kind not in WITH_INFORMATION:
        is_report = frame.kind is FrameKind.SREJ and modulus == MODULO_128
        if not is_report:
            control = octets[1 : len(octets) - len(frame.information)]
            return MalformedFrame(control, command, Fault.INFORMATION_NOT_ALLOWED)
    return frame


def _decode_unnumbered(octets: bytes, *, command: bool) -> Frame | None:
    first = octets[1]
    kind = _UNNUMBERED_KINDS.get(first & ~_POLL_FINAL_8)
    if kind is None:
        return None
    poll_final = bool(first & _POLL_FINAL_8)
    return Frame(kind, command, poll_final, information=octets[2:])


def _decode_numbered_8(octets: bytes, *, command: bool) -> Frame | None:
    first = octets[1]
    kind = FrameKind.INFORMATION
    send_number = 0
    if first & _SUPERVISORY:
        kind = _SUPERVISORY_KINDS[first & 0x0F]
    else:
        send_number = first >> 1 & 7
    poll_final = bool(first & _POLL_FINAL_8)
    return Frame(kind, command, poll_final, send_number, first >> 5, octets[2:])


def _decode_numbered_128(octets: bytes, *, command: bool) -> Frame | None:
    if len(octets) < 3:  # noqa: PLR2004  address and two control octets
        return None
    first, second = octets[1], octets[2]
    kind: FrameKind | None = FrameKind.INFORMATION
    send_number = 0
    if first & _SUPERVISORY:
        kind = _SUPERVISORY_KINDS.get(first)
    else:
        send_number = first >> 1
    if kind is None:
        return None
    poll_final = bool(second & _POLL_FINAL_128)
    return Frame(kind, command, poll_final, send_number, second >> 1, octets[3:])


def encode_rejection(
    refused: MalformedFrame, send_state: int, receive_state: int, modulus: int
) -> bytes:
    """Write the information field of an FRMR.

    Args:
        refused: Control field and direction of the frame, and what was wrong with it.
        send_state: V(S) of the end that refuses.
        receive_state: V(R) of the end that refuses.
        modulus: In force; it decides the width of the fields.

    Returns:
        3 octets at modulo 8, 5 at modulo 128.
    """
    response = not refused.command
    if modulus == MODULO_8:
        states = receive_state << 5 | response << 4 | send_state << 1
        return refused.control[:1] + bytes([states, refused.fault])
    control = refused.control.ljust(2, b"\0")
    return control + bytes(
        [send_state << 1, receive_state << 1 | response, refused.fault]
    )

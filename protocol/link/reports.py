"""Arrival reports: in one frame, all that a receiver has and what came last.

A report is a SREJ response with an information field, at modulo 128 and where both ends
agreed on it. Its N(R) acknowledges; the field holds N(S) of the I frame that arrived
last, then one bit for each number behind N(R): whether it is held. On a line that keeps
order, whatever was transmitted before that last arrival and is not held is lost, so
that a sender knows at once, and of repetitions too. No report asks for anything, so
that none is missed when it is lost: the next one says it all again.

Source: SPEC.md LINK-17; after the multi-selective reject of ISO/IEC 13239 and the
forward acknowledgement of Mathis and Mahdavi, 1996. The form is ours.
"""

from dataclasses import dataclass
from typing import Final

_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class ArrivalReport:
    """What a receiver has beyond N(R).

    Attributes:
        latest: N(S) of the I frame that arrived last, new or not.
        held: Numbers beyond N(R) that are held.
    """

    latest: int
    held: frozenset[int]


def encode_report(report: ArrivalReport, receive_number: int, modulus: int) -> bytes:
    """Write the information field of a report: 2 octets or more.

    Args:
        report: What to tell.
        receive_number: N(R) of the frame, V(R) of the receiver.
        modulus: In force.
    """
    bits = 0
    for number in report.held:
        bits |= 1 << (number - receive_number - 1) % modulus
    octets = -(-bits.bit_length() // _BITS)
    return bytes([report.latest]) + bits.to_bytes(octets, "little")


def decode_report(
    information: bytes, receive_number: int, modulus: int
) -> ArrivalReport | None:
    """Read the information field of a report; None if its form is wrong."""
    if not 1 <= len(information) <= 1 + modulus // 2 // _BITS:
        return None
    if information[0] >= modulus:
        return None
    bits = int.from_bytes(information[1:], "little")
    held = frozenset(
        (receive_number + 1 + place) % modulus
        for place in range(bits.bit_length())
        if bits >> place & 1
    )
    return ArrivalReport(information[0], held)

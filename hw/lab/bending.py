"""Packets bent on purpose: what stands behind ``|`` in a step.

================== ==============================================================
flip=n             a bit of octet n is turned; below 0 it is counted from the end
octet=n:xx         octet n becomes xx
cut=n, pad=n       n octets less, or n octets of zeros more, at the end
type=xx            the first octet
counter=n, +n, -n  the counter of the record, sealed with it
aad=xx             the type that the tag of the record covers, sealed with it
put=n:hex          octets from n on, in place of those that are there
twice              the same packet once more
also               the packet as it should be, right behind the bent one
late               sent if the link is still up, and else not at all
bare               the message itself, in no record
shorter=n          the message n octets less, in a record as it should be
longer=n           the message n octets of zeros more, in a record as it should be
================== ==============================================================

What a greeting says otherwise (``c_r=``, ``mac=`` …) stands in `hw.lab.edhoc.Said`.
"""

from typing import Final

from hw.lab.conversation import Conversation
from hw.lab.edhoc import SAYINGS, Said
from hw.lab.steps import Step, StepError
from protocol.channel import PacketType
from protocol.channel.packets import MESSAGE_3_OCTETS, MESSAGE_4_OCTETS

LATE: Final = "late"
_RECORD_AT: Final = {
    PacketType.GREETING_3: 1 + MESSAGE_3_OCTETS,
    PacketType.GREETING_4: 1 + MESSAGE_4_OCTETS,
    PacketType.RECORD: 1,
}


def bent_message(step: Step, body: bytes) -> bytes:
    """Bend a message before it is sealed."""
    shorter = int(step.bends.get("shorter", "0"), 0)
    longer = int(step.bends.get("longer", "0"), 0)
    return body[: len(body) - shorter] + bytes(longer)


def said_otherwise(step: Step) -> Said:
    """Read what a greeting is to say otherwise."""
    return Said({name: step.bends[name] for name in SAYINGS & set(step.bends)})


def bent_packets(
    step: Step, talk: Conversation, packet: bytes, body: bytes
) -> list[bytes]:
    """Bend a packet as a step says; it may become two.

    Raises:
        StepError: The packet has no place that could be bent so.
        LocalProtocolError: There are no keys yet, and it is to be sealed again.
    """
    try:
        if "counter" in step.bends or "aad" in step.bends:
            packet = _resealed(step, talk, packet, body)
        octets = _bent(step, packet)
    except (IndexError, KeyError, ValueError) as error:
        raise StepError(f"step {step.text!r}: {error}") from error
    if "also" in step.bends:
        return [octets, packet]
    return [octets] * (2 if "twice" in step.bends else 1)


def _bent(step: Step, packet: bytes) -> bytes:
    bends = step.bends
    octets = bytearray(packet)
    if "cut" in bends:
        del octets[max(0, len(octets) - int(bends["cut"], 0)) :]
    if "pad" in bends:
        octets += bytes(int(bends["pad"], 0))
    if "type" in bends:
        octets[0] = int(bends["type"], 16)
    if "flip" in bends:
        octets[int(bends["flip"], 0)] ^= 1
    if "octet" in bends:
        place, _, value = bends["octet"].partition(":")
        octets[int(place, 0)] = int(value, 16)
    if "put" in bends:
        place, _, value = bends["put"].partition(":")
        put = bytes.fromhex(value)
        octets[int(place, 0) : int(place, 0) + len(put)] = put
    return bytes(octets)


def _resealed(step: Step, talk: Conversation, packet: bytes, body: bytes) -> bytes:
    first = _RECORD_AT[PacketType(packet[0])]
    text = step.bends.get("counter", "+0")
    counter = int(text, 0)
    if text[0] in "+-":
        counter += talk.next_counter - 1
    covered = int(step.bends.get("aad", f"{packet[0]:02x}"), 16)
    return talk.reseal(packet, body, counter, first=first, covered=covered)

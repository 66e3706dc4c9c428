"""The packets of one link: greetings, records, errors, and the messages in them (CHAN).

Whoever listens and knows the keys of the records opens them; with the binding the
signatures in them can be verified. The exchange of keys itself cannot be followed from
beside (CHAN-1.2): of the greetings a listener judges the form, and who holds all keys
of one end follows the rest (`tests.oracle.secrets`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tests.oracle.octets import Way
from tests.witness.spec_keys import ERRORS, RefusedError, is_x_of_a_point, nonce
from tests.witness.spec_messages import NAMES, Fields, check, fields_of

PACKETS: Final = {
    1: "GREETING_1",
    2: "GREETING_2",
    3: "GREETING_3",
    4: "GREETING_4",
    5: "RECORD",
    14: "ERROR",
}
"""CHAN-2."""
RECORD_OCTETS: Final = range(11, 1034 + 1)
HEAD_OCTETS: Final = {"GREETING_3": 27, "GREETING_4": 9, "RECORD": 0}
"""What stands before the record of a packet that has one."""
FIXED_OCTETS: Final = {"GREETING_1": 37, "GREETING_2": 45}
ERROR_OCTETS: Final = 2
"""With its type (CHAN-9)."""
ORDER: Final = {
    "GREETING_1": (0, Way.MACHINE),
    "GREETING_2": (1, Way.SERVER),
    "GREETING_3": (2, Way.MACHINE),
    "GREETING_4": (3, Way.SERVER),
}
"""CHAN-8.1: at which step a greeting has its place, and who sends it."""
GREETED: Final = len(ORDER)
COUNTER_OCTETS: Final = 2
STATEMENT, VERSION = 0x10, 1
VERSION_WRONG: Final = 10
ELECTIVE: Final = range(0x40, 0x7F + 1)
SENDERS: Final = {
    **dict.fromkeys(
        ["STATEMENT", "CONFIRMATION", "USAGE", "GOODBYE", "LAST_VOUCHER", "WANT"],
        Way.MACHINE,
    ),
    **dict.fromkeys(
        ["VOUCHER", "REFUSAL", "RECEIPT", "ACK", "ORDER", "CONTENT"], Way.SERVER
    ),
}


@dataclass(frozen=True)
class Secrets:
    """What a listener is told of one channel.

    Attributes:
        keys: Key and IV of each end's records, 16 and 13 octets.
        binding: 32 octets (CHAN-5.1), or empty: then no signature is judged.
    """

    keys: Mapping[Way, tuple[bytes, bytes]]
    binding: bytes = b""


@dataclass(frozen=True)
class Message:
    """The body of a record.

    Attributes:
        body: All octets.
        name: Of its type; empty for a type that is unknown.
        fields: By their names in the tables; empty where the length is wrong.
        fault: The ERROR that its form deserves, 0 for none (CHAN-9).
    """

    body: bytes
    name: str = ""
    fields: Fields = field(default_factory=dict)
    fault: int = 0


@dataclass(frozen=True)
class Packet:
    """A message of the link.

    Attributes:
        octets: All, with the type.
        name: Of its type; empty for a type that is unknown.
        fault: The ERROR that it deserves by itself or at its place, 0 for none.
        error: The code that an ERROR says.
        message: What its record holds, if its tag verifies.
        is_read: Whether type and length are in its table, and its record, if it has
            one, could be opened.
    """

    octets: bytes
    name: str = ""
    fault: int = 0
    error: int | None = None
    message: Message | None = None
    is_read: bool = True


class ChannelReader:
    """Opens the packets of one link.

    Attributes:
        g_x: What the channel is known by, once GREETING_1 has come.
        secrets: Of the channel, where they are known.
    """

    def __init__(self, known: Mapping[bytes, Secrets]) -> None:
        """Begin before GREETING_1.

        Args:
            known: Secrets by G_X; it may grow.
        """
        self.g_x = b""
        self._known = known
        self._step = 0
        self._due = dict.fromkeys(Way, 0)

    @property
    def secrets(self) -> Secrets | None:
        return self._known.get(self.g_x)

    def take(self, way: Way, octets: bytes) -> Packet:
        """Read a packet; its faults in the order of CHAN-2.2."""
        name = PACKETS.get(octets[0], "")
        if not name:
            return Packet(octets, fault=1, is_read=False)
        if name == "ERROR":
            code = octets[1] if len(octets) > 1 else None
            is_read = len(octets) == ERROR_OCTETS and code in ERRORS
            return Packet(octets, name, error=code, is_read=is_read)
        placed = self._has_place(way, name)
        if name in ORDER and placed:
            self._step += 1
        if not _fits(name, len(octets) - 1):
            return Packet(octets, name, 1 if placed else 5, is_read=False)
        fault = 0 if placed else 5
        if name == "GREETING_1" and (placed or not self.g_x):
            self.g_x = octets[5:37]
        if not _is_in_form(name, octets[1:]):
            fault = fault or 2
        if name in FIXED_OCTETS:
            return Packet(octets, name, fault)
        return self._with_record(way, Packet(octets, name, fault))

    def _has_place(self, way: Way, name: str) -> bool:
        return ORDER.get(name, (GREETED, way)) == (self._step, way)

    def _with_record(self, way: Way, packet: Packet) -> Packet:
        octets, fault = packet.octets, packet.fault
        record = octets[1 + HEAD_OCTETS[packet.name] :]
        counter = int.from_bytes(record[:COUNTER_OCTETS], "big")
        if counter != self._due[way]:
            fault = fault or 4
        self._due[way] = counter + 1
        if self.secrets is None:
            return Packet(octets, packet.name, fault, is_read=False)
        key, iv = self.secrets.keys[way]
        try:
            body = AESCCM(key, tag_length=8).decrypt(
                nonce(iv, counter), record[2:], octets[:1] + record[:2]
            )
        except InvalidTag:
            return Packet(octets, packet.name, fault or 4, is_read=False)
        message = read_message(body)
        if SENDERS.get(message.name, way) is not way:
            fault = fault or 5
        return Packet(octets, packet.name, fault, message=message)


def _fits(name: str, octets: int) -> bool:
    """Whether a packet has a length of its row (CHAN-2.2)."""
    if name in FIXED_OCTETS:
        return octets == FIXED_OCTETS[name]
    return octets - HEAD_OCTETS[name] in RECORD_OCTETS


def _is_in_form(name: str, content: bytes) -> bool:
    """What octets alone show of a greeting (CHAN-7.1 to 7.4, 7.7)."""
    if name == "GREETING_1":
        framed = content[:4] == b"\x03\x02\x58\x20" and content[36:] == b"\x00"
        return framed and is_x_of_a_point(content[4:36])
    if name == "GREETING_2":
        return content[:2] == b"\x58\x2b" and is_x_of_a_point(content[2:34])
    if name == "GREETING_3":
        return content[:2] == b"\x58\x19"
    return name == "RECORD" or content[:1] == b"\x48"


def read_message(body: bytes) -> Message:
    """Read what a record held (DLG-2)."""
    if body[0] in ELECTIVE:
        return Message(body, "elective")
    other_version = body[0] == STATEMENT and len(body) > 1 and body[1] != VERSION
    try:
        name, fields = fields_of(body)
    except RefusedError as error:
        fault = VERSION_WRONG if other_version else error.code
        return Message(body, NAMES.get(body[0], ""), fault=fault)
    if other_version:
        return Message(body, name, fields, VERSION_WRONG)
    try:
        check(name, fields)
    except RefusedError as error:
        return Message(body, name, fields, error.code)
    return Message(body, name, fields)

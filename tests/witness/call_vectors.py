"""Makes `protocol/vectors/call.json`: one whole recharge call, octet by octet.

The machine that was written from SPEC.md alone dials; a server of a few lines, made of
the same witness parts, answers as SPEC.md says. Everything that either draws is given,
and nothing of the product goes in. Print the file with
``python -m tests.witness.call_vectors``; a test compares it with the published one.

Source: SPEC.md LINK to DLG, read a second time.
"""

import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.witness.chan_vectors import LABELS, encode, party, record, scalar
from tests.witness.edhoc_peer import Responder
from tests.witness.spec_keys import (
    Direction,
    ServerPaper,
    credential_hash,
    public_point,
    sign,
)
from tests.witness.spec_link import (
    ADDRESS_A,
    ADDRESS_B,
    FLAG,
    Assembler,
    Deframer,
    Frame,
    Kind,
    decode,
    stuff,
)
from tests.witness.spec_machine import (
    Psd,
    Request,
    SpecMachine,
    State,
)
from tests.witness.spec_messages import Row, pack, unpack

REALM = "T"
LICENCE, PSD_SERIAL = "N123456", "PSD00001"
SERVER_NAME, SERVER_KID, CREDIT_KEY_ID = "rmfs.example", 5, 1
AMOUNT_PAISE = 200_000
NOW_S = 1_795_219_200
MARK = bytes.fromhex("18070f6e5d4c3b2a")
GREETING_1, GREETING_2, GREETING_3, GREETING_4, RECORD = 1, 2, 3, 4, 5
NAMES = {1: "GREETING_1", 2: "GREETING_2", 3: "GREETING_3", 4: "GREETING_4"}

X, Y = scalar("call, ephemeral of the machine"), scalar("call, of the server")
MACHINE = party(f"{REALM}:{PSD_SERIAL}", LICENCE.encode(), scalar("machine"))
SERVER = party(f"{REALM}:{SERVER_NAME}", bytes([SERVER_KID]), scalar("server"))


@dataclass
class ScriptedServer:
    """The other end of the call: a line to the machine, a server behind it.

    Attributes:
        line: What went over the line, in the order it went: sender, octets, frames.
        packets: The packets, with the body of the record in each.
        exported: The keys of the channel, once there are any.
    """

    line: list[dict[str, Any]] = field(default_factory=list)
    packets: list[dict[str, Any]] = field(default_factory=list)
    exported: dict[str, bytes] = field(default_factory=dict)
    _to_machine: deque[bytes] = field(default_factory=deque)
    _sent: int = 0
    _received: int = 0
    _records: int = 0
    _statement: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._deframer = Deframer()
        self._assembler = Assembler()
        self._edhoc = Responder(SERVER, ephemeral=Y, c_r=b"\x01")

    # The line, seen from the machine.

    def send(self, octets: bytes) -> None:
        frames = self._deframer.take(octets)
        self.line.append({"from": "machine", "octets": octets, "frames": frames})
        answers = [answer for frame in frames for answer in self._frame(frame)]
        if answers:
            flag = bytes([FLAG])
            sent = [answer.encode() for answer in answers]
            line = flag + flag.join(map(stuff, sent)) + flag
            self.line.append({"from": "server", "octets": line, "frames": sent})
            self._to_machine.append(line)

    def receive(self, timeout_s: float) -> bytes:
        return self._to_machine.popleft()

    def close(self) -> None:
        """Nothing is left to do."""

    # The link (LINK-5, LINK-8): answers at once, before T2 can run out.

    def _frame(self, octets: bytes) -> Iterator[Frame]:
        frame = decode(octets)
        if frame is None:
            raise ValueError(f"the machine sent {octets.hex()}")
        if frame.kind in {Kind.SABM, Kind.DISC}:
            yield Frame(ADDRESS_B, Kind.UA, frame.pf)
        if frame.kind is not Kind.I:
            return
        self._received += 1
        self._assembler.take(frame.information)
        while self._assembler.messages:
            for packet in self._packet(self._assembler.messages.popleft()):
                information = b"\x03" + packet
                yield Frame(
                    ADDRESS_A,
                    Kind.I,
                    ns=self._sent,
                    nr=self._received,
                    information=information,
                )
                self._sent += 1
        if frame.pf:
            yield Frame(ADDRESS_B, Kind.RR, pf=True, nr=self._received)

    # The channel (CHAN-8).

    def _packet(self, packet: bytes) -> Iterator[bytes]:
        if packet[0] == GREETING_1:
            self._note("machine", packet)
            self._edhoc.receive_1(packet[1:])
            yield self._note("server", bytes([GREETING_2]) + self._edhoc.message_2())
            return
        content = packet[1:]
        if packet[0] == GREETING_3:
            message_3, content = content[:27], content[27:]
            self._edhoc.receive_3(message_3, {MACHINE.kid: MACHINE})
            self.exported = {
                name: self._edhoc.exporter(label, b"", length)
                for name, (label, length) in LABELS.items()
            }
            self._opening = Direction(
                self.exported["machine_key"], self.exported["machine_iv"]
            )
        body = self._opening.open(packet[0], content)
        self._note("machine", packet, body)
        for number, answer in enumerate(self._answers(body)):
            first = packet[0] == GREETING_3 and number == 0
            kind = GREETING_4 if first else RECORD
            head = self._edhoc.message_4() if first else b""
            sealed = record(self.exported, "server", kind, self._records, answer)
            self._records += 1
            yield self._note("server", bytes([kind]) + head + sealed, answer)

    def _note(self, side: str, packet: bytes, body: bytes = b"") -> bytes:
        entry: dict[str, Any] = {
            "from": side,
            "name": NAMES.get(packet[0], "RECORD"),
            "packet": packet,
        }
        if body:
            name, fields = unpack(body)
            entry |= {"body": body, "message": name, "fields": fields}
        self.packets.append(entry)
        return packet

    # The dialogue (DLG-1), without books.

    def _answers(self, body: bytes) -> Iterator[bytes]:
        name, fields = unpack(body)
        if name == "STATEMENT":
            self._statement = fields
            yield voucher(fields)
        elif name == "CONFIRMATION":
            yield pack(
                "RECEIPT",
                {
                    "recharge_number": fields["recharge_number"],
                    "mark": MARK,
                    "time": NOW_S + 1,
                    "funds_paise": 300_000,
                    "licence_state": 1,
                    "orders": 1,
                },
            )
            order = {"order_serial": 1, "order": 4, "value": NOW_S + 2_592_000}
            yield pack("ORDER", order)
        elif name == "USAGE":
            yield pack("ACK", {"of_type": 0x12, "number": self._statement["dial_in"]})


def voucher(statement: dict[str, Any]) -> bytes:
    """The VOUCHER that grants what a STATEMENT asks for."""
    before = statement["control_total_paise"]
    amount = statement["amount_paise"]
    fields = {
        "kind": 1,
        "licence": statement["licence"],
        "credential_hash": credential_hash(MACHINE.cred),
        "recharge_number": statement["recharge_number"] + 1,
        "amount_paise": amount,
        "control_total_before_paise": before,
        "control_total_after_paise": before + amount,
        "time": NOW_S,
        "credit_key": CREDIT_KEY_ID,
        "signature": bytes(64),
    }
    signed = pack("VOUCHER", fields)[:-64]
    return signed + sign(scalar("credit"), "VOUCHER", REALM, signed)


def machine() -> SpecMachine:
    """The machine of the call: it has franked 42 items, and was recharged before."""
    psd = Psd(
        REALM,
        LICENCE,
        PSD_SERIAL,
        MACHINE.private,
        scalar("machine signing"),
        ascending_paise=124_000,
        descending_paise=200_000,
        control_total_paise=324_000,
        items=42,
        items_with_zero=43,
        recharge_number=4,
        mark=bytes.fromhex("a1b2c3d4e5f60718"),
        dial_in=11,
        state=State.IN_SERVICE,
        usage={3: Row(40, 120_000), 7: Row(2, 4_000)},
    )
    server = ServerPaper(
        REALM,
        SERVER_KID,
        SERVER_NAME,
        public_point(SERVER.private),
        CREDIT_KEY_ID,
        public_point(scalar("credit")),
        NOW_S,
    )
    return SpecMachine(
        psd,
        [server],
        store=lambda _text: None,
        entropy=lambda _octets: X,
        monotonic=lambda: 0.0,
        wall_clock_s=lambda: NOW_S - 10,
    )


def make() -> dict[str, Any]:
    dialling, server = machine(), ScriptedServer()
    dialling.connect_line(server)
    dialling.dial(Request.RECHARGE, AMOUNT_PAISE)
    return {
        "clauses": {
            "line": ["LINK-1.7", "LINK-5", "LINK-6", "LINK-9"],
            "packets.packet": ["CHAN-2", "CHAN-4", "CHAN-6"],
            "packets.fields": ["DLG-1", "DLG-3", "DLG-4", "DLG-5", "DLG-9"],
        },
        "what": "One whole recharge call of FMP/1 with given ephemeral keys: every "
        "octet on the line both ways, the frames in them, the packets in these, and "
        "the messages in the records. Both ends answer before T2 runs out.",
        "source": "protocol/SPEC.md; made by tests/witness/call_vectors.py. Private "
        "keys are SHA-256 of a name and belong to nobody. Octets are lower-case hex; "
        "frames are without flags, stuffing and FCS.",
        "machine": {
            "kid": MACHINE.kid,
            "ccs": MACHINE.cred,
            "dh_private": MACHINE.private,
            "signing_private": scalar("machine signing"),
            "ephemeral": X,
        },
        "server": {
            "kid": SERVER.kid,
            "ccs": SERVER.cred,
            "dh_private": SERVER.private,
            "credit_key": CREDIT_KEY_ID,
            "credit_private": scalar("credit"),
            "ephemeral": Y,
        },
        "exported": server.exported,
        "packets": server.packets,
        "line": server.line,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(encode(make()), indent=1) + "\n")

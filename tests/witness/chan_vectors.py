"""Makes `protocol/vectors/chan.json`: two whole channels, octet by octet.

Only the witness and the octets of the spec go in; nothing of the product does. Print
the file with ``python -m tests.witness.chan_vectors``; a test compares it with the one
that is published.

Source: SPEC.md CHAN-2 to CHAN-6, read a second time.
"""

import json
import sys
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tests.witness.edhoc_peer import Initiator, Party, Responder, kdf

LABELS = {
    "machine_key": (0xF101, 16),
    "machine_iv": (0xF102, 13),
    "server_key": (0xF103, 16),
    "server_iv": (0xF104, 13),
    "binding": (0xF105, 32),
}


def scalar(name: str) -> bytes:
    """A private key anybody can recompute: SHA-256 of its name."""
    return sha256(f"FMP/1 vector, {name}".encode()).digest()


def party(subject: str, kid: bytes, private: bytes) -> Party:
    key = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    cred = (
        bytes.fromhex("a202")
        + bytes([0x60 + len(subject)])
        + subject.encode("ascii")
        + bytes.fromhex("08a101a5010202")
        + bytes([0x40 + len(kid)])
        + kid
        + bytes.fromhex("2001215820")
        + x
        + bytes.fromhex("225820")
        + y
    )
    return Party(kid, cred, x, private)


def record(
    keys: dict[str, bytes], side: str, packet_type: int, counter: int, body: bytes
) -> bytes:
    number = counter.to_bytes(2, "big")
    iv = keys[f"{side}_iv"]
    nonce = bytes(a ^ b for a, b in zip(iv, bytes(11) + number, strict=True))
    sealed = AESCCM(keys[f"{side}_key"], tag_length=8).encrypt(
        nonce, body, bytes([packet_type]) + number
    )
    return number + sealed


def channel(
    name: str,
    machine: Party,
    server: Party,
    exchange: list[tuple[str, int, bytes]],
) -> dict[str, Any]:
    x, y = scalar(f"{name}, ephemeral of the machine"), scalar(f"{name}, of the server")
    initiator = Initiator(machine, ephemeral=x, c_i=b"\x00")
    responder = Responder(server, ephemeral=y, c_r=b"\x01")
    responder.receive_1(initiator.message_1)
    message_2 = responder.message_2()
    initiator.receive_2(message_2, {server.kid: server})
    message_3 = initiator.message_3()
    responder.receive_3(message_3, {machine.kid: machine})
    message_4 = responder.message_4()
    initiator.receive_4(message_4)
    keys = {
        key: initiator.exporter(label, b"", length)
        for key, (label, length) in LABELS.items()
    }
    for key, (label, length) in LABELS.items():
        if responder.exporter(label, b"", length) != keys[key]:
            raise ValueError(f"the ends of {name} disagree on {key}")
    counters = {"machine": 0, "server": 0}
    heads = {0x03: message_3, 0x04: message_4, 0x05: b""}
    packets: list[dict[str, Any]] = [
        {
            "name": "GREETING_1",
            "from": "machine",
            "packet": b"\x01" + initiator.message_1,
        },
        {"name": "GREETING_2", "from": "server", "packet": b"\x02" + message_2},
    ]
    for side, packet_type, body in exchange:
        sealed = record(keys, side, packet_type, counters[side], body)
        packet = bytes([packet_type]) + heads[packet_type] + sealed
        packets.append(
            {
                "name": {3: "GREETING_3", 4: "GREETING_4", 5: "RECORD"}[packet_type],
                "from": side,
                "counter": counters[side],
                "body": body,
                "packet": packet,
            }
        )
        counters[side] += 1
    return {
        "name": name,
        "machine": {
            "kid": machine.kid,
            "ccs": machine.cred,
            "dh_private": machine.private,
        },
        "server": {"kid": server.kid, "ccs": server.cred, "dh_private": server.private},
        "machine_ephemeral": x,
        "server_ephemeral": y,
        "message_1": initiator.message_1,
        "message_2": message_2,
        "message_3": message_3,
        "message_4": message_4,
        "th_2": initiator.th_2,
        "th_3": initiator.th_3,
        "th_4": initiator.th_4,
        "prk_2e": initiator.prk_2e,
        "prk_3e2m": initiator.prk_3e2m,
        "prk_4e3m": initiator.prk_4e3m,
        "prk_out": initiator.prk_out,
        "prk_exporter": kdf(initiator.prk_out, 10, b"", 32),
        "exported": keys,
        "packets": packets,
    }


def make() -> dict[str, Any]:
    recharge = [
        ("machine", 0x03, b"\x10 the body of a STATEMENT"),
        ("server", 0x04, b"\x20 the body of a VOUCHER"),
        ("machine", 0x05, b"\x11 the body of a CONFIRMATION"),
        ("server", 0x05, b"\x22 the body of a RECEIPT"),
        ("machine", 0x05, b"\x14"),
    ]
    longest = [
        ("machine", 0x03, bytes(range(256)) * 4),
        ("server", 0x04, b"\x00"),
    ]
    return {
        "clauses": {
            "labels": ["CHAN-5"],
            "channels.packets": ["CHAN-2", "CHAN-6"],
            "channels.message_1 to message_4": ["CHAN-4"],
            "channels.machine.ccs, channels.server.ccs": ["CHAN-3"],
            "channels.exported": ["CHAN-5"],
        },
        "what": "Whole channels of FMP/1 with given ephemeral keys: a recharge in the "
        "test realm, and the longest body in the production realm.",
        "source": "protocol/SPEC.md CHAN-2 to CHAN-6; made by "
        "tests/witness/chan_vectors.py from RFC 9528 alone. Private keys are SHA-256 "
        "of a name and belong to nobody. Octets are lower-case hex.",
        "labels": {
            key: {"label": label, "length": length}
            for key, (label, length) in LABELS.items()
        },
        "channels": [
            channel(
                "recharge",
                party("T:PSD00001", b"N123456", scalar("machine")),
                party("T:rmfs.example", b"\x05", scalar("server")),
                recharge,
            ),
            channel(
                "longest",
                party("P:PSD00002", b"Z999999", scalar("machine 2")),
                party("P:s", b"\x17", scalar("server 2")),
                longest,
            ),
        ],
    }


def encode(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: encode(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [encode(inner) for inner in value]
    return value


if __name__ == "__main__":
    sys.stdout.write(json.dumps(encode(make()), indent=2) + "\n")

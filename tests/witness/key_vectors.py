"""Makes `protocol/vectors/key.json`: credentials, signatures and provisioning files.

Made by whole-number arithmetic and the octets of the spec alone; nothing of the product
goes in. Print the file with ``python -m tests.witness.key_vectors``; a test compares it
with the one that is published.

Source: SPEC.md CHAN-3, KEY-4 to KEY-6 and KEY-10, read a second time.
"""

import json
import sys
from hashlib import sha256
from typing import Any

from tests.witness import ecdsa_peer


def scalar(name: str) -> int:
    """A private key anybody can recompute: SHA-256 of its name."""
    return int.from_bytes(sha256(f"FMP/1 vector, {name}".encode()).digest(), "big")


def octets(value: int, count: int = 32) -> bytes:
    return value.to_bytes(count, "big")


def point(private: int) -> bytes:
    x, y = ecdsa_peer.public(private)
    return octets(x) + octets(y)


def shown(point_: bytes) -> dict[str, str]:
    return {"x": point_[:32].hex(), "y": point_[32:].hex()}


def ccs(subject: bytes, kid: bytes, point_: bytes) -> bytes:
    return b"".join(
        (
            b"\xa2\x02",
            bytes([0x60 + len(subject)]),
            subject,
            b"\x08\xa1\x01\xa5\x01\x02\x02",
            bytes([0x40 + len(kid)]),
            kid,
            b"\x20\x01\x21\x58\x20" + point_[:32] + b"\x22\x58\x20" + point_[32:],
        )
    )


def signature(private: int, context: str, realm: str, message: bytes) -> dict[str, Any]:
    covered = f"FMP/1 {context} {realm}".encode() + b"\x00" + message
    return {
        "private": octets(private).hex(),
        "context": context,
        "realm": realm,
        "octets": message.hex(),
        "covered": covered.hex(),
        "signature": ecdsa_peer.sign(private, covered).hex(),
    }


def provisioning(
    readable: dict[str, Any], signed: bytes, realm: str, maker: int
) -> dict[str, Any]:
    made = signature(maker, "PROVISIONING", realm, signed)
    return {
        **readable,
        "maker": {"name": "Maker", "fingerprint": sha256(point(maker)).hexdigest()},
        "signed_octets": signed.hex(),
        "signature": made["signature"],
    }


def make() -> dict[str, Any]:
    machine_dh, machine_sign = scalar("machine"), scalar("machine signing")
    server_dh, credit, maker = scalar("server"), scalar("credit"), scalar("maker")
    issued = 1_790_000_000
    machine_ccs = ccs(b"T:PSD00001", b"N123456", point(machine_dh))
    server_ccs = ccs(b"T:rmfs.example", b"\x05", point(server_dh))
    image = (
        b"\x01TN123456PSD00001\x00\x01\x00" + octets(machine_dh) + octets(machine_sign)
    )
    machine_octets = b"".join(
        (
            b"\x01MT",
            b"N123456",
            b"PSD00001",
            b"FM 100".ljust(16, b"\x00"),
            b"1.0.3".ljust(16, b"\x00"),
            point(machine_dh),
            point(machine_sign),
            octets(1_234_500, 8),
            octets(5_500, 8),
            octets(1_240_000, 8),
            octets(617, 4),
            octets(3, 4),
            octets(9, 4),
            octets(1, 2),
            octets(issued, 4),
        )
    )
    server_octets = b"".join(
        (
            b"\x01ST\x05",
            b"rmfs.example".ljust(16, b"\x00"),
            point(server_dh),
            b"\x01",
            point(credit),
            octets(issued, 4),
        )
    )
    heading = {"format": "FMP/1 provisioning", "version": 1}
    machine_readable = {
        **heading,
        "kind": "MACHINE",
        "realm": "TEST",
        "licence_identifier": "N123456",
        "psd_serial": "PSD00001",
        "model": "FM 100",
        "firmware": "1.0.3",
        "dh_public_key": shown(point(machine_dh)),
        "signing_public_key": shown(point(machine_sign)),
        "ascending_paise": 1_234_500,
        "descending_paise": 5_500,
        "control_total_paise": 1_240_000,
        "items": 617,
        "zero_items": 3,
        "recharge_number": 9,
        "generation": 1,
        "ccs": machine_ccs.hex(),
        "credential_hash": sha256(machine_ccs).hexdigest()[:16],
        "issued": "2026-09-21T14:13:20Z",
    }
    server_readable = {
        **heading,
        "kind": "SERVER",
        "realm": "TEST",
        "server_name": "rmfs.example",
        "kid": 5,
        "dh_public_key": shown(point(server_dh)),
        "credit_key_id": 1,
        "credit_public_key": shown(point(credit)),
        "ccs": server_ccs.hex(),
        "credential_hash": sha256(server_ccs).hexdigest()[:16],
        "issued": "2026-09-21T14:13:20Z",
    }
    return {
        "clauses": {
            "machine.ccs, server.ccs": ["CHAN-3"],
            "machine.credential_hash, server.credential_hash": ["KEY-6"],
            "signatures": ["KEY-4"],
            "machine_file, server_file": ["KEY-5"],
        },
        "what": "Credentials, signatures, provisioning files and the stored identity "
        "of FMP/1.",
        "source": "protocol/SPEC.md CHAN-3 and KEY; made by "
        "tests/witness/key_vectors.py with RFC 6979 in whole numbers. Private keys are "
        "SHA-256 of a name and belong to nobody. Octets are lower-case hex.",
        "machine": {
            "dh_private": octets(machine_dh).hex(),
            "signing_private": octets(machine_sign).hex(),
            "ccs": machine_ccs.hex(),
            "credential_hash": sha256(machine_ccs).hexdigest()[:16],
            "image": (image + sha256(image).digest()[:8]).hex(),
        },
        "server": {
            "dh_private": octets(server_dh).hex(),
            "ccs": server_ccs.hex(),
            "credential_hash": sha256(server_ccs).hexdigest()[:16],
        },
        "credit_key": {"id": 1, "private": octets(credit).hex()},
        "maker_key": {"name": "Maker", "private": octets(maker).hex()},
        "signatures": [
            signature(machine_sign, "STATEMENT", "T", b"the octets of a STATEMENT"),
            signature(machine_sign, "STATEMENT", "P", b"the octets of a STATEMENT"),
            signature(credit, "VOUCHER", "T", b"the octets of a VOUCHER"),
            signature(credit, "VOUCHER", "T", b""),
        ],
        "machine_file": provisioning(machine_readable, machine_octets, "T", maker),
        "server_file": provisioning(server_readable, server_octets, "T", maker),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(make(), indent=2) + "\n")

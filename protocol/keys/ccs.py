"""CWT Claims Sets: the public credential that EDHOC authenticates, octet by octet.

The octets are deterministic CBOR (RFC 8949 section 4.2.1) of ::

    {2: "T:PSD00001", 8: {1: {1: 2, 2: h'kid', -1: 1, -2: h'x', -3: h'y'}}}

so both ends build them from the same few values and never send them. They are written
out here by hand: the form is fixed, and a CBOR library could only make it vary.

Source: RFC 9528 section 3.5.2 (CCS), RFC 8747 (cnf), RFC 9052 (COSE_Key);
protocol/SPEC.md CHAN-3, vectors/key.json.
"""

from hashlib import sha256
from typing import Final

from protocol.keys.points import Point
from protocol.keys.realms import Realm

CREDENTIAL_HASH_OCTETS: Final = 8
SUBJECT_OCTETS_MAX: Final = 16
"""With the realm letter and the colon 18, so the CBOR head stays one octet (< 24)."""


def encode_ccs(realm: Realm, subject: str, kid: bytes, point: Point) -> bytes:
    """Encode a credential.

    Args:
        realm: The realm that the key belongs to.
        subject: PSD serial or server name, 1 to 16 ASCII octets, checked by the caller.
        kid: 7 octets of a machine, 1 octet of a server.
        point: The static Diffie-Hellman public key.
    """
    name = f"{realm.letter}:{subject}".encode("ascii")
    return b"".join(
        (
            b"\xa2",  # map of 2: subject, confirmation
            b"\x02",  # 2, sub
            bytes((0x60 | len(name),)),  # text of that length
            name,
            b"\x08",  # 8, cnf
            b"\xa1\x01",  # map of 1: 1, COSE_Key
            b"\xa5",  # map of 5
            b"\x01\x02",  # 1, kty: 2, EC2
            b"\x02",  # 2, kid
            bytes((0x40 | len(kid),)),  # octets of that length
            kid,
            b"\x20\x01",  # -1, crv: 1, P-256
            b"\x21\x58\x20",  # -2, x: 32 octets
            point.x,
            b"\x22\x58\x20",  # -3, y: 32 octets
            point.y,
        )
    )


def credential_hash(ccs: bytes) -> bytes:
    """Name a credential in signed messages: the first 8 octets of its SHA-256."""
    return sha256(ccs).digest()[:CREDENTIAL_HASH_OCTETS]

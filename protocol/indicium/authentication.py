"""The authentication code: eight digits beside the barcode that one server can check.

PSD and server share a secret that neither ever sends: the Diffie-Hellman secret of
their two static keys. A key for this purpose alone is derived from it, and the code is
a MAC of 32 bits over what the public description of the frank names: licence
identifier, item, value, date, time and PIN code. Algorithm, length and key are this
product's own; those of India Post's machines are not public.

It proves less than the signature and is for another reader: a person who has no scanner
reads it out, and whoever asks the server learns whether it fits. The server can make it
too, so it is no evidence against the machine.

Source: SPEC.md INDICIUM-4; RFC 5869, RFC 2104.
"""

import hmac
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import LocalProtocolError
from protocol.indicium.layout import UNSIGNED_FIELDS, Indicium, encode_unsigned
from protocol.keys import (
    MachineCredential,
    MachineIdentity,
    Point,
    Realm,
    ServerCredential,
    ServerIdentity,
)
from protocol.keys.points import private_key_of

AUTHENTICATION_KEY_OCTETS: Final = 32
AUTHENTICATION_CODE_DIGITS: Final = 8

_LABEL: Final = "FMP/1 AUTHENTICATION CODE"
_COVERED: Final = frozenset(
    {
        *("licence_letter", "licence_number", "item", "value_paise"),
        *("time", "advance", "pin_code"),
    }
)


def authentication_key(
    own: MachineIdentity | ServerIdentity, peer: MachineCredential | ServerCredential
) -> bytes:
    """Derive the key that a PSD and its server share for authentication codes.

    Args:
        own: The private side: the machine in its PSD, or the server.
        peer: The public other side: the server, or the machine.

    Returns:
        32 octets, the same on both sides.

    Raises:
        LocalProtocolError: They are not one machine and one server of one realm.
    """
    match own, peer:
        case MachineIdentity(), ServerCredential():
            machine, server = own.credential, peer
        case ServerIdentity(), MachineCredential():
            machine, server = peer, own.credential
        case _:
            raise LocalProtocolError("one machine and one server share a key")
    if machine.realm is not server.realm:
        raise LocalProtocolError("machine and server are of different realms")
    hashes_of_both = machine.credential_hash + server.credential_hash
    info = _context(machine.realm) + machine.kid + hashes_of_both
    secret = _agree(own.dh_private, peer.dh_point)
    return HKDF(hashes.SHA256(), AUTHENTICATION_KEY_OCTETS, None, info).derive(secret)


def authentication_code(key: bytes, indicium: Indicium) -> str:
    """Compute the code that is printed beside the barcode.

    Args:
        key: Of `authentication_key`.
        indicium: The frank.

    Returns:
        8 capital hex digits.
    """
    return (
        hmac.new(key, covered_by_the_code(indicium), sha256)
        .hexdigest()[:AUTHENTICATION_CODE_DIGITS]
        .upper()
    )


def covered_by_the_code(indicium: Indicium) -> bytes:
    """Pack what the code covers: 20 octets, fields of the barcode in their order."""
    octets = encode_unsigned(indicium)
    covered = bytearray()
    offset = 0
    for field in UNSIGNED_FIELDS:
        if field.name in _COVERED:
            covered += octets[offset : offset + field.octets]
        offset += field.octets
    return bytes(covered)


def _context(realm: Realm) -> bytes:
    return f"{_LABEL} {realm.letter}".encode("ascii") + b"\x00"


def _agree(scalar: bytes, point: Point) -> bytes:
    return private_key_of(scalar).exchange(ec.ECDH(), point.public_key)

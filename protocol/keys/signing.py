"""Signatures of FMP/1: ECDSA on P-256 with SHA-256, deterministic, raw r and s.

What is signed is never the message alone but ::

    "FMP/1 <CONTEXT> <realm letter>" 00 <octets>

so a signature for one purpose or one realm is none for another. The zero octet ends
the context: no context contains one, so the two parts cannot be shifted.

Signing is deterministic (RFC 6979): the same octets give the same signature, a PSD
needs no good random numbers to sign, and a weak one cannot leak its key. Only an HSM
draws a nonce for each signature. Keys are parsed once, when they are made (sign 34 us,
verify 91 us without parsing).

Source: FIPS 186-5, RFC 6979; protocol/SPEC.md KEY-4, vectors/key.json.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from protocol.errors import LocalProtocolError
from protocol.keys.points import ORDER, Point, draw_scalar, point_of, private_key_of
from protocol.keys.realms import Realm
from protocol.ports import Entropy

SIGNATURE_OCTETS: Final = 64
_HALF: Final = 32

_CONTEXT: Final = re.compile(r"[A-Z][A-Z _]{0,31}", re.ASCII)
_SIGN: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_VERIFY: Final = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True)
class VerifyingKey:
    """A public key that checks signatures."""

    point: Point


class Signer(Protocol):
    """A private key that signs, wherever it is: in memory, or in an HSM."""

    @property
    def public(self) -> VerifyingKey:
        """The key that checks what this one signs."""
        ...

    def sign_octets(self, covered: bytes) -> bytes:
        """Sign octets that have their context in front already.

        Returns:
            64 octets: r and s, 32 octets each, big-endian.

        Raises:
            RmfsError: The key is somewhere else, and cannot be reached now.
        """
        ...


@dataclass(frozen=True)
class SigningKey:
    """A private key in memory that signs; its scalar is never shown."""

    scalar: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Check the scalar.

        Raises:
            KeyMaterialError: The scalar is not 32 octets from 1 to n-1.
        """
        _ = self.private_key

    @classmethod
    def generate(cls, entropy: Entropy) -> "SigningKey":
        """Draw a new key.

        Raises:
            KeyMaterialError: The source of entropy is broken.
        """
        return cls(draw_scalar(entropy))

    @cached_property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """The same key as an object of `cryptography`."""
        return private_key_of(self.scalar)

    @cached_property
    def public(self) -> VerifyingKey:
        """The key that checks what this one signs."""
        return VerifyingKey(point_of(self.private_key.public_key()))

    def sign_octets(self, covered: bytes) -> bytes:
        """Sign octets that have their context in front already: 64 octets."""
        return signature_from_der(self.private_key.sign(covered, _SIGN))


def signed_octets(context: str, realm: Realm, octets: bytes) -> bytes:
    """Put the octets behind their context: exactly what the signature covers.

    Raises:
        LocalProtocolError: The context is not capital letters, spaces and underlines.
    """
    return _prefix(context, realm) + octets


def sign(key: Signer, context: str, realm: Realm, octets: bytes) -> bytes:
    """Sign octets for one purpose in one realm.

    Returns:
        64 octets: r and s, 32 octets each, big-endian.

    Raises:
        LocalProtocolError: As `signed_octets`.
        RmfsError: As `Signer.sign_octets`.
    """
    return key.sign_octets(signed_octets(context, realm, octets))


def verify(
    key: VerifyingKey, context: str, realm: Realm, octets: bytes, signature: bytes
) -> bool:
    """Check a signature; octets from a peer never raise, whatever they are.

    Raises:
        LocalProtocolError: As `signed_octets`; the context is our own.
    """
    covered = signed_octets(context, realm, octets)
    if len(signature) != SIGNATURE_OCTETS:
        return False
    r, s = _halves(signature)
    if not (0 < r < ORDER and 0 < s < ORDER):
        return False
    try:
        key.point.public_key.verify(encode_dss_signature(r, s), covered, _VERIFY)
    except InvalidSignature:
        return False
    return True


def signature_to_der(signature: bytes) -> bytes:
    """Turn a raw signature into the DER form that OpenSSL checks.

    Raises:
        LocalProtocolError: The signature is not 64 octets.
    """
    if len(signature) != SIGNATURE_OCTETS:
        raise LocalProtocolError(f"a signature has {SIGNATURE_OCTETS} octets")
    return encode_dss_signature(*_halves(signature))


def signature_from_der(der: bytes) -> bytes:
    """Turn a DER signature of P-256 into its raw form.

    Raises:
        LocalProtocolError: The octets are no DER signature of P-256.
    """
    try:
        r, s = decode_dss_signature(der)
        return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
    except (ValueError, OverflowError) as error:
        raise LocalProtocolError("not the DER of an ECDSA P-256 signature") from error


def _halves(signature: bytes) -> tuple[int, int]:
    r, s = signature[:_HALF], signature[_HALF:]
    return int.from_bytes(r, "big"), int.from_bytes(s, "big")


@lru_cache(maxsize=64)
def _prefix(context: str, realm: Realm) -> bytes:
    if _CONTEXT.fullmatch(context) is None:
        message = f"{context!r} is no signing context: capital letters, 32 at most"
        raise LocalProtocolError(message)
    return f"FMP/1 {context} {realm.letter}".encode("ascii") + b"\x00"

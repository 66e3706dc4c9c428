"""Keys as PEM text, for files of a server and for OpenSSL as a witness.

Private keys are PKCS#8, public keys SubjectPublicKeyInfo, both unencrypted: the file
permissions of the server guard them (SPEC.md KEY-10). Reading is bounded and accepts
P-256 only.
"""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from protocol.keys.points import (
    SCALAR_OCTETS,
    KeyMaterialError,
    Point,
    point_of,
    private_key_of,
)

PEM_OCTETS_MAX: Final = 4096
"""A P-256 key takes 241 octets; parameters written out in full stay below 800."""


def write_private_key(scalar: bytes) -> str:
    """Write a private scalar as PKCS#8 PEM.

    Raises:
        KeyMaterialError: The scalar is not 32 octets from 1 to n-1.
    """
    return (
        private_key_of(scalar)
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode("ascii")
    )


def read_private_key(pem: bytes) -> bytes:
    """Read a private scalar, 32 octets, from PEM.

    Raises:
        KeyMaterialError: It is not an unencrypted P-256 private key.
    """
    _check_size(pem)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError("not an unencrypted private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _is_p256(key.curve):
        raise KeyMaterialError("the private key is not of P-256")
    return key.private_numbers().private_value.to_bytes(SCALAR_OCTETS, "big")


def write_public_key(point: Point) -> str:
    """Write a public key as SubjectPublicKeyInfo PEM."""
    return point.public_key.public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).decode("ascii")


def read_public_key(pem: bytes) -> Point:
    """Read a public key from PEM.

    Raises:
        KeyMaterialError: It is not a P-256 public key.
    """
    _check_size(pem)
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError("not a public key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_p256(key.curve):
        raise KeyMaterialError("the public key is not of P-256")
    return point_of(key)


def _check_size(pem: bytes) -> None:
    if len(pem) > PEM_OCTETS_MAX:
        raise KeyMaterialError(f"a key file has at most {PEM_OCTETS_MAX} octets")


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)

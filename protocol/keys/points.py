"""P-256 as FMP/1 uses it: points as two coordinates, private keys as scalars.

A `Point` that exists is on the curve: it is checked once, where it is made, and trusted
inside. Private scalars come from an `Entropy` by rejection sampling, so that every key
from 1 to n-1 is equally likely; a source that fails eight times running is broken (an
honest one fails once in 2**32) and is refused rather than asked for ever.

Source: SEC 2 version 2 section 2.4.2 (secp256r1); protocol/SPEC.md KEY-3.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from protocol.errors import RmfsError
from protocol.ports import Entropy

COORDINATE_OCTETS: Final = 32
SCALAR_OCTETS: Final = 32
ORDER: Final = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""The number n of points of the curve; private scalars are 1 to n-1."""

DRAWS_MAX: Final = 8

_CURVE: Final = ec.SECP256R1()


class KeyMaterialError(RmfsError):
    """Octets or text that should be a key are not one; never says what they were."""


@dataclass(frozen=True)
class Point:
    """A point of P-256 other than infinity; coordinates are 32 octets, big-endian."""

    x: bytes
    y: bytes

    def __post_init__(self) -> None:
        """Check the point.

        Raises:
            KeyMaterialError: A coordinate has a wrong length, or the point is not on
                the curve.
        """
        if len(self.x) != COORDINATE_OCTETS or len(self.y) != COORDINATE_OCTETS:
            message = f"a coordinate of P-256 has {COORDINATE_OCTETS} octets"
            raise KeyMaterialError(message)
        # Building the key is the check; the object is kept for those who verify.
        _ = self.public_key

    @cached_property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The same point as an object of `cryptography`."""
        x, y = int.from_bytes(self.x, "big"), int.from_bytes(self.y, "big")
        try:
            return ec.EllipticCurvePublicNumbers(x, y, _CURVE).public_key()
        except ValueError as error:
            raise KeyMaterialError("the point is not on P-256") from error


def point_of(key: ec.EllipticCurvePublicKey) -> Point:
    """Take a point out of a key of `cryptography` that is known to be on P-256."""
    numbers = key.public_numbers()
    return Point(
        numbers.x.to_bytes(COORDINATE_OCTETS, "big"),
        numbers.y.to_bytes(COORDINATE_OCTETS, "big"),
    )


def private_key_of(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    """Make a key of `cryptography` from a private scalar of 32 octets.

    Raises:
        KeyMaterialError: The length is wrong, or the number is not from 1 to n-1.
    """
    number = int.from_bytes(scalar, "big")
    if len(scalar) != SCALAR_OCTETS or not 0 < number < ORDER:
        raise KeyMaterialError("a private scalar of P-256 is 32 octets from 1 to n-1")
    return ec.derive_private_key(number, _CURVE)


def public_point(scalar: bytes) -> Point:
    """Multiply the base point by a private scalar.

    Raises:
        KeyMaterialError: As `private_key_of`.
    """
    return point_of(private_key_of(scalar).public_key())


def draw_scalar(entropy: Entropy) -> bytes:
    """Draw a private scalar, 32 octets.

    Raises:
        KeyMaterialError: Eight draws running were no scalars: the source is broken.
    """
    for _ in range(DRAWS_MAX):
        candidate = entropy.octets(SCALAR_OCTETS)
        if (
            len(candidate) == SCALAR_OCTETS
            and 0 < int.from_bytes(candidate, "big") < ORDER
        ):
            return candidate
    raise KeyMaterialError(f"entropy gave no scalar of P-256 in {DRAWS_MAX} draws")


def is_x_of_a_point(x: bytes) -> bool:
    """Say whether 32 octets are the x-coordinate of a point (28 us).

    Half of all octet strings are not, and EDHOC sends x alone.
    """
    if len(x) != COORDINATE_OCTETS:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x02" + x)
    except ValueError:
        return False
    return True

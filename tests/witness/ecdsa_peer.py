"""A second ECDSA for P-256, SHA-256 and RFC 6979, in whole numbers alone.

Slow and not constant-time: it is a witness. It makes `protocol/vectors/key.json` and is
itself checked against the example of RFC 6979 appendix A.2.5. Imports nothing of ours
and no cryptographic library.

Source: SEC 1 version 2 (curve arithmetic, ECDSA), RFC 6979 section 3.2.
"""

import hashlib
import hmac

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

Coordinates = tuple[int, int]


def on_curve(point: Coordinates) -> bool:
    x, y = point
    return (y * y - (x * x * x + A * x + B)) % P == 0


def add(one: Coordinates | None, other: Coordinates | None) -> Coordinates | None:
    """Add two points; None is the point at infinity."""
    if one is None:
        return other
    if other is None:
        return one
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = (3 * one[0] * one[0] + A) * pow(2 * one[1], -1, P) % P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def multiply(scalar: int, point: Coordinates) -> Coordinates | None:
    total: Coordinates | None = None
    doubled: Coordinates | None = point
    while scalar:
        if scalar & 1:
            total = add(total, doubled)
        doubled, scalar = add(doubled, doubled), scalar >> 1
    return total


def public(scalar: int) -> Coordinates:
    point = multiply(scalar, G)
    if point is None:
        raise ValueError("the scalar is a multiple of n")
    return point


def sign(scalar: int, message: bytes) -> bytes:
    """Raw r and s over SHA-256 of the message, deterministic."""
    digest = hashlib.sha256(message).digest()
    z = int.from_bytes(digest, "big")
    reduced = (z % N).to_bytes(32, "big")
    secret = scalar.to_bytes(32, "big") + reduced
    value, key = b"\x01" * 32, b"\x00" * 32
    for separator in (b"\x00", b"\x01"):
        key = hmac.digest(key, value + separator + secret, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        k = int.from_bytes(value, "big")
        if 0 < k < N:
            r = public(k)[0] % N
            s = pow(k, -1, N) * (z + r * scalar) % N
            if r and s:
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        key = hmac.digest(key, value + b"\x00", "sha256")
        value = hmac.digest(key, value, "sha256")


def verify(point: Coordinates, message: bytes, signature: bytes) -> bool:
    z = int.from_bytes(hashlib.sha256(message).digest(), "big")
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not (0 < r < N and 0 < s < N) or not on_curve(point):
        return False
    w = pow(s, -1, N)
    found = add(multiply(z * w % N, G), multiply(r * w % N, point))
    return found is not None and found[0] % N == r

"""A second EDHOC implementation: method 3, cipher suite 2, both roles, RFC 9528 alone.

It shares no code with the product and does not know lakers: what both get right, they
got right from the same RFC. Ephemeral keys are arguments, so a run can be repeated
octet by octet; the traces of RFC 9529 section 3 and our own vectors are made and
checked with it. It is a witness, not a product: it is not constant-time, it raises
`EdhocPeerError` and leaves the session useless.

Plaintexts can be replaced by the caller (`plaintext=`): that is how the tests play a
hostile peer whose messages decrypt well but say something else.

Source: RFC 9528 sections 3 to 5 (key schedule 4.1, messages 5.2 to 5.5, exporter
4.2.1); method 3 is static Diffie-Hellman on both sides, suite 2 is AES-CCM-16-64-128,
SHA-256, MAC length 8, P-256.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

METHOD = 3
SUITE = 2
_CURVE = ec.SECP256R1()


class EdhocPeerError(Exception):
    """The other side's message does not verify, or does not have the expected form."""


def cbor_head(major: int, value: int) -> bytes:
    """The shortest CBOR head of a major type (RFC 8949 section 3)."""
    first = major << 5
    if value < 24:
        return bytes([first | value])
    if value < 0x100:
        return bytes([first | 24, value])
    if value < 0x10000:
        return bytes([first | 25]) + value.to_bytes(2, "big")
    return bytes([first | 26]) + value.to_bytes(4, "big")


def cbor_bstr(octets: bytes) -> bytes:
    return cbor_head(2, len(octets)) + octets


def cbor_uint(value: int) -> bytes:
    return cbor_head(0, value)


def is_one_octet_int(octets: bytes) -> bool:
    """Whether the octets are the encoding of an integer from -24 to 23."""
    return len(octets) == 1 and (octets[0] <= 0x17 or 0x20 <= octets[0] <= 0x37)


def identifier(octets: bytes) -> bytes:
    """C_x or a kid on the wire: as an int where the octets look like one (3.3.2)."""
    return octets if is_one_octet_int(octets) else cbor_bstr(octets)


def read_identifier(octets: bytes) -> tuple[bytes, bytes]:
    """The inverse of `identifier`: the identifier and what follows it."""
    if not octets:
        raise EdhocPeerError("an identifier is missing")
    if is_one_octet_int(octets[:1]):
        return octets[:1], octets[1:]
    return read_bstr(octets)


def read_bstr(octets: bytes) -> tuple[bytes, bytes]:
    if not octets or octets[0] >> 5 != 2:
        raise EdhocPeerError("a byte string is missing")
    short = octets[0] & 0x1F
    if short < 24:
        head, length = 1, short
    elif short == 24 and len(octets) > 1 and octets[1] >= 24:
        head, length = 2, octets[1]
    else:
        raise EdhocPeerError("the length of a byte string is not supported")
    if len(octets) < head + length:
        raise EdhocPeerError("a byte string is cut short")
    return octets[head : head + length], octets[head + length :]


def id_cred(kid: bytes) -> bytes:
    """ID_CRED_x: the COSE header map {4: kid}, with the kid as a byte string."""
    return b"\xa1\x04" + cbor_bstr(kid)


def sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869 section 2.2)."""
    return hmac.new(salt, secret, hashlib.sha256).digest()


def kdf(prk: bytes, label: int, context: bytes, length: int) -> bytes:
    """EDHOC_KDF: HKDF-Expand over (label, context as bstr, length) (4.1.2)."""
    info = cbor_uint(label) + cbor_bstr(context) + cbor_uint(length)
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.new(prk, block + info + bytes([counter]), hashlib.sha256).digest()
        output += block
        counter += 1
    return output[:length]


def public_x(scalar: bytes) -> bytes:
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), _CURVE)
    return key.public_key().public_numbers().x.to_bytes(32, "big")


def shared_x(scalar: bytes, x: bytes) -> bytes:
    """The x-coordinate of scalar times a point known by its x-coordinate."""
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x02" + x)
    except ValueError as error:
        raise EdhocPeerError("not the x-coordinate of a point on P-256") from error
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), _CURVE)
    return key.exchange(ec.ECDH(), point)


def seal(key: bytes, iv: bytes, th: bytes, plaintext: bytes) -> bytes:
    return AESCCM(key, tag_length=8).encrypt(iv, plaintext, _aad(th))


def unseal(key: bytes, iv: bytes, th: bytes, ciphertext: bytes) -> bytes:
    try:
        return AESCCM(key, tag_length=8).decrypt(iv, ciphertext, _aad(th))
    except (InvalidTag, ValueError) as error:
        raise EdhocPeerError("a ciphertext does not verify") from error


def _aad(th: bytes) -> bytes:
    # Enc_structure of COSE: ["Encrypt0", protected h'', external_aad TH].
    return b"\x83\x68Encrypt0\x40" + cbor_bstr(th)


@dataclass(frozen=True)
class Party:
    """One end's own static key and credential; for the other end, `private` is b""."""

    kid: bytes
    cred: bytes
    public_x: bytes
    private: bytes = b""


class Session:
    """What both roles share; every intermediate value of the RFC stays readable."""

    th_2: bytes
    th_3: bytes
    th_4: bytes
    prk_2e: bytes
    prk_3e2m: bytes
    prk_4e3m: bytes
    prk_out: bytes
    c_i: bytes
    c_r: bytes

    def exporter(self, label: int, context: bytes, length: int) -> bytes:
        """EDHOC_Exporter (4.2.1)."""
        prk_exporter = kdf(self.prk_out, 10, b"", 32)
        return kdf(prk_exporter, label, context, length)

    def _derive_2(self, message_1: bytes, g_y: bytes, g_xy: bytes) -> None:
        self.th_2 = sha256(cbor_bstr(g_y) + cbor_bstr(sha256(message_1)))
        self.prk_2e = extract(self.th_2, g_xy)

    def _crypt_2(self, octets: bytes) -> bytes:
        stream = kdf(self.prk_2e, 0, self.th_2, len(octets))
        return bytes(a ^ b for a, b in zip(octets, stream, strict=True))

    def _derive_3e2m(self, g_rx: bytes) -> None:
        self.prk_3e2m = extract(kdf(self.prk_2e, 1, self.th_2, 32), g_rx)

    def _mac_2(self, responder: Party) -> bytes:
        context = (
            identifier(self.c_r)
            + id_cred(responder.kid)
            + cbor_bstr(self.th_2)
            + responder.cred
        )
        return kdf(self.prk_3e2m, 2, context, 8)

    def _key_3(self) -> tuple[bytes, bytes]:
        return kdf(self.prk_3e2m, 3, self.th_3, 16), kdf(
            self.prk_3e2m, 4, self.th_3, 13
        )

    def _derive_4e3m(self, g_iy: bytes) -> None:
        self.prk_4e3m = extract(kdf(self.prk_3e2m, 5, self.th_3, 32), g_iy)

    def _mac_3(self, initiator: Party) -> bytes:
        context = id_cred(initiator.kid) + cbor_bstr(self.th_3) + initiator.cred
        return kdf(self.prk_4e3m, 6, context, 8)

    def _key_4(self) -> tuple[bytes, bytes]:
        return kdf(self.prk_4e3m, 8, self.th_4, 16), kdf(
            self.prk_4e3m, 9, self.th_4, 13
        )

    def _derive_out(self, plaintext_3: bytes, initiator: Party) -> None:
        self.th_4 = sha256(cbor_bstr(self.th_3) + plaintext_3 + initiator.cred)
        self.prk_out = kdf(self.prk_4e3m, 7, self.th_4, 32)


class Initiator(Session):
    """The side that sends message_1."""

    def __init__(
        self, own: Party, *, ephemeral: bytes, c_i: bytes, suites_i: bytes = b"\x02"
    ) -> None:
        """`suites_i` is the encoded SUITES_I: b"\\x02", or b"\\x82\\x06\\x02"."""
        self.own = own
        self.ephemeral = ephemeral
        self.c_i = c_i
        self.message_1 = (
            cbor_uint(METHOD)
            + suites_i
            + cbor_bstr(public_x(ephemeral))
            + identifier(c_i)
        )

    def receive_2(self, message_2: bytes, responders: Mapping[bytes, Party]) -> bytes:
        """Verify message_2; the kid of the responder comes back."""
        content, rest = read_bstr(message_2)
        if rest or len(content) < 33:
            raise EdhocPeerError(
                "message_2 is not one byte string of G_Y, CIPHERTEXT_2"
            )
        self.g_y, ciphertext_2 = content[:32], content[32:]
        g_xy = shared_x(self.ephemeral, self.g_y)
        self._derive_2(self.message_1, self.g_y, g_xy)
        plaintext_2 = self._crypt_2(ciphertext_2)
        self.c_r, rest = read_identifier(plaintext_2)
        kid, rest = read_identifier(rest)
        mac_2, ead_2 = read_bstr(rest)
        if ead_2:
            raise EdhocPeerError("message_2 carries EAD")
        responder = responders.get(kid)
        if responder is None:
            raise EdhocPeerError(f"no responder has the kid {kid.hex()}")
        self._derive_3e2m(shared_x(self.ephemeral, responder.public_x))
        if not hmac.compare_digest(mac_2, self._mac_2(responder)):
            raise EdhocPeerError("MAC_2 does not verify")
        self.th_3 = sha256(cbor_bstr(self.th_2) + plaintext_2 + responder.cred)
        return kid

    def message_3(self, *, plaintext: bytes | None = None) -> bytes:
        """message_3; a `plaintext` given is sealed in place of the honest one."""
        self._derive_4e3m(shared_x(self.own.private, self.g_y))
        honest = identifier(self.own.kid) + cbor_bstr(self._mac_3(self.own))
        plaintext_3 = honest if plaintext is None else plaintext
        key, iv = self._key_3()
        self._derive_out(plaintext_3, self.own)
        return cbor_bstr(seal(key, iv, self.th_3, plaintext_3))

    def receive_4(self, message_4: bytes) -> None:
        """Verify message_4: the responder has proved the keys."""
        ciphertext_4, rest = read_bstr(message_4)
        if rest:
            raise EdhocPeerError("message_4 is not one byte string")
        key, iv = self._key_4()
        if unseal(key, iv, self.th_4, ciphertext_4):
            raise EdhocPeerError("message_4 carries EAD")


class Responder(Session):
    """The side that answers message_1."""

    def __init__(self, own: Party, *, ephemeral: bytes, c_r: bytes) -> None:
        self.own = own
        self.ephemeral = ephemeral
        self.c_r = c_r

    def receive_1(self, message_1: bytes) -> None:
        """Take message_1, whatever suites it lists before the selected one."""
        if message_1[:1] != cbor_uint(METHOD):
            raise EdhocPeerError("METHOD is not 3")
        rest = message_1[1:]
        if rest[:1] == cbor_uint(SUITE):
            rest = rest[1:]
        elif rest and rest[0] >> 5 == 4:
            count = rest[0] & 0x1F
            if rest[count : count + 1] != cbor_uint(SUITE):
                raise EdhocPeerError("the selected suite is not 2")
            rest = rest[1 + count :]
        else:
            raise EdhocPeerError("the selected suite is not 2")
        self.g_x, rest = read_bstr(rest)
        self.c_i, ead_1 = read_identifier(rest)
        if len(self.g_x) != 32 or ead_1:
            raise EdhocPeerError("message_1 has a wrong G_X or carries EAD")
        g_y = public_x(self.ephemeral)
        self._derive_2(message_1, g_y, shared_x(self.ephemeral, self.g_x))
        self._derive_3e2m(shared_x(self.own.private, self.g_x))

    def message_2(self, *, plaintext: bytes | None = None) -> bytes:
        """message_2; a `plaintext` given is encrypted in place of the honest one."""
        honest = (
            identifier(self.c_r)
            + identifier(self.own.kid)
            + cbor_bstr(self._mac_2(self.own))
        )
        plaintext_2 = honest if plaintext is None else plaintext
        self.th_3 = sha256(cbor_bstr(self.th_2) + plaintext_2 + self.own.cred)
        return cbor_bstr(public_x(self.ephemeral) + self._crypt_2(plaintext_2))

    def receive_3(self, message_3: bytes, initiators: Mapping[bytes, Party]) -> bytes:
        """Verify message_3; the kid of the initiator comes back."""
        ciphertext_3, rest = read_bstr(message_3)
        if rest:
            raise EdhocPeerError("message_3 is not one byte string")
        key, iv = self._key_3()
        plaintext_3 = unseal(key, iv, self.th_3, ciphertext_3)
        kid, rest = read_identifier(plaintext_3)
        mac_3, ead_3 = read_bstr(rest)
        if ead_3:
            raise EdhocPeerError("message_3 carries EAD")
        initiator = initiators.get(kid)
        if initiator is None:
            raise EdhocPeerError(f"no initiator has the kid {kid.hex()}")
        self._derive_4e3m(shared_x(self.ephemeral, initiator.public_x))
        if not hmac.compare_digest(mac_3, self._mac_3(initiator)):
            raise EdhocPeerError("MAC_3 does not verify")
        self._derive_out(plaintext_3, initiator)
        return kid

    def message_4(self) -> bytes:
        """message_4 without EAD."""
        key, iv = self._key_4()
        return cbor_bstr(seal(key, iv, self.th_4, b""))

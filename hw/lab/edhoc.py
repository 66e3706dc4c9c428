"""EDHOC by hand: greetings that are right but for what a case says.

The channel of the product says in its greetings what is right, and nothing else. This
one is the bench's own, from RFC 9528 alone, so that a greeting may name another server,
another C_R or another realm and still be well encrypted and proved: only the one check
that a case is about finds it. It is no channel for use: nothing in it is
constant-time, and it never was meant to keep anything from anybody.

What a greeting says otherwise stands in `Said`:

=========== =====================================================================
c_r=xx      C_R of ``message_2``
kid=        hex of another kid; the credential that is proved has it too
id=hex      these octets in the place of ID_CRED, whatever they are
name=text   the subject of the credential is another one
key=other   the static key is another one, and so is the credential
realm=other the credential is of the other realm, with the same key
mac=wrong   a bit of the MAC is turned; ``mac=n``: n octets of it alone
ead=hex     these octets behind the MAC, which covers them; in ``message_4`` alone
tag=wrong   a bit of the last octet is turned, of ``message_3`` or ``message_4``
=========== =====================================================================

Source: RFC 9528 sections 4.1 (key schedule) and 5.2 to 5.5 (messages); SPEC.md CHAN-4.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hw.entropy import SeededEntropy
from hw.lab.signatures import OTHER_REALM
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.keys import (
    MachineCredential,
    MachineIdentity,
    Realm,
    ServerCredential,
    ServerIdentity,
    draw_scalar,
    encode_ccs,
    public_point,
)
from protocol.values import LicenceIdentifier

SAYINGS: Final = frozenset(
    {"c_r", "kid", "id", "name", "key", "realm", "mac", "ead", "tag"}
)
"""What may be said otherwise; `Said`."""
C_I: Final = b"\x00"
C_R: Final = b"\x01"
_METHOD_AND_SUITE: Final = b"\x03\x02"
_CURVE: Final = ec.SECP256R1()
_KEY: Final = 16
_IV: Final = 13
_MAC: Final = 8
_PRK: Final = 32
_G: Final = 32
_SHORT: Final = 24
_WRONG: Final = "wrong"


@dataclass(frozen=True, slots=True)
class Said:
    """What one greeting says otherwise than it should; see the table above."""

    words: Mapping[str, str]

    def octets(self, name: str, right: bytes) -> bytes:
        """Give octets that may be said otherwise, in hex."""
        return bytes.fromhex(self.words[name]) if name in self.words else right

    def realm(self, right: Realm) -> Realm:
        """Give the realm of the credential."""
        return OTHER_REALM[right] if "realm" in self.words else right

    def private(self, right: bytes) -> bytes:
        """Give the static key."""
        return drawn(b"another key", right) if "key" in self.words else right

    def proof(self, mac: bytes) -> bytes:
        """Give the octets that stand behind ID_CRED: MAC and EAD."""
        wish = self.words.get("mac", str(len(mac)))
        mac = _turned(mac) if wish == _WRONG else mac[: int(wish)]
        return _bstr(mac) + self.ead

    def sealed(self, ciphertext: bytes) -> bytes:
        """Give a ciphertext, or one whose tag does not verify."""
        return _turned(ciphertext) if "tag" in self.words else ciphertext

    @property
    def ead(self) -> bytes:
        """EAD, or nothing."""
        return self.octets("ead", b"")


NOTHING_ELSE: Final = Said({})
"""Everything is right."""


def drawn(*parts: bytes) -> bytes:
    """Draw a scalar that belongs to these octets alone; nobody else may know them."""
    seed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return draw_scalar(SeededEntropy(seed))


class _Schedule:
    """Transcript hashes and keys that both roles have in common (RFC 9528, 4.1)."""

    def __init__(self, message_1: bytes, g_y: bytes, g_xy: bytes) -> None:
        self.th_2 = sha256(_bstr(g_y) + _bstr(sha256(message_1).digest())).digest()
        self._prk_2e = hmac.digest(self.th_2, g_xy, "sha256")
        self._prk_3e2m = b""
        self._prk_4e3m = b""
        self._th_3 = b""
        self._th_4 = b""

    def crypt_2(self, octets: bytes) -> bytes:
        stream = _kdf(self._prk_2e, 0, self.th_2, len(octets))
        return bytes(a ^ b for a, b in zip(octets, stream, strict=True))

    def prove_responder(self, g_rx: bytes) -> None:
        salt = _kdf(self._prk_2e, 1, self.th_2, _PRK)
        self._prk_3e2m = hmac.digest(salt, g_rx, "sha256")

    def mac_2(self, c_r: bytes, id_cred: bytes, ccs: bytes, ead: bytes) -> bytes:
        context = c_r + id_cred + _bstr(self.th_2) + ccs + ead
        return _kdf(self._prk_3e2m, 2, context, _MAC)

    def take_2(self, plaintext_2: bytes, ccs: bytes) -> None:
        self._th_3 = sha256(_bstr(self.th_2) + plaintext_2 + ccs).digest()

    def seal_3(self, plaintext_3: bytes) -> bytes:
        key, iv = (_kdf(self._prk_3e2m, n, self._th_3, m) for n, m in _KEYS_3)
        return AESCCM(key, tag_length=_MAC).encrypt(iv, plaintext_3, _aad(self._th_3))

    def open_3(self, ciphertext: bytes) -> bytes:
        key, iv = (_kdf(self._prk_3e2m, n, self._th_3, m) for n, m in _KEYS_3)
        try:
            return AESCCM(key, tag_length=_MAC).decrypt(
                iv, ciphertext, _aad(self._th_3)
            )
        except InvalidTag:
            raise refused("message_3 does not verify") from None

    def prove_initiator(self, g_iy: bytes) -> None:
        salt = _kdf(self._prk_3e2m, 5, self._th_3, _PRK)
        self._prk_4e3m = hmac.digest(salt, g_iy, "sha256")

    def mac_3(self, id_cred: bytes, ccs: bytes, ead: bytes) -> bytes:
        context = id_cred + _bstr(self._th_3) + ccs + ead
        return _kdf(self._prk_4e3m, 6, context, _MAC)

    def finish(self, plaintext_3: bytes, ccs: bytes) -> bytes:
        """Take message_3 into the transcript; PRK_out comes back."""
        self._th_4 = sha256(_bstr(self._th_3) + plaintext_3 + ccs).digest()
        return _kdf(self._prk_4e3m, 7, self._th_4, _PRK)

    def seal_4(self, ead: bytes) -> bytes:
        key, iv = (_kdf(self._prk_4e3m, n, self._th_4, m) for n, m in _KEYS_4)
        return AESCCM(key, tag_length=_MAC).encrypt(iv, ead, _aad(self._th_4))


_KEYS_3: Final = ((3, _KEY), (4, _IV))
_KEYS_4: Final = ((8, _KEY), (9, _IV))


class HandInitiator:
    """The machine's end of a greeting; an `InitiatorHandshake`.

    Attributes:
        said: What `message_3` says otherwise, if it is made anew.
    """

    def __init__(
        self, identity: MachineIdentity, server: ServerCredential, ephemeral: bytes
    ) -> None:
        """Begin.

        Args:
            identity: Who dials.
            server: Who is dialled.
            ephemeral: A scalar that was never used before.
        """
        self._identity = identity
        self._server = server
        self._ephemeral = ephemeral
        self._message_1 = b""
        self._g_y = b""
        self._schedule: _Schedule | None = None

    def message_1(self) -> bytes:
        """Make message_1."""
        g_x = public_point(self._ephemeral).x
        self._message_1 = _METHOD_AND_SUITE + _bstr(g_x) + C_I
        return self._message_1

    def receive_2(self, message_2: bytes) -> tuple[bytes, bytes]:
        """Verify message_2; message_3 and PRK_out come back.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        self._g_y = message_2[2 : 2 + _G]
        g_xy = _shared(self._ephemeral, self._g_y)
        schedule = self._schedule = _Schedule(self._message_1, self._g_y, g_xy)
        plaintext_2 = schedule.crypt_2(message_2[2 + _G :])
        schedule.prove_responder(_shared(self._ephemeral, self._server.dh_point.x))
        kid = bytes([self._server.kid])
        mac = schedule.mac_2(C_R, _id_cred(kid), self._server.ccs, b"")
        if plaintext_2 != C_R + kid + _bstr(mac):
            raise refused("message_2 does not verify")
        schedule.take_2(plaintext_2, self._server.ccs)
        return self.message_3(NOTHING_ELSE)

    def message_3(self, said: Said) -> tuple[bytes, bytes]:
        """Make message_3, and PRK_out that follows from it.

        Raises:
            RemoteProtocolError: HANDSHAKE; message_2 has not come.
        """
        schedule = self._schedule
        if schedule is None:
            raise refused("message_2 has not come")
        own = self._identity
        private = said.private(own.dh_private)
        kid = said.octets("kid", own.credential.kid)
        name = said.words.get("name", own.psd_serial)
        ccs = encode_ccs(said.realm(own.realm), name, kid, public_point(private))
        schedule.prove_initiator(_shared(private, self._g_y))
        mac = schedule.mac_3(_id_cred(kid), ccs, said.ead)
        plaintext_3 = said.octets("id", _bstr(kid)) + said.proof(mac)
        message_3 = _bstr(said.sealed(schedule.seal_3(plaintext_3)))
        return message_3, schedule.finish(plaintext_3, ccs)

    def receive_4(self, message_4: bytes) -> None:
        """Verify message_4.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        schedule = self._schedule
        if schedule is None or message_4 != _bstr(schedule.seal_4(b"")):
            raise refused("message_4 does not verify")


class HandResponder:
    """The server's end of a greeting; a `ResponderHandshake`."""

    def __init__(self, identity: ServerIdentity, said: Said, ephemeral: bytes) -> None:
        """Wait for message_1.

        Args:
            identity: Who is dialled.
            said: What `message_2` says otherwise.
            ephemeral: A scalar that was never used before.
        """
        self._identity = identity
        self._said = said
        self._ephemeral = ephemeral
        self._message_3 = b""
        self._schedule: _Schedule | None = None

    def receive_1(self, message_1: bytes) -> bytes:
        """Take message_1; message_2 comes back.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        own, said = self._identity, self._said
        g_x = message_1[-1 - _G : -1]
        g_y = public_point(self._ephemeral).x
        schedule = _Schedule(message_1, g_y, _shared(self._ephemeral, g_x))
        private = said.private(own.dh_private)
        kid = said.octets("kid", bytes([own.kid]))
        c_r = said.octets("c_r", C_R)
        name = said.words.get("name", own.name)
        ccs = encode_ccs(said.realm(own.realm), name, kid, public_point(private))
        schedule.prove_responder(_shared(private, g_x))
        mac = schedule.mac_2(c_r, _id_cred(kid), ccs, said.ead)
        plaintext_2 = c_r + said.octets("id", kid) + said.proof(mac)
        schedule.take_2(plaintext_2, ccs)
        self._schedule = schedule
        return _bstr(g_y + schedule.crypt_2(plaintext_2))

    def receive_3(self, message_3: bytes) -> LicenceIdentifier:
        """Take message_3 for later; nobody is looked up."""
        self._message_3 = message_3
        plaintext_3 = self._sched.open_3(message_3[2:])
        return LicenceIdentifier(plaintext_3[1:8].decode("ascii", "replace"))

    def prove(self, credential: MachineCredential) -> tuple[bytes, bytes]:
        """Verify message_3 by a credential; message_4 and PRK_out come back.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        schedule = self._sched
        plaintext_3 = schedule.open_3(self._message_3[2:])
        schedule.prove_initiator(_shared(self._ephemeral, credential.dh_point.x))
        mac = schedule.mac_3(_id_cred(credential.kid), credential.ccs, b"")
        if plaintext_3 != _bstr(credential.kid) + _bstr(mac):
            raise refused("message_3 does not verify")
        prk_out = schedule.finish(plaintext_3, credential.ccs)
        return self.message_4(NOTHING_ELSE), prk_out

    def message_4(self, said: Said) -> bytes:
        """Make message_4.

        Raises:
            RemoteProtocolError: HANDSHAKE; message_3 has not come.
        """
        return _bstr(said.sealed(self._sched.seal_4(said.ead)))

    @property
    def _sched(self) -> _Schedule:
        if self._schedule is None:
            raise refused("message_1 has not come")
        return self._schedule


def refused(what: str) -> RemoteProtocolError:
    """Make the error for a greeting of the unit that the bench cannot take."""
    return RemoteProtocolError(what, clause="CHAN-7.8", code=ErrorCode.HANDSHAKE)


def _shared(private: bytes, x: bytes) -> bytes:
    """Multiply a point that is known by its x-coordinate; x of the product comes back.

    Raises:
        RemoteProtocolError: HANDSHAKE; there is no such point.
    """
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x02" + x)
    except ValueError:
        raise refused("a G is no point of P-256") from None
    key = ec.derive_private_key(int.from_bytes(private, "big"), _CURVE)
    return key.exchange(ec.ECDH(), point)


def _kdf(prk: bytes, label: int, context: bytes, length: int) -> bytes:
    """EDHOC_KDF; nothing that is derived is longer than one block of HKDF-Expand."""
    info = bytes([label]) + _bstr(context) + _head(0, length)
    return hmac.digest(prk, info + b"\x01", "sha256")[:length]


def _aad(th: bytes) -> bytes:
    return b"\x83\x68Encrypt0\x40" + _bstr(th)


def _id_cred(kid: bytes) -> bytes:
    return b"\xa1\x04" + _bstr(kid)


def _bstr(octets: bytes) -> bytes:
    return _head(2, len(octets)) + octets


def _head(major: int, value: int) -> bytes:
    """Encode the head of a CBOR item, as short as it can be (RFC 8949, section 3)."""
    if value < _SHORT:
        return bytes([major << 5 | value])
    if value <= 0xFF:  # noqa: PLR2004
        return bytes([major << 5 | 24, value])
    return bytes([major << 5 | 25]) + value.to_bytes(2, "big")


def _turned(octets: bytes) -> bytes:
    return octets[:-1] + bytes([octets[-1] ^ 1])

"""Chapters CHAN and KEY of `protocol/SPEC.md` for a machine, from the text alone.

The handshake is that of `edhoc_peer.py`, a second EDHOC from RFC 9528; ECDSA, AES-CCM
and HKDF are those of the package `cryptography`. Nothing of the product is used.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tests.witness.edhoc_peer import EdhocPeerError, Initiator, Party

P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
REALM_NAMES: Final = {"T": "TEST", "P": "PRODUCTION"}
AMOUNT_MAX_PAISE: Final = 2**53 - 1
FILE_OCTETS_MAX: Final = 4096
BODY_OCTETS_MAX: Final = 1024

ERRORS: Final = {
    1: "MALFORMED",
    2: "HANDSHAKE",
    3: "UNKNOWN_MACHINE",
    4: "RECORD",
    5: "UNEXPECTED",
    6: "STATEMENT",
    7: "TIMEOUT",
    8: "SUPERSEDED",
    9: "UNAVAILABLE",
    10: "VERSION",
    11: "VOUCHER",
}


class RefusedError(Exception):
    """Something of the peer's breaks a rule; `code` is the ERROR to answer (CHAN-9)."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{ERRORS[code]}: {why}")
        self.code = code


class PeerError(Exception):
    """The peer sent an ERROR packet; it ends the dialogue like a lost line."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS.get(code, "MALFORMED"))
        self.code = code


class ProvisioningError(Exception):
    """A provisioning file is not believed (KEY-5.4)."""


# KEY-3, KEY-4: scalars, points, signatures.


def draw_scalar(entropy: Callable[[int], bytes]) -> bytes:
    """A private scalar, drawn again when out of range, never reduced (KEY-3.2)."""
    for _ in range(8):
        drawn = entropy(32)
        if 0 < int.from_bytes(drawn, "big") < N:
            return drawn
    raise ValueError("the source of entropy is broken")


def private_key(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


def public_point(scalar: bytes) -> bytes:
    """x || y of the public key that belongs to a private scalar."""
    numbers = private_key(scalar).public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def is_point(point: bytes) -> bool:
    """Whether x || y is on P-256 (KEY-3.1)."""
    x, y = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
    on_curve = (y * y - (x * x * x - 3 * x + B)) % P == 0
    return len(point) == 64 and x < P and y < P and on_curve


def is_x_of_a_point(x: bytes) -> bool:
    """CHAN-7.7, by Euler's criterion."""
    number = int.from_bytes(x, "big")
    square = (number * number * number - 3 * number + B) % P
    return number < P and pow(square, (P - 1) // 2, P) in {0, 1}


def covered(context: str, realm: str, octets: bytes) -> bytes:
    """The signed octets of KEY-4.2."""
    return f"FMP/1 {context} {realm}".encode("ascii") + b"\x00" + octets


def sign(scalar: bytes, context: str, realm: str, octets: bytes) -> bytes:
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    der = private_key(scalar).sign(covered(context, realm, octets), algorithm)
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verifies(
    point: bytes, context: str, realm: str, octets: bytes, signature: bytes
) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not 0 < r < N or not 0 < s < N or not is_point(point):
        return False
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + point)
    try:
        key.verify(
            utils.encode_dss_signature(r, s),
            covered(context, realm, octets),
            ec.ECDSA(hashes.SHA256()),
        )
    except InvalidSignature:
        return False
    return True


# CHAN-3, KEY-6: credentials.


def _ccs(realm: str, name: str, kid: bytes, point: bytes) -> bytes:
    subject = f"{realm}:{name}".encode("ascii")
    return (
        b"\xa2\x02"
        + bytes([0x60 + len(subject)])
        + subject
        + bytes.fromhex("08a101a5010202")
        + bytes([0x40 + len(kid)])
        + kid
        + bytes.fromhex("2001215820")
        + point[:32]
        + bytes.fromhex("225820")
        + point[32:]
    )


def machine_ccs(realm: str, licence: str, psd_serial: str, point: bytes) -> bytes:
    return _ccs(realm, psd_serial, licence.encode("ascii"), point)


def server_ccs(realm: str, name: str, kid: int, point: bytes) -> bytes:
    return _ccs(realm, name, bytes([kid]), point)


def credential_hash(ccs: bytes) -> bytes:
    return hashlib.sha256(ccs).digest()[:8]


def stored_identity(
    realm: str,
    licence: str,
    psd_serial: str,
    generation: int,
    *,
    dh_scalar: bytes,
    signing_scalar: bytes,
) -> bytes:
    """The 92 octets of KEY-10.1."""
    front = (
        b"\x01"
        + realm.encode("ascii")
        + licence.encode("ascii")
        + psd_serial.encode("ascii")
        + generation.to_bytes(2, "big")
        + b"\x00"
        + dh_scalar
        + signing_scalar
    )
    return front + hashlib.sha256(front).digest()[:8]


# KEY-5: provisioning files.


@dataclass(frozen=True)
class Maker:
    """A maker whose files are believed: public key, its realm, its name (KEY-5)."""

    point: bytes
    realm: str
    name: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.point).hexdigest()


@dataclass(frozen=True)
class MachinePaper:
    """What a MACHINE file says (KEY-5.1)."""

    realm: str
    licence: str
    psd_serial: str
    model: str
    firmware: str
    dh_point: bytes
    signing_point: bytes
    ascending_paise: int
    descending_paise: int
    items: int
    zero_items: int
    recharge_number: int
    generation: int
    issued_s: int

    @property
    def ccs(self) -> bytes:
        return machine_ccs(self.realm, self.licence, self.psd_serial, self.dh_point)

    def octets(self) -> bytes:
        amounts = (
            self.ascending_paise,
            self.descending_paise,
            self.ascending_paise + self.descending_paise,
        )
        return (
            b"\x01M"
            + self.realm.encode("ascii")
            + self.licence.encode("ascii")
            + self.psd_serial.encode("ascii")
            + self.model.encode("ascii").ljust(16, b"\x00")
            + self.firmware.encode("ascii").ljust(16, b"\x00")
            + self.dh_point
            + self.signing_point
            + b"".join(amount.to_bytes(8, "big") for amount in amounts)
            + self.items.to_bytes(4, "big")
            + self.zero_items.to_bytes(4, "big")
            + self.recharge_number.to_bytes(4, "big")
            + self.generation.to_bytes(2, "big")
            + self.issued_s.to_bytes(4, "big")
        )

    def readable(self) -> dict[str, Any]:
        return {
            "format": "FMP/1 provisioning",
            "version": 1,
            "kind": "MACHINE",
            "realm": REALM_NAMES[self.realm],
            "licence_identifier": self.licence,
            "psd_serial": self.psd_serial,
            "model": self.model,
            "firmware": self.firmware,
            "dh_public_key": _point_fields(self.dh_point),
            "signing_public_key": _point_fields(self.signing_point),
            "ascending_paise": self.ascending_paise,
            "descending_paise": self.descending_paise,
            "control_total_paise": self.ascending_paise + self.descending_paise,
            "items": self.items,
            "zero_items": self.zero_items,
            "recharge_number": self.recharge_number,
            "generation": self.generation,
            "ccs": self.ccs.hex(),
            "credential_hash": credential_hash(self.ccs).hex(),
            "issued": _time_text(self.issued_s),
        }


@dataclass(frozen=True)
class ServerPaper:
    """What a SERVER file says (KEY-5.2)."""

    realm: str
    kid: int
    name: str
    dh_point: bytes
    credit_key_id: int
    credit_point: bytes
    issued_s: int

    @property
    def ccs(self) -> bytes:
        return server_ccs(self.realm, self.name, self.kid, self.dh_point)

    def octets(self) -> bytes:
        return (
            b"\x01S"
            + self.realm.encode("ascii")
            + bytes([self.kid])
            + self.name.encode("ascii").ljust(16, b"\x00")
            + self.dh_point
            + bytes([self.credit_key_id])
            + self.credit_point
            + self.issued_s.to_bytes(4, "big")
        )

    def readable(self) -> dict[str, Any]:
        return {
            "format": "FMP/1 provisioning",
            "version": 1,
            "kind": "SERVER",
            "realm": REALM_NAMES[self.realm],
            "server_name": self.name,
            "kid": self.kid,
            "dh_public_key": _point_fields(self.dh_point),
            "credit_key_id": self.credit_key_id,
            "credit_public_key": _point_fields(self.credit_point),
            "ccs": self.ccs.hex(),
            "credential_hash": credential_hash(self.ccs).hex(),
            "issued": _time_text(self.issued_s),
        }


Paper = MachinePaper | ServerPaper


def _point_fields(point: bytes) -> dict[str, str]:
    return {"x": point[:32].hex(), "y": point[32:].hex()}


def _maker_fields(maker: Maker) -> dict[str, str]:
    return {"name": maker.name, "fingerprint": maker.fingerprint}


def _time_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_file(paper: Paper, maker_scalar: bytes, maker_name: str) -> dict[str, Any]:
    """The file that a maker signs, as what JSON calls an object."""
    octets = paper.octets()
    maker = Maker(public_point(maker_scalar), paper.realm, maker_name)
    return {
        **paper.readable(),
        "maker": _maker_fields(maker),
        "signed_octets": octets.hex(),
        "signature": sign(maker_scalar, "PROVISIONING", paper.realm, octets).hex(),
    }


def read_file(text: bytes, makers: Mapping[str, Maker]) -> Paper:
    """Believe a file, or raise ProvisioningError, in the order of KEY-5.4.

    Args:
        text: the octets of the file.
        makers: makers that are known, by fingerprint.
    """
    if len(text) > FILE_OCTETS_MAX:
        raise ProvisioningError("longer than 4096 octets")
    try:
        document = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
        signed = _hex(document.pop("signed_octets"))
        signature = _hex(document.pop("signature"))
        by = document.pop("maker")
        maker = makers.get(by["fingerprint"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProvisioningError("form") from error
    if maker is None:
        raise ProvisioningError("an unknown maker")
    if len(signed) < 3 or signed[2:3] != maker.realm.encode("ascii"):
        raise ProvisioningError("another realm than the maker's")
    if not verifies(maker.point, "PROVISIONING", maker.realm, signed, signature):
        raise ProvisioningError("the signature")
    paper = _paper(signed, maker.realm)
    readable = {**paper.readable(), "maker": _maker_fields(maker)}
    if _typed({**document, "maker": by}) != _typed(readable):
        raise ProvisioningError("what people read is not what was signed")
    return paper


def _typed(value: object) -> object:
    """The value with its types, so that 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {key: _typed(inner) for key, inner in value.items()}
    return type(value).__name__, repr(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _hex(text: str) -> bytes:
    octets = bytes.fromhex(text)
    if octets.hex() != text:
        raise ValueError("not lower-case hex")
    return octets


def _ascii(octets: bytes, least: int = 0x21) -> str:
    text = octets.rstrip(b"\x00")
    printable = all(least <= octet <= 0x7E for octet in text)
    if not text or not printable or text != text.strip(b" "):
        raise ProvisioningError("a text that is empty or not in order")
    return text.decode("ascii")


def _paper(signed: bytes, realm: str) -> Paper:
    version, kind = signed[0], signed[1:2]
    if version != 1 or (kind, len(signed)) not in {(b"M", 220), (b"S", 153)}:
        raise ProvisioningError("version, kind or length")
    if kind == b"S":
        server = ServerPaper(
            realm,
            kid=signed[3],
            name=_ascii(signed[4:20]),
            dh_point=signed[20:84],
            credit_key_id=signed[84],
            credit_point=signed[85:149],
            issued_s=int.from_bytes(signed[149:], "big"),
        )
        points = server.dh_point, server.credit_point
        if server.kid > 0x17 or not all(map(is_point, points)):
            raise ProvisioningError("a field out of range")
        return server
    ar, dr, ct = (int.from_bytes(signed[n : n + 8], "big") for n in (178, 186, 194))
    machine = MachinePaper(
        realm,
        licence=_ascii(signed[3:10]),
        psd_serial=_ascii(signed[10:18]),
        model=_ascii(signed[18:34], 0x20),
        firmware=_ascii(signed[34:50], 0x20),
        dh_point=signed[50:114],
        signing_point=signed[114:178],
        ascending_paise=ar,
        descending_paise=dr,
        items=int.from_bytes(signed[202:206], "big"),
        zero_items=int.from_bytes(signed[206:210], "big"),
        recharge_number=int.from_bytes(signed[210:214], "big"),
        generation=int.from_bytes(signed[214:216], "big"),
        issued_s=int.from_bytes(signed[216:], "big"),
    )
    keys_are_good = (
        is_point(machine.dh_point)
        and is_point(machine.signing_point)
        and machine.dh_point != machine.signing_point
    )
    ranges_are_kept = (
        is_licence(machine.licence.encode("ascii"))
        and ar + dr == ct <= AMOUNT_MAX_PAISE
        and machine.generation >= 1
    )
    if not keys_are_good or not ranges_are_kept:
        raise ProvisioningError("a field out of range")
    return machine


def is_licence(octets: bytes) -> bool:
    """One capital letter and six digits (CHAN-7.6)."""
    return (
        len(octets) == 7
        and b"A" <= octets[:1] <= b"Z"
        and all(b"0"[0] <= octet <= b"9"[0] for octet in octets[1:])
    )


# CHAN-4 to CHAN-8: the machine's end of a channel.

GREETING_1: Final = 0x01
GREETING_2: Final = 0x02
GREETING_3: Final = 0x03
GREETING_4: Final = 0x04
RECORD: Final = 0x05
ERROR: Final = 0x0E

LENGTHS: Final = {
    GREETING_1: (37, 37),
    GREETING_2: (45, 45),
    GREETING_3: (27 + 11, 27 + 1034),
    GREETING_4: (9 + 11, 9 + 1034),
    RECORD: (11, 1034),
    ERROR: (1, 1),
}


def open_packet(packet: bytes, expected: int) -> bytes:
    """What stands behind the type octet of the packet expected (CHAN-2, 8.2, 9)."""
    kind = packet[0] if packet else None
    if kind is None or kind not in LENGTHS:
        raise RefusedError(1, "no packet of a known type")
    least, most = LENGTHS[kind]
    if kind == ERROR:
        raise PeerError(packet[1] if len(packet) == 2 else 1)
    if kind != expected:
        raise RefusedError(5, f"a packet of type {kind} has no place here")
    if not least <= len(packet) - 1 <= most:
        raise RefusedError(1, "a packet of a length that its type does not have")
    return packet[1:]


def nonce(iv: bytes, counter: int) -> bytes:
    """The IV with the counter XORed into its last two octets (CHAN-6.1)."""
    return (int.from_bytes(iv, "big") ^ counter).to_bytes(13, "big")


@dataclass
class Direction:
    """Key, IV and next counter of the records of one direction."""

    key: bytes
    iv: bytes
    counter: int = 0

    def seal(self, packet_type: int, body: bytes) -> bytes:
        if not 1 <= len(body) <= BODY_OCTETS_MAX:
            raise ValueError("a body has 1 to 1024 octets")
        counter = self._next()
        head = counter.to_bytes(2, "big")
        sealed = AESCCM(self.key, tag_length=8).encrypt(
            nonce(self.iv, counter), body, bytes([packet_type]) + head
        )
        return head + sealed

    def open(self, packet_type: int, record: bytes) -> bytes:
        if record[:2] != self.counter.to_bytes(2, "big"):
            raise RefusedError(4, "the counter of a record is not the next")
        counter = self._next()
        try:
            return AESCCM(self.key, tag_length=8).decrypt(
                nonce(self.iv, counter), record[2:], bytes([packet_type]) + record[:2]
            )
        except InvalidTag as error:
            raise RefusedError(4, "the tag of a record does not verify") from error

    def _next(self) -> int:
        """The counter to use; it has moved on before the key is used (CHAN-6.4)."""
        counter = self.counter
        if counter > 65535:
            raise RefusedError(4, "the records of this direction are used up")
        self.counter += 1
        return counter


@dataclass
class MachineChannel:
    """The initiator of one channel; packets in, packets out."""

    own: Party
    server: Party
    ephemeral: bytes
    binding: bytes = field(default=b"", init=False)
    _edhoc: Initiator = field(init=False, repr=False)
    _to_server: Direction = field(init=False, repr=False)
    _from_server: Direction = field(init=False, repr=False)

    def greeting_1(self) -> bytes:
        self._edhoc = Initiator(self.own, ephemeral=self.ephemeral, c_i=b"\x00")
        return bytes([GREETING_1]) + self._edhoc.message_1

    def take_greeting_2(self, packet: bytes) -> None:
        """Prove the server's key, make message_3, export keys and binding."""
        message_2 = open_packet(packet, GREETING_2)
        if message_2[:2] != b"\x58\x2b" or not is_x_of_a_point(message_2[2:34]):
            raise RefusedError(2, "message_2 has another form")
        try:
            self._edhoc.receive_2(message_2, {self.server.kid: self.server})
            if self._edhoc.c_r != b"\x01":
                raise RefusedError(2, "C_R is not 01")
            self._message_3 = self._edhoc.message_3()
        except EdhocPeerError as error:
            raise RefusedError(2, str(error)) from error
        exporter = self._edhoc.exporter
        self._to_server = Direction(
            exporter(0xF101, b"", 16), exporter(0xF102, b"", 13)
        )
        self._from_server = Direction(
            exporter(0xF103, b"", 16), exporter(0xF104, b"", 13)
        )
        self.binding = exporter(0xF105, b"", 32)

    def greeting_3(self, body: bytes) -> bytes:
        record = self._to_server.seal(GREETING_3, body)
        return bytes([GREETING_3]) + self._message_3 + record

    def take_greeting_4(self, packet: bytes) -> bytes:
        content = open_packet(packet, GREETING_4)
        if content[0] != 0x48:
            raise RefusedError(2, "message_4 has another form")
        try:
            self._edhoc.receive_4(content[:9])
        except EdhocPeerError as error:
            raise RefusedError(2, str(error)) from error
        return self._from_server.open(GREETING_4, content[9:])

    def seal(self, body: bytes) -> bytes:
        return bytes([RECORD]) + self._to_server.seal(RECORD, body)

    def open(self, packet: bytes) -> bytes:
        return self._from_server.open(RECORD, open_packet(packet, RECORD))

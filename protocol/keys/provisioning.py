"""Provisioning files: how public keys travel, signed by the maker, readable by people.

A file is JSON with the fields spelled out, the same content once more as a flat octet
structure (`signed_octets`) and the maker's signature over that structure. The reader
believes the signed octets only; it rebuilds the readable fields from them and refuses
a file whose fields say anything else, so that nobody approves what was not signed.
Private keys are never in one.

Files come from outside, so every fault is a `ProvisioningError` that names what is
wrong: size first, then JSON (no key twice), form, maker, realm, signature, structure,
and last the readable fields.

Source: protocol/SPEC.md KEY-5 (octet tables), vectors/key.json.
"""

import json
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from protocol.errors import LocalProtocolError, RmfsError
from protocol.keys.identities import (
    MachineCredential,
    MakerKey,
    MakerPublicKey,
    ServerCredential,
)
from protocol.keys.points import KeyMaterialError, Point
from protocol.keys.realms import Realm, decode_realm
from protocol.keys.signing import SIGNATURE_OCTETS, VerifyingKey, sign, verify
from protocol.values import (
    AMOUNT_PAISE_MAX,
    U32_MAX,
    EpochSeconds,
    Paise,
    RechargeNumber,
    parse_licence_identifier,
)

FORMAT: Final = "FMP/1 provisioning"
VERSION: Final = 1
CONTEXT: Final = "PROVISIONING"
FILE_OCTETS_MAX: Final = 4096
"""Twice what the longest honest file needs."""
TEXT_OCTETS_MAX: Final = 16

_MACHINE: Final = struct.Struct(">BBB7s8s16s16s32s32s32s32sQQQIIIHI")
_SERVER: Final = struct.Struct(">BBBB16s32s32sB32s32sI")
MACHINE_OCTETS: Final = _MACHINE.size
SERVER_OCTETS: Final = _SERVER.size

_MACHINE_KIND: Final = 0x4D
_SERVER_KIND: Final = 0x53
_TEXT: Final = re.compile(r"[\x20-\x7e]{1,16}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)


class ProvisioningFault(Enum):
    """What is wrong with a provisioning file."""

    SIZE = "the file is too long"
    JSON = "the file is not JSON"
    DUPLICATE = "a key stands twice in the file"
    FORM = "the file does not have the form of a provisioning file"
    HEX = "signed_octets or signature is not lower-case hex"
    MAKER = "the maker is not known here"
    REALM = "the file is of another realm than its maker's key"
    SIGNATURE = "the signature does not verify"
    POINT = "a public key is not a point of P-256"
    FIELD = "a signed field is out of range"
    DIFFERS = "the readable fields are not what was signed"


class ProvisioningError(RmfsError):
    """A provisioning file is refused; `fault` says why, the message adds the detail."""

    def __init__(self, fault: ProvisioningFault, detail: str = "") -> None:
        """Say what is wrong."""
        super().__init__(f"{fault.value}: {detail}" if detail else fault.value)
        self.fault = fault


@dataclass(frozen=True)
class MachineProvisioning:
    """What a server learns of a machine at enrolment.

    Raises:
        LocalProtocolError: A field is out of range, or AR + DR is not CT.
    """

    credential: MachineCredential
    model: str
    firmware: str
    ascending_paise: Paise
    descending_paise: Paise
    control_total_paise: Paise
    items: int
    zero_items: int
    recharge_number: RechargeNumber
    issued: EpochSeconds

    def __post_init__(self) -> None:
        _check_text(self.model)
        _check_text(self.firmware)
        _check_range("ascending_paise", self.ascending_paise, AMOUNT_PAISE_MAX)
        _check_range("descending_paise", self.descending_paise, AMOUNT_PAISE_MAX)
        _check_range("control_total_paise", self.control_total_paise, AMOUNT_PAISE_MAX)
        _check_range("items", self.items, U32_MAX)
        _check_range("zero_items", self.zero_items, U32_MAX)
        _check_range("recharge_number", self.recharge_number, U32_MAX)
        _check_range("issued", self.issued, U32_MAX)
        if self.ascending_paise + self.descending_paise != self.control_total_paise:
            raise LocalProtocolError("ascending + descending is not the control total")
        _check_range("items + zero_items", self.items + self.zero_items, U32_MAX)

    def encode(self) -> bytes:
        """Flatten to the 220 octets that the maker signs."""
        credential = self.credential
        return _MACHINE.pack(
            VERSION,
            _MACHINE_KIND,
            credential.realm,
            credential.kid,
            credential.psd_serial.encode("ascii"),
            self.model.encode("ascii"),
            self.firmware.encode("ascii"),
            credential.dh_point.x,
            credential.dh_point.y,
            credential.signing.point.x,
            credential.signing.point.y,
            self.ascending_paise,
            self.descending_paise,
            self.control_total_paise,
            self.items,
            self.zero_items,
            self.recharge_number,
            credential.generation,
            self.issued,
        )

    @classmethod
    def decode(cls, octets: bytes) -> "MachineProvisioning":
        """Read the flat structure.

        Raises:
            ProvisioningError: FORM, POINT or FIELD.
        """
        _check_structure(octets, MACHINE_OCTETS, _MACHINE_KIND)
        (
            *_,
            licence_identifier,
            psd_serial,
            model,
            firmware,
            dh_x,
            dh_y,
            signing_x,
            signing_y,
            ascending,
            descending,
            control_total,
            items,
            zero_items,
            recharge_number,
            generation,
            issued,
        ) = _MACHINE.unpack(octets)
        try:
            credential = MachineCredential(
                parse_licence_identifier(_decode_ascii(licence_identifier)),
                _decode_ascii(psd_serial),
                decode_realm(octets[2]),
                _decode_point(dh_x, dh_y),
                VerifyingKey(_decode_point(signing_x, signing_y)),
                generation,
            )
            return cls(
                credential,
                _decode_text(model),
                _decode_text(firmware),
                Paise(ascending),
                Paise(descending),
                Paise(control_total),
                items,
                zero_items,
                RechargeNumber(recharge_number),
                EpochSeconds(issued),
            )
        except (LocalProtocolError, KeyMaterialError) as error:
            raise ProvisioningError(ProvisioningFault.FIELD, str(error)) from error

    def readable(self) -> dict[str, Any]:
        """Spell the fields out for people."""
        credential = self.credential
        return {
            **_heading("MACHINE", credential.realm),
            "licence_identifier": credential.licence_identifier,
            "psd_serial": credential.psd_serial,
            "model": self.model,
            "firmware": self.firmware,
            "dh_public_key": _show_point(credential.dh_point),
            "signing_public_key": _show_point(credential.signing.point),
            "ascending_paise": self.ascending_paise,
            "descending_paise": self.descending_paise,
            "control_total_paise": self.control_total_paise,
            "items": self.items,
            "zero_items": self.zero_items,
            "recharge_number": self.recharge_number,
            "generation": credential.generation,
            "ccs": credential.ccs.hex(),
            "credential_hash": credential.credential_hash.hex(),
            "issued": _show_time(self.issued),
        }


@dataclass(frozen=True)
class ServerProvisioning:
    """What a machine learns of its server: one static key and one credit key.

    Several credit keys come as several files; `credential` of one file can be extended
    by `ServerCredential.with_credit_key`.

    Raises:
        LocalProtocolError: A field is out of range, or there is not one credit key.
    """

    credential: ServerCredential
    issued: EpochSeconds

    def __post_init__(self) -> None:
        _check_range("issued", self.issued, U32_MAX)
        if len(self.credential.credit_keys) != 1:
            raise LocalProtocolError("a server file carries exactly one credit key")

    @property
    def credit_key_id(self) -> int:
        """The id of the one credit key."""
        return next(iter(self.credential.credit_keys))

    @property
    def credit_key(self) -> VerifyingKey:
        """The one credit key."""
        return self.credential.credit_keys[self.credit_key_id]

    def encode(self) -> bytes:
        """Flatten to the 153 octets that the maker signs."""
        credential = self.credential
        return _SERVER.pack(
            VERSION,
            _SERVER_KIND,
            credential.realm,
            credential.kid,
            credential.name.encode("ascii"),
            credential.dh_point.x,
            credential.dh_point.y,
            self.credit_key_id,
            self.credit_key.point.x,
            self.credit_key.point.y,
            self.issued,
        )

    @classmethod
    def decode(cls, octets: bytes) -> "ServerProvisioning":
        """Read the flat structure.

        Raises:
            ProvisioningError: FORM, POINT or FIELD.
        """
        _check_structure(octets, SERVER_OCTETS, _SERVER_KIND)
        *_, kid, name, dh_x, dh_y, key_id, credit_x, credit_y, issued = _SERVER.unpack(
            octets
        )
        try:
            credential = ServerCredential(
                _decode_text(name),
                decode_realm(octets[2]),
                kid,
                _decode_point(dh_x, dh_y),
            ).with_credit_key(key_id, VerifyingKey(_decode_point(credit_x, credit_y)))
            return cls(credential, EpochSeconds(issued))
        except (LocalProtocolError, KeyMaterialError) as error:
            raise ProvisioningError(ProvisioningFault.FIELD, str(error)) from error

    def readable(self) -> dict[str, Any]:
        """Spell the fields out for people."""
        credential = self.credential
        return {
            **_heading("SERVER", credential.realm),
            "server_name": credential.name,
            "kid": credential.kid,
            "dh_public_key": _show_point(credential.dh_point),
            "credit_key_id": self.credit_key_id,
            "credit_public_key": _show_point(self.credit_key.point),
            "ccs": credential.ccs.hex(),
            "credential_hash": credential.credential_hash.hex(),
            "issued": _show_time(self.issued),
        }


def write_provisioning(
    content: MachineProvisioning | ServerProvisioning, maker: MakerKey
) -> str:
    """Sign and write a provisioning file: JSON text with a final newline.

    Raises:
        LocalProtocolError: The content is of another realm than the maker's key.
    """
    if content.credential.realm is not maker.realm:
        raise LocalProtocolError("a maker key signs for its own realm only")
    octets = content.encode()
    document = _document(
        content, maker.public, octets, sign(maker.signing, CONTEXT, maker.realm, octets)
    )
    return json.dumps(document, indent=2) + "\n"


def read_machine_provisioning(
    text: bytes, makers: Iterable[MakerPublicKey]
) -> MachineProvisioning:
    """Read a machine's file that one of these makers signed.

    Raises:
        ProvisioningError: Anything is wrong; its `fault` says what.
    """
    document, octets, maker = _read_signed(text, makers)
    content = MachineProvisioning.decode(octets)
    _compare(document, content, maker, octets)
    return content


def read_server_provisioning(
    text: bytes, makers: Iterable[MakerPublicKey]
) -> ServerProvisioning:
    """Read a server's file that one of these makers signed.

    Raises:
        ProvisioningError: Anything is wrong; its `fault` says what.
    """
    document, octets, maker = _read_signed(text, makers)
    content = ServerProvisioning.decode(octets)
    _compare(document, content, maker, octets)
    return content


def _read_signed(
    text: bytes, makers: Iterable[MakerPublicKey]
) -> tuple[dict[str, Any], bytes, MakerPublicKey]:
    document = _read_json(text)
    octets = _read_hex(document, "signed_octets")
    signature = _read_hex(document, "signature")
    claimed = document.get("maker")
    fingerprint = claimed.get("fingerprint") if isinstance(claimed, dict) else None
    maker = next((m for m in makers if m.fingerprint == fingerprint), None)
    if maker is None:
        raise ProvisioningError(ProvisioningFault.MAKER)
    if len(octets) not in (MACHINE_OCTETS, SERVER_OCTETS):
        raise ProvisioningError(
            ProvisioningFault.FORM, f"{len(octets)} signed octets are no structure"
        )
    if octets[2] != maker.realm:
        raise ProvisioningError(ProvisioningFault.REALM)
    if len(signature) != SIGNATURE_OCTETS or not verify(
        maker.verifying, CONTEXT, maker.realm, octets, signature
    ):
        raise ProvisioningError(ProvisioningFault.SIGNATURE)
    return document, octets, maker


def _read_json(text: bytes) -> dict[str, Any]:
    if len(text) > FILE_OCTETS_MAX:
        raise ProvisioningError(
            ProvisioningFault.SIZE, f"{len(text)} octets, {FILE_OCTETS_MAX} are allowed"
        )
    try:
        document = json.loads(text.decode("utf-8"), object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        # The parser's message names a position; it holds nothing of the content.
        raise ProvisioningError(ProvisioningFault.JSON) from error
    if not isinstance(document, dict):
        raise ProvisioningError(ProvisioningFault.FORM, "the file is not an object")
    return document


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProvisioningError(ProvisioningFault.DUPLICATE)
    return found


def _read_hex(document: dict[str, Any], name: str) -> bytes:
    value = document.get(name)
    if not isinstance(value, str):
        raise ProvisioningError(ProvisioningFault.FORM, f"{name} is missing")
    if _HEX.fullmatch(value) is None:
        raise ProvisioningError(ProvisioningFault.HEX, name)
    return bytes.fromhex(value)


def _compare(
    document: dict[str, Any],
    content: MachineProvisioning | ServerProvisioning,
    maker: MakerPublicKey,
    octets: bytes,
) -> None:
    # The signature is not rebuilt: it was verified, and is compared with itself.
    expected = _document(content, maker, octets, b"")
    expected["signature"] = document["signature"]
    # Compared as text, because 1, 1.0 and true are equal to Python.
    names = [
        name
        for name in sorted(expected.keys() | document.keys())
        if name not in expected
        or name not in document
        or _canonical(expected[name]) != _canonical(document[name])
    ]
    if names:
        # Names come from the file: shown as ASCII and not at any length.
        raise ProvisioningError(ProvisioningFault.DIFFERS, ascii(names)[:80])


def _document(
    content: MachineProvisioning | ServerProvisioning,
    maker: MakerPublicKey,
    octets: bytes,
    signature: bytes,
) -> dict[str, Any]:
    return {
        **content.readable(),
        "maker": {"name": maker.name, "fingerprint": maker.fingerprint},
        "signed_octets": octets.hex(),
        "signature": signature.hex(),
    }


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _heading(kind: str, realm: Realm) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "kind": kind, "realm": realm.name}


def _show_point(point: Point) -> dict[str, str]:
    return {"x": point.x.hex(), "y": point.y.hex()}


def _show_time(issued: EpochSeconds) -> str:
    return datetime.fromtimestamp(issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_structure(octets: bytes, length: int, kind: int) -> None:
    if len(octets) != length or octets[0] != VERSION or octets[1] != kind:
        raise ProvisioningError(
            ProvisioningFault.FORM, "the signed octets are of another kind or version"
        )


def _check_text(text: str) -> None:
    if _TEXT.fullmatch(text) is None or text != text.strip():
        message = f"{text!r} is not 1 to {TEXT_OCTETS_MAX} printable ASCII letters"
        raise LocalProtocolError(message)


def _check_range(name: str, value: int, largest: int) -> None:
    if not 0 <= value <= largest:
        raise LocalProtocolError(f"{name} is {value}: 0 to {largest} is allowed")


def _decode_ascii(octets: bytes) -> str:
    try:
        return octets.decode("ascii")
    except UnicodeDecodeError as error:
        raise LocalProtocolError("a text is not ASCII") from error


def _decode_text(padded: bytes) -> str:
    text = padded.rstrip(b"\x00")
    if b"\x00" in text or not text:
        raise LocalProtocolError("a text is empty or has a zero octet inside")
    return _decode_ascii(text)


def _decode_point(x: bytes, y: bytes) -> Point:
    try:
        return Point(x, y)
    except KeyMaterialError as error:
        raise ProvisioningError(ProvisioningFault.POINT) from error

"""The files of a folder of evidence: made of what was signed, and of nothing else."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from protocol.keys import (
    Point,
    Realm,
    signature_to_der,
    signed_octets,
    write_public_key,
)
from protocol.messages import (
    SIGNATURE_OCTETS,
    Confirmation,
    Message,
    MessageType,
    Statement,
    Voucher,
)
from protocol.registers import Registers

FORMAT: Final = "FMP/1 evidence"
MACHINE_KEY: Final = "machine.pem"
CREDIT_KEY: Final = "credit-key.pem"
VOID_KEY: Final = "credit-key-void.pem"
"""Only where another credit key than the voucher's has signed the VOID."""
CREDENTIAL: Final = "machine.ccs"
INDEX: Final = "evidence.json"
README: Final = "README.txt"

STATEMENT: Final = "statement"
VOUCHER: Final = "voucher"
VOID: Final = "void"
SETTLED: Final = "settled"

PARTS: Final = (STATEMENT, VOUCHER, VOID, SETTLED)
ALWAYS: Final = (MACHINE_KEY, CREDIT_KEY, CREDENTIAL, INDEX, README)
_BY_MACHINE: Final = (STATEMENT, SETTLED)
_FINGERPRINTS: Final = {
    MACHINE_KEY: "machine_key_fingerprint",
    CREDIT_KEY: "credit_key_fingerprint",
    VOID_KEY: "void_key_fingerprint",
}
KEYS: Final = tuple(_FINGERPRINTS)


@dataclass(frozen=True, slots=True)
class Signed:
    """One signed message of a folder.

    Attributes:
        octets: The whole message.
        binding: The channel's binding under the signature; empty for a voucher.
    """

    octets: bytes
    binding: bytes = b""

    @property
    def context(self) -> str:
        """The context of the signature: the name of the message type."""
        return MessageType(self.octets[0]).name

    @property
    def covered(self) -> bytes:
        """What is signed behind the context."""
        return self.binding + self.octets[:-SIGNATURE_OCTETS]

    @property
    def signature(self) -> bytes:
        """The raw signature."""
        return self.octets[-SIGNATURE_OCTETS:]


def files_of(
    parts: Mapping[str, Signed],
    realm: Realm,
    ccs: bytes,
    keys: Mapping[str, Point],
) -> dict[str, bytes]:
    """Make the files of a folder.

    Args:
        parts: Messages by their part in the recharge.
        realm: Of all keys.
        ccs: The machine's credential.
        keys: Public keys by file name.
    """
    files = {name: write_public_key(key).encode("ascii") for name, key in keys.items()}
    files[CREDENTIAL] = ccs
    for part in PARTS:
        signed = parts.get(part)
        if signed is None:
            continue
        covered = signed_octets(signed.context, realm, signed.covered)
        files[f"{part}.octets"] = signed.octets
        if signed.binding:
            files[f"{part}.binding"] = signed.binding
        files[f"{part}.signed"] = covered
        files[f"{part}.der"] = signature_to_der(signed.signature)
    hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
    index = {
        "format": FORMAT,
        "realm": realm.name,
        **{_FINGERPRINTS[name]: _fingerprint(key) for name, key in keys.items()},
        "outcome": _outcome(parts),
        "messages": {
            part: _readable(decode_part(part, signed)) for part, signed in parts.items()
        },
        "sha256": hashes,
    }
    files[INDEX] = (json.dumps(index, indent=2, sort_keys=True) + "\n").encode()
    files[README] = _readme(parts, keys).encode("ascii")
    return files


def describe(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Read `evidence.json` of evidence that was verified."""
    found: dict[str, Any] = json.loads(files[INDEX])
    return found


def decode_part(part: str, signed: Signed) -> Statement | Confirmation | Voucher:
    """Read a message by its part in the recharge.

    Raises:
        RemoteProtocolError: It is none.
    """
    if part in (VOUCHER, VOID):
        return Voucher.decode(signed.octets)
    if part == SETTLED and signed.octets[0] == MessageType.CONFIRMATION:
        return Confirmation.decode(signed.octets)
    return Statement.decode(signed.octets)


def key_of(part: str, keys: Container[str]) -> str:
    """Name the file with the key that verifies a part."""
    if part in _BY_MACHINE:
        return MACHINE_KEY
    return VOID_KEY if part == VOID and VOID_KEY in keys else CREDIT_KEY


def _outcome(parts: Mapping[str, Signed]) -> str:
    settled = parts.get(SETTLED)
    voucher = Voucher.decode(parts[VOUCHER].octets)
    if settled is None:
        return "NOT SETTLED BY A MESSAGE"
    message = decode_part(SETTLED, settled)
    registers: Registers | None = getattr(message, "registers", None)
    after = voucher.control_total_after_paise
    posted = registers is not None and registers.control_total_paise == after
    return "POSTED" if posted else "VOIDED"


def _readable(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": type(message).__name__.upper()}
    registers = getattr(message, "registers", None)
    for field in message.TABLE.fields:
        held = registers if hasattr(registers, field.name) else message
        value = getattr(held, field.name)
        if isinstance(value, bytes):
            fields[field.name] = value.hex()
        elif field.values is not None:
            fields[field.name] = value.name
        else:
            fields[field.name] = value
    return fields


def _fingerprint(point: Point) -> str:
    return sha256(point.x + point.y).hexdigest()


def _readme(parts: Mapping[str, Signed], keys: Container[str]) -> str:
    commands = [
        f"openssl dgst -sha256 -verify {key_of(part, keys)} "
        f"-signature {part}.der {part}.signed"
        for part in PARTS
        if part in parts
    ]
    return "\n".join(
        (
            "Evidence of one recharge of a franking machine (FMP/1).",
            "",
            "Each signature is verified by OpenSSL; every line must say Verified OK:",
            "",
            *commands,
            "",
            "NAME.signed is the text FMP/1 and the name of the message and the realm",
            "letter, a zero octet, then NAME.binding if there is one (the value of the",
            "channel that the message came through), then NAME.octets without its last",
            "64 octets. Those 64 octets are the signature, r and s; NAME.der holds the",
            "same as DER. SPEC.md DLG-3 to DLG-6 has the layout of the messages.",
            "",
            "rmfs evidence --verify FOLDER checks all of this, the hashes in",
            "evidence.json and the arithmetic of the control total.",
            "",
        )
    )

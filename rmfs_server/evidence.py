"""Evidence of one recharge: a folder that anybody can verify without this server.

It holds what was signed, octet for octet: the STATEMENT that asked, the VOUCHER (and
the VOID that took it back, if one did), and what settled it, a CONFIRMATION or the
machine's next STATEMENT. Beside each message lie the channel's binding that its
signature covers, the exact octets under the signature, and the signature as DER; then
the public keys as PEM; where another credit key signed the VOID than the voucher, that
one, too. `evidence.json` says in words what the octets say; it is made
from the other files alone, and so is checked by making it again.

Source: SPEC.md DLG-3 (what a signature covers), REG-5 (arithmetic); design section 3.
"""

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from protocol.errors import NeedsAttentionError, RmfsError
from protocol.keys import (
    Point,
    Realm,
    VerifyingKey,
    credential_hash,
    decode_realm,
    read_public_key,
    signature_to_der,
    signed_octets,
    verify,
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
from protocol.registers import Registers, VoucherKind, effect_paise
from protocol.values import LicenceIdentifier
from rmfs_server.store import credit_keys, machines, messages, recharges
from rmfs_server.store.recharges import Recharge

FORMAT: Final = "FMP/1 evidence"
FILE_OCTETS_MAX: Final = 64 * 1024
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

_REALM_OFFSET: Final = 3
"""Where the realm letter stands in a CCS: first in its subject."""

_PARTS: Final = (STATEMENT, VOUCHER, VOID, SETTLED)
_ALWAYS: Final = (MACHINE_KEY, CREDIT_KEY, CREDENTIAL, INDEX, README)
_BY_MACHINE: Final = (STATEMENT, SETTLED)
_FINGERPRINTS: Final = {
    MACHINE_KEY: "machine_key_fingerprint",
    CREDIT_KEY: "credit_key_fingerprint",
    VOID_KEY: "void_key_fingerprint",
}
_KEYS: Final = tuple(_FINGERPRINTS)


class EvidenceError(NeedsAttentionError):
    """There is no such evidence, or a folder cannot be read or written."""


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


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a folder of evidence that does not hold."""

    file: str
    detail: str


def collect(
    connection: Connection, licence: LicenceIdentifier, number: int | None = None
) -> dict[str, bytes]:
    """Gather the evidence of a recharge, or of the last one of a machine.

    Returns:
        The files of the folder by name.

    Raises:
        EvidenceError: There is no such recharge.
    """
    enrolled = machines.find_enrolled(connection, licence)
    recharge = _find(connection, licence, number)
    if enrolled is None or recharge is None:
        wanted = "any recharge" if number is None else f"recharge {number}"
        raise EvidenceError(f"the books do not know {wanted} of {licence}")
    keys = {CREDIT_KEY: _credit_key(connection, recharge.voucher)}
    parts = {VOUCHER: Signed(recharge.voucher)}
    if recharge.void is not None:
        parts[VOID] = Signed(recharge.void)
        void_key = _credit_key(connection, recharge.void)
        if void_key != keys[CREDIT_KEY]:
            keys[VOID_KEY] = void_key
    for part, digest in (
        (STATEMENT, recharge.requested_in),
        (SETTLED, recharge.settled_in),
    ):
        heard = None if digest is None else messages.find(connection, digest)
        if heard is not None:
            parts[part] = Signed(heard.signed.octets, heard.signed.binding)
    credential = enrolled.credential
    return _files(
        parts,
        credential.realm,
        credential.ccs,
        {MACHINE_KEY: credential.signing.point, **keys},
    )


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Write evidence into a folder that is new or empty.

    Raises:
        EvidenceError: The folder holds something, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EvidenceError(f"{folder} is not empty: name a new folder")
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise EvidenceError(f"{folder} cannot be written: {error.strerror}") from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read a folder of evidence; what is not evidence is not looked at.

    Raises:
        EvidenceError: It cannot be read, or a file is too long.
    """
    found = {}
    try:
        for name in _names():
            path = folder / name
            if path.is_file():
                if path.stat().st_size > FILE_OCTETS_MAX:
                    raise EvidenceError(f"{path} is too long to be evidence")
                found[name] = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{folder} cannot be read: {error.strerror}") from error
    return found


def verify_evidence(files: Mapping[str, bytes]) -> list[Finding]:
    """Verify evidence offline: every octet, every signature, every sum.

    Whose keys they are is not said by the folder: compare the fingerprints that
    `evidence.json` names with those that the maker published.

    Returns:
        What does not hold; nothing when all of it does.
    """
    missing = [name for name in (*_ALWAYS, f"{VOUCHER}.octets") if name not in files]
    if missing:
        return [Finding(name, "the file is missing") for name in missing]
    try:
        parts = _read_parts(files)
        realm = decode_realm(files[CREDENTIAL][_REALM_OFFSET])
        keys = {name: read_public_key(files[name]) for name in _KEYS if name in files}
        decoded = {part: _decode(part, signed) for part, signed in parts.items()}
    except (RmfsError, ValueError, LookupError) as error:
        return [Finding("", f"the folder cannot be read: {error}")]
    findings = list(_signatures(parts, realm, keys))
    findings += _arithmetic(decoded, files[CREDENTIAL])
    expected = _files(parts, realm, files[CREDENTIAL], keys)
    for name in sorted(expected.keys() | files.keys()):
        if expected.get(name) != files.get(name):
            findings.append(Finding(name, "it is not what the octets say"))
    return findings


def describe(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Read `evidence.json` of evidence that was verified."""
    found: dict[str, Any] = json.loads(files[INDEX])
    return found


def _find(
    connection: Connection, licence: LicenceIdentifier, number: int | None
) -> Recharge | None:
    if number is not None:
        return recharges.find(connection, licence, number)
    every = recharges.all_of(connection, licence)
    return every[-1] if every else None


def _credit_key(connection: Connection, octets: bytes) -> Point:
    key_id = Voucher.decode(octets).credit_key
    key = credit_keys.find(connection, key_id)
    if key is None:
        raise EvidenceError(f"credit key {key_id} is not in the books")
    return key.point


def _key_of(part: str, keys: Container[str]) -> str:
    """Name the file with the key that verifies a part."""
    if part in _BY_MACHINE:
        return MACHINE_KEY
    return VOID_KEY if part == VOID and VOID_KEY in keys else CREDIT_KEY


def _names() -> Iterator[str]:
    yield from _ALWAYS
    yield VOID_KEY
    for part in _PARTS:
        for ending in ("octets", "binding", "signed", "der"):
            yield f"{part}.{ending}"


def _files(
    parts: Mapping[str, Signed],
    realm: Realm,
    ccs: bytes,
    keys: Mapping[str, Point],
) -> dict[str, bytes]:
    files = {name: write_public_key(key).encode("ascii") for name, key in keys.items()}
    files[CREDENTIAL] = ccs
    for part in _PARTS:
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
            part: _readable(_decode(part, signed)) for part, signed in parts.items()
        },
        "sha256": hashes,
    }
    files[INDEX] = (json.dumps(index, indent=2, sort_keys=True) + "\n").encode()
    files[README] = _readme(parts, keys).encode("ascii")
    return files


def _read_parts(files: Mapping[str, bytes]) -> dict[str, Signed]:
    return {
        part: Signed(files[f"{part}.octets"], files.get(f"{part}.binding", b""))
        for part in _PARTS
        if f"{part}.octets" in files
    }


def _decode(part: str, signed: Signed) -> Statement | Confirmation | Voucher:
    if part in (VOUCHER, VOID):
        return Voucher.decode(signed.octets)
    if part == SETTLED and signed.octets[0] == MessageType.CONFIRMATION:
        return Confirmation.decode(signed.octets)
    return Statement.decode(signed.octets)


def _signatures(
    parts: Mapping[str, Signed], realm: Realm, keys: Mapping[str, Point]
) -> Iterator[Finding]:
    for part, signed in parts.items():
        name = _key_of(part, keys)
        key = VerifyingKey(keys[name])
        if not verify(key, signed.context, realm, signed.covered, signed.signature):
            yield Finding(f"{part}.octets", f"its signature fails with {name}")


def _arithmetic(
    decoded: Mapping[str, Statement | Confirmation | Voucher], ccs: bytes
) -> Iterator[Finding]:
    voucher = decoded.get(VOUCHER)
    if not isinstance(voucher, Voucher):
        yield Finding("voucher.octets", "the folder holds no VOUCHER")
        return
    void, asked, settled = (decoded.get(part) for part in (VOID, STATEMENT, SETTLED))
    before = voucher.control_total_before_paise
    effect = effect_paise(voucher.kind, voucher.amount_paise)
    rules: list[tuple[str, str, bool]] = [
        (
            VOUCHER,
            "CT after is not CT before and the amount",
            voucher.control_total_after_paise == before + effect,
        ),
        (
            VOUCHER,
            "it is made out to other keys",
            voucher.credential_hash == credential_hash(ccs),
        ),
    ]
    licences = {message.licence for message in decoded.values()}
    rules.append((VOUCHER, "the messages are of several machines", len(licences) == 1))
    if isinstance(void, Voucher):
        rules.append(
            (
                VOID,
                "it does not take this voucher back",
                void.kind is VoucherKind.VOID
                and void.recharge_number == voucher.recharge_number
                and void.control_total_before_paise == before
                and void.control_total_after_paise == before,
            )
        )
    if isinstance(asked, Statement):
        rules += [
            (
                STATEMENT,
                "its number is not the one before the voucher's",
                asked.recharge_number + 1 == voucher.recharge_number,
            ),
            (STATEMENT, "AR + DR is not CT", asked.registers.balanced),
            (
                STATEMENT,
                "its CT is not the voucher's CT before",
                asked.registers.control_total_paise == before,
            ),
            (
                STATEMENT,
                "it asks for another amount or kind",
                asked.amount_paise == voucher.amount_paise
                and int(asked.request) == int(voucher.kind),
            ),
        ]
    if isinstance(settled, Statement | Confirmation):
        total = settled.registers.control_total_paise
        allowed = {voucher.control_total_after_paise}
        if void is not None:
            allowed.add(before)
        rules += [
            (
                SETTLED,
                "its number is not the voucher's",
                settled.recharge_number == voucher.recharge_number,
            ),
            (SETTLED, "AR + DR is not CT", settled.registers.balanced),
            (SETTLED, "its CT fits neither voucher nor VOID", total in allowed),
            (
                SETTLED,
                "registers went back since the STATEMENT",
                not isinstance(asked, Statement)
                or settled.registers.not_before(asked.registers),
            ),
        ]
    for part, words, holds in rules:
        if not holds:
            yield Finding(f"{part}.octets", words)


def _outcome(parts: Mapping[str, Signed]) -> str:
    settled = parts.get(SETTLED)
    voucher = Voucher.decode(parts[VOUCHER].octets)
    if settled is None:
        return "NOT SETTLED BY A MESSAGE"
    message = _decode(SETTLED, settled)
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
        f"openssl dgst -sha256 -verify {_key_of(part, keys)} "
        f"-signature {part}.der {part}.signed"
        for part in _PARTS
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

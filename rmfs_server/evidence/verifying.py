"""Verifying evidence without any books: every octet, every signature, every sum."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from protocol.errors import RmfsError
from protocol.keys import (
    Point,
    Realm,
    VerifyingKey,
    credential_hash,
    decode_realm,
    read_public_key,
    verify,
)
from protocol.messages import Confirmation, Statement, Voucher
from protocol.registers import VoucherKind, effect_paise
from rmfs_server.evidence.contents import (
    ALWAYS,
    CREDENTIAL,
    KEYS,
    PARTS,
    SETTLED,
    STATEMENT,
    VOID,
    VOUCHER,
    Signed,
    decode_part,
    files_of,
    key_of,
)

_REALM_OFFSET: Final = 3
"""Where the realm letter stands in a CCS: first in its subject."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a folder of evidence that does not hold."""

    file: str
    detail: str


def verify_evidence(files: Mapping[str, bytes]) -> list[Finding]:
    """Verify evidence offline: every octet, every signature, every sum.

    Whose keys they are is not said by the folder: compare the fingerprints that
    `evidence.json` names with those that the maker published.

    Returns:
        What does not hold; nothing when all of it does.
    """
    missing = [name for name in (*ALWAYS, f"{VOUCHER}.octets") if name not in files]
    if missing:
        return [Finding(name, "the file is missing") for name in missing]
    try:
        parts = _read_parts(files)
        realm = decode_realm(files[CREDENTIAL][_REALM_OFFSET])
        keys = {name: read_public_key(files[name]) for name in KEYS if name in files}
        decoded = {part: decode_part(part, signed) for part, signed in parts.items()}
    except (RmfsError, ValueError, LookupError) as error:
        return [Finding("", f"the folder cannot be read: {error}")]
    findings = list(_signatures(parts, realm, keys))
    findings += _arithmetic(decoded, files[CREDENTIAL])
    expected = files_of(parts, realm, files[CREDENTIAL], keys)
    for name in sorted(expected.keys() | files.keys()):
        if expected.get(name) != files.get(name):
            findings.append(Finding(name, "it is not what the octets say"))
    return findings


def _read_parts(files: Mapping[str, bytes]) -> dict[str, Signed]:
    return {
        part: Signed(files[f"{part}.octets"], files.get(f"{part}.binding", b""))
        for part in PARTS
        if f"{part}.octets" in files
    }


def _signatures(
    parts: Mapping[str, Signed], realm: Realm, keys: Mapping[str, Point]
) -> Iterator[Finding]:
    for part, signed in parts.items():
        name = key_of(part, keys)
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

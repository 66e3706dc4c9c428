"""Which vouchers are valid: a reading of SPEC.md that shares no code with the product.

Octets are taken apart by the offsets of DLG-5, signatures verified by KEY-4, what a
voucher does is the table of REG-4, and what a PSD has to check the list of REG-6.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

OCTETS: Final = 114
TYPE: Final = 0x20
RECHARGE: Final = 1
WITHDRAWAL: Final = 2
VOID: Final = 3
REFUND: Final = 4
PAISE_MAX: Final = 2**53 - 1
NUMBER_MAX: Final = 2**32 - 1
_LAYOUT: Final = struct.Struct(">BB7s8sIQQQIB64s")
_COVERED: Final = OCTETS - 64
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Voucher:
    """The fields of a voucher; amounts in paise.

    Attributes:
        octets: All 114.
        kind: RECHARGE, WITHDRAWAL, VOID or REFUND.
        licence: 7 octets.
        credential_hash: 8 octets.
        number: Recharge number.
        amount: Paise.
        before: CT before.
        after: CT after.
        credit_key: Id of the key that signs.
    """

    octets: bytes
    kind: int
    licence: bytes
    credential_hash: bytes
    number: int
    amount: int
    before: int
    after: int
    credit_key: int

    @property
    def effect(self) -> int:
        """By how much it changes DR and CT (REG-4)."""
        return {RECHARGE: self.amount, VOID: 0}.get(self.kind, -self.amount)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose vouchers are looked at.

    Attributes:
        licence: 7 octets.
        credential_hash: 8 octets.
        realm: The letter.
        credit_keys: Public keys by their ids; several where more than one may be known
            under an id.
    """

    licence: bytes
    credential_hash: bytes
    realm: str
    credit_keys: Mapping[int, tuple[ec.EllipticCurvePublicKey, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a machine stands, as far as vouchers go; amounts in paise.

    Attributes:
        number: Of the voucher applied last.
        ascending: AR.
        control_total: CT.
    """

    number: int
    ascending: int
    control_total: int


def read_voucher(body: bytes) -> Voucher | None:
    """Take a message apart; None if it is no well-formed VOUCHER (DLG-2.1, DLG-5)."""
    if len(body) != OCTETS:
        return None
    kind_octet, kind, licence, credential, *numbers, key, _ = _LAYOUT.unpack(body)
    number, amount, before, after, _time = numbers
    if kind_octet != TYPE or kind not in {RECHARGE, WITHDRAWAL, VOID, REFUND}:
        return None
    if max(amount, before, after) > PAISE_MAX:
        return None
    return Voucher(body, kind, licence, credential, number, amount, before, after, key)


def is_signed(voucher: Voucher, holder: Holder) -> bool:
    """Whether a key signs it that is known by the id that it names (KEY-4)."""
    prefix = f"FMP/1 VOUCHER {holder.realm}".encode("ascii") + b"\0"
    covered, signature = voucher.octets[:_COVERED], voucher.octets[_COVERED:]
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        return False
    return any(
        _verifies(key, encode_dss_signature(r, s), prefix + covered)
        for key in holder.credit_keys.get(voucher.credit_key, ())
    )


def fault_of(voucher: Voucher, holder: Holder, standing: Standing) -> str:
    """Say why a machine must not apply a voucher (REG-6); empty if it may."""
    descending = standing.control_total - standing.ascending + voucher.effect
    after = standing.control_total + voucher.effect
    if not is_signed(voucher, holder):
        return "its signature does not verify"
    if voucher.licence != holder.licence:
        return "it is made out to another licence"
    if voucher.credential_hash != holder.credential_hash:
        return "it is made out to other keys"
    if voucher.number != standing.number + 1:
        return "its number is not the next one"
    if voucher.before != standing.control_total:
        return "its CT before is another one"
    if voucher.after != after:
        return "its CT after does not follow from its amount"
    if descending < 0 or after > PAISE_MAX:
        return "the registers cannot hold its amount"
    if voucher.kind == WITHDRAWAL and descending:
        return "it is a withdrawal and leaves value in DR"
    return ""


def applied(voucher: Voucher, standing: Standing) -> Standing:
    """Say how a machine stands behind a voucher (REG-4)."""
    after = standing.control_total + voucher.effect
    return Standing(voucher.number, standing.ascending, after)


def _verifies(key: ec.EllipticCurvePublicKey, signature: bytes, covered: bytes) -> bool:
    try:
        key.verify(signature, covered, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True

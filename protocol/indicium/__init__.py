"""The indicium: what a frank's barcode says, who signed it, and whether to believe it.

Start with `layout` (the octets), then `signing` and `authentication` (the two proofs).
SPEC.md INDICIUM is the normative text; all of it is this product's own, since the
barcode of India Post's machines is not public.
"""

from protocol.indicium.authentication import (
    AUTHENTICATION_CODE_DIGITS,
    AUTHENTICATION_KEY_OCTETS,
    authentication_code,
    authentication_key,
)
from protocol.indicium.layout import (
    ADVANCE_DAYS_MAX,
    FIELDS,
    INDICIUM_OCTETS,
    UNSIGNED_OCTETS,
    FrankKind,
    Indicium,
    IndiciumError,
    IndiciumFault,
    SignedIndicium,
    decode_indicium,
    decode_unsigned,
    encode_unsigned,
)
from protocol.indicium.signing import INDICIUM_CONTEXT, is_signed_by, sign_indicium

__all__ = [
    "ADVANCE_DAYS_MAX",
    "AUTHENTICATION_CODE_DIGITS",
    "AUTHENTICATION_KEY_OCTETS",
    "FIELDS",
    "INDICIUM_CONTEXT",
    "INDICIUM_OCTETS",
    "UNSIGNED_OCTETS",
    "FrankKind",
    "Indicium",
    "IndiciumError",
    "IndiciumFault",
    "SignedIndicium",
    "authentication_code",
    "authentication_key",
    "decode_indicium",
    "decode_unsigned",
    "encode_unsigned",
    "is_signed_by",
    "sign_indicium",
]

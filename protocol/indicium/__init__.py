"""The indicium: what a frank's barcode says, who signed it, and whether to believe it.

Start with `layout` (the octets), then `signing` and `authentication` (the two proofs),
`verifying` (the verdicts) and `seen` (what a verifier remembers).
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
from protocol.indicium.seen import (
    MemorySeenFranks,
    SeenFrank,
    SeenFranks,
    Sightings,
    is_one_history,
)
from protocol.indicium.signing import INDICIUM_CONTEXT, is_signed_by, sign_indicium
from protocol.indicium.verifying import (
    AcceptedDates,
    PrintedFacts,
    Reason,
    Unchecked,
    Verdict,
    Verification,
    may_be_indicium,
    not_readable,
    verify_indicium,
)

__all__ = [
    "ADVANCE_DAYS_MAX",
    "AUTHENTICATION_CODE_DIGITS",
    "AUTHENTICATION_KEY_OCTETS",
    "FIELDS",
    "INDICIUM_CONTEXT",
    "INDICIUM_OCTETS",
    "UNSIGNED_OCTETS",
    "AcceptedDates",
    "FrankKind",
    "Indicium",
    "IndiciumError",
    "IndiciumFault",
    "MemorySeenFranks",
    "PrintedFacts",
    "Reason",
    "SeenFrank",
    "SeenFranks",
    "Sightings",
    "SignedIndicium",
    "Unchecked",
    "Verdict",
    "Verification",
    "authentication_code",
    "authentication_key",
    "decode_indicium",
    "decode_unsigned",
    "encode_unsigned",
    "is_one_history",
    "is_signed_by",
    "may_be_indicium",
    "not_readable",
    "sign_indicium",
    "verify_indicium",
]

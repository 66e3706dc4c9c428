"""Signatures that a case wants otherwise: what a verifier has to refuse, or to take.

=========== =====================================================================
unbound     of a machine: over the message with a binding of zeros (DLG-3)
purpose     with another context: of a machine that of its other signed message, of a
            voucher that of a content (KEY-4.2)
realm       with the letter of the other realm (KEY-2.2)
mirrored    *n* less *s* in place of *s*: as good as the other one (KEY-4.4)
r-zero      0 in place of *r*; ``s-zero`` likewise
r-order     *n* in place of *r*; ``s-order`` likewise
=========== =====================================================================
"""

from typing import Final

from protocol.keys import Realm
from protocol.keys.points import ORDER
from protocol.messages import SIGNATURE_OCTETS

RIGHT: Final = "right"
UNBOUND: Final = "unbound"
PURPOSE: Final = "purpose"
REALM: Final = "realm"
OTHER_REALM: Final = {Realm.TEST: Realm.PRODUCTION, Realm.PRODUCTION: Realm.TEST}
OF_MACHINES: Final = frozenset({UNBOUND, PURPOSE, REALM})
"""Signed otherwise, not bent afterwards."""
_MIRRORED: Final = "mirrored"
_HALF: Final = SIGNATURE_OCTETS // 2
_NUMBERS: Final = {"zero": 0, "order": ORDER}
BENT: Final = frozenset(
    {_MIRRORED, *(f"{half}-{name}" for half in "rs" for name in _NUMBERS)}
)


def bent_signature(wish: str, signature: bytes) -> bytes:
    """Bend a good signature.

    Args:
        wish: One of `BENT`.
        signature: 64 octets.

    Returns:
        64 octets.
    """
    r, s = signature[:_HALF], signature[_HALF:]
    if wish == _MIRRORED:
        return r + _number(ORDER - int.from_bytes(s, "big"))
    half, _, name = wish.partition("-")
    number = _number(_NUMBERS[name])
    return number + s if half == "r" else r + number


def _number(value: int) -> bytes:
    return value.to_bytes(_HALF, "big")

"""Realms: test and production keys never verify each other's messages.

The realm stands in every credential (the first letter of the CCS subject), so that two
realms never complete a handshake, and in the context of every signature, so that not
even the same key signs for both.

Source: protocol/SPEC.md KEY-2.
"""

from enum import IntEnum

from protocol.keys.points import KeyMaterialError


class Realm(IntEnum):
    """One octet: the ASCII letter of the realm."""

    TEST = 0x54
    PRODUCTION = 0x50

    @property
    def letter(self) -> str:
        """``T`` or ``P``."""
        return chr(self)


def decode_realm(octet: int) -> Realm:
    """Read a realm octet.

    Raises:
        KeyMaterialError: The octet names no realm.
    """
    if octet not in (Realm.TEST, Realm.PRODUCTION):
        raise KeyMaterialError(f"0x{octet:02x} is no realm: 54 is test, 50 production")
    return Realm(octet)

"""The licence card that is scanned at a counter: its payload, which is OURS.

    N123456KN0600065K

Identifier, licence number (CRN) and one check character. What India Post's own card
holds is not public.

The check character is that of ISO/IEC 7064, the hybrid system MOD 37,36 for letters
and digits: one wrong character is always found.

Source: RMFS-20, RMFS-21; domain notes, sections 4 and 22 (no. 9).
"""

from dataclasses import dataclass
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.values import (
    LicenceIdentifier,
    LicenceNumber,
    parse_licence_identifier,
    parse_licence_number,
)

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MODULUS: Final = len(_ALPHABET)
_IDENTIFIER_CHARACTERS: Final = 7
PAYLOAD_CHARACTERS: Final = 17


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says."""

    identifier: LicenceIdentifier
    number: LicenceNumber

    @property
    def payload(self) -> str:
        """What its barcode holds."""
        told = f"{self.identifier}{self.number}"
        return told + _check_character(told)


def read_card(payload: str) -> Card:
    """Read what a scanner gives, or a person types.

    Raises:
        LocalProtocolError: It is no such payload, or was misread.
    """
    told = payload.strip().upper()
    if (
        len(told) != PAYLOAD_CHARACTERS
        or not told.isascii()
        or _check_character(told[:-1]) != told[-1]
    ):
        message = f"{payload[:40]!r} is not what a licence card holds: scan it again"
        raise LocalProtocolError(message)
    return Card(
        parse_licence_identifier(told[:_IDENTIFIER_CHARACTERS]),
        parse_licence_number(told[_IDENTIFIER_CHARACTERS:-1]),
    )


def _check_character(told: str) -> str:
    """Compute the check character (ISO/IEC 7064, MOD 37,36); empty if there is none."""
    product = _MODULUS
    for one in told:
        value = _ALPHABET.find(one)
        if value < 0:
            return ""
        total = (product + value) % _MODULUS or _MODULUS
        product = total * 2 % (_MODULUS + 1)
    return _ALPHABET[(_MODULUS + 1 - product) % _MODULUS]

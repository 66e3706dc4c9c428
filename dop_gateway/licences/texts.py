"""What may stand in the texts of an application: what may stand in an exchange file.

A licence goes to its maker as a line of a file; a text that no line could hold is
refused when it is typed, not when the file is made.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from dop_gateway.errors import FieldFinding
from dop_gateway.licences.model import Holder
from dop_gateway.offices.model import parse_pin
from protocol.errors import LocalProtocolError
from protocol.exchange.spelling import first_forbidden

CHARACTERS_MAX: Final = 80
ADDRESS_LINES_MAX: Final = 3
_SEPARATOR: Final = "|"
_TELEPHONE: Final = re.compile(r"\+?[0-9]{6,15}", re.ASCII)
_EMAIL: Final = re.compile(r"[!-?A-{}~]{1,64}@[!-?A-{}~]{1,180}\.[A-Za-z]{2,63}")


def finding_of_text(pointer: str, told: str) -> Iterator[FieldFinding]:
    """Say what is wrong with a text, if anything."""
    if not 1 <= len(told) <= CHARACTERS_MAX or told != told.strip():
        words = f"1 to {CHARACTERS_MAX} characters, no space at its ends"
        yield FieldFinding(pointer, "form", words)
    elif _SEPARATOR in told or first_forbidden(told) is not None:
        words = "a character in it can stand in no file to the maker"
        yield FieldFinding(pointer, "character", words)
    elif not unicodedata.is_normalized("NFC", told):
        yield FieldFinding(pointer, "not_nfc", "it is not in Unicode normal form NFC")


def findings_of_holder(holder: Holder) -> Iterator[FieldFinding]:
    """Say what is wrong with a holder; pointers are those of the API."""
    yield from finding_of_text("/holder/name", holder.name)
    if holder.name_hi is not None:
        yield from finding_of_text("/holder/name_hi", holder.name_hi)
    if not 1 <= len(holder.address) <= ADDRESS_LINES_MAX:
        words = f"1 to {ADDRESS_LINES_MAX} lines are needed"
        yield FieldFinding("/holder/address", "lines", words)
    for number, line in enumerate(holder.address[:ADDRESS_LINES_MAX]):
        yield from finding_of_text(f"/holder/address/{number}", line)
    if holder.contact:
        yield from finding_of_text("/holder/contact", holder.contact)
    try:
        parse_pin(holder.pin)
    except LocalProtocolError as error:
        yield FieldFinding("/holder/pin", "form", str(error))
    if holder.telephone and _TELEPHONE.fullmatch(holder.telephone) is None:
        words = "6 to 15 digits, perhaps after a plus sign"
        yield FieldFinding("/holder/telephone", "form", words)
    if holder.email and _EMAIL.fullmatch(holder.email) is None:
        yield FieldFinding("/holder/email", "form", "it is no e-mail address")

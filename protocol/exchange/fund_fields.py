"""The fields of a fund file: how each is written, and read strictly.

Source: docs/fund-files.md.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from enum import Enum
from typing import Final

from protocol.values import AMOUNT_PAISE_MAX

LICENSEE_CHARACTERS_MAX: Final = 80

_IDENTIFIER: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}", re.ASCII)
_CODE: Final = re.compile(r"[!-{}~]{1,16}", re.ASCII)
_AMOUNT: Final = re.compile(r"(-?)(0|[1-9][0-9]{0,13})\.([0-9]{2})", re.ASCII)
_COUNT: Final = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_OEM: Final = re.compile(r"[A-Z]", re.ASCII)
_LETTERS_AND_SIGNS: Final = frozenset("LMNPS")
"""Unicode's major classes: letters, marks, numbers, punctuation, symbols."""
_BESIDES: Final = frozenset(" \u200c\u200d")
"""The space, and the two joiners without which several Indian scripts are misspelt."""


class PaymentMode(Enum):
    """How the licensee paid (RMFS-06 to RMFS-08, RMFS-19)."""

    NETBANKING = "NETBANKING"
    SBI_CASH = "SBI_CASH"
    SBI_CHEQUE = "SBI_CHEQUE"
    SBI_DRAFT = "SBI_DRAFT"
    PO_CASH = "PO_CASH"
    PO_CHEQUE = "PO_CHEQUE"
    PO_DRAFT = "PO_DRAFT"
    PORTAL_UPI = "PORTAL_UPI"


class FieldError(Exception):
    """A field cannot be read; the message becomes a finding."""


def same_licensee(one: str, other: str) -> bool:
    """Say whether two spellings name the same licensee.

    Letter case and the amount of white space do not count, everything else does: both
    are brought to NFC, case-folded, brought to NFC again, and every run of white space
    becomes one space.
    """
    return _folded(one) == _folded(other)


def write_amount(amount_paise: int) -> str:
    """Write an amount as it stands in a file: ``2000.00``, ``-500.00``."""
    rupees, paise = divmod(abs(amount_paise), 100)
    return f"{'-' if amount_paise < 0 else ''}{rupees}.{paise:02d}"


def _folded(name: str) -> str:
    once = unicodedata.normalize("NFC", name).casefold()
    return " ".join(unicodedata.normalize("NFC", once).split())


def first_forbidden(text: str) -> str | None:
    """Give the first character that stands in no fund file; None if there is none."""
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        if character in _BESIDES:
            continue
        if unicodedata.category(character)[0] not in _LETTERS_AND_SIGNS:
            return character
    return None


def _read_identifier(text: str) -> str:
    if _IDENTIFIER.fullmatch(text) is None:
        raise FieldError(
            f"{text!r} is not 1 to 32 capital letters, digits and hyphens, "
            "the first not a hyphen"
        )
    return text


def _read_code(text: str) -> str:
    if _CODE.fullmatch(text) is None:
        raise FieldError(f"{text!r} is not 1 to 16 visible ASCII characters")
    return text


def _read_licensee(text: str) -> str:
    if not 1 <= len(text) <= LICENSEE_CHARACTERS_MAX:
        raise FieldError(f"{len(text)} characters where 1 to 80 are needed")
    if text != text.strip():
        raise FieldError("it starts or ends with a space")
    return text


def _read_amount(text: str) -> int:
    match = _AMOUNT.fullmatch(text)
    if match is None or text == "-0.00":
        raise FieldError(f"{text!r} is not rupees with two decimals, as in 2000.00")
    sign, rupees, paise = match.groups()
    amount_paise = int(rupees) * 100 + int(paise)
    if amount_paise > AMOUNT_PAISE_MAX:
        raise FieldError(f"{text} is more than {write_amount(AMOUNT_PAISE_MAX)}")
    return -amount_paise if sign else amount_paise


def _read_count(text: str) -> int:
    if _COUNT.fullmatch(text) is None:
        raise FieldError(f"{text!r} is not a number of lines")
    return int(text)


def _read_mode(text: str) -> PaymentMode:
    try:
        return PaymentMode(text)
    except ValueError:
        known = ", ".join(mode.value for mode in PaymentMode)
        raise FieldError(f"{text!r} is none of {known}") from None


def _read_date(text: str) -> date:
    if _DATE.fullmatch(text) is None:
        raise FieldError(f"{text!r} is not a date written as 2026-11-17")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldError(f"{text} is not in the calendar") from None


def _read_oem(text: str) -> str:
    if _OEM.fullmatch(text) is None:
        raise FieldError(f"{text!r} is not one capital letter")
    return text


Columns = Sequence[tuple[str, Callable[[str], object]]]
"""Names of the fields of a record, and how each is read."""

HEADER: Final[Columns] = (
    ("file_id", _read_identifier),
    ("oem", _read_oem),
    ("made_on", _read_date),
)
DEPOSIT: Final[Columns] = (
    ("line_id", _read_identifier),
    ("licence", _read_code),
    ("licence_number", _read_code),
    ("licensee", _read_licensee),
    ("amount_paise", _read_amount),
    ("mode", _read_mode),
    ("value_date", _read_date),
    ("available_from", _read_date),
)
CORRECTION: Final[Columns] = (
    *DEPOSIT,
    ("corrects_file_id", _read_identifier),
    ("corrects_line_id", _read_identifier),
)
TRAILER: Final[Columns] = (("count", _read_count), ("total_paise", _read_amount))

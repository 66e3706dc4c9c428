"""The values that both parties talk about, each with a type of its own.

Money is an integer of paise and is never mixed with other integers. Identifiers are
checked where they enter and are trusted inside.

Source: the identifier formats are those of the Department's 2010 procedure for the
remotely managed franking system; widths of counters are ours (SPEC.md REG-1).
"""

import re
from typing import Final, NewType

from protocol.errors import LocalProtocolError

Paise = NewType("Paise", int)
"""An amount of money: 1 rupee is 100 paise."""

RechargeNumber = NewType("RechargeNumber", int)
"""Number of a voucher of one machine: 0 before the first, then without gaps."""

OrderSerial = NewType("OrderSerial", int)
"""Serial number of an order to one machine: 0 before the first, then without gaps."""

LicenceIdentifier = NewType("LicenceIdentifier", str)
"""One capital letter of the OEM and six digits, as in ``N123456``; the kid of FMP/1."""

LicenceNumber = NewType("LicenceNumber", str)
"""Circle code (2 letters), division code (2 digits), serial (5 digits)."""

EpochSeconds = NewType("EpochSeconds", int)
"""Seconds since 1970-01-01T00:00:00Z; 0 means that the clock is not set."""

AMOUNT_PAISE_MAX: Final = 2**53 - 1
"""Largest amount or register: exact in every language that has only doubles."""

U32_MAX: Final = 2**32 - 1

_LICENCE_IDENTIFIER = re.compile(r"[A-Z][0-9]{6}", re.ASCII)
_LICENCE_NUMBER = re.compile(r"[A-Z]{2}[0-9]{7}", re.ASCII)


def parse_licence_identifier(text: str) -> LicenceIdentifier:
    """Check a licence identifier that a person or a file names.

    Raises:
        LocalProtocolError: It is not one capital letter and six digits.
    """
    if _LICENCE_IDENTIFIER.fullmatch(text) is None:
        message = (
            f"{text!r} is not a licence identifier: "
            "one capital letter and six digits are needed, as in N123456"
        )
        raise LocalProtocolError(message)
    return LicenceIdentifier(text)


def parse_licence_number(text: str) -> LicenceNumber:
    """Check a licence number (CRN) that a person or a file names.

    Raises:
        LocalProtocolError: It is not two capital letters and seven digits.
    """
    if _LICENCE_NUMBER.fullmatch(text) is None:
        message = (
            f"{text!r} is not a licence number: two capital letters (circle) "
            "and seven digits are needed, as in KN0600065"
        )
        raise LocalProtocolError(message)
    return LicenceNumber(text)


def show_rupees(amount: Paise) -> str:
    """Show an amount to a person: ``Rs 2,000.00``; negative amounts have a sign."""
    rupees, paise = divmod(abs(amount), 100)
    sign = "-" if amount < 0 else ""
    return f"{sign}Rs {rupees:,}.{paise:02d}"

"""Amounts as people type them: rupees, never floating point."""

import re

from protocol.errors import LocalProtocolError
from protocol.values import AMOUNT_PAISE_MAX, Paise

_RUPEES = re.compile(r"(?P<rupees>[0-9]{1,14})(?:\.(?P<paise>[0-9]{2}))?", re.ASCII)


def parse_rupees(text: str) -> Paise:
    """Read an amount in rupees: ``2000`` or ``2000.00``, nothing else.

    Raises:
        LocalProtocolError: It is written in another way, or too large for a register.
    """
    found = _RUPEES.fullmatch(text)
    if found is None:
        message = (
            f"{text!r} is no amount: write rupees as 2000 or 2000.00, "
            "without sign, commas or Rs"
        )
        raise LocalProtocolError(message)
    amount = 100 * int(found["rupees"]) + int(found["paise"] or 0)
    if amount > AMOUNT_PAISE_MAX:
        raise LocalProtocolError(f"{text} rupees are more than a register holds")
    return Paise(amount)

"""Payments of a day for a simulated bank: from a CSV file, or drawn from a seed."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Final

from dop_gateway.simulators.bank import PaidIn
from protocol.errors import LocalProtocolError
from protocol.exchange import PaymentMode
from protocol.ports import Entropy
from protocol.values import Paise

COLUMNS: Final = ("licence", "licence_number", "licensee", "amount", "mode")
"""Of the CSV; `reference`, `instrument` and `realised_on` may follow."""
_LEAST_PAISE: Final = 100_000
_STEP_PAISE: Final = 10_000
_STEPS: Final = 90
_RUPEES_DIGITS_MAX: Final = 12
_DRAWN_OCTETS: Final = 4


def read_payments(text: str) -> list[PaidIn]:
    """Read a CSV of payments, with a line of names above.

    Raises:
        LocalProtocolError: A column is missing or a value is none; it says in which
            line.
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise LocalProtocolError(f"the payments have no column {missing[0]}")
    found = []
    for row in rows:
        try:
            found.append(_payment({name: one or "" for name, one in row.items()}))
        except (KeyError, ValueError) as error:
            message = f"line {rows.line_num} of the payments: {error}"
            raise LocalProtocolError(message) from error
    return found


def draw_payments(
    entropy: Entropy, licences: Sequence[tuple[str, str, str]], count: int
) -> list[PaidIn]:
    """Draw payments by Internet banking: the same seed gives the same ones.

    Args:
        entropy: Seeded.
        licences: Identifier, number and licensee of each that may pay.
        count: Of payments.
    """
    drawn = []
    for _ in range(count):
        number = int.from_bytes(entropy.octets(_DRAWN_OCTETS), "big")
        steps = int.from_bytes(entropy.octets(_DRAWN_OCTETS), "big") % _STEPS
        amount_paise = Paise(_LEAST_PAISE + steps * _STEP_PAISE)
        drawn.append(PaidIn(*licences[number % len(licences)], amount_paise))
    return drawn


def _payment(row: dict[str, str]) -> PaidIn:
    mode = row["mode"] or PaymentMode.NETBANKING.name
    if mode not in PaymentMode.__members__:
        raise ValueError(f"{mode!r} is no mode of payment")
    on = row.get("realised_on", "")
    return PaidIn(
        row["licence"],
        row["licence_number"],
        row["licensee"],
        _amount(row["amount"]),
        mode,
        row.get("instrument", ""),
        date.fromisoformat(on) if on else None,
        row.get("reference", ""),
    )


def _amount(text: str) -> Paise:
    rupees, dot, paise = text.partition(".")
    right = rupees.isascii() and rupees.isdigit() and len(rupees) <= _RUPEES_DIGITS_MAX
    if not right or (dot and not (len(paise) == len("00") and paise.isdigit())):
        raise ValueError(f"{text!r} is no amount: rupees are needed, as in 2000.00")
    return Paise(int(rupees) * 100 + int(paise or 0))

"""Papers of a machine that the bench is: what it is enrolled and funded with."""

from datetime import date
from typing import Final

from protocol.exchange import DetailLine, PaymentMode
from protocol.keys import MachineCredential, MachineProvisioning
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)

EnrolledWith = tuple[int, int, int, int, int, int]
"""AR, DR, CT, franks with a value, franks without, and the number of the last voucher:
numbers alone, because they cross into other universes."""
NEW: Final[EnrolledWith] = (0, 0, 0, 0, 0, 0)


def provisioning_of(
    credential: MachineCredential, issued: EpochSeconds, held: EnrolledWith = NEW
) -> MachineProvisioning:
    """Make the provisioning file of a machine that its maker has just made.

    Args:
        credential: Its keys, the public side.
        issued: When.
        held: What it holds.
    """
    ascending, descending, total, items, zero_items, number = held
    return MachineProvisioning(
        credential,
        model="BENCH",
        firmware="1.0.0",
        ascending_paise=Paise(ascending),
        descending_paise=Paise(descending),
        control_total_paise=Paise(total),
        items=items,
        zero_items=zero_items,
        recharge_number=RechargeNumber(number),
        issued=issued,
    )


def funding_of(
    licence: LicenceIdentifier,
    line_id: str,
    paise: int,
    today: date,
    available_from: date | None = None,
) -> DetailLine:
    """Make the line of a fund file that pays for a machine.

    Args:
        licence: Its licence.
        line_id: Of the line.
        paise: What is paid.
        today: The business day.
        available_from: When it counts, if not today.
    """
    return DetailLine(
        line_id=line_id,
        licence=licence,
        licence_number=licence_number(licence),
        licensee=licensee(licence),
        amount_paise=paise,
        mode=PaymentMode.NETBANKING,
        value_date=today,
        available_from=today if available_from is None else available_from,
        corrects=None,
    )


def licence_number(licence: LicenceIdentifier) -> LicenceNumber:
    """Give the licence number under which a bench machine is to be enrolled."""
    return LicenceNumber(f"KN{int(licence[1:]):07d}")


def licensee(licence: LicenceIdentifier) -> str:
    """Give the name under which a bench machine is to be enrolled."""
    return f"Bench {licence}"

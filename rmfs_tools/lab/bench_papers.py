"""Papers of a machine that the bench is: what it is enrolled and funded with."""

from datetime import date

from protocol.exchange import DetailLine, PaymentMode
from protocol.keys import MachineIdentity, MachineProvisioning
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)


def provisioning_of(
    identity: MachineIdentity, issued: EpochSeconds
) -> MachineProvisioning:
    """Make the provisioning file of a machine that has never franked.

    Args:
        identity: Its keys.
        issued: When.
    """
    return MachineProvisioning(
        identity.credential,
        model="BENCH",
        firmware="1.0.0",
        ascending_paise=Paise(0),
        descending_paise=Paise(0),
        control_total_paise=Paise(0),
        items=0,
        zero_items=0,
        recharge_number=RechargeNumber(0),
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

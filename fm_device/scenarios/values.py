"""Values that several parts of a scenario have."""

from datetime import datetime
from typing import Any

from fm_device.psd.records import DEPARTMENTS_MAX
from fm_device.scenarios.form import WrongValueError, rupees, whole
from fm_device.scenarios.moments import instant
from protocol.values import EpochSeconds, Paise


def steps_of_100(value: Any) -> Paise:
    """Read an amount that a deposit or recharge may have."""
    amount = rupees(value)
    if amount % 10_000:
        raise WrongValueError("deposits and recharges go in steps of Rs 100")
    return amount


def epoch(value: Any) -> EpochSeconds:
    """Read a moment in seconds."""
    found: datetime = instant(value)
    return EpochSeconds(int(found.timestamp()))


def department_number(value: Any) -> int:
    """Read the number of a department; 0 for none."""
    return whole(0, DEPARTMENTS_MAX)(value)

"""What a frank does to the record, and everything that forbids one.

Pure. A frank is debited in three steps: the registers, the usage row and the *open
frank* are stored together (pre-debit), the print is made (perform), and the open frank
is closed (complete). A machine whose power fails in between has accounted for a frank
that was perhaps never printed, never the other way round, and never for more than one.

Codes are ``module-function-number``, as service people sort them: module PSD, function
01 accounting registers, 02 calendar, 03 printing, 04 timekeeper, 36 call manager.

Source: SPEC.md REG-2, DLG-4.5; the three steps as franking machines have them.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from fm_device.psd.records import (
    CLASSES_MAX,
    DEPARTMENTS_MAX,
    OpenFrank,
    PsdRecord,
    with_usage,
)
from fm_device.psd.timekeeper import time_held
from protocol.coded import Coded
from protocol.errors import LocalProtocolError
from protocol.indicium import FrankKind, Indicium
from protocol.keys import MachineCredential
from protocol.parameters import business_date, parameter
from protocol.registers import MachineState, Registers, RequestKind, after_frank
from protocol.values import U32_MAX, EpochSeconds, Paise

DATE_ADVANCE_MAX_DAYS: Final = "machine.date_advance_max_days"
WEIGHT_G_MAX: Final = 0xFFFF


class FrankRefusal(Coded):
    """Why the machine does not frank: a code for service, words for the operator."""

    FUNDS_SHORT = ("PSD-01-001", "FUNDS SHORT: recharge the machine")
    COUNTER_FULL = ("PSD-01-002", "ITEM COUNTER FULL: call the maker's service")
    RETURN_PENDING = (
        "PSD-01-003",
        "WITHDRAWAL OR REFUND PENDING: no franking until it is settled; dial again",
    )
    ROWS_FULL = (
        "PSD-01-005",
        "USAGE TABLE FULL: frank without a department, or call the maker's service",
    )
    CLASS_UNKNOWN = ("PSD-03-001", "PRODUCT CLASS UNKNOWN: choose 1 to 255")
    UNINSTALLED = ("PSD-03-002", "NOT INSTALLED: have the machine installed")
    VALUE_LIMIT = (
        "PSD-03-004",
        "VALUE ABOVE THE LIMIT that the recharge server has set: frank it in parts",
    )
    FIRST_CALL_NEEDED = ("PSD-36-001", "NOT IN SERVICE YET: dial in once")
    BLOCKED = (
        "PSD-02-001",
        "BLOCKED: no complete dial-in for more than 30 days; dial in to go on",
    )
    DATE_PAST = ("PSD-02-002", "DATE: a frank never bears a date that is past")
    DATE_TOO_FAR = ("PSD-02-003", "DATE: too far ahead; choose an earlier one")
    LOCKED = ("PSD-36-002", "LOCKED by the recharge server: call the licensing office")
    WITHHELD = (
        "PSD-36-004",
        "LICENCE WITHHELD by the authority: call the licensing office, then dial in",
    )
    LOCKED_OUT = (
        "PSD-15-001",
        "LOCKED OUT after wrong codes: call the recharge server's operator",
    )
    WITHDRAWN = ("PSD-03-003", "WITHDRAWN: this machine franks no more")
    FAULT = ("PSD-01-004", "FAULT: switch off and call the maker's service")
    CLOCK_NOT_SET = ("PSD-04-001", "CLOCK NOT SET: dial in to have it set")
    DIALLING = ("PSD-36-003", "DIALLING: wait until the dial-in is over")


@dataclass(frozen=True, slots=True)
class FrankOrder:
    """One frank that the firmware asks for.

    Attributes:
        value_paise: Its value, 0 for a zero imprint.
        product_class: 1 to 255.
        printed_on: The date that it bears, or None for today's.
        department: 1 to 50, or 0 for none.
        weight_g: What the scale said, 0 to 65,535; 0 when nothing was weighed.
    """

    value_paise: Paise
    product_class: int
    printed_on: date | None = None
    department: int = 0
    weight_g: int = 0


@dataclass(frozen=True, slots=True)
class Frank:
    """One frank that is accounted for and may be printed.

    Attributes:
        value_paise: Its value; 0 for a zero imprint.
        product_class: Its class.
        item: Its number among all imprints of this PSD, zero imprints included: no two
            imprints share one.
        time: When, by the PSD's clock.
        registers: The registers after it.
        printed_on: The date that it bears.
        department: Its department, or 0.
        weight_g: Its weight, or 0.
        pin_code: PIN code of the office.
        indicium: The signed octets of its barcode (SPEC.md INDICIUM).
        authentication_code: Printed beside them, 8 hexadecimal digits.
    """

    value_paise: Paise
    product_class: int
    item: int
    time: EpochSeconds
    registers: Registers
    printed_on: date
    department: int
    weight_g: int
    pin_code: int
    indicium: bytes
    authentication_code: str


_BY_STATE: Final = {
    MachineState.UNINSTALLED: FrankRefusal.UNINSTALLED,
    MachineState.INSTALLED: FrankRefusal.FIRST_CALL_NEEDED,
    MachineState.BLOCKED: FrankRefusal.BLOCKED,
    MachineState.LOCKED: FrankRefusal.LOCKED,
    MachineState.FAULT: FrankRefusal.FAULT,
    MachineState.WITHDRAWN: FrankRefusal.WITHDRAWN,
    MachineState.WITHHELD: FrankRefusal.WITHHELD,
    MachineState.LOCKED_OUT: FrankRefusal.LOCKED_OUT,
}
_RETURNS: Final = frozenset({RequestKind.WITHDRAWAL, RequestKind.REFUND})


def debit(
    record: PsdRecord,
    state: MachineState,
    now: EpochSeconds | None,
    order: FrankOrder,
) -> PsdRecord | FrankRefusal:
    """Debit one frank and open it.

    Args:
        record: Before it.
        state: As of now (`states.state_at`).
        now: The PSD's clock, or None when it is not set.
        order: What is to be franked.

    Returns:
        The record to store, or why there is none.

    Raises:
        LocalProtocolError: The order holds numbers that no frank can have, or the frank
            before was not closed.
    """
    _check_order(record, order)
    refusal = _refused(record, state, order)
    if refusal is not None:
        return refusal
    if now is None:
        return FrankRefusal.CLOCK_NOT_SET
    if order.printed_on is not None:
        too = _date_refused(business_date(now), order.printed_on)
        if too is not None:
            return too
    registers = after_frank(record.registers, order.value_paise)
    if registers is None:
        full = record.registers.items_with_zero >= U32_MAX
        return FrankRefusal.COUNTER_FULL if full else FrankRefusal.FUNDS_SHORT
    rows = (
        with_usage(record, order.value_paise, order.product_class, order.department)
        if order.value_paise
        else record.rows
    )
    if rows is None:
        return FrankRefusal.ROWS_FULL
    opened = OpenFrank(
        order.product_class, order.department, order.value_paise, order.weight_g
    )
    return replace(
        record,
        registers=registers,
        rows=rows,
        open_frank=opened,
        **time_held(record, now),
    )


def indicium_of(
    record: PsdRecord,
    credential: MachineCredential,
    order: FrankOrder,
    now: EpochSeconds,
) -> Indicium:
    """Say what the barcode of a frank holds that was just debited."""
    registers = record.registers
    return Indicium(
        kind=FrankKind.VALID if order.value_paise else FrankKind.ZERO,
        realm=credential.realm,
        licence=credential.licence_identifier,
        generation=credential.generation,
        item=registers.items_with_zero,
        items=registers.items,
        ascending_paise=registers.ascending_paise,
        descending_paise=registers.descending_paise,
        value_paise=order.value_paise,
        product_class=order.product_class,
        time=now,
        printed_on=order.printed_on or business_date(now),
        pin_code=record.pin_code,
        weight_g=order.weight_g,
    )


def _check_order(record: PsdRecord, order: FrankOrder) -> None:
    if order.value_paise < 0:
        raise LocalProtocolError(
            f"a frank of {order.value_paise} paise", clause="REG-2"
        )
    if not 0 <= order.department <= DEPARTMENTS_MAX:
        raise LocalProtocolError(
            f"department {order.department}: 0 to {DEPARTMENTS_MAX} are possible"
        )
    if not 0 <= order.weight_g <= WEIGHT_G_MAX:
        raise LocalProtocolError(f"a weight of {order.weight_g} g")
    if record.open_frank is not None:
        raise LocalProtocolError("the frank before was not closed")


def _refused(
    record: PsdRecord, state: MachineState, order: FrankOrder
) -> FrankRefusal | None:
    if state in _BY_STATE:
        return _BY_STATE[state]
    if record.pending is not None and record.pending.kind in _RETURNS:
        return FrankRefusal.RETURN_PENDING
    if not 1 <= order.product_class <= CLASSES_MAX:
        return FrankRefusal.CLASS_UNKNOWN
    limit = min(record.frank_max_paise or U32_MAX, U32_MAX)
    return FrankRefusal.VALUE_LIMIT if order.value_paise > limit else None


def _date_refused(today: date, printed_on: date) -> FrankRefusal | None:
    if printed_on < today:
        return FrankRefusal.DATE_PAST
    days = parameter(DATE_ADVANCE_MAX_DAYS, today)
    if printed_on > today + timedelta(days=days):
        return FrankRefusal.DATE_TOO_FAR
    return None

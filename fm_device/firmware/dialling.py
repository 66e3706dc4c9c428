"""What an operator may dial in for, decided before a line is used for it.

Rules of the PSD are not repeated here. The life of a machine is the table in
`fm_device.psd.states`.
"""

from dataclasses import dataclass
from typing import Final

from fm_device.psd.device import Psd
from fm_device.psd.records import NOTHING, PsdRecord
from protocol.coded import Coded
from protocol.dialogue.machine import INSPECTION, Request
from protocol.registers import MachineState, RequestKind
from protocol.values import U32_MAX, Paise, show_rupees


class DialRefusal(Coded):
    """Why a dial-in is not begun: a code for service, words for the operator."""

    UNINSTALLED = ("FMW-36-001", "NOT INSTALLED: have the machine installed")
    LOCKED = ("FMW-36-002", "LOCKED: no recharge; only an inspection may be dialled")
    FAULT = ("FMW-36-003", "FAULT: no recharge; dial --withdraw to save the value")
    WITHDRAWN = ("FMW-36-004", "WITHDRAWN: this machine is recharged no more")
    AMOUNT_ZERO = ("FMW-36-005", "AMOUNT: more than Rs 0.00 is needed")
    KEYS_ERASED = ("FMW-36-008", "TAMPERED WITH: its keys are erased; call service")
    DIAL_INS_FULL = (
        "FMW-36-009",
        "DIAL-IN COUNTER FULL: no dial-in any more; call the maker's service",
    )
    FUNDS_LIMIT = (
        "FMW-36-007",
        "AMOUNT: funds would pass the limit that the server has set; ask for less",
    )
    REFUND_TOO_MUCH = (
        "FMW-36-011",
        "AMOUNT: the machine does not hold so much; ask for less",
    )
    ALREADY_DIALLING = ("FMW-36-006", "DIALLING: wait until the dial-in is over")


@dataclass(frozen=True, slots=True)
class DialPlan:
    """What a dial-in will ask for, and what the operator has to know of it.

    Attributes:
        request: What the STATEMENT will name.
        notice: Shown before dialling, or empty.
    """

    request: Request
    notice: str


_NO_RECHARGE: Final = {
    MachineState.LOCKED: DialRefusal.LOCKED,
    MachineState.LOCKED_OUT: DialRefusal.LOCKED,
    MachineState.FAULT: DialRefusal.FAULT,
    MachineState.WITHDRAWN: DialRefusal.WITHDRAWN,
}

_NAMES: Final = {
    RequestKind.RECHARGE: "CREDIT",
    RequestKind.WITHDRAWAL: "WITHDRAWAL",
    RequestKind.REFUND: "REFUND",
}


def plan_dial_in(
    psd: Psd, kind: RequestKind, amount: Paise = NOTHING
) -> DialPlan | DialRefusal:
    """Decide what a dial-in asks for.

    Args:
        psd: The security device.
        kind: What the operator wants.
        amount: How much; not looked at for an inspection or a withdrawal, which takes
            the whole of DR.

    Returns:
        The plan; what is pending stands before anything new. Or why there is none.
    """
    refusal = _refused(psd)
    if refusal is not None:
        return refusal
    record, state = psd.record, psd.state
    if record.pending is not None:
        return DialPlan(record.pending, show_pending(record.pending))
    if kind is RequestKind.INSPECTION:
        return DialPlan(INSPECTION, "")
    if kind is RequestKind.RECHARGE:
        refusal = _NO_RECHARGE.get(state) or _amount_refused(record, amount)
    if kind is RequestKind.WITHDRAWAL:
        amount = record.registers.descending_paise
        if state is MachineState.WITHDRAWN:
            refusal = DialRefusal.WITHDRAWN
    if kind is RequestKind.REFUND:
        refusal = _refund_refused(record, amount)
    if refusal is not None:
        return refusal
    notice = show_unclosed(record) if record.unclosed else ""
    return DialPlan(Request(kind, amount), notice)


def _refused(psd: Psd) -> DialRefusal | None:
    if psd.state is MachineState.UNINSTALLED:
        return DialRefusal.UNINSTALLED
    if psd.dialling:
        return DialRefusal.ALREADY_DIALLING
    if psd.zeroised:
        return DialRefusal.KEYS_ERASED
    return DialRefusal.DIAL_INS_FULL if psd.record.dial_in >= U32_MAX else None


def _amount_refused(record: PsdRecord, amount: Paise) -> DialRefusal | None:
    if not amount:
        return DialRefusal.AMOUNT_ZERO
    limit = record.funds_max_paise
    over = record.registers.descending_paise + amount > limit
    return DialRefusal.FUNDS_LIMIT if limit and over else None


def _refund_refused(record: PsdRecord, amount: Paise) -> DialRefusal | None:
    if not amount:
        return DialRefusal.AMOUNT_ZERO
    held = record.registers.descending_paise
    return DialRefusal.REFUND_TOO_MUCH if amount > held else None


def show_unclosed(record: PsdRecord) -> str:
    """Warn an operator who may believe that the last recharge has failed."""
    available = show_rupees(record.registers.descending_paise)
    return (
        f"RECHARGE {record.recharge_number} IS STORED, {available} available: "
        "its books close with the next dial-in; do not ask for it again"
    )


def show_pending(pending: Request) -> str:
    """Tell the operator what is pending, as franking machines do."""
    amount = show_rupees(pending.amount_paise)
    return (
        f"PENDING {_NAMES[pending.kind]} {amount}: the amount cannot be changed; "
        "dial again"
    )

"""What an operator may dial in for, decided before a line is used for it.

Rules of the PSD are not repeated here. The life of a machine is the table in
`fm_device.psd.states`.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fm_device.psd.device import Psd
from fm_device.psd.records import NOTHING, PsdRecord
from protocol.dialogue.machine import INSPECTION, Request
from protocol.registers import MachineState, RequestKind
from protocol.values import Paise, show_rupees


class DialRefusal(Enum):
    """Why a dial-in is not begun: a code for service, words for the operator."""

    UNINSTALLED = ("FMW-36-001", "NOT INSTALLED: have the machine installed")
    LOCKED = ("FMW-36-002", "LOCKED: no recharge; only an inspection may be dialled")
    FAULT = ("FMW-36-003", "FAULT: no recharge; dial --withdraw to save the value")
    WITHDRAWN = ("FMW-36-004", "WITHDRAWN: this machine is recharged no more")
    AMOUNT_ZERO = ("FMW-36-005", "AMOUNT: more than Rs 0.00 is needed to recharge")
    ALREADY_DIALLING = ("FMW-36-006", "DIALLING: wait until the dial-in is over")

    @property
    def code(self) -> str:
        """The stable code."""
        code: str = self.value[0]
        return code

    @property
    def words(self) -> str:
        """What the panel shows."""
        words: str = self.value[1]
        return words


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
    state = psd.state
    if state is MachineState.UNINSTALLED:
        return DialRefusal.UNINSTALLED
    if psd.dialling:
        return DialRefusal.ALREADY_DIALLING
    pending = psd.record.pending
    if pending is not None:
        return DialPlan(pending, show_pending(pending))
    if kind is RequestKind.INSPECTION:
        return DialPlan(INSPECTION, "")
    if kind is RequestKind.RECHARGE and state in _NO_RECHARGE:
        return _NO_RECHARGE[state]
    if kind is RequestKind.RECHARGE and not amount:
        return DialRefusal.AMOUNT_ZERO
    if kind is RequestKind.WITHDRAWAL:
        if state is MachineState.WITHDRAWN:
            return DialRefusal.WITHDRAWN
        amount = psd.record.registers.descending_paise
    notice = show_unclosed(psd.record) if psd.record.unclosed else ""
    return DialPlan(Request(kind, amount), notice)


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

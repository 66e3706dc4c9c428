"""What a frank does to the record, and everything that forbids one.

Pure. The debit is stored before the print is allowed: a machine whose power fails in
between has accounted for a frank that was perhaps never printed, never the other way
round.

Codes are ``module-function-number``, as service people sort them: module PSD, function
01 accounting registers, 02 calendar, 03 printing, 04 timekeeper, 36 call manager.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from fm_device.psd.records import CLASSES_MAX, PsdRecord, with_usage
from protocol.registers import MachineState, Registers, RequestKind, after_frank
from protocol.values import U32_MAX, EpochSeconds, Paise


class FrankRefusal(Enum):
    """Why the machine does not frank: a code for service, words for the operator."""

    FUNDS_SHORT = ("PSD-01-001", "FUNDS SHORT: recharge the machine")
    COUNTER_FULL = ("PSD-01-002", "ITEM COUNTER FULL: call the maker's service")
    RETURN_PENDING = (
        "PSD-01-003",
        "WITHDRAWAL OR REFUND PENDING: no franking until it is settled; dial again",
    )
    CLASS_UNKNOWN = ("PSD-03-001", "PRODUCT CLASS UNKNOWN: choose 1 to 255")
    UNINSTALLED = ("PSD-03-002", "NOT INSTALLED: have the machine installed")
    FIRST_CALL_NEEDED = ("PSD-36-001", "NOT IN SERVICE YET: dial in once")
    BLOCKED = (
        "PSD-02-001",
        "BLOCKED: no complete dial-in for more than 30 days; dial in to go on",
    )
    LOCKED = ("PSD-36-002", "LOCKED by the recharge server: call the licensing office")
    WITHDRAWN = ("PSD-03-003", "WITHDRAWN: this machine franks no more")
    FAULT = ("PSD-01-004", "FAULT: switch off and call the maker's service")
    CLOCK_NOT_SET = ("PSD-04-001", "CLOCK NOT SET: dial in to have it set")
    DIALLING = ("PSD-36-003", "DIALLING: wait until the dial-in is over")

    @property
    def code(self) -> str:
        """The stable code."""
        code: str = self.value[0]
        return code

    @property
    def words(self) -> str:
        """What the panel shows, and what to do next."""
        words: str = self.value[1]
        return words


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
    """

    value_paise: Paise
    product_class: int
    item: int
    time: EpochSeconds
    registers: Registers


_BY_STATE: Final = {
    MachineState.UNINSTALLED: FrankRefusal.UNINSTALLED,
    MachineState.INSTALLED: FrankRefusal.FIRST_CALL_NEEDED,
    MachineState.BLOCKED: FrankRefusal.BLOCKED,
    MachineState.LOCKED: FrankRefusal.LOCKED,
    MachineState.FAULT: FrankRefusal.FAULT,
    MachineState.WITHDRAWN: FrankRefusal.WITHDRAWN,
}
_RETURNS: Final = frozenset({RequestKind.WITHDRAWAL, RequestKind.REFUND})


def frank(
    record: PsdRecord,
    state: MachineState,
    now: EpochSeconds | None,
    value: Paise,
    product_class: int,
) -> tuple[PsdRecord, Frank] | FrankRefusal:
    """Debit one frank.

    Args:
        record: Before it.
        state: As of now (`states.state_at`).
        now: The PSD's clock, or None when it is not set.
        value: Its value, 0 for a zero imprint.
        product_class: 1 to 255.

    Returns:
        The record to store and the frank to print then, or why there is none.

    Raises:
        LocalProtocolError: The value is negative.
    """
    refusal = _refused(record, state, product_class)
    if refusal is not None:
        return refusal
    if now is None:
        return FrankRefusal.CLOCK_NOT_SET
    registers = after_frank(record.registers, value)
    if registers is None:
        full = record.registers.items_with_zero >= U32_MAX
        return FrankRefusal.COUNTER_FULL if full else FrankRefusal.FUNDS_SHORT
    after = replace(record, registers=registers)
    if value:
        after = with_usage(after, value, product_class)
    done = Frank(value, product_class, registers.items_with_zero, now, registers)
    return after, done


def _refused(
    record: PsdRecord, state: MachineState, product_class: int
) -> FrankRefusal | None:
    if state in _BY_STATE:
        return _BY_STATE[state]
    if record.pending is not None and record.pending.kind in _RETURNS:
        return FrankRefusal.RETURN_PENDING
    if not 1 <= product_class <= CLASSES_MAX:
        return FrankRefusal.CLASS_UNKNOWN
    return None

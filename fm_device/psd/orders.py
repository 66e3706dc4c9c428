"""What each ORDER does to the record (SPEC.md DLG-10).

Pure: the new record comes back with effect and serial together, so that one commit
stores both, or None where the order is not to be applied. An order that is not applied
stops the advance: those behind it leave a gap, and the server sends all of them again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from fm_device.psd.records import PsdRecord
from fm_device.psd.states import LifeEvent, LockOrdered, UnlockOrdered, moved
from fm_device.psd.timekeeper import time_at
from protocol.messages import Order, OrderKind
from protocol.registers import MachineState
from protocol.values import U32_MAX, EpochSeconds

CLOCK_STEP_MAX_S: Final = 24 * 3600
"""A larger step needs the supervisor: it would move the date of a frank."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an order's effect depends on beside the record.

    Attributes:
        battery_time: What the battery clock shows, whatever the offset.
        stated: The state that this dial-in's STATEMENT told.
        supervisor_present: The operator says that the supervisor stands at the machine.
    """

    battery_time: EpochSeconds
    stated: MachineState
    supervisor_present: bool


def carry_out(
    record: PsdRecord, order: Order, circumstances: Circumstances
) -> PsdRecord | None:
    """Apply an order, or say None: an old one, a gap, a kind or value not known."""
    effect = _EFFECTS.get(order.order)
    if effect is None or order.order_serial != record.order_serial + 1:
        return None
    after = effect(record, order.value, circumstances)
    return None if after is None else replace(after, order_serial=order.order_serial)


def _set_clock(
    record: PsdRecord, value: int, circumstances: Circumstances
) -> PsdRecord | None:
    if not 0 < value <= U32_MAX:
        return None
    offset_s = value - circumstances.battery_time
    shown = time_at(record, circumstances.battery_time)
    if shown is not None:
        step_s = abs(value - shown)
        free = (
            circumstances.supervisor_present
            or circumstances.stated is MachineState.INSTALLED
        )
        if step_s > CLOCK_STEP_MAX_S and not free:
            return None
    return replace(record, clock_offset_s=offset_s)


def _lock(
    record: PsdRecord, value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    return replace(_moved(record, LockOrdered()), lock_reason=value)


def _unlock(
    record: PsdRecord, _value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    return replace(_moved(record, UnlockOrdered()), lock_reason=0)


def _set_next_call(
    record: PsdRecord, value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    if not 0 <= value <= U32_MAX:
        return None
    return replace(record, next_call=EpochSeconds(value))


def _moved(record: PsdRecord, event: LifeEvent) -> PsdRecord:
    return replace(record, standing=moved(record.standing, event))


_Effect = Callable[[PsdRecord, int, Circumstances], PsdRecord | None]
_EFFECTS: Final[dict[OrderKind, _Effect]] = {
    OrderKind.CLOCK: _set_clock,
    OrderKind.LOCK: _lock,
    OrderKind.UNLOCK: _unlock,
    OrderKind.NEXT_CALL: _set_next_call,
}
"""Kinds that are not listed are reserved: tariff, slogan, firmware, key rotation."""

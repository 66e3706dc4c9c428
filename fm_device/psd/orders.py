"""What each ORDER does to the record (SPEC.md DLG-10).

Pure: the new record comes back with effect and serial together, so that one commit
stores both, or None where the order is not to be applied. An order that is not applied
stops the advance: those behind it leave a gap, and the server sends all of them again.

What an order does beside the record (a credit key in the ring) is done before, in a
way that can be done twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fm_device.psd.records import (
    CONTENTS_MAX,
    NO_TIME,
    PIN_ROLES,
    ContentHeld,
    PsdRecord,
)
from fm_device.psd.states import (
    LifeEvent,
    LockOrdered,
    LockOutLifted,
    UnlockOrdered,
    moved,
)
from fm_device.psd.timekeeper import BEHIND_MAX_S, time_at
from protocol.contents import Content
from protocol.messages import Order, OrderKind
from protocol.registers import MachineState
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, EpochSeconds, Paise

CLOCK_STEP_MAX_S: Final = 24 * 3600
"""A larger step needs the supervisor: it would move the date of a frank."""
TARIFFS_KEPT: Final = 3
"""The one in force and two to come; for a day after a change, one to come."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an order's effect depends on beside the record.

    Attributes:
        battery_time: What the battery clock shows, whatever the offset.
        stated: The state that this dial-in's STATEMENT told.
        supervisor_present: The operator says that the supervisor stands at the machine.
        content: The content that the order names, genuine and accepted, or None.
        ring_changed: Whether the credit key of the order is in the ring, or out of it,
            as the order says.
    """

    battery_time: EpochSeconds
    stated: MachineState
    supervisor_present: bool
    content: Content | None = None
    ring_changed: bool = False


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
    # A clock that was ahead is not held against the right time.
    latest = EpochSeconds(min(record.latest, value))
    shown = EpochSeconds(value)
    return replace(record, clock_offset_s=offset_s, latest=latest, shown=shown)


def _lock(
    record: PsdRecord, value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    return replace(_moved(record, LockOrdered()), lock_reason=value, lock_ordered=True)


def _unlock(
    record: PsdRecord, _value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    """Lift a lock-out, or else a lock: one behind a lock-out takes another UNLOCK."""
    counted_anew = replace(
        record,
        wrong_vouchers=0,
        wrong_pins=bytes(PIN_ROLES),
        pin_wait_until=NO_TIME,
    )
    if record.standing is MachineState.LOCKED_OUT and record.lock_ordered:
        return _moved(counted_anew, LockOutLifted())
    unlocked = _moved(counted_anew, UnlockOrdered())
    return replace(unlocked, lock_reason=0, lock_ordered=False)


def _set_next_call(
    record: PsdRecord, value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    if not 0 <= value <= U32_MAX:
        return None
    return replace(record, next_call=EpochSeconds(value))


def _nothing(
    record: PsdRecord, _value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    return record


def _limit_frank(
    record: PsdRecord, value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    if value > AMOUNT_PAISE_MAX:
        return None
    return replace(record, frank_max_paise=Paise(value))


def _limit_funds(
    record: PsdRecord, value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    if value > AMOUNT_PAISE_MAX:
        return None
    return replace(record, funds_max_paise=Paise(value))


def _keep_tariff(
    record: PsdRecord, value: int, circumstances: Circumstances
) -> PsdRecord | None:
    """Keep the tariff in force and those to come; what is superseded goes.

    A tariff replaces the one that begins with it. Of those that have begun the last one
    is kept, as no frank bears a day that is past. The clock may be ahead and go back by
    a day yet: what began within that day is one to come. Without a clock the latest
    moment known counts. If there is no room, the order waits until one of those to come
    has been in force for a day.
    """
    content = circumstances.content
    if content is None:
        return None
    new = _held(record, OrderKind.TARIFF, content, value)
    tariffs = [
        one
        for one in record.held(OrderKind.TARIFF)
        if one.content_id != value and one.valid_from != new.valid_from
    ]
    tariffs.append(new)
    now = time_at(record, circumstances.battery_time) or record.latest
    surely = now - BEHIND_MAX_S
    begun = [one.valid_from for one in tariffs if one.valid_from <= surely]
    in_force_from = max(begun, default=NO_TIME)
    kept = [one for one in tariffs if one.valid_from >= in_force_from]
    if len(kept) > TARIFFS_KEPT:
        return None
    return _with_contents(record, OrderKind.TARIFF, kept)


def _keep_slogan(
    record: PsdRecord, value: int, circumstances: Circumstances
) -> PsdRecord | None:
    content = circumstances.content
    if content is None:
        return None
    held = [
        one for one in record.held(OrderKind.SLOGAN) if one.number != content.number
    ]
    new = _held(record, OrderKind.SLOGAN, content, value)
    return _with_contents(record, OrderKind.SLOGAN, (*held, new))


def _drop_slogan(
    record: PsdRecord, value: int, _circumstances: Circumstances
) -> PsdRecord | None:
    kept = tuple(
        one
        for one in record.contents
        if (one.kind, one.number) != (OrderKind.SLOGAN, value)
    )
    return replace(record, contents=kept)


def _keep_firmware(
    record: PsdRecord, value: int, circumstances: Circumstances
) -> PsdRecord | None:
    """Name the image ordered last; whether it is to run is the firmware's matter.

    Of several in one dial-in, after which the firmware looks, the highest version.
    """
    content = circumstances.content
    if content is None:
        return None
    new = _held(record, OrderKind.FIRMWARE, content, value)
    better = any(
        one.dial_in == new.dial_in and one.number > new.number
        for one in record.held(OrderKind.FIRMWARE)
    )
    return record if better else _with_contents(record, OrderKind.FIRMWARE, (new,))


def _change_ring(
    record: PsdRecord, _value: int, circumstances: Circumstances
) -> PsdRecord | None:
    return record if circumstances.ring_changed else None


def _held(
    record: PsdRecord, kind: OrderKind, content: Content, value: int
) -> ContentHeld:
    return ContentHeld(kind, content.number, value, content.valid_from, record.dial_in)


def _with_contents(
    record: PsdRecord, kind: OrderKind, kept: Sequence[ContentHeld]
) -> PsdRecord | None:
    others = [one for one in record.contents if one.kind is not kind]
    held = (*others, *kept)
    return None if len(held) > CONTENTS_MAX else replace(record, contents=held)


def _moved(record: PsdRecord, event: LifeEvent) -> PsdRecord:
    return replace(record, standing=moved(record.standing, event))


_Effect = Callable[[PsdRecord, int, Circumstances], PsdRecord | None]
_EFFECTS: Final[dict[OrderKind, _Effect]] = {
    OrderKind.CLOCK: _set_clock,
    OrderKind.LOCK: _lock,
    OrderKind.UNLOCK: _unlock,
    OrderKind.NEXT_CALL: _set_next_call,
    OrderKind.NOTHING: _nothing,
    OrderKind.FRANK_LIMIT: _limit_frank,
    OrderKind.FUNDS_LIMIT: _limit_funds,
    OrderKind.RETIRE_CREDIT_KEY: _change_ring,
    OrderKind.TARIFF: _keep_tariff,
    OrderKind.SLOGAN: _keep_slogan,
    OrderKind.FIRMWARE: _keep_firmware,
    OrderKind.CREDIT_KEY: _change_ring,
    OrderKind.SLOGAN_OFF: _drop_slogan,
}

"""The event log in words: a fault by its own code, numbers by their names."""

from collections.abc import Callable
from typing import Final

from fm_device.firmware.boot import Part
from fm_device.firmware.desk import Service
from fm_device.firmware.faults import MachineFault, fault_of
from fm_device.flash.events import Event, EventCode
from fm_device.model import show_version
from fm_device.psd.pins import Role
from fm_device.reports.document import show_moment
from fm_device.reports.facts import EventFacts
from protocol.errors import ErrorCode
from protocol.messages import OrderKind
from protocol.values import EpochSeconds, Paise, show_rupees

ERRORS: Final = frozenset(
    {
        EventCode.SELF_TEST_FAILED,
        EventCode.MEMORY_REPAIRED,
        EventCode.SETTINGS_LOST,
        EventCode.SETTINGS_LEFT_OUT,
        EventCode.FRANK_UNPRINTED,
        EventCode.PIN_WRONG,
        EventCode.PIN_BLOCKED,
        EventCode.ORDER_HELD,
        EventCode.DIAL_FAILED,
        EventCode.FAULT_SET,
        EventCode.FAULT_CLEARED,
        EventCode.CLOCK_LOST,
        EventCode.FIRMWARE_ROLLED_BACK,
        EventCode.TAMPER,
    }
)
"""Events that the error report has; `rmfs machine log` has every one."""

_EVERY_DAY: Final = frozenset(
    {MachineFault.FUNDS_LOW, MachineFault.INK_LOW, MachineFault.TAPE_LOW}
)
"""Warnings of what is used up by franking: they are no errors."""


def is_error(event: Event) -> bool:
    """Whether the error report has an event."""
    is_fault = event.code in (EventCode.FAULT_SET, EventCode.FAULT_CLEARED)
    every_day = is_fault and fault_of(event.detail[0]) in _EVERY_DAY
    return event.code in ERRORS and not every_day


def event_facts(event: Event) -> EventFacts:
    """Say an event in words: a fault by its own code, numbers by their names."""
    fault = fault_of(event.detail[0])
    if event.code == EventCode.FAULT_SET and fault is not None:
        return EventFacts(event.number, event.time, fault.code, fault.words)
    if event.code == EventCode.FAULT_CLEARED and fault is not None:
        words = f"{fault.words.partition(':')[0]}: over"
        return EventFacts(event.number, event.time, fault.code, words)
    told = _told(event)
    if told is None:
        return EventFacts(event.number, event.time, event.show_code, event.words)
    words = EventCode(event.code).words
    return EventFacts(event.number, event.time, event.show_code, words, told)


def _told(event: Event) -> str | None:
    """Name the details of an event, or None: it has none, or nobody knows them."""
    tell = _DETAILS.get(event.code)
    if tell is None:
        return None
    try:
        return tell(*event.detail)
    except (ValueError, IndexError):
        return None


_DETAILS: Final[dict[int, Callable[[int, int], str]]] = {
    EventCode.SELF_TEST_FAILED: lambda part, _: list(Part)[part].words,
    EventCode.FRANK_UNPRINTED: lambda item, paise: (
        f"item {item}, {show_rupees(Paise(paise))}"
    ),
    EventCode.PIN_WRONG: lambda role, count: f"{_role(role)}, {count} in a row",
    EventCode.PIN_BLOCKED: lambda role, _: _role(role),
    EventCode.PIN_CHANGED: lambda role, is_set: (
        f"{_role(role)}, {'set' if is_set else 'taken away'}"
    ),
    EventCode.ORDER_APPLIED: lambda kind, serial: f"{serial}: {OrderKind(kind).name}",
    EventCode.DIAL_FAILED: lambda number, reason: (
        f"dial-in {number}, {ErrorCode(reason).name if reason else 'line lost'}"
    ),
    EventCode.CLOCK_SET: lambda _, after: show_moment(EpochSeconds(after)),
    EventCode.SETTINGS_CHANGED: lambda role, _: f"by the {_role(role)}",
    EventCode.SERVICE: lambda what, who: (
        f"{Service(what).name.lower().replace('_', ' ')} by the {_role(who)}"
    ),
    **{
        code: lambda version, _: show_version(_unpacked(version))
        for code in (
            EventCode.FIRMWARE_STAGED,
            EventCode.FIRMWARE_TRIED,
            EventCode.FIRMWARE_CONFIRMED,
            EventCode.FIRMWARE_NOT_NEWER,
        )
    },
    EventCode.FIRMWARE_ROLLED_BACK: lambda gone, now: (
        f"{show_version(_unpacked(gone))} given up, {show_version(_unpacked(now))} runs"
    ),
}


def _role(number: int) -> str:
    return Role(number).name.lower()


def _unpacked(version: int) -> tuple[int, int, int]:
    return version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF

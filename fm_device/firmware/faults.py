"""Faults of the machine outside its PSD: codes, words, what each stops and clears.

A fault stands as long as its cause: nothing here is stored, `standing_faults` works it
out anew from what is told. A *stop* forbids franking, a *warning* is shown beside it.
What the PSD itself refuses has its own codes (`fm_device.psd.franking`).

Codes are ``module-function-number``: PRN printer (05 ink, 06 tape, 07 path and cover,
08 head), BAT battery, SCL scale, FMW firmware (01 memory, 16 tariff, 17 slogan, 18
firmware, 27 date, 36 funds).

Source: the kinds of fault are those of foreign machines' service lists; the numbers and
thresholds are ours but where a constant says otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fm_device.firmware.consumables import (
    INK_UL_LOW,
    PRINTER_C_LEAST,
    PRINTER_C_MOST,
    TAPE_MM_LOW,
    TAPE_MM_STRIP,
    ScaleCondition,
    Sensors,
    ink_of_frank_ul,
)
from fm_device.flash.settings import Medium
from fm_device.psd.records import NOTHING
from fm_device.psd.vault import DAMAGE_MAX
from protocol.coded import Coded
from protocol.values import Paise

BATTERY_WARN_DAYS: Final = 5 * 365
"""A battery is warned of from five years on (FP T-1000)."""
BATTERY_GRACE_DAYS: Final = 92
BATTERY_GRACE_ITEMS: Final = 3_000
"""After the warning there are three months, or 3,000 franks (FP T-1000)."""
BATTERY_END_DAYS: Final = 6 * 365
"""Above six years nothing is franked, warned of or not (FP T-1000)."""
MEMORY_WEARING: Final = DAMAGE_MAX * 9 // 10


class FaultKind(Enum):
    """What a fault does to franking."""

    STOP = "stop"
    WARNING = "warning"


_STOP: Final = FaultKind.STOP
_WARNING: Final = FaultKind.WARNING


class MachineFault(Coded):
    """Every fault: code, words for the operator, kind, what clears it."""

    COVER_OPEN = ("PRN-07-001", "COVER OPEN", _STOP, "close the cover")
    PAPER_JAM = ("PRN-07-002", "PAPER JAM", _STOP, "open the cover, take it out")
    PAPER_ABSENT = ("PRN-07-003", "NO LETTER", _STOP, "put a letter into the path")
    PRINTER_DEAD = (
        "PRN-08-001",
        "PRINTER DOES NOT ANSWER",
        _STOP,
        "switch off and on, then call the maker's service",
    )
    PRINTER_HOT = ("PRN-08-002", "PRINTER TOO HOT", _STOP, "let it cool down")
    PRINTER_COLD = ("PRN-08-003", "PRINTER TOO COLD", _STOP, "let it warm up")
    INK_OUT = ("PRN-05-002", "OUT OF INK", _STOP, "put in a new cartridge")
    INK_LOW = ("PRN-05-001", "INK LOW", _WARNING, "have a new cartridge at hand")
    TAPE_OUT = ("PRN-06-002", "OUT OF TAPE", _STOP, "put in a new roll")
    TAPE_LOW = ("PRN-06-001", "TAPE LOW", _WARNING, "have a new roll at hand")
    BATTERY_END = (
        "BAT-01-002",
        "BATTERY AT ITS END",
        _STOP,
        "have the maker's service put in a new battery",
    )
    BATTERY_OLD = (
        "BAT-01-001",
        "BATTERY OLD",
        _WARNING,
        "have the maker's service put in a new battery within 3 months",
    )
    SCALE_FAULT = ("SCL-01-001", "SCALE FAULT", _STOP, "check the scale and its cable")
    SCALE_OVERLOAD = ("SCL-01-002", "SCALE OVERLOAD", _STOP, "take the item off")
    SCALE_NOT_ZERO = ("SCL-01-003", "SCALE NOT AT ZERO", _STOP, "clear and zero it")
    SCALE_UNSTABLE = ("SCL-01-004", "SCALE UNSTABLE", _STOP, "let it come to rest")
    MEMORY_WORN_OUT = (
        "FMW-01-003",
        "MEMORY WORN OUT",
        _STOP,
        "dial in to withdraw the credit, call the maker's service",
    )
    MEMORY_FAILED = (
        "FMW-01-004",
        "MEMORY DOES NOT ANSWER",
        _STOP,
        "switch off and on, then call the maker's service",
    )
    MEMORY_WEARING = (
        "FMW-01-002",
        "MEMORY WEARING OUT",
        _WARNING,
        "call the maker's service",
    )
    MEMORY_REPAIRED = (
        "FMW-01-001",
        "MEMORY REPAIRED at the last start",
        _WARNING,
        "nothing to do, it goes with the next start",
    )
    TARIFF_MISSING = ("FMW-16-001", "NO TARIFF", _STOP, "dial in to fetch one")
    TARIFF_DAMAGED = ("FMW-16-002", "TARIFF DAMAGED", _STOP, "call the server's office")
    SLOGAN_MISSING = (
        "FMW-17-001",
        "SLOGAN NOT THERE",
        _WARNING,
        "choose another slogan, or none",
    )
    FIRMWARE_FAILED = (
        "FMW-18-001",
        "NEW FIRMWARE FAILED, the old one runs again",
        _WARNING,
        "wait for another firmware, or have it serviced",
    )
    DATE_OUT_OF_RANGE = (
        "FMW-27-003",
        "DATE CANNOT BE USED ANY MORE",
        _STOP,
        "choose the date anew",
    )
    FUNDS_LOW = ("FMW-36-010", "FUNDS LOW", _WARNING, "recharge the machine soon")

    @property
    def words(self) -> str:
        """What the panel shows: what is wrong, and what to do next."""
        return f"{self.value[1]}: {self.value[3]}"

    @property
    def kind(self) -> FaultKind:
        """What the fault does to franking."""
        kind: FaultKind = self.value[2]
        return kind

    @property
    def cleared_by(self) -> str:
        """What clears it."""
        cleared_by: str = self.value[3]
        return cleared_by

    @property
    def number(self) -> int:
        """Its number in the event log; see `fault_of`."""
        return _NUMBERS[self]


_MODULES: Final = ("FMW", "PRN", "BAT", "SCL")


def _number(code: str) -> int:
    """Turn ``PRN-05-002`` into 205002: module, function, number."""
    module, function, number = code.split("-")
    return int(f"{_MODULES.index(module) + 1}{function}{number}")


_RANKS: Final = {
    fault: rank
    for rank, fault in enumerate(
        sorted(MachineFault, key=lambda one: one.kind is _WARNING)
    )
}
_NUMBERS: Final = {fault: _number(fault.code) for fault in MachineFault}
_OF_NUMBER: Final = {number: fault for fault, number in _NUMBERS.items()}


def fault_of(number: int) -> MachineFault | None:
    """Find the fault that an entry of the event log names; None of another firmware."""
    return _OF_NUMBER.get(number)


class TariffCondition(Enum):
    """What is there to compute postage from; damaged is what any order has named."""

    IN_FORCE = "in force"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Condition:
    """What besides the sensors decides about faults; of a machine in good order.

    Attributes:
        medium: What is printed on.
        with_slogan: A slogan is printed beside the frank.
        slogan_there: It is on hand and whole.
        tariff: What is there to compute postage from.
        date_possible: The day that was chosen may still be shown.
        memory_answers: The last write of the flash was done.
        memory_repaired: Copies that the last start has repaired.
        memory_damage: Copies repaired in the memories' lives, the worst of them.
        battery_warned_days: Days since the battery was first warned of; None when it
            was not.
        battery_warned_items: Franks since then.
        firmware_failed: The last update was rolled back.
        descending_paise: DR.
        low_funds_paise: Warn below it; 0 for never.
    """

    medium: Medium = Medium.PAPER
    with_slogan: bool = False
    slogan_there: bool = True
    tariff: TariffCondition = TariffCondition.IN_FORCE
    date_possible: bool = True
    memory_answers: bool = True
    memory_repaired: int = 0
    memory_damage: int = 0
    battery_warned_days: int | None = None
    battery_warned_items: int = 0
    firmware_failed: bool = False
    descending_paise: Paise = NOTHING
    low_funds_paise: Paise = NOTHING


def standing_faults(sensors: Sensors, condition: Condition) -> tuple[MachineFault, ...]:
    """List the faults that stand now: stops first, each kind in the order above."""
    found = (
        *_path(sensors, condition),
        *_head(sensors, condition),
        *_battery(sensors, condition),
        *_scale(sensors),
        *_memory(condition),
        *_contents(condition),
    )
    return tuple(sorted(found, key=_RANKS.__getitem__))


def _path(sensors: Sensors, condition: Condition) -> Iterator[MachineFault]:
    if sensors.cover_open:
        yield MachineFault.COVER_OPEN
    if sensors.paper_jam:
        yield MachineFault.PAPER_JAM
    if condition.medium is Medium.PAPER and not sensors.paper_present:
        yield MachineFault.PAPER_ABSENT
    if condition.medium is Medium.TAPE:
        if sensors.tape_mm < TAPE_MM_STRIP:
            yield MachineFault.TAPE_OUT
        elif sensors.tape_mm < TAPE_MM_LOW:
            yield MachineFault.TAPE_LOW


def _head(sensors: Sensors, condition: Condition) -> Iterator[MachineFault]:
    if not sensors.printer_answers:
        yield MachineFault.PRINTER_DEAD
        return
    if sensors.printer_c > PRINTER_C_MOST:
        yield MachineFault.PRINTER_HOT
    if sensors.printer_c < PRINTER_C_LEAST:
        yield MachineFault.PRINTER_COLD
    if sensors.ink_ul < ink_of_frank_ul(with_slogan=condition.with_slogan):
        yield MachineFault.INK_OUT
    elif sensors.ink_ul < INK_UL_LOW:
        yield MachineFault.INK_LOW


def _battery(sensors: Sensors, condition: Condition) -> Iterator[MachineFault]:
    age = sensors.battery_age_days
    if age < BATTERY_WARN_DAYS:
        return
    warned_days = condition.battery_warned_days
    grace_over = warned_days is not None and (
        warned_days >= BATTERY_GRACE_DAYS
        or condition.battery_warned_items >= BATTERY_GRACE_ITEMS
    )
    if age > BATTERY_END_DAYS or grace_over:
        yield MachineFault.BATTERY_END
    else:
        yield MachineFault.BATTERY_OLD


_SCALE: Final = {
    ScaleCondition.FAULT: MachineFault.SCALE_FAULT,
    ScaleCondition.OVERLOAD: MachineFault.SCALE_OVERLOAD,
    ScaleCondition.NOT_ZERO: MachineFault.SCALE_NOT_ZERO,
    ScaleCondition.UNSTABLE: MachineFault.SCALE_UNSTABLE,
}


def _scale(sensors: Sensors) -> Iterator[MachineFault]:
    fault = _SCALE.get(sensors.scale)
    if fault is not None:
        yield fault


def _memory(condition: Condition) -> Iterator[MachineFault]:
    if not condition.memory_answers:
        yield MachineFault.MEMORY_FAILED
    if condition.memory_damage > DAMAGE_MAX:
        yield MachineFault.MEMORY_WORN_OUT
    elif condition.memory_damage > MEMORY_WEARING:
        yield MachineFault.MEMORY_WEARING
    elif condition.memory_repaired:
        yield MachineFault.MEMORY_REPAIRED


def _contents(condition: Condition) -> Iterator[MachineFault]:
    if condition.tariff is TariffCondition.MISSING:
        yield MachineFault.TARIFF_MISSING
    if condition.tariff is TariffCondition.DAMAGED:
        yield MachineFault.TARIFF_DAMAGED
    if condition.with_slogan and not condition.slogan_there:
        yield MachineFault.SLOGAN_MISSING
    if condition.firmware_failed:
        yield MachineFault.FIRMWARE_FAILED
    if not condition.date_possible:
        yield MachineFault.DATE_OUT_OF_RANGE
    if condition.descending_paise < condition.low_funds_paise:
        yield MachineFault.FUNDS_LOW

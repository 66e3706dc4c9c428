"""Faults, consumables and dates: what stands, what clears it, what each print uses."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from fm_device.firmware.boot import Part
from fm_device.firmware.consumables import (
    INK_UL_FULL,
    TAPE_MM_FULL,
    ScaleCondition,
    Sensors,
    after_frank,
    after_report,
    refilled,
)
from fm_device.firmware.dates import (
    DateChoice,
    DateRefusal,
    NextWorkingDay,
    advance,
    offered_day,
    printed_on,
)
from fm_device.firmware.dialling import DialRefusal
from fm_device.firmware.faults import (
    BATTERY_END_DAYS,
    BATTERY_WARN_DAYS,
    Condition,
    FaultKind,
    MachineFault,
    TariffCondition,
    fault_of,
    standing_faults,
)
from fm_device.firmware.update import UpdateRefusal
from fm_device.flash.settings import Medium
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.vault import DAMAGE_MAX
from protocol.values import Paise

F = MachineFault
SOUND = Sensors()
CALM = Condition()
TAPE = Condition(medium=Medium.TAPE)
OLD = replace(SOUND, battery_age_days=BATTERY_WARN_DAYS)
TODAY = date(2026, 6, 5)  # A Friday.


def test_a_machine_in_good_order_has_no_fault() -> None:
    assert standing_faults(SOUND, CALM) == ()
    assert standing_faults(SOUND, TAPE) == ()


@pytest.mark.parametrize(
    ("sensors", "condition", "fault"),
    [
        (replace(SOUND, cover_open=True), CALM, F.COVER_OPEN),
        (replace(SOUND, paper_jam=True), CALM, F.PAPER_JAM),
        (replace(SOUND, paper_present=False), CALM, F.PAPER_ABSENT),
        (replace(SOUND, printer_answers=False), CALM, F.PRINTER_DEAD),
        (replace(SOUND, printer_c=51), CALM, F.PRINTER_HOT),
        (replace(SOUND, printer_c=4), CALM, F.PRINTER_COLD),
        (replace(SOUND, ink_ul=1999), CALM, F.INK_LOW),
        (replace(SOUND, ink_ul=11), CALM, F.INK_OUT),
        (replace(SOUND, ink_ul=15), Condition(with_slogan=True), F.INK_OUT),
        (replace(SOUND, tape_mm=1999), TAPE, F.TAPE_LOW),
        (replace(SOUND, tape_mm=164), TAPE, F.TAPE_OUT),
        (OLD, CALM, F.BATTERY_OLD),
        (OLD, Condition(battery_warned_days=91), F.BATTERY_OLD),
        (OLD, Condition(battery_warned_days=92), F.BATTERY_END),
        (
            OLD,
            Condition(battery_warned_days=1, battery_warned_items=3000),
            F.BATTERY_END,
        ),
        (replace(SOUND, battery_age_days=BATTERY_END_DAYS), CALM, F.BATTERY_OLD),
        (replace(SOUND, battery_age_days=BATTERY_END_DAYS + 1), CALM, F.BATTERY_END),
        (replace(SOUND, scale=ScaleCondition.FAULT), CALM, F.SCALE_FAULT),
        (replace(SOUND, scale=ScaleCondition.OVERLOAD), CALM, F.SCALE_OVERLOAD),
        (replace(SOUND, scale=ScaleCondition.NOT_ZERO), CALM, F.SCALE_NOT_ZERO),
        (replace(SOUND, scale=ScaleCondition.UNSTABLE), CALM, F.SCALE_UNSTABLE),
        (SOUND, Condition(memory_repaired=1, memory_damage=1), F.MEMORY_REPAIRED),
        (SOUND, Condition(memory_damage=900), F.MEMORY_WEARING),
        (SOUND, Condition(memory_damage=DAMAGE_MAX), F.MEMORY_WEARING),
        (SOUND, Condition(memory_damage=DAMAGE_MAX + 1), F.MEMORY_WORN_OUT),
        (SOUND, Condition(memory_answers=False), F.MEMORY_FAILED),
        (SOUND, Condition(tariff=TariffCondition.MISSING), F.TARIFF_MISSING),
        (SOUND, Condition(tariff=TariffCondition.DAMAGED), F.TARIFF_DAMAGED),
        (SOUND, Condition(with_slogan=True, slogan_there=False), F.SLOGAN_MISSING),
        (SOUND, Condition(firmware_failed=True), F.FIRMWARE_FAILED),
        (SOUND, Condition(date_possible=False), F.DATE_OUT_OF_RANGE),
        (SOUND, Condition(low_funds_paise=Paise(1)), F.FUNDS_LOW),
    ],
    ids=lambda value: value.name if isinstance(value, MachineFault) else "",
)
def test_each_cause_has_its_fault_and_no_other(
    sensors: Sensors, condition: Condition, fault: MachineFault
) -> None:
    assert standing_faults(sensors, condition) == (fault,)


@pytest.mark.parametrize(
    ("sensors", "condition"),
    [
        (replace(SOUND, paper_present=False), TAPE),
        (replace(SOUND, tape_mm=0), CALM),
        (replace(SOUND, battery_age_days=BATTERY_WARN_DAYS - 1), CALM),
        (SOUND, Condition(memory_damage=899)),
        (SOUND, Condition(slogan_there=False)),
        (SOUND, Condition(descending_paise=Paise(5), low_funds_paise=Paise(5))),
        (replace(SOUND, printer_c=50), CALM),
        (replace(SOUND, ink_ul=2000, printer_c=5), CALM),
    ],
)
def test_what_does_not_matter_is_no_fault(
    sensors: Sensors, condition: Condition
) -> None:
    assert standing_faults(sensors, condition) == ()


def test_stops_come_before_warnings() -> None:
    sensors = replace(OLD, ink_ul=100, cover_open=True, scale=ScaleCondition.FAULT)
    found = standing_faults(sensors, Condition(memory_answers=False))
    assert found == (
        F.COVER_OPEN,
        F.SCALE_FAULT,
        F.MEMORY_FAILED,
        F.INK_LOW,
        F.BATTERY_OLD,
    )
    kinds = [fault.kind for fault in found]
    assert kinds == [FaultKind.STOP] * 3 + [FaultKind.WARNING] * 2


def test_a_printer_that_does_not_answer_tells_nothing_of_its_ink() -> None:
    sensors = replace(SOUND, printer_answers=False, ink_ul=0, printer_c=99)
    assert standing_faults(sensors, CALM) == (F.PRINTER_DEAD,)


def test_every_fault_says_what_to_do_and_has_a_number_for_the_log() -> None:
    for fault in MachineFault:
        assert fault.words.endswith(fault.cleared_by)
        assert ": " in fault.words
        assert fault_of(fault.number) is fault
    assert F.INK_OUT.number == 205_002
    assert fault_of(999_999) is None


def test_every_code_of_the_machine_stands_once_and_has_the_one_form() -> None:
    codes = [
        one.code
        for kinds in (
            MachineFault,
            Part,
            UpdateRefusal,
            DateRefusal,
            DialRefusal,
            FrankRefusal,
        )
        for one in kinds
    ]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[A-Z]{3}-[0-9]{2}-[0-9]{3}", code) for code in codes)


def test_a_frank_uses_ink_and_on_tape_a_strip() -> None:
    on_paper = after_frank(SOUND, Medium.PAPER, with_slogan=False)
    assert (on_paper.ink_ul, on_paper.tape_mm) == (INK_UL_FULL - 12, TAPE_MM_FULL)
    on_tape = after_frank(SOUND, Medium.TAPE, with_slogan=True)
    assert (on_tape.ink_ul, on_tape.tape_mm) == (INK_UL_FULL - 16, TAPE_MM_FULL - 165)
    assert after_report(SOUND).ink_ul == INK_UL_FULL - 30


def test_what_is_used_up_stays_at_nothing_until_it_is_refilled() -> None:
    empty = replace(SOUND, ink_ul=5, tape_mm=5, cover_open=True)
    empty = after_frank(empty, Medium.TAPE, with_slogan=False)
    assert (empty.ink_ul, empty.tape_mm) == (0, 0)
    assert after_report(empty).ink_ul == 0
    assert refilled(empty) == replace(SOUND, cover_open=True)


@pytest.mark.parametrize("limit", [0, 7, 30])
def test_a_date_is_advanced_up_to_the_limit_and_never_goes_back(limit: int) -> None:
    for days in range(limit + 1):
        assert advance(TODAY, days, limit) == TODAY + timedelta(days=days)
    assert advance(TODAY, limit + 1, limit) is DateRefusal.TOO_FAR
    assert advance(TODAY, -1, limit) is DateRefusal.PAST


def test_the_dated_parameter_stands_above_the_supervisors_limit() -> None:
    assert advance(TODAY, 30, 366) == date(2026, 7, 5)
    assert advance(TODAY, 31, 366) is DateRefusal.TOO_FAR


@pytest.mark.parametrize("days", [10**9, 10**30])
def test_no_number_of_days_is_too_large_to_be_refused(days: int) -> None:
    assert advance(TODAY, days, 30) is DateRefusal.TOO_FAR
    assert advance(TODAY, -days, 30) is DateRefusal.PAST


def test_a_day_may_be_named() -> None:
    assert advance(TODAY, date(2026, 6, 8), 30) == date(2026, 6, 8)
    assert advance(TODAY, date(2026, 6, 4), 30) is DateRefusal.PAST
    assert advance(TODAY, TODAY, 0) == TODAY


def test_the_next_working_day_passes_sundays_and_not_the_limit() -> None:
    saturday = TODAY + timedelta(days=1)
    assert advance(TODAY, NextWorkingDay.WANTED, 30) == saturday
    assert advance(saturday, NextWorkingDay.WANTED, 30) == date(2026, 6, 8)
    assert advance(saturday, NextWorkingDay.WANTED, 1) is DateRefusal.TOO_FAR


def test_a_chosen_day_ends_at_midnight_and_with_its_department() -> None:
    choice = DateChoice(date(2026, 6, 8), TODAY, 3)
    tomorrow = TODAY + timedelta(days=1)
    assert printed_on(choice, TODAY, 3) == date(2026, 6, 8)
    assert printed_on(choice, TODAY, 4) == TODAY
    assert printed_on(choice, tomorrow, 3) == tomorrow
    assert printed_on(choice, TODAY - timedelta(days=1), 3) == date(2026, 6, 4)
    assert printed_on(None, TODAY, 3) == TODAY


def test_from_a_set_time_on_the_next_working_day_is_offered() -> None:
    assert offered_day(TODAY, 989, 990) is None
    assert offered_day(TODAY, 990, 990) == date(2026, 6, 6)
    assert offered_day(TODAY, 1439, None) is None

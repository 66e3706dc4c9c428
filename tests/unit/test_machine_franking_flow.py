"""From a letter on the scale to a frank: choose, weigh, price, debit, print."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from fm_device.firmware.consumables import (
    INK_UL_FRANK,
    INK_UL_FULL,
    INK_UL_LOW,
    INK_UL_SLOGAN,
    TAPE_MM_FULL,
    TAPE_MM_STRIP,
)
from fm_device.firmware.dates import DateRefusal, NextWorkingDay
from fm_device.firmware.faults import FaultKind, MachineFault
from fm_device.firmware.franking import Printed, Selection
from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.memories import MachineOffError
from fm_device.firmware.printing import MARK_OF
from fm_device.firmware.refusals import FirmwareRefusal
from fm_device.flash.events import EventCode
from fm_device.flash.settings import Department, Medium
from fm_device.frank import FrankFace, FrankMark, SloganFace
from fm_device.postage.factory import factory_tariff
from fm_device.postage.pricing import Postage, PostageRefusal
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.pins import Role
from hw.scales.port import Reading, ScaleFault
from hw.scales.simulated import SimulatedScale
from protocol.contents import ProductClass, Slogan
from protocol.errors import StoreError
from protocol.indicium import FrankKind, decode_indicium
from protocol.registers import MachineState
from protocol.values import Paise
from tests.machines import (
    LETTER,
    OPERATOR_PIN,
    POST_CARD,
    SPEED_POST,
    SUPERVISOR_PIN,
    Bench,
    a_machine,
)

CLASSES = factory_tariff().classes
WATER = Slogan(2, "water", ("SAVE WATER",), 0, "KN/1/2026")
COFFEE = Slogan(3, "coffee", ("MALNAD COFFEE",), 7, "KN/2/2026")


# What an item costs.


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.letters)
def test_every_class_is_weighed_priced_and_franked(found: ProductClass) -> None:
    bench = a_machine(funds=5_000_000)
    franking = bench.machine.franking
    left = bench.machine.record.registers.descending_paise
    for zone in found.zones or ("",):
        for grams in (1, found.steps[0].up_to_g, found.weight_max_g):
            assert franking.choose_class(found.number) is None
            printed = bench.franked(grams, zone=zone)
            price = found.postage_paise(grams, zone)
            face, frank = printed.face, printed.frank
            assert frank is not None
            assert (face.mark, face.value_paise) == (FrankMark.VALID, price)
            assert (face.class_letters, face.weight_g) == (found.letters, grams)
            assert (frank.product_class, frank.weight_g) == (found.number, grams)
            left = Paise(left - price)
            assert frank.registers.descending_paise == left
    assert bench.machine.record.balanced


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.letters)
def test_what_is_too_heavy_for_a_class_is_not_franked(found: ProductClass) -> None:
    bench = a_machine()
    bench.machine.franking.choose_class(found.number)
    if found.zones:
        bench.machine.franking.choose_zone(found.zones[0])
    bench.scale.put(min(found.weight_max_g + 1, 5_000))
    refused = bench.machine.franking.frank()
    too_heavy = found.weight_max_g < 5_000
    assert (refused is PostageRefusal.TOO_HEAVY) == too_heavy


def test_a_started_gram_counts_as_one() -> None:
    bench = a_machine()
    bench.scale.put(Decimal("20.01"))
    printed = bench.machine.franking.frank()
    assert isinstance(printed, Printed)
    assert (printed.face.weight_g, printed.face.value_paise) == (21, 1000)


def test_a_letter_needs_a_weight_and_a_card_does_not() -> None:
    bench = a_machine()
    franking = bench.machine.franking
    assert franking.frank() is PostageRefusal.NO_WEIGHT
    franking.choose_class(POST_CARD)
    assert bench.franked(0).face.value_paise == 50


def test_a_class_with_zones_asks_for_one_of_its_own() -> None:
    bench = a_machine()
    franking = bench.machine.franking
    bench.scale.put(45)
    assert franking.choose_zone("500") is PostageRefusal.ZONE_UNKNOWN
    franking.choose_class(SPEED_POST)
    assert franking.frank() is PostageRefusal.ZONE_NEEDED
    assert franking.choose_zone("MOON") is PostageRefusal.ZONE_UNKNOWN
    assert franking.choose_zone("500") is None
    assert bench.franked(45).face.value_paise == 4700
    franking.choose_class(SPEED_POST)
    assert franking.frank() is PostageRefusal.ZONE_NEEDED


def test_a_class_that_no_tariff_has_cannot_be_chosen() -> None:
    bench = a_machine()
    assert bench.machine.franking.choose_class(200) is PostageRefusal.CLASS_UNKNOWN
    assert bench.machine.franking.selection.product_class == LETTER


def test_without_a_tariff_there_is_no_postage_but_a_fault() -> None:
    bench = a_machine(tariff=False)
    franking = bench.machine.franking
    bench.scale.put(18)
    assert bench.machine.stop is MachineFault.TARIFF_MISSING
    assert franking.frank() is MachineFault.TARIFF_MISSING
    assert franking.choose_class(LETTER) is PostageRefusal.NO_TARIFF
    assert franking.price() is PostageRefusal.NO_TARIFF


def test_a_price_is_asked_for_without_franking() -> None:
    bench = a_machine()
    bench.scale.put(35)
    priced = bench.machine.franking.price()
    assert isinstance(priced, Postage)
    assert (priced.value_paise, priced.weight_g) == (1000, 35)
    assert bench.machine.record.registers.items == 0


# The scale.


@pytest.mark.parametrize(
    ("fault", "stands"),
    [
        (ScaleFault.NO_ANSWER, MachineFault.SCALE_FAULT),
        (ScaleFault.GARBLED, MachineFault.SCALE_FAULT),
        (ScaleFault.WRONG_UNIT, MachineFault.SCALE_FAULT),
        (ScaleFault.REFUSED, MachineFault.SCALE_FAULT),
        (ScaleFault.DEFECTIVE, MachineFault.SCALE_FAULT),
        (ScaleFault.OVERLOAD, MachineFault.SCALE_OVERLOAD),
        (ScaleFault.UNDERLOAD, MachineFault.SCALE_NOT_ZERO),
        (ScaleFault.NOT_ZERO, MachineFault.SCALE_NOT_ZERO),
        (ScaleFault.UNSTABLE, MachineFault.SCALE_UNSTABLE),
    ],
    ids=lambda fault: fault.name,
)
def test_a_scale_that_fails_stops_what_must_be_weighed_until_it_weighs_again(
    fault: ScaleFault, stands: MachineFault
) -> None:
    bench = a_machine()
    franking = bench.machine.franking
    bench.scale.put(18)
    bench.scale.fail(fault)
    assert franking.frank() is stands
    assert bench.machine.stop is stands
    franking.choose_class(POST_CARD)
    assert isinstance(franking.frank(), Printed)
    franking.choose_class(LETTER)
    bench.scale.mend()
    assert isinstance(franking.frank(), Printed)
    assert bench.machine.faults == ()


def test_a_scale_that_is_shaken_is_asked_again() -> None:
    bench = a_machine()
    bench.scale.put(18)
    bench.scale.shake(1)
    assert bench.machine.franking.frank() is MachineFault.SCALE_UNSTABLE
    assert isinstance(bench.machine.franking.frank(), Printed)


# Values.


def test_a_high_value_is_to_be_confirmed() -> None:
    bench = a_machine()
    bench.machine.desk.change(high_value_paise=Paise(1000))
    franking = bench.machine.franking
    bench.franked(40)
    bench.scale.put(41)
    assert franking.frank() is FirmwareRefusal.CONFIRM_VALUE
    assert bench.machine.record.registers.items == 1
    assert isinstance(franking.frank(confirmed=True), Printed)
    assert franking.frank() is FirmwareRefusal.CONFIRM_VALUE


def test_low_funds_are_warned_of_from_where_the_supervisor_says() -> None:
    bench = a_machine(funds=11_000)
    assert bench.franked(40).warnings == ()
    assert bench.franked(18).warnings == (MachineFault.FUNDS_LOW.words,)
    bench.machine.desk.change(low_funds_paise=Paise(0))
    assert bench.franked(18).warnings == ()


def test_a_frank_of_all_that_is_left_is_the_last() -> None:
    bench = a_machine(funds=500)
    assert bench.franked(18).face.value_paise == 500
    assert bench.machine.franking.frank() is FrankRefusal.FUNDS_SHORT
    assert bench.machine.record.registers.descending_paise == 0


# The date.


def test_a_frank_bears_the_day_that_was_chosen_and_the_real_time() -> None:
    bench = a_machine()
    franking, today = bench.machine.franking, bench.today
    assert franking.choose_day(3) is None
    printed = bench.franked()
    assert printed.face.printed_on == today + timedelta(days=3)
    assert printed.face.date_advanced
    assert printed.frank is not None
    assert printed.frank.time == bench.clock.now()
    assert printed.face.indicium is not None
    told = decode_indicium(printed.face.indicium).indicium
    assert told.printed_on == printed.face.printed_on


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (31, DateRefusal.TOO_FAR),
        (400, DateRefusal.TOO_FAR),
        (10**12, DateRefusal.TOO_FAR),
        (-1, DateRefusal.PAST),
        (date(2026, 5, 31), DateRefusal.PAST),
        (date(2026, 7, 2), DateRefusal.TOO_FAR),
    ],
)
def test_a_day_that_is_past_or_too_far_is_refused(
    wanted: int | date, refusal: DateRefusal
) -> None:
    bench = a_machine()
    assert bench.machine.franking.choose_day(wanted) is refusal
    assert bench.franked().face.printed_on == bench.today


def test_the_supervisors_limit_is_below_the_parameter() -> None:
    bench = a_machine()
    franking = bench.machine.franking
    assert franking.choose_day(30) is None
    bench.machine.desk.change(date_advance_max_days=300)
    assert franking.choose_day(31) is DateRefusal.TOO_FAR
    bench.machine.desk.change(date_advance_max_days=7)
    assert franking.choose_day(8) is DateRefusal.TOO_FAR
    assert franking.choose_day(7) is None


def test_a_chosen_day_that_the_supervisor_has_forbidden_since_is_a_fault() -> None:
    bench = a_machine()
    franking = bench.machine.franking
    franking.choose_day(10)
    bench.machine.desk.change(date_advance_max_days=7)
    bench.scale.put(18)
    assert franking.frank() is MachineFault.DATE_OUT_OF_RANGE
    assert franking.choose_day(7) is None
    assert bench.machine.faults == ()
    assert isinstance(franking.frank(), Printed)


def test_the_next_working_day_is_never_a_sunday() -> None:
    bench = a_machine()
    bench.at("2026-06-06T17:00")
    bench.machine.franking.choose_day(NextWorkingDay.WANTED)
    assert bench.franked().face.printed_on == date(2026, 6, 8)


def test_a_chosen_day_ends_at_midnight() -> None:
    bench = a_machine()
    bench.at("2026-06-01T23:59")
    bench.machine.franking.choose_day(5)
    assert bench.franked().face.printed_on == date(2026, 6, 6)
    bench.at("2026-06-02T00:00")
    assert bench.franked().face.printed_on == date(2026, 6, 2)


class _SlowScale(SimulatedScale):
    """A scale on which an item needs some time to come to rest."""

    def __init__(self, bench: Bench, seconds: int) -> None:
        super().__init__()
        self._bench, self._seconds = bench, seconds

    def weigh_stable(self) -> Reading:
        self._bench.clock.advance(self._seconds)
        return super().weigh_stable()


def test_a_frank_that_was_priced_before_midnight_is_not_made_after_it() -> None:
    """The day that was priced is the day that is franked, or none is."""
    bench = a_machine()
    tomorrow = bench.today + timedelta(days=1)
    bench.bring(replace(factory_tariff(), number=2, valid_from=tomorrow))
    bench.at("2026-06-01T23:59")
    scale = _SlowScale(bench, 90)
    scale.put(18)
    bench.machine.parts = replace(bench.machine.parts, scale=scale)
    before = bench.machine.record
    assert bench.machine.franking.frank() is FrankRefusal.DATE_PAST
    assert bench.machine.record == before
    done = bench.machine.franking.frank()
    assert isinstance(done, Printed)
    assert done.face.printed_on == tomorrow


def test_a_price_says_for_which_day_it_is() -> None:
    bench = a_machine()
    bench.scale.put(18)
    bench.machine.franking.choose_day(1)
    priced = bench.machine.franking.price()
    assert isinstance(priced, Postage)
    assert priced.day == bench.today + timedelta(days=1)


def test_a_chosen_day_ends_with_its_department_for_good() -> None:
    bench = a_machine()
    franking = bench.machine.franking
    for number in (1, 2):
        bench.machine.desk.put_department(Department(number, f"D{number}"))
    franking.choose_department(1)
    franking.choose_day(5)
    franking.choose_department(1)
    assert bench.franked().face.date_advanced
    franking.choose_department(2)
    assert not bench.franked().face.date_advanced
    franking.choose_department(1)
    assert not bench.franked().face.date_advanced


def test_today_is_chosen_by_choosing_it() -> None:
    bench = a_machine()
    bench.machine.franking.choose_day(5)
    bench.machine.franking.choose_day(0)
    assert bench.machine.franking.selection.day is None
    assert bench.franked().face.printed_on == bench.today


def test_what_was_chosen_is_forgotten_when_the_machine_is_switched_off() -> None:
    bench = a_machine()
    franking = bench.machine.franking
    bench.machine.desk.put_department(Department(1, "Sales"))
    franking.choose_class(SPEED_POST)
    franking.choose_zone("500")
    franking.choose_department(1)
    franking.choose_day(2)
    bench.restart()
    assert franking.selection == Selection()


# Slogans.


def _with_slogans() -> Bench:
    bench = a_machine()
    bench.bring(WATER)
    bench.bring(COFFEE)
    bench.machine.desk.put_department(Department(7, "Malnad Coffee"))
    return bench


def test_one_slogan_is_printed_and_stays_chosen() -> None:
    bench = _with_slogans()
    franking = bench.machine.franking
    assert bench.franked().face.slogan is None
    assert franking.choose_slogan(2) is None
    bench.restart()
    assert bench.franked().face.slogan == SloganFace(("SAVE WATER",))
    assert franking.choose_slogan(0) is None
    assert bench.franked().face.slogan is None


def test_a_slogan_that_is_not_approved_for_this_machine_is_not_there() -> None:
    bench = _with_slogans()
    assert bench.machine.franking.choose_slogan(9) is FirmwareRefusal.NO_SLOGAN


def test_a_customers_slogan_is_printed_for_that_customer_only() -> None:
    bench = _with_slogans()
    franking = bench.machine.franking
    franking.choose_slogan(3)
    bench.scale.put(18)
    assert franking.frank() is FirmwareRefusal.SLOGAN_NOT_YOURS
    assert bench.machine.record.registers.items == 0
    franking.choose_department(7)
    assert bench.franked().face.slogan == SloganFace(("MALNAD COFFEE",))


def test_a_slogan_that_is_gone_is_warned_of_and_left_out() -> None:
    bench = _with_slogans()
    bench.machine.set(slogan=9)
    printed = bench.franked()
    assert printed.face.slogan is None
    assert printed.warnings == (MachineFault.SLOGAN_MISSING.words,)


# Departments and PINs.


def test_a_frank_is_booked_under_the_department_that_was_chosen() -> None:
    bench = a_machine()
    bench.machine.desk.put_department(Department(7, "Sales"))
    franking = bench.machine.franking
    assert franking.choose_department(8) is FirmwareRefusal.DEPARTMENT_UNKNOWN
    assert franking.choose_department(7) is None
    bench.franked()
    franking.choose_department(0)
    bench.franked()
    rows = [(row.department, row.items) for row in bench.machine.record.rows]
    assert rows == [(0, 1), (7, 1)]


def test_every_frank_needs_a_department_where_accounts_are_on() -> None:
    bench = a_machine()
    bench.machine.desk.put_department(Department(7, "Sales"))
    bench.machine.desk.change(accounts_on=True)
    bench.scale.put(18)
    refused = bench.machine.franking.frank()
    assert refused is FirmwareRefusal.DEPARTMENT_NEEDED
    bench.machine.franking.choose_department(7)
    assert isinstance(bench.machine.franking.frank(), Printed)


def test_a_department_that_was_taken_away_franks_no_more() -> None:
    bench = a_machine()
    bench.machine.desk.put_department(Department(7, "Sales"))
    bench.machine.franking.choose_department(7)
    bench.machine.desk.drop_department(7)
    bench.scale.put(18)
    refused = bench.machine.franking.frank()
    assert refused is FirmwareRefusal.DEPARTMENT_UNKNOWN


def test_a_department_with_a_pin_franks_while_its_operator_is_there() -> None:
    bench = a_machine()
    desk, franking = bench.machine.desk, bench.machine.franking
    desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    desk.put_department(Department(7, "Sales", pin_needed=True))
    assert franking.choose_department(7) is FirmwareRefusal.PIN_NEEDED
    desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert franking.choose_department(7) is None
    bench.franked()
    desk.leave()
    assert franking.frank() is FirmwareRefusal.PIN_NEEDED


def test_an_operators_pin_opens_franking_until_the_machine_is_switched_off() -> None:
    bench = a_machine()
    desk, franking = bench.machine.desk, bench.machine.franking
    desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    bench.franked()
    desk.change(pins_on=True)
    assert franking.frank() is FirmwareRefusal.PIN_NEEDED
    assert franking.try_out() is FirmwareRefusal.PIN_NEEDED
    desk.enter(Role.OPERATOR, "9999")
    assert franking.frank() is FirmwareRefusal.PIN_NEEDED
    desk.enter(Role.OPERATOR, OPERATOR_PIN)
    bench.franked()
    bench.restart()
    assert franking.frank() is FirmwareRefusal.PIN_NEEDED


def test_the_supervisor_may_frank_too() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN)
    desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    assert desk.change(pins_on=True) is None
    bench.franked()


# To try the machine.


@pytest.mark.parametrize("state", MachineState, ids=lambda state: state.name)
def test_a_print_to_try_the_machine_bears_the_mark_of_its_state(
    state: MachineState,
) -> None:
    bench = a_machine(state)
    before = bench.machine.record.registers
    done = bench.machine.franking.try_out()
    mark = MARK_OF[state]
    if mark is None:
        assert not isinstance(done, Printed)
        assert done.code.startswith("PSD-")
        assert bench.printer.printed == 0
        return
    assert isinstance(done, Printed)
    assert bench.printer.printed == 1
    if state is MachineState.IN_SERVICE:
        assert done.face.mark is FrankMark.ZERO
        return
    assert (done.face.mark, done.frank) == (mark, None)
    assert (done.face.item, done.face.indicium) == (None, None)
    assert done.face.authentication_code is None
    assert bench.machine.record.registers == before


@pytest.mark.parametrize(
    "state",
    [state for state in MachineState if state is not MachineState.IN_SERVICE],
    ids=lambda state: state.name,
)
def test_a_frank_of_value_is_made_in_service_only(state: MachineState) -> None:
    bench = a_machine(state)
    bench.scale.put(18)
    before = bench.machine.record.registers
    refused = bench.machine.franking.frank()
    assert not isinstance(refused, Printed)
    assert refused.code
    assert bench.printer.printed == 0
    assert bench.machine.record.registers == before


def test_a_zero_imprint_is_counted_and_signed_and_costs_nothing() -> None:
    bench = a_machine()
    done = bench.machine.franking.try_out()
    assert isinstance(done, Printed)
    assert done.frank is not None
    registers = bench.machine.record.registers
    assert (registers.items, registers.items_with_zero) == (0, 1)
    assert registers.descending_paise == 200_000
    assert done.face.indicium is not None
    assert decode_indicium(done.face.indicium).indicium.kind is FrankKind.ZERO


def test_without_a_clock_nothing_is_printed() -> None:
    bench = a_machine()
    bench.machine.psd.set_clock_lost()
    bench.scale.put(18)
    franking = bench.machine.franking
    assert franking.frank() is FrankRefusal.CLOCK_NOT_SET
    assert franking.try_out() is FrankRefusal.CLOCK_NOT_SET
    assert franking.price() is FrankRefusal.CLOCK_NOT_SET
    assert franking.choose_day(1) is FrankRefusal.CLOCK_NOT_SET
    assert franking.choose_class(LETTER) is FrankRefusal.CLOCK_NOT_SET
    assert franking.day is None
    assert bench.printer.printed == 0


def test_a_machine_that_dials_does_not_frank() -> None:
    bench = a_machine()
    bench.scale.put(18)
    bench.dial()
    assert bench.machine.franking.frank() is FrankRefusal.DIALLING
    bench.machine.psd.hang_up()
    assert isinstance(bench.machine.franking.frank(), Printed)


def test_a_machine_that_is_off_franks_nothing() -> None:
    bench = a_machine()
    bench.machine.switch_off()
    with pytest.raises(MachineOffError):
        bench.machine.franking.frank()


# Ink, tape, and what else stops a print.


def test_a_frank_uses_ink_and_a_slogan_more() -> None:
    bench = _with_slogans()
    bench.franked()
    assert bench.machine.sensors.ink_ul == INK_UL_FULL - INK_UL_FRANK
    assert bench.machine.sensors.tape_mm == TAPE_MM_FULL
    bench.machine.franking.choose_slogan(2)
    bench.franked()
    assert bench.machine.sensors.ink_ul == INK_UL_FULL - 2 * INK_UL_FRANK - (
        INK_UL_SLOGAN
    )


def test_a_frank_on_tape_uses_tape_and_needs_no_letter() -> None:
    bench = a_machine()
    bench.machine.desk.change(medium=Medium.TAPE)
    bench.machine.sense(paper_present=False)
    assert bench.franked().face.on_tape
    assert bench.machine.sensors.tape_mm == TAPE_MM_FULL - TAPE_MM_STRIP
    bench.machine.sense(tape_mm=TAPE_MM_STRIP)
    assert bench.franked().warnings == ()
    assert bench.machine.franking.frank() is MachineFault.TAPE_OUT


def test_ink_is_warned_of_before_it_is_out() -> None:
    bench = a_machine()
    bench.machine.sense(ink_ul=INK_UL_LOW)
    assert bench.franked().warnings == (MachineFault.INK_LOW.words,)
    bench.machine.sense(ink_ul=INK_UL_FRANK - 1)
    assert bench.machine.franking.frank() is MachineFault.INK_OUT


@pytest.mark.parametrize(
    ("sensed", "fault"),
    [
        ({"cover_open": True}, MachineFault.COVER_OPEN),
        ({"paper_jam": True}, MachineFault.PAPER_JAM),
        ({"paper_present": False}, MachineFault.PAPER_ABSENT),
        ({"printer_answers": False}, MachineFault.PRINTER_DEAD),
        ({"printer_c": 51}, MachineFault.PRINTER_HOT),
        ({"printer_c": 4}, MachineFault.PRINTER_COLD),
        ({"ink_ul": 0}, MachineFault.INK_OUT),
        ({"battery_age_days": 6 * 365 + 1}, MachineFault.BATTERY_END),
    ],
    ids=lambda value: value.name if isinstance(value, MachineFault) else "",
)
def test_a_fault_that_stops_debits_nothing_and_prints_nothing(
    sensed: dict[str, object], fault: MachineFault
) -> None:
    bench = a_machine()
    bench.scale.put(18)
    bench.machine.sense(**sensed)
    assert fault.kind is FaultKind.STOP
    assert bench.machine.stop is fault
    assert bench.machine.franking.frank() is fault
    assert bench.machine.franking.try_out() is fault
    assert (bench.printer.printed, bench.machine.record.registers.items) == (0, 0)
    assert (EventCode.FAULT_SET, fault.number, 0) in bench.logged(EventCode.FAULT_SET)


def test_an_old_battery_is_warned_of_and_franks_on() -> None:
    bench = a_machine()
    bench.machine.sense(battery_age_days=5 * 365)
    assert bench.franked().warnings == (MachineFault.BATTERY_OLD.words,)
    assert bench.machine.settings.battery_warned == bench.clock.now()


def test_a_machine_that_was_silent_for_long_says_so_with_every_frank() -> None:
    bench = a_machine()
    bench.days_pass(26)
    (warning,) = bench.franked().warnings
    assert warning.startswith("DIAL IN SOON")


class BrokenTray:
    """A printer whose tray cannot take one picture."""

    def __init__(self) -> None:
        self.broken = True
        self.printed: list[FrankFace] = []

    def put(self, face: FrankFace) -> None:
        """Fail once."""
        if self.broken:
            self.broken = False
            raise StoreError("the tray is full")
        self.printed.append(face)


def test_a_frank_that_could_not_be_printed_is_accounted_and_told_of() -> None:
    bench = a_machine()
    tray = BrokenTray()
    parts = bench.machine.parts
    machine = Machine(
        Parts(parts.nvram, parts.flash, parts.battery, bench.scale, tray, parts.channel)
    )
    machine.switch_on()
    bench.scale.put(18)
    with pytest.raises(StoreError, match="full"):
        machine.franking.frank()
    assert machine.franking.frank() is FirmwareRefusal.PRINT_UNFINISHED
    assert machine.franking.try_out() is FirmwareRefusal.PRINT_UNFINISHED
    machine.switch_off()
    machine.switch_on()
    assert machine.record.unprinted == 1
    assert isinstance(machine.franking.frank(), Printed)
    assert machine.record.registers.items == 2
    assert len(tray.printed) == 1


_CHOICES: list[Callable[[Bench], object]] = [
    lambda bench: bench.machine.franking.choose_class(200),
    lambda bench: bench.machine.franking.choose_zone("X"),
    lambda bench: bench.machine.franking.choose_department(50),
    lambda bench: bench.machine.franking.choose_day(-1),
    lambda bench: bench.machine.franking.choose_slogan(10),
]


@pytest.mark.parametrize("choose", _CHOICES)
def test_a_choice_that_is_refused_changes_nothing(
    choose: Callable[[Bench], object],
) -> None:
    bench = a_machine()
    before = bench.machine.franking.selection
    assert choose(bench) is not None
    assert bench.machine.franking.selection == before

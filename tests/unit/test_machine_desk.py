"""Who may do what at a machine, and that all of it is in the log."""

from decimal import Decimal

import pytest

from fm_device.firmware.boot import BootState
from fm_device.firmware.consumables import INK_UL_FULL, TAPE_MM_FULL
from fm_device.firmware.desk import Service
from fm_device.firmware.faults import MachineFault
from fm_device.firmware.franking import Printed
from fm_device.firmware.refusals import FirmwareRefusal
from fm_device.firmware.reporting import report
from fm_device.flash.events import EventCode
from fm_device.flash.settings import Department, Settings, SettingsError
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.pins import ATTEMPTS_MAX, FREE_ATTEMPTS, PinVerdict, Role
from hw.scales.port import ScaleFault
from protocol.contents import Slogan
from protocol.errors import LocalProtocolError, RmfsError
from protocol.messages import OrderKind
from protocol.registers import MachineState, RequestKind
from protocol.values import Paise
from tests.machines import (
    FUNDING_PIN,
    OPERATOR_PIN,
    SUPERVISOR_PIN,
    Bench,
    a_machine,
)

SALES = Department(1, "Sales")
WRONG = "9999"
PINS = {
    Role.OPERATOR: OPERATOR_PIN,
    Role.SUPERVISOR: SUPERVISOR_PIN,
    Role.FUNDING: FUNDING_PIN,
}


# The bench of the tests.


@pytest.mark.parametrize("state", MachineState, ids=lambda state: state.name)
def test_a_machine_is_put_into_every_state_by_what_leads_there(
    state: MachineState,
) -> None:
    bench = a_machine(state)
    assert bench.machine.psd.state is state
    assert bench.machine.record.registers.balanced


def test_a_content_is_brought_by_an_order() -> None:
    bench = a_machine()
    slogan = Slogan(2, "water", ("SAVE WATER",), 0, "KN/1/2026")
    bench.bring(slogan)
    assert bench.machine.contents.slogans == (slogan,)
    bench.restart()
    assert bench.machine.contents.slogans == (slogan,)


def test_a_machine_franks_after_a_dial_in_with_the_channel_of_the_product() -> None:
    bench = a_machine(real=True)
    assert bench.franked(18).face.value_paise == 500


# PINs.


@pytest.mark.parametrize("role", Role, ids=lambda role: role.name)
def test_a_role_without_a_pin_is_open_and_with_one_only_to_who_knows_it(
    role: Role,
) -> None:
    desk = a_machine().machine.desk
    assert desk.may(role)
    assert desk.enter(role, PINS[role]).verdict is PinVerdict.NOT_SET
    assert desk.set_pin(role, PINS[role]) is None
    assert not desk.may(role)
    assert desk.enter(role, WRONG).verdict is PinVerdict.WRONG
    assert not desk.may(role)
    assert desk.enter(role, PINS[role]).verdict is PinVerdict.RIGHT
    assert desk.may(role)
    desk.leave()
    assert not desk.may(role)


def test_what_a_pin_has_opened_is_closed_by_switching_off() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN)
    desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    assert bench.machine.psd.supervisor_present
    bench.restart()
    assert not desk.may(Role.SUPERVISOR)
    assert not bench.machine.psd.supervisor_present


def test_leaving_sends_the_supervisor_away() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN)
    desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    desk.leave()
    assert not bench.machine.psd.supervisor_present


def test_the_operator_is_no_supervisor_and_funds_are_nobody_elses() -> None:
    desk = a_machine().machine.desk
    for role, pin in PINS.items():
        desk.set_pin(role, pin)
        desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    desk.leave()
    desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert [desk.may(role) for role in Role] == [True, False, False]
    desk.leave()
    desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    assert [desk.may(role) for role in Role] == [True, True, False]


def test_a_recharge_needs_the_funding_pin_and_an_inspection_none() -> None:
    bench = a_machine()
    desk, calls = bench.machine.desk, bench.machine.calls
    desk.set_pin(Role.FUNDING, FUNDING_PIN)
    asked = calls.plan(RequestKind.RECHARGE, Paise(100_000))
    assert asked is FirmwareRefusal.FUNDING_PIN_NEEDED
    assert not isinstance(calls.plan(RequestKind.INSPECTION), FirmwareRefusal)
    desk.enter(Role.FUNDING, FUNDING_PIN)
    asked = calls.plan(RequestKind.RECHARGE, Paise(100_000))
    assert asked is not FirmwareRefusal.FUNDING_PIN_NEEDED


def test_a_pin_of_another_form_is_refused_and_nothing_is_set() -> None:
    bench = a_machine()
    for pin in ("", "123", "123456789", "12a4", "\u0967\u0968\u0969\u096a"):
        with pytest.raises(LocalProtocolError, match="digits"):
            bench.machine.desk.set_pin(Role.OPERATOR, pin)
    assert not bench.machine.psd.has_pin(Role.OPERATOR)


def test_wrong_pins_are_logged_wait_and_lock_the_machine_out() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    for number in range(1, FREE_ATTEMPTS + 1):
        assert desk.enter(Role.OPERATOR, WRONG).attempts_left == ATTEMPTS_MAX - number
    assert desk.enter(Role.OPERATOR, OPERATOR_PIN).verdict is PinVerdict.WAIT
    for _ in range(ATTEMPTS_MAX - FREE_ATTEMPTS):
        bench.clock.advance(3_600)
        answer = desk.enter(Role.OPERATOR, WRONG)
    assert answer.verdict is PinVerdict.LOCKED_OUT
    assert bench.machine.psd.state is MachineState.LOCKED_OUT
    logged = bench.logged(EventCode.PIN_WRONG, EventCode.PIN_BLOCKED)
    assert logged == [
        *((EventCode.PIN_WRONG, 0, number) for number in range(1, ATTEMPTS_MAX)),
        (EventCode.PIN_BLOCKED, 0, 0),
    ]
    bench.order(OrderKind.UNLOCK)
    assert desk.enter(Role.OPERATOR, OPERATOR_PIN).verdict is PinVerdict.RIGHT


def test_a_right_pin_takes_the_count_back() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    desk.enter(Role.OPERATOR, WRONG)
    desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert desk.enter(Role.OPERATOR, WRONG).attempts_left == ATTEMPTS_MAX - 1


# What the supervisor does.


def _guarded(bench: Bench) -> list[object]:
    desk = bench.machine.desk
    return [
        desk.change(pins_on=True),
        desk.put_department(SALES),
        desk.set_pin(Role.FUNDING, FUNDING_PIN),
        desk.set_pin(Role.SUPERVISOR, None),
    ]


def test_what_the_supervisor_does_needs_the_supervisors_pin() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN)
    assert _guarded(bench) == [FirmwareRefusal.SUPERVISOR_NEEDED] * 4
    assert bench.machine.settings == Settings()
    desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    assert _guarded(bench) == [None] * 4


def test_a_change_is_logged_once_and_no_change_is_not() -> None:
    bench = a_machine()
    bench.machine.desk.change(high_value_paise=Paise(5000))
    bench.machine.desk.change(high_value_paise=Paise(5000))
    role = int(Role.SUPERVISOR)
    logged = bench.logged(EventCode.SETTINGS_CHANGED)
    assert logged == [(EventCode.SETTINGS_CHANGED, role, 0)]


def test_a_pin_that_is_set_or_taken_away_is_logged() -> None:
    bench = a_machine()
    bench.machine.desk.set_pin(Role.FUNDING, FUNDING_PIN)
    bench.machine.desk.set_pin(Role.FUNDING, None)
    assert bench.logged(EventCode.PIN_CHANGED) == [
        (EventCode.PIN_CHANGED, 2, 1),
        (EventCode.PIN_CHANGED, 2, 0),
    ]


def test_a_setting_that_is_not_possible_changes_nothing() -> None:
    bench = a_machine()
    with pytest.raises(SettingsError, match="date advance"):
        bench.machine.desk.change(pins_on=True, date_advance_max_days=400)
    assert bench.machine.settings == Settings()
    assert bench.logged(EventCode.SETTINGS_CHANGED) == []


def test_a_setting_counts_at_once_for_the_faults() -> None:
    bench = a_machine()
    bench.machine.desk.change(low_funds_paise=Paise(300_000))
    assert bench.machine.faults == (MachineFault.FUNDS_LOW,)


# Departments.


def test_departments_are_kept_by_number_and_changed_in_place() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    for number in (7, 3, 50):
        desk.put_department(Department(number, f"D{number}"))
    desk.put_department(Department(7, "Renamed", Paise(5000)))
    kept = [(one.number, one.name) for one in bench.machine.settings.departments]
    assert kept == [(3, "D3"), (7, "Renamed"), (50, "D50")]
    assert desk.drop_department(3) is None
    assert desk.drop_department(3) is FirmwareRefusal.DEPARTMENT_UNKNOWN


def test_a_department_has_its_limit_until_the_next_statement() -> None:
    bench = a_machine()
    desk, franking = bench.machine.desk, bench.machine.franking
    desk.put_department(Department(1, "Sales", Paise(1200)))
    franking.choose_department(1)
    bench.franked()
    bench.franked()
    assert franking.frank() is FirmwareRefusal.DEPARTMENT_LIMIT
    assert desk.spent_paise(1) == 1000
    franking.choose_department(0)
    bench.franked()
    assert isinstance(report(bench.machine, "mailing"), tuple)
    assert desk.spent_paise(1) == 0
    franking.choose_department(1)
    bench.franked()
    assert desk.spent_paise(1) == 500


def test_a_department_whose_mail_is_not_stated_is_not_taken_away() -> None:
    bench = a_machine()
    desk = bench.machine.desk
    desk.put_department(SALES)
    bench.machine.franking.choose_department(1)
    bench.franked()
    assert desk.drop_department(1) is FirmwareRefusal.DEPARTMENT_MAIL
    report(bench.machine, "mailing")
    assert desk.drop_department(1) is None


# Service.


@pytest.mark.parametrize("service", Service, ids=lambda service: service.name)
def test_every_service_action_is_in_the_log_with_who_did_it(service: Service) -> None:
    bench = a_machine()
    desk = bench.machine.desk
    assert desk.serve(service) is None
    desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN)
    desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    assert desk.serve(service) is None
    assert bench.logged(EventCode.SERVICE) == [
        (EventCode.SERVICE, service, Role.OPERATOR),
        (EventCode.SERVICE, service, Role.SUPERVISOR),
    ]


def test_a_new_cartridge_and_a_new_roll_are_full() -> None:
    bench = a_machine()
    bench.machine.sense(ink_ul=0, tape_mm=0)
    assert bench.machine.stop is MachineFault.INK_OUT
    bench.machine.desk.serve(Service.INK)
    bench.machine.desk.serve(Service.TAPE)
    sensors = bench.machine.sensors
    assert (sensors.ink_ul, sensors.tape_mm) == (INK_UL_FULL, TAPE_MM_FULL)
    assert bench.machine.faults == ()


def test_a_jam_that_is_cleared_lets_the_machine_frank_again() -> None:
    bench = a_machine()
    bench.machine.sense(paper_jam=True, cover_open=True)
    bench.machine.desk.serve(Service.JAM)
    assert bench.machine.faults == ()
    bench.franked()


def test_a_new_battery_loses_the_clock_until_a_dial_in_sets_it() -> None:
    bench = a_machine()
    bench.machine.sense(battery_age_days=6 * 365 + 1)
    assert bench.machine.stop is MachineFault.BATTERY_END
    changed = bench.clock.now()
    bench.machine.desk.serve(Service.BATTERY)
    assert bench.machine.psd.time is None
    assert bench.machine.boot is BootState.WITHOUT_CLOCK
    assert bench.machine.faults == ()
    settings = bench.machine.settings
    assert (settings.battery_warned, settings.battery_warned_items) == (0, 0)
    assert settings.battery_changed == changed
    bench.scale.put(18)
    assert bench.machine.franking.frank() is FrankRefusal.CLOCK_NOT_SET
    bench.restart()
    assert bench.machine.boot is BootState.WITHOUT_CLOCK
    bench.order(OrderKind.CLOCK, bench.clock.now())
    assert bench.machine.psd.time == bench.clock.now()
    assert isinstance(bench.machine.franking.frank(), Printed)


def test_a_scale_that_is_zeroed_weighs_from_there() -> None:
    bench = a_machine()
    bench.scale.put(3)
    assert bench.machine.desk.serve(Service.SCALE_ZEROED) is None
    assert bench.franked(21).face.weight_g == 18


def test_a_scale_with_a_parcel_on_it_is_not_zeroed_and_says_so() -> None:
    bench = a_machine()
    bench.scale.put(Decimal(1000))
    refused = bench.machine.desk.serve(Service.SCALE_ZEROED)
    assert refused is MachineFault.SCALE_NOT_ZERO
    assert bench.franked(450).face.weight_g == 450


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        (ScaleFault.NO_ANSWER, MachineFault.SCALE_FAULT),
        (ScaleFault.UNSTABLE, MachineFault.SCALE_UNSTABLE),
        (ScaleFault.NOT_ZERO, MachineFault.SCALE_NOT_ZERO),
    ],
)
def test_a_scale_that_cannot_be_zeroed_says_why(
    fault: ScaleFault, refusal: MachineFault
) -> None:
    bench = a_machine()
    bench.scale.fail(fault)
    assert bench.machine.desk.serve(Service.SCALE_ZEROED) is refusal
    assert refusal in bench.machine.faults


def test_a_batch_counts_what_was_franked_since_it_was_begun() -> None:
    bench = a_machine()
    bench.franked()
    bench.machine.desk.serve(Service.BATCH)
    bench.franked(35)
    bench.machine.franking.try_out()
    bench.restart()
    made = report(bench.machine, "funds")
    assert isinstance(made, tuple)
    figures = made[0].figures
    assert (figures["batch_items"], figures["batch_paise"]) == (1, 1000)
    assert figures["items"] == 2


# Tampering.


def test_a_machine_that_was_tampered_with_keeps_its_registers_and_does_no_more() -> (
    None
):
    bench = a_machine()
    bench.franked()
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    bench.machine.desk.tampered()
    assert bench.machine.psd.zeroised
    assert (EventCode.TAMPER, 0, 0) in bench.logged(EventCode.TAMPER)
    assert bench.machine.franking.frank() is FrankRefusal.FAULT
    with pytest.raises(RmfsError, match="erased"):
        bench.machine.desk.enter(Role.OPERATOR, OPERATOR_PIN)
    bench.restart()
    assert bench.machine.psd.state is MachineState.FAULT
    assert bench.machine.record.registers.descending_paise == 199_500
    assert bench.machine.franking.try_out() is FrankRefusal.FAULT

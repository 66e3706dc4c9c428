"""The reports of a real machine: what it holds, and statements that miss no frank."""

from dataclasses import replace
from typing import Any

import pytest

from fm_device.firmware.consumables import INK_UL_REPORT
from fm_device.firmware.event_words import ERRORS, event_facts
from fm_device.firmware.faults import MachineFault
from fm_device.firmware.machine import Machine
from fm_device.firmware.refusals import FirmwareRefusal
from fm_device.firmware.reporting import REPORTS, report
from fm_device.flash.events import Event, EventCode
from fm_device.flash.layout import SETTINGS
from fm_device.flash.settings import Department, SettingsStore
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.pins import Role
from fm_device.reports.document import Report
from fm_device.reports.text import show_document
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.errors import InvariantError, LocalProtocolError
from protocol.registers import MachineState
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from tests.machines import OPERATOR_PIN, POST_CARD, Bench, a_machine

SALES, ACCOUNTS = Department(1, "Sales"), Department(2, "Accounts")


def asked(bench: Bench, name: str, *, again: bool = False) -> Report:
    made = report(bench.machine, name, again=again)
    assert isinstance(made, tuple), made
    assert len(made) == 1
    return made[0]


def statement(bench: Bench, *, again: bool = False) -> dict[str, object]:
    figures = asked(bench, "mailing", again=again).as_json()
    return {name: figures[name] for name in _FIGURES}


_FIGURES = (
    "som_number",
    "items",
    "amount_paise",
    "opening_ascending_paise",
    "closing_ascending_paise",
    "opening_descending_paise",
    "closing_descending_paise",
)


@pytest.mark.parametrize("state", MachineState, ids=lambda state: state.name)
def test_every_report_is_printed_or_refused_in_every_state(state: MachineState) -> None:
    bench = a_machine(state)
    for name in REPORTS:
        made = report(bench.machine, name)
        if not isinstance(made, tuple):
            assert made.code
            assert made.words
            continue
        for one in made:
            text = show_document(one.document)
            assert max(map(len, text.splitlines())) <= 40
            assert state.name.lower().replace("_", " ") in text


def test_a_report_that_there_is_not_is_a_mistake_of_ours() -> None:
    with pytest.raises(LocalProtocolError, match="none of funds"):
        report(a_machine().machine, "weather")


def test_the_funds_report_has_registers_and_batch() -> None:
    bench = a_machine()
    bench.franked()
    bench.machine.set(batch_items=1, batch_ascending_paise=Paise(500))
    bench.franked()
    bench.machine.franking.try_out()
    figures = asked(bench, "funds").figures
    assert (figures["items"], figures["items_with_zero"]) == (2, 3)
    assert (figures["ascending_paise"], figures["descending_paise"]) == (1000, 199_000)
    assert (figures["batch_items"], figures["batch_paise"]) == (1, 500)


def test_a_receipt_is_of_the_last_recharge_and_knows_what_is_left() -> None:
    bench = a_machine()
    bench.franked()
    bench.recharge(100_000)
    figures = asked(bench, "recharge").figures
    assert figures["recharge_number"] == 2
    assert (figures["before_paise"], figures["after_paise"]) == (199_500, 299_500)
    assert figures["server_funds_paise"] == 500_000
    newest, oldest = asked(bench, "recharges").figures["recharges"]
    assert newest["recharge_number"] == 2
    assert oldest["server_funds_paise"] is None


def test_there_is_no_receipt_before_the_first_recharge() -> None:
    bench = a_machine(funds=0)
    assert report(bench.machine, "recharge") is FirmwareRefusal.NO_RECHARGE
    assert asked(bench, "recharges").figures["recharges"] == []


def test_classes_and_departments_tell_of_the_whole_life() -> None:
    bench = a_machine()
    bench.machine.desk.put_department(SALES)
    bench.franked()
    bench.machine.franking.choose_department(1)
    bench.franked(35)
    bench.machine.franking.choose_class(POST_CARD)
    bench.franked(3)
    bench.days_pass(1)
    assert asked(bench, "mailing").figures["items"] == 3
    classes = asked(bench, "classes").figures
    assert [(one["class"], one["items"]) for one in classes["classes"]] == [
        ("L", 2),
        ("P", 1),
    ]
    departments = asked(bench, "departments").figures["departments"]
    assert [(one["name"], one["amount_paise"]) for one in departments] == [
        ("No department", 500),
        ("Sales", 1050),
    ]


# Statements of mailing.


def test_a_statement_begins_where_the_last_one_ended() -> None:
    bench = a_machine()
    bench.franked()
    bench.franked(35)
    assert statement(bench) == {
        "som_number": "N123456-000001",
        "items": 2,
        "amount_paise": 1500,
        "opening_ascending_paise": 0,
        "closing_ascending_paise": 1500,
        "opening_descending_paise": 0,
        "closing_descending_paise": 198_500,
    }
    bench.recharge(100_000)
    bench.franked()
    assert statement(bench) == {
        "som_number": "N123456-000002",
        "items": 1,
        "amount_paise": 500,
        "opening_ascending_paise": 1500,
        "closing_ascending_paise": 2000,
        "opening_descending_paise": 198_500,
        "closing_descending_paise": 298_000,
    }
    assert bench.logged(EventCode.STATEMENT_CLOSED) == [
        (EventCode.STATEMENT_CLOSED, 1, 2),
        (EventCode.STATEMENT_CLOSED, 2, 1),
    ]


def test_a_statement_has_two_copies() -> None:
    bench = a_machine()
    bench.franked()
    assert len(asked(bench, "mailing").document.copies) == 2


def test_nothing_franked_makes_no_statement_and_takes_no_number() -> None:
    bench = a_machine()
    bench.machine.franking.try_out()
    assert report(bench.machine, "mailing") is FirmwareRefusal.NO_MAIL
    assert bench.machine.settings.som_number == 0
    bench.franked()
    statement(bench)
    assert report(bench.machine, "mailing") is FirmwareRefusal.NO_MAIL
    assert bench.machine.settings.som_number == 1


def test_the_last_statement_is_printed_again_as_it_was() -> None:
    bench = a_machine()
    refused = report(bench.machine, "mailing", again=True)
    assert refused is FirmwareRefusal.NO_STATEMENT
    bench.franked()
    first = statement(bench)
    assert statement(bench, again=True) == first
    bench.franked(35)
    assert statement(bench, again=True) == first
    second = statement(bench)
    bench.restart()
    assert statement(bench, again=True) == second
    assert bench.machine.settings.som_number == 2


def test_a_statement_needs_the_operators_pin_where_franking_does() -> None:
    bench = a_machine()
    bench.franked()
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    bench.machine.desk.change(pins_on=True)
    assert report(bench.machine, "mailing") is FirmwareRefusal.PIN_NEEDED
    bench.machine.desk.enter(Role.OPERATOR, OPERATOR_PIN)
    assert statement(bench)["items"] == 1


def test_a_statement_needs_a_clock() -> None:
    bench = a_machine()
    bench.franked()
    bench.machine.psd.set_clock_lost()
    assert report(bench.machine, "mailing") is FrankRefusal.CLOCK_NOT_SET


def _commercial() -> Bench:
    bench = a_machine()
    desk, franking = bench.machine.desk, bench.machine.franking
    bench.franked()
    for department in (SALES, ACCOUNTS, Department(3, "No mail")):
        desk.put_department(department)
    desk.change(accounts_on=True)
    for number, grams in ((1, 18), (2, 35), (1, 18)):
        franking.choose_department(number)
        bench.franked(grams)
    return bench


def test_a_commercial_licensee_has_a_statement_for_each_customer() -> None:
    bench = _commercial()
    made = report(bench.machine, "mailing")
    assert isinstance(made, tuple)
    told = [
        (one.figures["som_number"], one.figures["customer"], one.figures["items"])
        for one in made
    ]
    assert told == [
        ("N123456-000001", "No department", 1),
        ("N123456-000002", "Sales", 2),
        ("N123456-000003", "Accounts", 1),
    ]
    bench.machine.franking.choose_department(2)
    bench.franked()
    assert statement(bench)["som_number"] == "N123456-000004"


def test_one_customers_statement_is_handed_out_again_by_itself() -> None:
    bench = _commercial()
    made = report(bench.machine, "mailing")
    assert isinstance(made, tuple)
    bench.machine.desk.change(accounts_on=False)
    again = report(bench.machine, "mailing", customer=2, again=True)
    assert isinstance(again, tuple)
    assert [one.figures for one in again] == [made[2].figures]


def test_a_statement_that_was_begun_with_a_restored_old_memory_is_none() -> None:
    bench = a_machine()
    old = bench.nvram.image()
    bench.franked()
    bench.franked()
    statement(bench)
    parts = replace(bench.machine.parts, nvram=MemoryNvram(old))
    machine = Machine(parts)
    machine.switch_on()
    with pytest.raises(InvariantError):
        report(machine, "mailing")
    assert machine.settings.som_number == 1


def _settings_lost(bench: Bench) -> None:
    for address in SETTINGS.addresses:
        bench.flash.write(address + 40, b"\x00")
    bench.restart()
    assert bench.machine.settings.som_number == 0


def _old_flash(bench: Bench, image: bytes) -> None:
    bench.machine.switch_off()
    bench.machine.parts = replace(bench.machine.parts, flash=MemoryNvram(image))
    bench.machine.switch_on()


def by_total(bench: Bench) -> dict[str, Any]:
    made = report(bench.machine, "mailing", by_total=True)
    assert isinstance(made, tuple), made
    (one,) = made
    return one.figures


def test_without_its_settings_a_machine_states_by_total_what_came_since() -> None:
    bench = a_machine()
    bench.franked()
    statement(bench)
    bench.franked(35)
    bench.franked()
    _settings_lost(bench)
    lost = FirmwareRefusal.MAIL_ROWS_LOST
    assert report(bench.machine, "mailing") is lost
    assert report(bench.machine, "mailing", again=True) is lost
    told = by_total(bench)
    assert told["som_number"] == "N123456-000002"
    assert (told["items"], told["amount_paise"]) == (2, 1500)
    assert told["opening_ascending_paise"] == 500
    assert told["opening_descending_paise"] == 199_500
    assert told["funds_change_paise"] == 0
    assert told["classes"] == [
        {"class": "-", "name": "all classes", "items": 2, "amount_paise": 1500}
    ]
    again = asked(bench, "mailing", again=True)
    assert again.figures == told
    bench.franked()
    after = asked(bench, "mailing").figures
    assert (after["som_number"], after["items"]) == ("N123456-000003", 1)
    assert [row["class"] for row in after["classes"]] == ["L"]


def test_an_old_flash_states_no_mail_twice() -> None:
    bench = a_machine()
    bench.franked()
    statement(bench)
    old = bench.flash.image()
    bench.franked()
    statement(bench)
    _old_flash(bench, old)
    assert bench.machine.settings.som_number == 1
    assert report(bench.machine, "mailing") is FirmwareRefusal.NO_MAIL
    assert report(bench.machine, "mailing", by_total=True) is FirmwareRefusal.NO_MAIL
    bench.franked(35)
    assert report(bench.machine, "mailing") is FirmwareRefusal.MAIL_ROWS_LOST
    told = by_total(bench)
    assert (told["som_number"], told["items"]) == ("N123456-000003", 1)
    assert told["amount_paise"] == 1000


def test_customers_mail_whose_rows_are_lost_is_stated_in_one() -> None:
    bench = a_machine()
    bench.franked()
    statement(bench)
    bench.franked()
    _settings_lost(bench)
    bench.machine.desk.change(departments=(SALES,), accounts_on=True)
    assert by_total(bench)["department"] is None


def test_a_statement_by_total_is_the_supervisors() -> None:
    bench = a_machine()
    bench.machine.desk.set_pin(Role.SUPERVISOR, "22222")
    bench.franked()
    statement(bench)
    bench.franked()
    _settings_lost(bench)
    refused = report(bench.machine, "mailing", by_total=True)
    assert refused is FirmwareRefusal.SUPERVISOR_NEEDED
    bench.machine.desk.enter(Role.SUPERVISOR, "22222")
    assert by_total(bench)["items"] == 1


def test_with_its_rows_a_statement_by_total_has_them() -> None:
    bench = a_machine()
    bench.franked()
    assert [row["class"] for row in by_total(bench)["classes"]] == ["L"]


def test_settings_lost_before_the_first_statement_lose_no_mail() -> None:
    bench = a_machine()
    bench.franked()
    _settings_lost(bench)
    told = statement(bench)
    assert (told["som_number"], told["items"]) == ("N123456-000001", 1)


def test_no_statement_is_noted_of_what_is_not_franked() -> None:
    bench = a_machine()
    psd = bench.machine.psd
    with pytest.raises(InvariantError, match="not franked yet"):
        psd.note_statement(1, EpochSeconds(1), Paise(500), Paise(0), 1)
    assert psd.record.som_number == 0


# A new life.


def test_a_new_life_counts_its_mail_from_nothing() -> None:
    bench = a_machine()
    bench.machine.desk.put_department(SALES)
    bench.franked(35)
    statement(bench)
    bench.withdraw()
    bench.machine.psd.reinitialise(LicenceIdentifier("N777777"), SeededEntropy(b"2"))
    bench.recharge()
    bench.franked()
    assert bench.machine.desk.spent_paise(0) == 500
    again = report(bench.machine, "mailing", again=True)
    assert again is FirmwareRefusal.NO_STATEMENT
    told = statement(bench)
    assert (told["items"], told["amount_paise"]) == (1, 500)
    assert told["opening_ascending_paise"] == 1000
    assert told["closing_ascending_paise"] == 1500
    assert asked(bench, "classes").figures["items"] == 1


def test_what_the_licensee_before_has_set_is_forgotten_in_a_new_life() -> None:
    bench = a_machine()
    machine, desk = bench.machine, bench.machine.desk
    desk.put_department(SALES)
    desk.set_pin(Role.SUPERVISOR, "22222")
    machine.set(battery_changed=EpochSeconds(1_700_000_000), office_name="Mysuru")
    bench.franked()
    statement(bench)
    bench.withdraw()
    machine.psd.reinitialise(LicenceIdentifier("N777777"), SeededEntropy(b"2"))
    desk.begin_life()
    settings = machine.settings
    assert (settings.departments, settings.office_name) == ((), "")
    assert (settings.som_number, settings.mailed.rows) == (0, ())
    assert (settings.batch_items, settings.batch_ascending_paise) == (1, 500)
    assert settings.battery_changed == 1_700_000_000
    assert not machine.psd.has_pin(Role.SUPERVISOR)
    assert (machine.record.som_number, machine.record.som_ascending_paise) == (0, 0)
    bench.recharge()
    bench.franked()
    assert statement(bench)["som_number"] == "N777777-000001"


# The printer.


def test_a_report_takes_ink() -> None:
    bench = a_machine()
    before = bench.machine.sensors.ink_ul
    asked(bench, "configuration")
    assert before - bench.machine.sensors.ink_ul == INK_UL_REPORT


@pytest.mark.parametrize(
    ("sensed", "fault"),
    [
        ({"cover_open": True}, MachineFault.COVER_OPEN),
        ({"ink_ul": 0}, MachineFault.INK_OUT),
        ({"printer_answers": False}, MachineFault.PRINTER_DEAD),
    ],
)
def test_a_printer_that_cannot_print_closes_no_statement(
    sensed: dict[str, object], fault: MachineFault
) -> None:
    bench = a_machine()
    bench.franked()
    bench.machine.sense(**sensed)
    assert report(bench.machine, "mailing") is fault
    assert SettingsStore(bench.flash).settings.som_number == 0


def test_a_report_needs_no_letter_and_no_scale() -> None:
    bench = a_machine()
    bench.machine.sense(paper_present=False)
    assert asked(bench, "funds").name == "funds"


# The configuration, and the event log.


def test_the_configuration_tells_of_every_setting() -> None:
    bench = a_machine()
    bench.machine.desk.put_department(Department(4, "Post room", Paise(5000), True))  # noqa: FBT003
    bench.machine.desk.change(auto_advance_minute=960, high_value_paise=Paise(10_000))
    text = show_document(asked(bench, "configuration").document, 60)
    for words in (
        "1, from 01-10-2025",
        "16:00 IST",
        "Rs 100.00",
        "Rs 50.00, PIN",
        "4 Post room",
    ):
        assert words in text


def test_the_error_log_has_faults_by_their_codes_and_no_ordinary_event() -> None:
    bench = a_machine()
    bench.machine.sense(cover_open=True)
    bench.machine.sense(cover_open=False)
    bench.machine.sense(ink_ul=1_000)
    events = asked(bench, "errors").figures["events"]
    assert [(one["code"], one["words"]) for one in events[:2]] == [
        ("PRN-07-001", "COVER OPEN: over"),
        ("PRN-07-001", "COVER OPEN: close the cover"),
    ]
    told = {one["code"] for one in events}
    assert not told & {"LOG-00-001", MachineFault.INK_LOW.code}


@pytest.mark.parametrize("code", EventCode, ids=lambda code: code.name)
def test_every_event_is_told_in_words_whatever_its_numbers(code: EventCode) -> None:
    for detail in ((0, 0), (1, 2), (4_000_000_000, 4_000_000_000)):
        facts = event_facts(Event(1, EpochSeconds(0), code, detail))
        assert facts.words
        assert facts.code


def test_an_event_of_another_firmware_is_told_as_it_is() -> None:
    facts = event_facts(Event(1, EpochSeconds(0), 999, (1, 2)))
    assert (facts.code, facts.words) == (
        "LOG-00-999",
        "written by another firmware: 1, 2",
    )


@pytest.mark.parametrize(
    ("code", "detail", "words"),
    [
        (EventCode.SERVICE, (4, 1), "battery by the supervisor"),
        (EventCode.PIN_WRONG, (2, 3), "funding, 3 in a row"),
        (EventCode.PIN_CHANGED, (0, 0), "operator, taken away"),
        (EventCode.FRANK_UNPRINTED, (7, 500), "item 7, Rs 5.00"),
        (EventCode.ORDER_APPLIED, (2, 9), "9: LOCK"),
        (EventCode.SELF_TEST_FAILED, (7, 0), "tariff"),
        (EventCode.FIRMWARE_ROLLED_BACK, (0x010203, 0x000200), "1.2.3 given up, "),
        (EventCode.DIAL_FAILED, (5, 0), "dial-in 5, line lost"),
    ],
)
def test_the_numbers_of_an_event_are_told_by_name(
    code: EventCode, detail: tuple[int, int], words: str
) -> None:
    assert event_facts(Event(1, EpochSeconds(0), code, detail)).detail.startswith(words)


def test_what_the_error_report_has_are_no_ordinary_events() -> None:
    ordinary = {EventCode.POWER_ON, EventCode.POWER_OFF, EventCode.DIAL_DONE}
    assert not ERRORS & ordinary

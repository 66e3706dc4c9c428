"""A panel on a real machine: what its keys do there."""

from dataclasses import replace

import pytest

from fm_device.firmware.desk import AT_DESK, Service
from fm_device.firmware.dialling import DialPlan
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.flash.settings import Department
from fm_device.panel.choices import Screen, choices
from fm_device.panel.driver import Panel
from fm_device.panel.keys import (
    ClassKey,
    Clear,
    DateKey,
    Digit,
    Down,
    FrankKey,
    FundsKey,
    MenuKey,
    News,
    Ok,
    PanelEvent,
    PowerKey,
    ReportKey,
    Right,
    WishKey,
    ZeroKey,
)
from fm_device.panel.wishes import ReportName, Serve
from fm_device.psd.memory import NVRAM_OCTETS
from fm_device.psd.pins import ATTEMPTS_MAX, Role
from hw.nvram import MemoryNvram
from hw.scales.port import ScaleFault
from protocol.contents import Slogan
from protocol.dialogue.machine import INSPECTION
from protocol.errors import StoreError
from protocol.registers import MachineState
from protocol.values import Paise
from tests.machines import Bench, a_machine
from tests.panel_line import HandLine


def _press(panel: Panel, *events: PanelEvent) -> None:
    """Press keys; a dial-in or a run that begins is carried out to its end."""
    for event in events:
        plan = panel.press(event)
        if plan is not None:
            panel.dial(plan, panel.hear)
        while panel.go_on():
            pass


def _digits(text: str) -> tuple[Digit, ...]:
    return tuple(Digit(int(digit)) for digit in text)


def _shown(panel: Panel) -> str:
    return "\n".join(panel.view.lines)


def _screen(panel: Panel) -> Screen:
    return panel.state.screen


@pytest.fixture
def bench() -> Bench:
    return a_machine()


@pytest.fixture
def panel(bench: Bench) -> Panel:
    return Panel(bench.machine, HandLine(bench))


def test_a_letter_is_franked_by_one_key(bench: Bench, panel: Panel) -> None:
    bench.scale.put(18)
    _press(panel, FrankKey())
    assert panel.view.lines[-1] == "FRANKED Rs 5.00, item 1"
    assert "Rs 5.00" in panel.view.frank
    assert panel.facts.registers.ascending_paise == 500
    assert panel.view.face is bench.printer.last


def test_an_empty_scale_is_told_and_franks_nothing(bench: Bench, panel: Panel) -> None:
    _press(panel, FrankKey())
    assert panel.state.screen is Screen.MESSAGE
    assert "NO WEIGHT" in _shown(panel)
    assert "FMW-05-003" in _shown(panel)
    assert bench.machine.record.registers.items == 0


def test_a_zero_imprint_costs_nothing(panel: Panel) -> None:
    _press(panel, ZeroKey())
    assert panel.view.frank.startswith("ZERO")
    assert panel.facts.registers.descending_paise == 200_000


def test_a_specimen_says_that_it_is_of_no_value() -> None:
    panel = Panel(a_machine(MachineState.INSTALLED).machine)
    _press(panel, ZeroKey())
    assert panel.view.lines[-1].startswith("SPECIMEN")


def test_a_class_with_zones_asks_for_one(bench: Bench, panel: Panel) -> None:
    bench.scale.put(45)
    _press(panel, ClassKey(), Digit(6))
    assert panel.state.screen is Screen.ZONE
    _press(panel, Digit(1))
    assert panel.facts.price.value_paise == 1900
    _press(panel, ClassKey(), Digit(6), Clear(), FrankKey())
    assert panel.state.screen is Screen.ZONE, "franking asks for it as well"


def test_a_high_value_is_franked_only_when_it_is_confirmed(
    bench: Bench, panel: Panel
) -> None:
    bench.machine.desk.change(high_value_paise=Paise(400))
    bench.scale.put(18)
    _press(panel, FrankKey())
    assert panel.state.screen is Screen.CONFIRM_VALUE
    _press(panel, Clear())
    assert bench.machine.record.registers.items == 0
    _press(panel, FrankKey(), Ok())
    assert bench.machine.record.registers.items == 1


RUN = (MenuKey(), Digit(6))
"""Keys that lead to where the count of a run is keyed."""


def test_a_run_franks_as_many_as_were_keyed(bench: Bench, panel: Panel) -> None:
    bench.scale.put(18)
    panel.look()
    _press(panel, *RUN, *_digits("12"))
    assert panel.view.lines[1:3] == (
        "L letter                    18 g",
        "POSTAGE                  Rs 5.00",
    )
    _press(panel, Ok())
    assert panel.view.lines == ("12 of 12 franked",)
    assert bench.machine.record.registers.items == 12


def test_a_run_without_a_count_franks_nothing(bench: Bench, panel: Panel) -> None:
    bench.scale.put(18)
    _press(panel, *RUN, Ok())
    assert "HOW MANY" in _shown(panel)
    assert bench.machine.record.registers.items == 0


def test_a_run_stops_at_the_first_refusal_and_says_why() -> None:
    bench = a_machine(funds=1_700)
    bench.scale.put(18)
    panel = Panel(bench.machine)
    _press(panel, *RUN, *_digits("5"), Ok())
    assert _shown(panel).startswith("3 of 5 franked.\nFUNDS SHORT")
    assert panel.state.code == "PSD-01-001"
    assert bench.machine.record.registers.ascending_paise == 1_500


def test_a_run_stops_at_a_fault_and_between_two_items_by_a_key(
    bench: Bench, panel: Panel
) -> None:
    bench.scale.put(18)
    for key in (*RUN, Digit(9), Ok()):
        panel.press(key)
    assert panel.go_on()
    assert panel.go_on()
    assert panel.view.lines[0] == "RUN OF FRANKS             2 of 9"
    assert panel.view.lines[4] == "FRANKED Rs 5.00, item 2"
    panel.press(FrankKey())
    assert panel.view.hint == "This key does nothing here; CLEAR leaves."
    panel.press(Clear())
    assert not panel.go_on()
    assert panel.view.lines == ("STOPPED: 2 of 9 franked",)
    for key in (*RUN, Digit(9), Ok()):
        panel.press(key)
    panel.go_on()
    bench.machine.sense(cover_open=True)
    assert not panel.go_on()
    assert _shown(panel).startswith("1 of 9 franked.\nCOVER OPEN: close the cover")
    assert bench.machine.record.registers.items == 3


def test_a_run_ends_with_the_power(bench: Bench, panel: Panel) -> None:
    bench.scale.put(18)
    for key in (*RUN, Digit(9), Ok()):
        panel.press(key)
    panel.go_on()
    panel.press(PowerKey())
    assert not panel.go_on()
    assert not bench.machine.is_on
    _press(panel, PowerKey())
    assert bench.machine.record.registers.items == 1


def test_what_a_run_needs_is_asked_for_once_and_then_it_goes_on(
    bench: Bench, panel: Panel
) -> None:
    bench.machine.desk.set_pin(Role.OPERATOR, "1111")
    bench.machine.desk.change(pins_on=True, high_value_paise=Paise(400))
    bench.scale.put(18)
    _press(panel, *RUN, Digit(4), Ok())
    assert _screen(panel) is Screen.PIN
    _press(panel, *_digits("1111"), Ok())
    assert _screen(panel) is Screen.CONFIRM_VALUE
    assert "for each of 4" in _shown(panel)
    assert bench.machine.record.registers.items == 0
    _press(panel, Ok())
    assert panel.view.lines == ("4 of 4 franked",)


def test_a_run_of_a_class_with_zones_asks_for_one_first(
    bench: Bench, panel: Panel
) -> None:
    bench.scale.put(45)
    _press(panel, ClassKey(), Digit(6), Clear(), *RUN, Digit(2), Ok())
    assert _screen(panel) is Screen.ZONE
    _press(panel, Digit(1), *RUN, Digit(2), Ok())
    assert bench.machine.record.registers.items == 2


def test_a_department_is_asked_for_where_franks_need_one(
    bench: Bench, panel: Panel
) -> None:
    bench.machine.desk.put_department(Department(7, "Accounts"))
    bench.machine.desk.change(accounts_on=True)
    bench.scale.put(18)
    _press(panel, FrankKey())
    assert panel.state.screen is Screen.DEPARTMENT
    _press(panel, Digit(2), FrankKey())
    assert bench.machine.record.rows[0].department == 7


def test_a_slogan_is_chosen_from_the_menu(bench: Bench, panel: Panel) -> None:
    bench.bring(Slogan(3, "Letters", ("LETTERS LAST",), 0, "DIVISION 7"))
    panel.look()
    _press(panel, MenuKey(), Digit(2), Digit(2))
    assert bench.machine.settings.slogan == 3
    assert panel.facts.slogan.name == "Letters"


def test_a_day_ahead_is_chosen_and_shown(bench: Bench, panel: Panel) -> None:
    _press(panel, DateKey(), Right(), Ok())
    assert bench.machine.franking.day is not None
    assert (bench.machine.franking.day - bench.today).days == 1
    assert "(+1)" in _shown(panel)
    _press(panel, DateKey(), DateKey())
    assert bench.machine.franking.day is not None


def test_a_day_that_is_past_is_refused(bench: Bench, panel: Panel) -> None:
    bench.scale.put(18)
    panel.look()
    today = panel.facts.day
    _press(panel, DateKey())
    assert today is not None
    _press(panel, *([Right()] * 31), Ok())
    assert "DATE TOO FAR AHEAD" in _shown(panel)
    assert bench.machine.franking.day == today


def test_a_recharge_is_dialled_for_and_its_end_is_told(
    bench: Bench, panel: Panel
) -> None:
    _press(panel, FundsKey(), Digit(1), *_digits("3000"), Ok())
    assert panel.state.screen is Screen.MESSAGE
    assert panel.facts.registers.descending_paise == 500_000
    assert panel.view.frames == ((True, "SABM"),)


def test_an_inspection_is_dialled_for_from_the_funds(bench: Bench) -> None:
    line = HandLine(bench)
    panel = Panel(bench.machine, line)
    _press(panel, FundsKey(), Digit(2))
    assert line.asked == [INSPECTION]


def test_no_amount_is_refused_by_the_machine(panel: Panel) -> None:
    _press(panel, FundsKey(), Digit(1), Ok())
    assert "FMW-36-005" in _shown(panel)


def test_without_a_line_nothing_is_dialled(bench: Bench) -> None:
    panel = Panel(bench.machine)
    _press(panel, FundsKey(), Digit(2))
    assert "NO LINE" in _shown(panel)


def test_a_machine_that_fails_in_a_dial_in_says_so(bench: Bench) -> None:
    line = HandLine(bench)
    line.error = StoreError("the memory does not answer")
    panel = Panel(bench.machine, line)
    _press(panel, FundsKey(), Digit(2))
    assert "the memory does not answer" in _shown(panel)


def test_keys_do_nothing_while_a_dial_in_goes_on(panel: Panel) -> None:
    assert panel.press(FundsKey()) is None
    plan = panel.press(Digit(2))
    assert isinstance(plan, DialPlan)
    heard: list[News] = []
    for key in (FrankKey(), PowerKey(), Clear(), Ok()):
        assert panel.press(key) is None
        assert panel.state.screen is Screen.DIALLING
    panel.dial(plan, heard.append)
    for news in heard:
        panel.hear(news)
    assert panel.state.screen is Screen.MESSAGE


def test_a_funding_pin_is_asked_for_and_then_the_recharge_goes_on(
    bench: Bench, panel: Panel
) -> None:
    bench.machine.desk.set_pin(Role.FUNDING, "4711")
    _press(panel, FundsKey(), Digit(1), *_digits("3000"), Ok())
    assert panel.state.screen is Screen.PIN
    _press(panel, *_digits("1111"), Ok())
    assert f"({ATTEMPTS_MAX - 1} left)" in _shown(panel)
    assert panel.facts.registers.descending_paise == 200_000
    _press(panel, *_digits("4711"), Ok())
    assert panel.facts.registers.descending_paise == 500_000


def test_a_setting_needs_the_supervisor(bench: Bench, panel: Panel) -> None:
    bench.machine.desk.set_pin(Role.SUPERVISOR, "1234")
    panel.look()
    _press(panel, MenuKey(), Digit(5), Digit(1), *_digits("50"), Ok())
    assert panel.state.screen is Screen.PIN
    _press(panel, *_digits("1234"), Ok())
    assert bench.machine.settings.high_value_paise == 5_000
    assert panel.view.lines[-1] == "Setting is stored"
    leave = len(choices(Screen.MENU, panel.facts))
    _press(panel, MenuKey(), Digit(leave))
    assert not bench.machine.desk.may(Role.SUPERVISOR)


def test_a_pin_can_be_given_before_anything_asks_for_it(
    bench: Bench, panel: Panel
) -> None:
    bench.machine.desk.set_pin(Role.SUPERVISOR, "1234")
    panel.look()
    _press(panel, MenuKey(), Digit(7), *_digits("1234"), Ok())
    assert bench.machine.desk.may(Role.SUPERVISOR)
    assert panel.view.lines[-1] == "PIN accepted: supervisor"


def test_a_pin_is_set_and_one_that_is_too_short_is_not(
    bench: Bench, panel: Panel
) -> None:
    _press(panel, MenuKey(), Digit(5), Digit(6), *_digits("12"), Ok())
    assert "4 to 8 digits" in _shown(panel)
    _press(panel, Ok(), MenuKey(), Digit(5), Digit(6), *_digits("1212"), Ok())
    assert bench.machine.psd.has_pin(Role.OPERATOR)
    _press(panel, MenuKey(), Digit(5), Digit(6), Ok())
    assert not bench.machine.psd.has_pin(Role.OPERATOR)


def test_toggles_of_the_settings_toggle(bench: Bench, panel: Panel) -> None:
    before = bench.machine.settings
    for number in (3, 4, 5):
        _press(panel, MenuKey(), Digit(5), Digit(number))
    after = bench.machine.settings
    assert after.medium is not before.medium
    assert (after.pins_on, after.accounts_on) == (True, True)


def test_a_pin_to_frank_is_asked_for_and_then_the_letter_is_franked(
    bench: Bench, panel: Panel
) -> None:
    bench.machine.desk.set_pin(Role.OPERATOR, "1111")
    bench.machine.desk.change(pins_on=True)
    bench.scale.put(18)
    _press(panel, FrankKey(), *_digits("1111"), Ok())
    assert bench.machine.record.registers.items == 1
    assert panel.view.lines[-1].startswith("FRANKED")


def test_a_fault_is_told_with_its_code_and_goes_when_it_is_mended(
    bench: Bench, panel: Panel
) -> None:
    bench.scale.put(18)
    bench.machine.sense(cover_open=True)
    _press(panel, FrankKey())
    assert "PRN-07-001" in _shown(panel)
    bench.machine.sense(cover_open=False)
    _press(panel, FrankKey())
    assert bench.machine.record.registers.items == 1


def test_a_defective_scale_is_shown(bench: Bench, panel: Panel) -> None:
    bench.scale.fail(ScaleFault.DEFECTIVE)
    panel.look()
    assert panel.facts.price.weight is None
    assert "no weight" in _shown(panel)
    assert panel.facts.stop is not None


@pytest.mark.parametrize("service", AT_DESK)
def test_every_service_can_be_noted(
    bench: Bench, panel: Panel, service: Service
) -> None:
    listed = choices(Screen.SERVICE, panel.facts)
    keys = [one.key for one in listed]
    if WishKey(Serve(service)) not in keys:
        assert service is Service.HOUSING, "opening the housing is no operator's work"
        return
    _press(panel, MenuKey(), Digit(4), Digit(keys.index(WishKey(Serve(service))) + 1))
    assert panel.view.lines[-1] == "Service is noted"


@pytest.mark.parametrize("name", ReportName)
def test_every_report_is_printed(bench: Bench, panel: Panel, name: ReportName) -> None:
    bench.franked()
    at = list(ReportName).index(name)
    _press(panel, ReportKey(), *([Down()] * at), Ok())
    assert _shown(panel).startswith("PRINTED")
    assert panel.paper is not None
    assert panel.paper.name == name.words
    assert panel.paper.reports


def test_a_statement_without_mail_is_refused(panel: Panel) -> None:
    _press(panel, ReportKey(), Digit(4))
    assert "FMW-12-007" in _shown(panel)
    assert panel.paper is None


def test_mail_whose_rows_are_lost_is_stated_by_total_when_that_is_confirmed(
    bench: Bench, panel: Panel
) -> None:
    bench.franked()
    _press(panel, ReportKey(), Digit(4))
    bench.franked()
    bench.machine.desk.set_pin(Role.SUPERVISOR, "1234")
    bench.machine.switch_off()
    erased = MemoryNvram.erased(FLASH_OCTETS)
    bench.machine.parts = replace(bench.machine.parts, flash=erased)
    panel = Panel(bench.machine)
    _press(panel, PowerKey(), ReportKey(), Digit(4))
    assert _screen(panel) is Screen.CONFIRM_TOTAL
    _press(panel, Clear(), ReportKey(), Digit(4), Ok())
    assert _screen(panel) is Screen.PIN
    _press(panel, *_digits("1234"), Ok())
    assert _shown(panel).startswith("PRINTED")
    assert panel.paper is not None
    (made,) = panel.paper.reports
    assert made.figures["items"] == 1
    _press(panel, ReportKey(), Digit(4))
    assert "FMW-12-007" in _shown(panel)


def test_the_switch_switches_off_and_on(bench: Bench, panel: Panel) -> None:
    _press(panel, PowerKey())
    assert not bench.machine.is_on
    assert panel.view.lines == ()
    _press(panel, FrankKey())
    assert panel.state.idle_key
    _press(panel, PowerKey())
    assert panel.state.screen is Screen.HOME
    assert "IN SERVICE" in _shown(panel)


def test_a_machine_beyond_repair_stops_and_says_why(bench: Bench) -> None:
    panel = Panel(bench.machine)
    _press(panel, PowerKey())
    bench.nvram.write(0, bytes(NVRAM_OCTETS))
    _press(panel, PowerKey())
    assert _screen(panel) is Screen.STOPPED
    assert _shown(panel).startswith("STOPPED")
    _press(panel, PowerKey())
    assert _screen(panel) is Screen.OFF


@pytest.mark.parametrize("state", MachineState)
def test_a_panel_shows_a_machine_in_any_state(state: MachineState) -> None:
    panel = Panel(a_machine(state).machine)
    assert state.name.replace("_", " ") in panel.view.lines[0]
    for key in (FrankKey(), ZeroKey(), FundsKey(), Clear(), MenuKey(), Clear()):
        _press(panel, key)
        if panel.state.screen is Screen.PIN:
            _press(panel, Clear())


def test_a_machine_without_clock_shows_so(bench: Bench) -> None:
    panel = Panel(a_machine(MachineState.INSTALLED, clock_is_set=False).machine)
    assert "--:--" in panel.view.lines[0]
    _press(panel, DateKey())
    assert "The clock is not set:" in panel.view.lines

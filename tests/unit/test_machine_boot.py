"""From power-on to ready: every state with every event, and what a start finds."""

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from fm_device.firmware.boot import (
    TABLE,
    BeyondRepair,
    BootEvent,
    BootState,
    Checks,
    ClockRunning,
    ClockStopped,
    FlashLost,
    ImageFailed,
    MemoryDamaged,
    MemoryFound,
    MemoryWhole,
    Part,
    PowerOff,
    PowerOn,
    RegistersWrong,
    Repaired,
    Verdict,
    WornOut,
    moved,
    power_on,
)
from fm_device.psd.vault import DAMAGE_MAX
from protocol.errors import NoTransitionError, StoreError

S = BootState
EXPECTED: dict[tuple[BootState, type], BootState] = {
    (S.OFF, PowerOn): S.MEMORY_TEST,
    (S.MEMORY_TEST, MemoryWhole): S.SELF_TEST,
    (S.MEMORY_TEST, MemoryDamaged): S.REPAIRING,
    (S.MEMORY_TEST, BeyondRepair): S.STOPPED,
    (S.REPAIRING, Repaired): S.SELF_TEST,
    (S.REPAIRING, BeyondRepair): S.STOPPED,
    (S.SELF_TEST, ImageFailed): S.STOPPED,
    (S.SELF_TEST, WornOut): S.DIAL_ONLY,
    (S.SELF_TEST, RegistersWrong): S.DIAL_ONLY,
    (S.SELF_TEST, FlashLost): S.DIAL_ONLY,
    (S.SELF_TEST, BeyondRepair): S.STOPPED,
    (S.SELF_TEST, ClockRunning): S.READY,
    (S.SELF_TEST, ClockStopped): S.WITHOUT_CLOCK,
    (S.READY, WornOut): S.DIAL_ONLY,
    (S.READY, RegistersWrong): S.DIAL_ONLY,
    (S.READY, BeyondRepair): S.STOPPED,
    (S.READY, ClockRunning): S.READY,
    (S.READY, ClockStopped): S.WITHOUT_CLOCK,
    (S.WITHOUT_CLOCK, WornOut): S.DIAL_ONLY,
    (S.WITHOUT_CLOCK, RegistersWrong): S.DIAL_ONLY,
    (S.WITHOUT_CLOCK, BeyondRepair): S.STOPPED,
    (S.WITHOUT_CLOCK, ClockRunning): S.READY,
    (S.WITHOUT_CLOCK, ClockStopped): S.WITHOUT_CLOCK,
    (S.DIAL_ONLY, WornOut): S.DIAL_ONLY,
    (S.DIAL_ONLY, RegistersWrong): S.DIAL_ONLY,
    (S.DIAL_ONLY, BeyondRepair): S.STOPPED,
    (S.DIAL_ONLY, ClockRunning): S.DIAL_ONLY,
    (S.DIAL_ONLY, ClockStopped): S.DIAL_ONLY,
    **{(state, PowerOff): S.OFF for state in S if state is not S.OFF},
}
EVENTS: dict[type, BootEvent] = {
    type(event): event
    for event in (
        PowerOn(),
        PowerOff(),
        MemoryWhole(),
        MemoryDamaged(1),
        Repaired(1),
        WornOut(),
        FlashLost(),
        BeyondRepair("words"),
        ImageFailed(),
        ClockRunning(),
        ClockStopped(),
        RegistersWrong(),
    )
}


@pytest.mark.parametrize(
    ("state", "event"),
    list(product(S, get_args(BootEvent))),
    ids=lambda value: value.name if isinstance(value, S) else value.__name__,
)
def test_every_event_in_every_state_leads_where_it_should(
    state: BootState, event: type
) -> None:
    expected = EXPECTED.get((state, event))
    if expected is None:
        with pytest.raises(NoTransitionError):
            moved(state, EVENTS[event])
    else:
        assert moved(state, EVENTS[event]) is expected


def test_a_stopped_machine_leaves_that_state_by_its_switch_only() -> None:
    assert [row.event for row in TABLE.rows if row.state is S.STOPPED] == [PowerOff]


def _whole() -> MemoryFound:
    return MemoryFound()


def _dead() -> MemoryFound:
    raise StoreError("no copy is whole")


def _yes() -> bool:
    return True


def _no() -> bool:
    return False


SOUND = Checks(_whole, _whole, _yes, _yes, _yes, _yes, _yes, _yes)


def test_a_sound_machine_is_ready() -> None:
    start = power_on(SOUND)
    assert start.state is S.READY
    assert start.events == (PowerOn(), MemoryWhole(), ClockRunning())
    assert [test.part for test in start.tests] == list(Part)
    assert {test.verdict for test in start.tests} == {Verdict.PASSED}


def test_damage_is_repaired_and_told() -> None:
    start = power_on(replace(SOUND, flash=lambda: MemoryFound(2, 7)))
    assert start.state is S.READY
    assert start.events[1:3] == (MemoryDamaged(2), Repaired(7))
    assert start.verdict(Part.NVRAM) is Verdict.PASSED
    assert start.verdict(Part.FLASH) is Verdict.REPAIRED


@pytest.mark.parametrize(
    ("copies_in_life", "state"),
    [(DAMAGE_MAX, S.READY), (DAMAGE_MAX + 1, S.DIAL_ONLY)],
)
def test_a_machine_that_was_repaired_too_often_franks_no_more(
    copies_in_life: int, state: BootState
) -> None:
    start = power_on(replace(SOUND, nvram=lambda: MemoryFound(1, copies_in_life)))
    assert start.state is state
    # It stays so when the next start finds nothing to repair.
    start = power_on(replace(SOUND, nvram=lambda: MemoryFound(0, copies_in_life)))
    assert start.state is state


def test_a_psd_beyond_repair_stops_the_machine_and_every_other_test() -> None:
    start = power_on(replace(SOUND, nvram=_dead))
    assert start.state is S.STOPPED
    assert start.verdict(Part.NVRAM) is Verdict.FAILED
    assert start.events[-1] == BeyondRepair("no copy is whole")
    asked = [one.part for one in start.tests if one.verdict is not Verdict.SKIPPED]
    assert asked == [Part.NVRAM]


def test_a_flash_that_cannot_be_read_leaves_dialling() -> None:
    start = power_on(replace(SOUND, flash=_dead))
    assert start.state is S.DIAL_ONLY
    assert start.verdict(Part.FLASH) is Verdict.FAILED
    assert start.verdict(Part.CLOCK) is Verdict.PASSED


def test_an_image_that_fails_its_own_test_stops_the_machine() -> None:
    start = power_on(replace(SOUND, image=_no))
    assert start.state is S.STOPPED
    assert start.verdict(Part.IMAGE) is Verdict.FAILED
    assert start.verdict(Part.CLOCK) is Verdict.SKIPPED


def test_registers_that_do_not_balance_leave_dialling() -> None:
    start = power_on(replace(SOUND, registers=_no))
    assert start.state is S.DIAL_ONLY
    assert start.verdict(Part.CLOCK) is Verdict.PASSED


def test_a_stopped_clock_leaves_dialling_until_it_is_set() -> None:
    start = power_on(replace(SOUND, clock=_no))
    assert start.state is S.WITHOUT_CLOCK
    assert moved(start.state, ClockRunning()) is S.READY


@pytest.mark.parametrize(
    ("checks", "part"),
    [
        (replace(SOUND, printer=_no), Part.PRINTER),
        (replace(SOUND, scale=_no), Part.SCALE),
        (replace(SOUND, tariff=_no), Part.TARIFF),
    ],
)
def test_what_can_be_mended_at_the_machine_does_not_stop_its_start(
    checks: Checks, part: Part
) -> None:
    start = power_on(checks)
    assert start.state is S.READY
    assert start.verdict(part) is Verdict.FAILED


def test_every_part_has_a_code_of_its_own_and_words() -> None:
    assert len({part.code for part in Part}) == len(Part)
    assert len({part.words for part in Part}) == len(Part)

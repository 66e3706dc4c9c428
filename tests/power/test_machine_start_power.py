"""The power fails while a machine starts: repairs, first starts, what is finished.

A start repairs what is damaged, closes a frank that was open, and writes its log. It is
cut at every write, over memories with every one and every two of three copies damaged;
what the machine was before, it is after the start that is let alone.
"""

from collections.abc import Iterator
from itertools import combinations

import pytest

from fm_device.firmware.boot import BootState, Part, Verdict
from fm_device.firmware.franking import Printed
from fm_device.flash.events import EventCode
from fm_device.flash.layout import SETTINGS, UPDATE
from fm_device.flash.settings import Department, Settings
from fm_device.psd.memory import KEYS, STATE
from fm_device.psd.vault import COPIES, Region
from hw.nvram import MemoryNvram
from tests.machines import Bench, a_machine
from tests.power_cuts import (
    EVERY,
    CutBench,
    after_every_cut,
    copy_of,
    strikes_of,
    struck_by,
    switch_on,
)

REGIONS: dict[str, tuple[str, Region]] = {
    "registers": ("psd", STATE),
    "keys": ("psd", KEYS),
    "settings": ("flash", SETTINGS),
    "update": ("flash", UPDATE),
}
DEPARTMENTS = (Department(7, "Sales"),)


@pytest.fixture(scope="module")
def in_service() -> Bench:
    bench = a_machine()
    assert bench.machine.desk.change(departments=DEPARTMENTS) is None
    bench.franked()
    bench.machine.switch_off()
    return bench


def off(_bench: CutBench) -> None:
    """A start is cut from its first write on."""


def memory_of(bench: Bench, name: str) -> MemoryNvram:
    return bench.nvram if name == "psd" else bench.flash


def damage(bench: Bench, name: str, copies: tuple[int, ...]) -> None:
    """Turn an octet in the middle of some copies of a vault."""
    memory_name, region = REGIONS[name]
    memory = memory_of(bench, memory_name)
    for copy in copies:
        at = region.addresses[copy] + 24
        memory.write(at, bytes((memory.read(at, 1)[0] ^ 0x55,)))


def one_or_two() -> Iterator[tuple[int, ...]]:
    for number in (1, 2):
        yield from combinations(range(COPIES), number)


@EVERY
@pytest.mark.parametrize("name", REGIONS)
def test_a_cut_repair_is_made_up_for_and_loses_nothing(
    in_service: Bench, name: str, *, every: bool
) -> None:
    whole = copy_of(in_service)
    switch_on(whole)
    record, settings = whole.machine.record, whole.machine.settings
    credential = whole.machine.psd.credential
    for copies in one_or_two():
        damaged = copy_of(in_service)
        damage(damaged, name, copies)
        for found in after_every_cut(
            damaged,
            switch_on,
            prepare=off,
            every=every,
            stride=61,
            only=1 if every else 3,
        ):
            machine = found.bench.machine
            assert machine.boot is BootState.READY
            assert machine.record == record
            assert machine.settings == settings
            assert machine.psd.credential == credential
            assert machine.start is not None
            for part in (Part.REGISTERS, Part.CLOCK, Part.TARIFF, Part.IMAGE):
                assert machine.start.verdict(part) is Verdict.PASSED
            assert not found.bench.logged(EventCode.SETTINGS_LOST)
            if name in ("registers", "keys"):
                assert machine.psd.damage >= len(copies), "every repair is counted"
            assert isinstance(machine.franking.frank(), Printed)
            # Nothing is left to be repaired.
            found.bench.switch_on_again()
            assert found.bench.supply.memories == ["flash"], "the log alone"


def test_an_open_frank_is_closed_once_though_copies_are_damaged(
    in_service: Bench,
) -> None:
    """The power fails in a frank, copies of the registers decay, the start is cut."""

    def frank(bench: CutBench) -> None:
        bench.machine.franking.frank()

    at_write = {
        strike.cut.at_write: strike for strike, _ in strikes_of(in_service, frank)
    }
    for number in (2, 3):
        struck = struck_by(in_service, frank, at_write[number])
        # The strike at the second or third copy came after the first was whole.
        for copies in ((1,), (2,), (1, 2)):
            decayed = copy_of(struck)
            damage(decayed, "registers", copies)
            for found in after_every_cut(decayed, switch_on, prepare=off, only=4):
                record = found.bench.machine.record
                assert record.unprinted == 1
                assert record.open_frank is None
                assert record.registers.items == 2
                assert record.balanced
                said = found.bench.logged(EventCode.FRANK_UNPRINTED)
                assert said == [(EventCode.FRANK_UNPRINTED, 2, 500)]
                assert isinstance(found.bench.machine.franking.frank(), Printed)


def test_a_first_start_that_is_cut_leaves_a_new_machine(in_service: Bench) -> None:
    """The flash holds a tariff and was never written by the firmware."""
    new = copy_of(in_service)
    for name in ("settings", "update"):
        for address in REGIONS[name][1].addresses:
            new.flash.write(address, b"\xff" * 1024)
    for found in after_every_cut(new, switch_on, prepare=off):
        machine = found.bench.machine
        assert machine.settings == Settings()
        assert not found.bench.logged(EventCode.SETTINGS_LOST)
        assert isinstance(machine.franking.frank(), Printed)


def test_lost_settings_begin_anew_and_the_money_is_untouched(in_service: Bench) -> None:
    """All three copies are damaged; the start that writes the defaults is cut."""
    lost = copy_of(in_service)
    damage(lost, "settings", (0, 1, 2))
    damage(lost, "update", (0, 1, 2))
    whole = copy_of(in_service)
    switch_on(whole)
    record = whole.machine.record
    for found in after_every_cut(lost, switch_on, prepare=off):
        machine = found.bench.machine
        assert machine.settings == Settings()
        assert machine.record == record
        assert found.bench.logged(EventCode.SETTINGS_LOST)
        assert isinstance(machine.franking.frank(), Printed)


def test_switching_off_writes_the_log_and_nothing_else(in_service: Bench) -> None:
    whole = copy_of(in_service)
    switch_on(whole)
    record = whole.machine.record
    for found in after_every_cut(in_service, lambda bench: bench.machine.switch_off()):
        assert found.memory == "flash"
        assert found.bench.machine.record == record
        assert found.bench.machine.boot is BootState.READY

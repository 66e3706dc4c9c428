"""A machine whose flash cannot be read: it franks nothing, and its credit is saved."""

from dataclasses import replace

import pytest

from fm_device.firmware.boot import BootState, Part, Verdict
from fm_device.firmware.faults import MachineFault
from fm_device.firmware.reporting import report
from fm_device.flash.layout import EVENTS_AT, FLASH_OCTETS, SETTINGS
from fm_device.flash.settings import Settings
from fm_device.psd.vault import Vault
from hw.nvram import MemoryNvram, Nvram
from protocol.errors import StoreError
from protocol.messages import OrderKind
from protocol.registers import MachineState
from tests.machines import Bench, a_machine


class DeadNvram:
    """A memory that does not answer."""

    size_octets = FLASH_OCTETS

    def read(self, address: int, length: int) -> bytes:
        raise StoreError(f"nothing comes from {address}, {length} octets")

    def write(self, address: int, octets: bytes) -> None:
        raise StoreError(f"{len(octets)} octets do not go to {address}")


def _of_another_firmware() -> MemoryNvram:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    Vault.create(flash, SETTINGS, b'{"medium":"parchment"}')
    return flash


def _started_with(flash: Nvram) -> Bench:
    bench = a_machine()
    bench.machine.switch_off()
    bench.machine.parts = replace(bench.machine.parts, flash=flash)
    bench.machine.switch_on()
    return bench


def _standing(bench: Bench) -> MachineState:
    return bench.machine.record.standing


@pytest.mark.parametrize("flash", [DeadNvram(), _of_another_firmware()])
def test_without_its_flash_a_machine_gives_its_credit_back(flash: Nvram) -> None:
    bench = _started_with(flash)
    machine = bench.machine
    assert machine.boot is BootState.DIAL_ONLY
    assert machine.start is not None
    assert machine.start.verdict(Part.FLASH) is Verdict.FAILED
    assert machine.stop is MachineFault.MEMORY_FAILED
    bench.scale.put(18)
    assert machine.franking.frank() is MachineFault.MEMORY_FAILED
    assert machine.settings == Settings()
    bench.order(OrderKind.LOCK, 4)
    assert _standing(bench) is MachineState.LOCKED
    for again in (False, True):
        made = report(machine, "mailing", again=again)
        assert made is MachineFault.MEMORY_FAILED
    bench.withdraw()
    assert _standing(bench) is MachineState.WITHDRAWN
    assert machine.record.registers.descending_paise == 0


def test_a_flash_that_is_read_again_franks_again() -> None:
    bench = a_machine()
    whole = bench.machine.parts
    bench.machine.switch_off()
    bench.machine.parts = replace(whole, flash=DeadNvram())
    bench.machine.switch_on()
    bench.machine.switch_off()
    bench.machine.parts = whole
    bench.machine.switch_on()
    assert bench.machine.boot is BootState.READY
    bench.franked()


def test_no_settings_of_another_firmware_are_written_over() -> None:
    flash = _of_another_firmware()
    before = flash.image()[:EVENTS_AT]
    bench = _started_with(flash)
    bench.machine.set(office_name="Mumbai GPO")
    assert bench.machine.settings.office_name == "Mumbai GPO"
    bench.restart()
    assert bench.machine.settings.office_name == ""
    assert flash.image()[:EVENTS_AT] == before

"""The plug of a machine at a rig: power that fails where it was told to."""

import pytest

from fm_device.control.plug import CutPlace, Plug, PluggedPrinter
from fm_device.firmware.printing import MemoryPrinter
from hw.nvram import MemoryNvram, PowerCutError
from tests.faces import WITH_SLOGAN


def _plug() -> tuple[Plug, MemoryNvram, MemoryNvram]:
    nvram, flash = MemoryNvram(bytes(16)), MemoryNvram(bytes(16))
    return Plug(nvram, flash), nvram, flash


def test_a_cut_at_the_second_write_lets_the_first_through() -> None:
    plug, nvram, _ = _plug()
    plug.arm(CutPlace.NVRAM, 2, 0)
    plug.nvram.write(0, b"one")
    with pytest.raises(PowerCutError):
        plug.nvram.write(3, b"two")
    assert nvram.read(0, 6) == b"one\0\0\0"
    assert plug.is_cut


@pytest.mark.parametrize(
    ("torn_octets", "stored"), [(0, b"\0\0\0"), (2, b"ab\0"), (None, b"abc")]
)
def test_a_struck_write_is_torn_as_it_was_asked_for(
    torn_octets: int | None, stored: bytes
) -> None:
    plug, _, flash = _plug()
    plug.arm(CutPlace.FLASH, 1, torn_octets)
    with pytest.raises(PowerCutError):
        plug.flash.write(0, b"abc")
    assert flash.read(0, 3) == stored


def test_when_one_memory_loses_its_power_so_does_the_other() -> None:
    plug, nvram, _ = _plug()
    plug.arm(CutPlace.FLASH, 1, 0)
    with pytest.raises(PowerCutError):
        plug.flash.write(0, b"abc")
    with pytest.raises(PowerCutError):
        plug.nvram.write(0, b"abc")
    with pytest.raises(PowerCutError):
        plug.nvram.read(0, 3)
    assert nvram.read(0, 3) == bytes(3)


def test_power_that_is_back_stays_until_it_is_cut_anew() -> None:
    plug, nvram, _ = _plug()
    plug.arm(CutPlace.NVRAM, 1, 0)
    plug.pull()
    plug.put_in()
    plug.nvram.write(0, b"abc")
    assert nvram.read(0, 3) == b"abc"
    assert plug.armed is None


def test_what_was_armed_last_is_all_that_is_armed() -> None:
    plug, _, flash = _plug()
    plug.arm(CutPlace.NVRAM, 1, 0)
    plug.arm(CutPlace.FLASH, 1, 0)
    plug.nvram.write(0, b"abc")
    with pytest.raises(PowerCutError):
        plug.flash.write(0, b"abc")
    assert flash.read(0, 3) == bytes(3)


def test_a_cut_in_a_print_leaves_no_paper() -> None:
    plug, _, _ = _plug()
    tray = MemoryPrinter()
    printer = PluggedPrinter(plug, tray)
    plug.arm(CutPlace.PRINT, 2, None)
    printer.put(WITH_SLOGAN)
    with pytest.raises(PowerCutError):
        printer.put(WITH_SLOGAN)
    assert tray.printed == 1
    assert plug.is_cut

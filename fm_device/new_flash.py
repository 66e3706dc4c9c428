"""A new flash for the machine in a folder; the old one is kept beside it.

flash.bin.old        what was there before, for whoever inquires
"""

from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

from fm_device.firmware import new_flash
from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.refusals import Refusal
from fm_device.firmware.stand_in import StandInFlash
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import (
    FLASH,
    NVRAM,
    FolderError,
    check_made,
    locked,
    read_world,
    why_stopped,
)
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import WallClock
from hw.nvram import FileNvram
from protocol.errors import StoreError

OLD_FLASH: Final = "flash.bin.old"


def put_new_flash(
    folder: Path,
    clock: WallClock,
    *,
    meant: bool = False,
    allow: Callable[[Machine], Refusal | None] = lambda _machine: None,
) -> Refusal | None:
    """Put an erased flash into a machine; a missing one is as good as faulty.

    Args:
        folder: Where it is.
        clock: The battery clock.
        meant: Whoever asks knows that the old one may be sound.
        allow: Asked before anything is done, with the machine on.

    Raises:
        FolderError: There is no machine, or no room for the old flash.
        FolderBusyError: Another process has it.
        StoreError: The new flash cannot be made, or the PSD is beyond repair.
    """
    check_made(folder)
    with locked(folder, "machine service new-flash"), ExitStack() as opened:
        nvram = opened.enter_context(closing(FileNvram(folder / NVRAM, NVRAM_OCTETS)))
        old: FileNvram | None = None
        with suppress(StoreError):
            old = FileNvram(folder / FLASH, FLASH_OCTETS)
            opened.enter_context(closing(old))
        parts = Parts(nvram, old or StandInFlash(), clock)
        machine = Machine(parts, read_world(folder))
        start = machine.switch_on()
        if not machine.is_on:
            raise StoreError(why_stopped(start))

        def take() -> FileNvram:
            return opened.enter_context(closing(renew_flash(folder)))

        return allow(machine) or new_flash.put_new_flash(
            machine, take, meant=meant or old is None
        )


def renew_flash(folder: Path) -> FileNvram:
    """Put the flash of a folder that is ours aside, and an erased one in its place.

    Raises:
        FolderError: There is no room for the old flash.
        StoreError: The new one cannot be made.
    """
    if (folder / OLD_FLASH).exists():
        raise FolderError(
            f"{folder / OLD_FLASH} is there already: it may be the only good one, "
            "move it elsewhere first"
        )
    try:
        if (folder / FLASH).exists():
            (folder / FLASH).rename(folder / OLD_FLASH)
    except OSError as error:
        message = f"{folder / FLASH} cannot be put aside: {error.strerror}"
        raise FolderError(message) from error
    return FileNvram.create(folder / FLASH, FLASH_OCTETS)

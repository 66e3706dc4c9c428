"""A new flash for a machine: what service does when the old one cannot be used.

Settings, tariffs, slogans, firmware images and the event log are in the flash and go
with it; money, keys and PINs are in the PSD and stay. So a flash that is sound is given
up only when that is meant.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from fm_device.firmware.desk import Service
from fm_device.firmware.faults import MEMORY_WEARING, MachineFault
from fm_device.firmware.refusals import FirmwareRefusal, Refusal
from fm_device.flash.events import EventCode
from hw.nvram import Nvram

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine


def put_new_flash(
    machine: "Machine", take: Callable[[], Nvram], *, meant: bool = False
) -> Refusal | None:
    """Switch off, put an erased flash in, switch on, and log who did it.

    Args:
        machine: Which is on.
        take: Gives the new flash; asked only when it is put in.
        meant: Whoever asks knows that the old one may be sound.

    Raises:
        MachineOffError: The machine is off or beyond repair.
        PowerCutError: The power failed.
        RmfsError: There is no new flash; the old one stays.
    """
    machine.look()
    if not (is_faulty(machine) or meant):
        return FirmwareRefusal.FLASH_NOT_FAULTY
    who, flash = machine.desk.who, take()
    machine.switch_off()
    machine.parts = replace(machine.parts, flash=flash)
    machine.switch_on()
    machine.note(EventCode.SETTINGS_LOST)
    machine.note(EventCode.SERVICE, Service.NEW_FLASH, who)
    return None


def is_faulty(machine: "Machine") -> bool:
    """Whether the flash of a machine that is on does not answer, or wears out."""
    worn = machine.flash_damage >= MEMORY_WEARING
    return worn or MachineFault.MEMORY_FAILED in machine.faults

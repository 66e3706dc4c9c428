"""The machine: firmware around a PSD, with flash, scale, printer and sensors.

A `Machine` is made of its parts and is off. `switch_on` reads everything from PSD and
flash (`memories`), so that what a machine is never depends on who had it in memory;
`switch_off` forgets whatever is not stored: who has given a PIN, what was chosen, what
was zeroed.

What an operator does is a call of `franking` (choose, weigh, frank), `desk` (PINs,
settings, departments, service) or `calls` (what a dial-in may ask for). Each gives
what was done or a refusal: a value with a code and words. Money is moved by the PSD
alone.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from fm_device.firmware.boot import (
    BootState,
    Checks,
    ClockRunning,
    ClockStopped,
    Part,
    PowerOff,
    Start,
    Verdict,
    moved,
    power_on,
)
from fm_device.firmware.calls import Calls
from fm_device.firmware.condition import condition_of
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.contents import Contents
from fm_device.firmware.desk import Desk
from fm_device.firmware.faults import (
    FaultKind,
    MachineFault,
    standing_faults,
)
from fm_device.firmware.franking import Franking
from fm_device.firmware.memories import Memories
from fm_device.firmware.printing import MemoryPrinter, Printer
from fm_device.firmware.update import (
    FirmwareUpdate,
    running_version,
)
from fm_device.flash.events import EventCode, EventLog
from fm_device.flash.settings import Settings
from fm_device.postage.pricing import tariff_in_force
from fm_device.psd.device import ChannelMaker, Psd
from fm_device.psd.records import NO_TIME, PsdRecord
from hw.clock import WallClock
from hw.nvram import Nvram
from hw.scales.port import Scale, ScaleFault
from hw.scales.simulated import SimulatedScale
from protocol.channel import MachineChannel
from protocol.contents import Tariff
from protocol.parameters import business_date
from protocol.registers import MachineState

_NOT_OPEN: Final = (Verdict.FAILED, Verdict.SKIPPED)


@dataclass(slots=True)
class Seal:
    """The housing of the PSD: once it is broken it stays so, with power or without.

    Attributes:
        broken: Whether it was opened or forced.
    """

    broken: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What a machine is made of.

    Attributes:
        nvram: The memory inside the PSD.
        flash: The firmware's memory.
        battery: The battery clock.
        scale: Whatever weighs.
        printer: Where franks go.
        channel: Makes the channel of a dial-in; simulations bring a double.
        seal: What the PSD senses of its own housing.
    """

    nvram: Nvram
    flash: Nvram
    battery: WallClock
    scale: Scale = field(default_factory=SimulatedScale)
    printer: Printer = field(default_factory=MemoryPrinter)
    channel: ChannelMaker = MachineChannel
    seal: Seal = field(default_factory=Seal)


class Machine:
    """A franking machine.

    Attributes:
        parts: What it is made of.
        franking: Everything about a frank.
        desk: Everything about operators and settings.
        calls: Everything about dial-ins.
        start: How the last start went, or None while it is off.
    """

    def __init__(self, parts: Parts, sensors: Sensors | None = None) -> None:
        """Put the parts together; nothing is read until it is switched on."""
        self.parts = parts
        self.franking = Franking(self)
        self.desk = Desk(self)
        self.calls = Calls(self)
        self.start: Start | None = None
        self._boot = BootState.OFF
        self._sensors = sensors or Sensors()
        self._memories = Memories(parts)
        self._faults: tuple[MachineFault, ...] = ()

    # Power.

    @property
    def boot(self) -> BootState:
        """Where the table of `boot` stands."""
        return self._boot

    @property
    def is_on(self) -> bool:
        """Whether it is switched on, and has a memory to work with."""
        return self._memories.is_open

    def switch_on(self) -> Start:
        """Start: test and repair the memories, finish what the power cut short.

        A firmware image on trial that fails its self-test is started again, as by a
        watchdog, until it has had its starts and the old one runs.

        Raises:
            PowerCutError: The power failed again.
        """
        while True:
            self._forget()
            self.start = self._started()
            self._boot = self.start.state
            if self.start.verdict(Part.NVRAM) in _NOT_OPEN:
                self._memories.give_up()
                return self.start
            self._memories.note_start(self.start)
            tried = self.start.verdict(Part.IMAGE) is Verdict.FAILED
            self._memories.tell_update(passed=not tried)
            if not tried:
                self.look()
                return self.start

    def switch_off(self) -> None:
        """Switch off in order."""
        if self.is_on:
            self.note(EventCode.POWER_OFF)
        self._forget()

    def _forget(self) -> None:
        if self._boot is not BootState.OFF:
            self._boot = moved(self._boot, PowerOff())
        self._memories = Memories(self.parts)
        self.start = None
        self.franking.forget()
        self.desk.forget()

    # Parts that are there while it is on.

    @property
    def psd(self) -> Psd:
        """The security device.

        Raises:
            MachineOffError: The machine is off or beyond repair.
        """
        return self._memories.psd

    @property
    def record(self) -> PsdRecord:
        """What the PSD remembers."""
        return self._memories.psd.record

    @property
    def settings(self) -> Settings:
        """What operator and supervisor have set."""
        return self._memories.settings.settings

    @property
    def log(self) -> EventLog:
        """The event log."""
        return self._memories.log

    @property
    def contents(self) -> Contents:
        """What orders have put in force."""
        return self._memories.contents

    @property
    def update(self) -> FirmwareUpdate:
        """Which firmware runs, and whether on trial."""
        return self._memories.update

    @property
    def without_flash(self) -> bool:
        """Whether the last start found no flash that can be read: nothing is kept."""
        start = self.start
        return start is not None and start.verdict(Part.FLASH) is Verdict.FAILED

    @property
    def flash_damage(self) -> int:
        """Copies repaired in the flash's life, where it was worst."""
        return max(self._memories.settings.damage, self.update.damage)

    @property
    def sensors(self) -> Sensors:
        """What the sensors tell."""
        return self._sensors

    @property
    def firmware(self) -> tuple[int, int, int]:
        """The version that runs."""
        return running_version(self.update.record)

    @property
    def tariff(self) -> Tariff | None:
        """The tariff in force today, or None."""
        today = self._today()
        return None if today is None else tariff_in_force(self.contents.tariffs, today)

    def _today(self) -> date | None:
        now = self.psd.time
        return None if now is None else business_date(now)

    # What happens around it.

    @property
    def faults(self) -> tuple[MachineFault, ...]:
        """The faults that stand, stops first, as of the last look."""
        return self._faults

    @property
    def stop(self) -> MachineFault | None:
        """The first fault that forbids franking, or None."""
        return next((one for one in self._faults if one.kind is FaultKind.STOP), None)

    def sense(self, **changes: Any) -> None:
        """Let the sensors tell something else, and look at what follows.

        Args:
            changes: Fields of `Sensors`.
        """
        self._sensors = replace(self._sensors, **changes)
        self.look()

    def look(self) -> None:
        """See which faults stand now; what came and what went is logged."""
        if not self.is_on:
            return
        before, self._faults = self._faults, ()
        memories, now = self._memories, self.psd.time
        found = standing_faults(self._sensors, condition_of(self, memories, now))
        for fault in found:
            if fault not in before:
                self.note(EventCode.FAULT_SET, fault.number)
        for fault in before:
            if fault not in found:
                self.note(EventCode.FAULT_CLEARED, fault.number)
        if not memories.answers:
            # It may be the note of this very change that has failed.
            found = standing_faults(self._sensors, condition_of(self, memories, now))
        self._faults = found
        if MachineFault.BATTERY_OLD in found and not self.settings.battery_warned:
            self.set(
                battery_warned=now or NO_TIME,
                battery_warned_items=self.record.registers.items_with_zero,
            )
        if self._boot in (BootState.READY, BootState.WITHOUT_CLOCK):
            clock = ClockStopped() if now is None else ClockRunning()
            self._boot = moved(self._boot, clock)

    def use(self, sensors: Sensors) -> None:
        """Take what the sensors tell after something was used up."""
        self._sensors = sensors
        self.look()

    def set(self, **changes: Any) -> None:
        """Store settings; who may do so is the desk's matter.

        Args:
            changes: Fields of `Settings`.

        Raises:
            SettingsError: A value is not possible.
            StoreError: A write has failed.
        """
        self._memories.settings.store(replace(self.settings, **changes))

    def note(self, code: EventCode, first: int = 0, second: int = 0) -> None:
        """Write an event into the log, by the PSD's clock.

        A log that cannot be written is a fault, and no reason to stop in the middle of
        something: nothing is decided by it.
        """
        self._memories.note(code, first, second)

    def follow_orders(self) -> None:
        """Do what orders of the last dial-in ask of the firmware: stage an image."""
        self._memories.follow_orders()
        self.look()

    # How it starts.

    def _started(self) -> Start:
        memories = self._memories
        return power_on(
            Checks(
                nvram=memories.open_psd,
                flash=memories.open_flash,
                image=memories.image_boots,
                registers=lambda: self.psd.state is not MachineState.FAULT,
                clock=lambda: self.psd.time is not None,
                printer=lambda: self._sensors.printer_answers,
                scale=self._scale_answers,
                tariff=lambda: self.tariff is not None,
            )
        )

    def _scale_answers(self) -> bool:
        return self.parts.scale.weigh() is not ScaleFault.NO_ANSWER

"""The machine: firmware around a PSD, with flash, scale, printer and sensors.

A `Machine` is made of its parts and is off. `switch_on` reads everything from PSD and
flash, so that what a machine is never depends on who had it in memory; `switch_off`
forgets whatever is not stored: who has given a PIN, what was chosen, what was zeroed.

What an operator does is a call of `franking` (choose, weigh, frank), `desk` (PINs,
settings, departments, service) or `calls` (what a dial-in may ask for). Each gives
what was done or a refusal: a value with a code and words. Money is moved by the PSD
alone.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, TypeVar

from fm_device.firmware.boot import (
    BootState,
    Checks,
    ClockRunning,
    ClockStopped,
    MemoryFound,
    Part,
    PowerOff,
    Start,
    Verdict,
    moved,
    power_on,
)
from fm_device.firmware.calls import Calls
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.contents import Contents
from fm_device.firmware.desk import Desk
from fm_device.firmware.faults import (
    Condition,
    FaultKind,
    MachineFault,
    TariffCondition,
    standing_faults,
)
from fm_device.firmware.franking import Franking
from fm_device.firmware.printing import MemoryPrinter, Printer
from fm_device.firmware.stand_in import StandInFlash
from fm_device.firmware.update import (
    FirmwareUpdate,
    UpdateRecord,
    UpdateRefusal,
    UpdateState,
    packed,
    running_version,
)
from fm_device.flash.events import EventCode, EventLog, capped
from fm_device.flash.settings import Settings, SettingsStore
from fm_device.model import FIRMWARE
from fm_device.postage.pricing import tariff_in_force
from fm_device.psd.device import ChannelMaker, Psd
from fm_device.psd.records import NO_TIME, PsdRecord
from fm_device.psd.timekeeper import time_at
from hw.clock import WallClock
from hw.nvram import Nvram
from hw.scales.port import Scale, ScaleFault
from hw.scales.simulated import SimulatedScale
from protocol.channel import MachineChannel
from protocol.contents import Tariff
from protocol.errors import LocalProtocolError, StoreError
from protocol.messages import OrderKind
from protocol.parameters import business_date
from protocol.registers import MachineState

_P = TypeVar("_P")
_SECONDS_A_DAY: Final = 86_400
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


class MachineOffError(LocalProtocolError):
    """The machine is off, or its memory is beyond repair."""


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
        self._psd: Psd | None = None
        self._settings: SettingsStore | None = None
        self._log: EventLog | None = None
        self._contents: Contents | None = None
        self._update: FirmwareUpdate | None = None
        self._faults: tuple[MachineFault, ...] = ()
        self._log_answers = True

    # Power.

    @property
    def boot(self) -> BootState:
        """Where the table of `boot` stands."""
        return self._boot

    @property
    def is_on(self) -> bool:
        """Whether it is switched on, and has a memory to work with."""
        return self._psd is not None

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
                self._psd = None
                return self.start
            self._note_start(self.start)
            tried = self.start.verdict(Part.IMAGE) is Verdict.FAILED
            self._tell_update(passed=not tried)
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
        self._psd = self._settings = self._log = self._contents = self._update = None
        self.start = None
        self._log_answers = True
        self.franking.forget()
        self.desk.forget()

    # Parts that are there while it is on.

    @property
    def psd(self) -> Psd:
        """The security device.

        Raises:
            MachineOffError: The machine is off or beyond repair.
        """
        if self._psd is None:
            raise MachineOffError("the machine is off, or its memory is beyond repair")
        return self._psd

    @property
    def record(self) -> PsdRecord:
        """What the PSD remembers."""
        return self.psd.record

    @property
    def settings(self) -> Settings:
        """What operator and supervisor have set."""
        return self._on(self._settings).settings

    @property
    def log(self) -> EventLog:
        """The event log."""
        return self._on(self._log)

    @property
    def contents(self) -> Contents:
        """What orders have put in force."""
        return self._on(self._contents)

    @property
    def update(self) -> FirmwareUpdate:
        """Which firmware runs, and whether on trial."""
        return self._on(self._update)

    @property
    def without_flash(self) -> bool:
        """Whether the last start found no flash that can be read: nothing is kept."""
        start = self.start
        return start is not None and start.verdict(Part.FLASH) is Verdict.FAILED

    @property
    def flash_damage(self) -> int:
        """Copies repaired in the flash's life, where it was worst."""
        return max(self._on(self._settings).damage, self.update.damage)

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
        found = standing_faults(self._sensors, self._condition())
        for fault in found:
            if fault not in before:
                self.note(EventCode.FAULT_SET, fault.number)
        for fault in before:
            if fault not in found:
                self.note(EventCode.FAULT_CLEARED, fault.number)
        if not self._log_answers:
            # It may be the note of this very change that has failed.
            found = standing_faults(self._sensors, self._condition())
        self._faults = found
        if MachineFault.BATTERY_OLD in found and not self.settings.battery_warned:
            self.set(
                battery_warned=self.psd.time or NO_TIME,
                battery_warned_items=self.record.registers.items_with_zero,
            )
        if self._boot in (BootState.READY, BootState.WITHOUT_CLOCK):
            clock = ClockStopped() if self.psd.time is None else ClockRunning()
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
        self._on(self._settings).store(replace(self.settings, **changes))

    def note(self, code: EventCode, first: int = 0, second: int = 0) -> None:
        """Write an event into the log, by the PSD's clock.

        A log that cannot be written is a fault, and no reason to stop in the middle of
        something: nothing is decided by it.
        """
        detail = (capped(first), capped(second))
        try:
            self.log.append(code, detail, self.psd.time or NO_TIME)
        except StoreError:
            self._log_answers = False

    # How it starts.

    def _started(self) -> Start:
        return power_on(
            Checks(
                nvram=self._open_psd,
                flash=self._open_flash,
                image=self._image_boots,
                registers=lambda: self.psd.state is not MachineState.FAULT,
                clock=lambda: self.psd.time is not None,
                printer=lambda: self._sensors.printer_answers,
                scale=self._scale_answers,
                tariff=lambda: self.tariff is not None,
            )
        )

    def _open_psd(self) -> MemoryFound:
        parts = self.parts
        psd = Psd(parts.nvram, parts.battery, parts.channel, self._note_unprinted)
        self._psd = psd
        if parts.seal.broken and not psd.zeroised:
            # The power failed before the erasing had begun.
            psd.tamper()
        return MemoryFound(psd.repaired, psd.damage)

    def _open_flash(self) -> MemoryFound:
        """Open the flash; where it is lost, what is needed to dial stands in for it."""
        try:
            return self._read_flash(self.parts.flash)
        except StoreError:
            self._read_flash(StandInFlash())
            raise

    def _read_flash(self, flash: Nvram) -> MemoryFound:
        """Read the flash, choose the image that runs, and tell the PSD of both."""
        self._log = EventLog(flash)
        settings = SettingsStore(flash, lambda: self.note(EventCode.SETTINGS_LOST))
        update = FirmwareUpdate(flash, FIRMWARE)
        contents = Contents(flash, lambda: self.record, update)
        contents.trust(self.psd.maker)
        self._settings, self._update, self._contents = settings, update, contents
        self._follow_order()
        before = update.record
        image = update.boot(contents.is_whole)
        self._note_update(before, update.record)
        self.psd.run(image.version, contents.slots)
        return MemoryFound(
            settings.repaired + update.repaired, max(settings.damage, update.damage)
        )

    def _tell_update(self, *, passed: bool) -> None:
        before = self.update.record
        self._note_update(before, self.update.tested(passed=passed))

    def _note_unprinted(self, record: PsdRecord) -> None:
        """Log a frank that was found open, before the PSD closes it.

        The other way round a second power cut could lose it from the log. When the
        power fails between the two it stands there already, as the newest entry.
        """
        if record.open_frank is None:
            return
        code, item = EventCode.FRANK_UNPRINTED, record.registers.items_with_zero
        value = record.open_frank.value_paise
        now = time_at(record, self.parts.battery.now())
        # A flash that fails is found by its own test, a moment later.
        with suppress(StoreError):
            log = EventLog(self.parts.flash) if self._log is None else self._log
            noted = [(one.code, one.detail[0]) for one in log.entries(1)]
            if noted != [(code, item)]:
                log.append(code, (item, capped(value)), now or NO_TIME)

    def _note_start(self, start: Start) -> None:
        psd = self.psd
        self.note(EventCode.POWER_ON)
        if self.parts.seal.broken:
            self.note(EventCode.TAMPER)
        if self._on(self._settings).left_out:
            count = len(self._on(self._settings).left_out)
            self.note(EventCode.SETTINGS_LEFT_OUT, count)
        repaired = psd.repaired + self._on(self._settings).repaired
        if repaired:
            self.note(EventCode.MEMORY_REPAIRED, repaired, psd.damage)
        for test in start.tests:
            if test.verdict in (Verdict.FAILED, Verdict.WORN_OUT):
                self.note(EventCode.SELF_TEST_FAILED, list(Part).index(test.part))

    def _note_update(self, before: UpdateRecord, after: UpdateRecord) -> None:
        if after == before:
            return
        candidate = after.candidate or after.settled
        code = {
            UpdateState.STAGED: EventCode.FIRMWARE_STAGED,
            UpdateState.TRIAL: EventCode.FIRMWARE_TRIED,
            UpdateState.CONFIRMED: EventCode.FIRMWARE_CONFIRMED,
            UpdateState.ROLLED_BACK: EventCode.FIRMWARE_ROLLED_BACK,
        }.get(after.state)
        if code is not None:
            self.note(code, packed(candidate.version), packed(after.settled.version))

    def follow_orders(self) -> None:
        """Do what orders of the last dial-in ask of the firmware: stage an image."""
        before = self.update.record
        self._follow_order()
        self._note_update(before, self.update.record)
        self.look()

    def _follow_order(self) -> None:
        """Stage the image that the last order named, if it is newer.

        Done at every start as well: the power may have failed between the order's
        commit in the PSD and the stage in the flash.
        """
        ordered = self.contents.ordered_image
        if ordered is None:
            return
        image, dial_in = ordered
        if self.update.stage(image, dial_in) is UpdateRefusal.NOT_NEWER:
            self.note(EventCode.FIRMWARE_NOT_NEWER, packed(image.version))

    def _image_boots(self) -> bool:
        return self.contents.boots(self.update.record.running)

    def _scale_answers(self) -> bool:
        return self.parts.scale.weigh() is not ScaleFault.NO_ANSWER

    def _condition(self) -> Condition:
        settings, psd, update = self.settings, self.psd, self.update
        registers = psd.record.registers
        now = psd.time
        warned = settings.battery_warned
        return Condition(
            medium=settings.medium,
            with_slogan=bool(settings.slogan),
            slogan_there=self.franking.slogan is not None,
            tariff=self._tariff_condition(),
            date_possible=self.franking.day_possible,
            memory_answers=self._log_answers and not self.without_flash,
            memory_repaired=psd.repaired + self._on(self._settings).repaired,
            memory_damage=max(psd.damage, self._on(self._settings).damage),
            battery_warned_days=(
                None if not warned or now is None else (now - warned) // _SECONDS_A_DAY
            ),
            battery_warned_items=(
                registers.items_with_zero - settings.battery_warned_items
                if warned
                else 0
            ),
            firmware_failed=update.record.state is UpdateState.ROLLED_BACK,
            descending_paise=registers.descending_paise,
            low_funds_paise=settings.low_funds_paise,
        )

    def _tariff_condition(self) -> TariffCondition:
        """Say whether there is something to compute postage from.

        One tariff that cannot be read is enough to stop: the one before it would be in
        force again, and an old price would be franked.
        """
        if any(one.kind is OrderKind.TARIFF for one in self.contents.lost):
            return TariffCondition.DAMAGED
        if self.psd.time is None or self.tariff is not None:
            return TariffCondition.IN_FORCE
        return TariffCondition.MISSING

    def _on(self, part: _P | None) -> _P:
        if part is None:
            raise MachineOffError("the machine is off, or its memory is beyond repair")
        return part

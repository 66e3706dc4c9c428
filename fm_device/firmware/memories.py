"""What a machine reads of its memories when it starts, and what it notes there.

The PSD comes first, then the flash; where that is lost, what is needed to dial stands
in for it (`stand_in`). An event log that cannot be written is a fault, and no reason to
stop in the middle of something: nothing is decided by it.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from fm_device.firmware.boot import MemoryFound, Part, Start, Verdict
from fm_device.firmware.contents import Contents
from fm_device.firmware.stand_in import StandInFlash
from fm_device.firmware.update import (
    FirmwareUpdate,
    UpdateRecord,
    UpdateRefusal,
    UpdateState,
    packed,
)
from fm_device.flash.events import EventCode, EventLog, capped
from fm_device.flash.settings import SettingsStore
from fm_device.model import FIRMWARE
from fm_device.psd.device import Psd
from fm_device.psd.records import NO_TIME, PsdRecord
from fm_device.psd.timekeeper import time_at
from hw.nvram import Nvram
from protocol.errors import LocalProtocolError, StoreError

if TYPE_CHECKING:
    from fm_device.firmware.machine import Parts

_UPDATES: Final = {
    UpdateState.STAGED: EventCode.FIRMWARE_STAGED,
    UpdateState.TRIAL: EventCode.FIRMWARE_TRIED,
    UpdateState.CONFIRMED: EventCode.FIRMWARE_CONFIRMED,
    UpdateState.ROLLED_BACK: EventCode.FIRMWARE_ROLLED_BACK,
}


class MachineOffError(LocalProtocolError):
    """The machine is off, or its memory is beyond repair."""


class Memories:
    """PSD and flash, as the last start has read them; empty while the machine is off.

    Attributes:
        answers: Whether every event could be written.
    """

    def __init__(self, parts: "Parts") -> None:
        """Begin with nothing read."""
        self.answers = True
        self._parts = parts
        self._psd: Psd | None = None
        self._settings: SettingsStore | None = None
        self._log: EventLog | None = None
        self._contents: Contents | None = None
        self._update: FirmwareUpdate | None = None

    # What was read; each raises `MachineOffError` where it was not.

    @property
    def is_open(self) -> bool:
        """Whether there is a PSD to work with."""
        return self._psd is not None

    @property
    def psd(self) -> Psd:
        """The security device."""
        return self._psd or _refuse()

    @property
    def settings(self) -> SettingsStore:
        """What operator and supervisor have set."""
        return self._settings or _refuse()

    @property
    def log(self) -> EventLog:
        """The event log."""
        return self._log or _refuse()

    @property
    def contents(self) -> Contents:
        """What orders have put in force."""
        return self._contents or _refuse()

    @property
    def update(self) -> FirmwareUpdate:
        """Which firmware runs, and whether on trial."""
        return self._update or _refuse()

    @property
    def repaired(self) -> int:
        """Copies that the last start has repaired."""
        return self.psd.repaired + self.settings.repaired

    @property
    def damage(self) -> int:
        """Copies repaired in the life of PSD or settings, the worse of them."""
        return max(self.psd.damage, self.settings.damage)

    # Reading.

    def open_psd(self) -> MemoryFound:
        """Open the PSD, and finish what the power cut short there.

        Raises:
            StoreError: Its memory is beyond repair.
        """
        parts = self._parts
        psd = Psd(parts.nvram, parts.battery, parts.channel, self._note_unprinted)
        self._psd = psd
        if parts.seal.broken and not psd.zeroised:
            # The power failed before the erasing had begun.
            psd.tamper()
        return MemoryFound(psd.repaired, psd.damage)

    def give_up(self) -> None:
        """Have no PSD: its memory is beyond repair."""
        self._psd = None

    def open_flash(self) -> MemoryFound:
        """Open the flash; where it is lost, what is needed to dial stands in for it.

        Raises:
            StoreError: It is lost.
        """
        try:
            return self._read_flash(self._parts.flash)
        except StoreError:
            self._read_flash(StandInFlash())
            raise

    def _read_flash(self, flash: Nvram) -> MemoryFound:
        """Read the flash, choose the image that runs, and tell the PSD of both."""
        self._log = EventLog(flash)
        settings = SettingsStore(flash, lambda: self.note(EventCode.SETTINGS_LOST))
        update = FirmwareUpdate(flash, FIRMWARE)
        contents = Contents(flash, lambda: self.psd.record, update)
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

    # The firmware image.

    def image_boots(self) -> bool:
        """Whether the image that runs passes its self-test."""
        return self.contents.boots(self.update.record.running)

    def tell_update(self, *, passed: bool) -> None:
        """Tell the update how the self-test of the image went."""
        before = self.update.record
        self._note_update(before, self.update.tested(passed=passed))

    def follow_orders(self) -> None:
        """Do what orders of the last dial-in ask of the firmware: stage an image."""
        before = self.update.record
        self._follow_order()
        self._note_update(before, self.update.record)

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

    # What is noted.

    def note(self, code: EventCode, first: int = 0, second: int = 0) -> None:
        """Write an event into the log, by the PSD's clock."""
        detail = (capped(first), capped(second))
        try:
            self.log.append(code, detail, self.psd.time or NO_TIME)
        except StoreError:
            self.answers = False

    def note_start(self, start: Start) -> None:
        """Note how the machine has started."""
        self.note(EventCode.POWER_ON)
        if self._parts.seal.broken:
            self.note(EventCode.TAMPER)
        if self.settings.left_out:
            self.note(EventCode.SETTINGS_LEFT_OUT, len(self.settings.left_out))
        if self.repaired:
            self.note(EventCode.MEMORY_REPAIRED, self.repaired, self.psd.damage)
        for test in start.tests:
            if test.verdict in (Verdict.FAILED, Verdict.WORN_OUT):
                self.note(EventCode.SELF_TEST_FAILED, list(Part).index(test.part))

    def _note_unprinted(self, record: PsdRecord) -> None:
        """Log a frank that was found open, before the PSD closes it.

        The other way round a second power cut could lose it from the log. When the
        power fails between the two it stands there already, as the newest entry.
        """
        if record.open_frank is None:
            return
        code, item = EventCode.FRANK_UNPRINTED, record.registers.items_with_zero
        value = record.open_frank.value_paise
        now = time_at(record, self._parts.battery.now())
        # A flash that fails is found by its own test, a moment later.
        with suppress(StoreError):
            log = EventLog(self._parts.flash) if self._log is None else self._log
            noted = [(one.code, one.detail[0]) for one in log.entries(1)]
            if noted != [(code, item)]:
                log.append(code, (item, capped(value)), now or NO_TIME)

    def _note_update(self, before: UpdateRecord, after: UpdateRecord) -> None:
        if after == before:
            return
        candidate = after.candidate or after.settled
        code = _UPDATES.get(after.state)
        if code is not None:
            self.note(code, packed(candidate.version), packed(after.settled.version))


def _refuse() -> NoReturn:
    raise MachineOffError("the machine is off, or its memory is beyond repair")

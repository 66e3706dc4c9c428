"""The world of a scenario: one machine, one server with its books, a line, one time.

Everything is the product's own but what the scenario has in its hand: the time is
virtual, and passes at once or at somebody's pace; the memories can lose their power or
fail, the printer can be cut off, and the line can be lost in the middle of a chosen
message. Line and server have files of their own.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from twisted.internet.task import Clock

from fm_device.firmware.boot import Part, Verdict
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.machine import Machine, Parts
from fm_device.flash.events import EventCode
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import SAMPLE_PIN_CODE, put_factory_tariff
from fm_device.presets.applying import apply_preset
from fm_device.presets.library import read_library
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS, STATE
from fm_device.psd.pins import Role
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.records import ContentHeld, PsdRecord
from fm_device.psd.vault import Vault
from fm_device.scenarios.scenario import Scenario, StartRegisters, StartState
from hw.clock import DriftingWallClock
from hw.entropy import SeededEntropy
from hw.scales.simulated import SimulatedScale
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import RmfsError, StoreError
from protocol.keys import Realm
from protocol.registers import Registers, RequestKind
from protocol.values import LicenceIdentifier, Paise, RechargeNumber
from rmfs_tools.scenario_lab import LabMemory, LabPrinter, VirtualTime
from rmfs_tools.scenario_line import ScenarioLine
from rmfs_tools.scenario_pace import Pace
from rmfs_tools.scenario_server import ScenarioServer

LICENCE: Final = LicenceIdentifier("N123456")
SERIAL: Final = "PSD00001"
_BEFORE: Final = timedelta(minutes=30)
"""What is before the first step happens in this time."""


class World:
    """Machine, server, books and line of one scenario.

    Attributes:
        machine: The machine; a new object whenever the power was cut.
        server: The server with its books.
        line: The line between them.
        licence: The licence that it franks under now.
        restored: Whether a copy of its memories was ever put back.
        preset: Whether its PSD was ever brought into a situation of a preset.
        failed_parts: What did not pass a self-test, ever.
    """

    def __init__(
        self, scenario: Scenario, folder: Path, seed: int, pictures: Path | None = None
    ) -> None:
        """Make everything, and bring it to where the first step begins.

        Args:
            scenario: What it begins with.
            folder: An empty folder for the books.
            seed: Chooses keys, marks and noise.
            pictures: Where pictures of franks go, or None.
        """
        self.scenario = scenario
        self.licence = LICENCE
        self.restored = False
        self.preset = False
        self.failed_parts: set[Part] = set()
        self._seed = seed
        self._pace: Pace | None = None
        self._paced_from_s = 0.0
        self.reactor = Clock()
        self.wall = VirtualTime(self.reactor, scenario.start.at - _BEFORE)
        self.battery = DriftingWallClock(
            self.wall, scenario.machine.drift_ppm, self.wall.utc()
        )
        self.server = ScenarioServer(scenario.name, folder, self.entropy, self.wall)
        self.nvram = LabMemory(NVRAM_OCTETS)
        self.flash = LabMemory(FLASH_OCTETS)
        self.scale = SimulatedScale()
        self.printer = LabPrinter(pictures)
        self.line = ScenarioLine(
            scenario.line, seed, self.reactor, self.server, self.goes_on
        )
        self._manufacture()
        self.base: Registers
        self.machine = self._new_machine(Sensors())
        try:
            self._begin()
        except RmfsError:
            self.close()
            raise

    # Time and chance.

    def entropy(self, label: str) -> SeededEntropy:
        """Give the stream of one purpose."""
        return SeededEntropy(b"%s %d" % (label.encode(), self._seed))

    def keep_pace(self, pace: Pace) -> None:
        """Have time pass at a pace from now on."""
        self._pace = pace
        self._paced_from_s = self.reactor.seconds()

    @property
    def is_paced(self) -> bool:
        """Whether time passes at a pace, and not at once."""
        return self._pace is not None

    def goes_on(self, lapse_s: float = 0.0) -> bool:
        """Wait at the pace; whether the scenario is to go on then."""
        if self._pace is None:
            return True
        since_s = self.reactor.seconds() - self._paced_from_s
        return self._pace(since_s + max(0.0, lapse_s))

    def wait_until(self, moment: datetime) -> bool:
        """Let time pass between two steps.

        Returns:
            Whether the moment has come; no time has passed where it has not.
        """
        going_on = self.goes_on((moment - self.wall.utc()).total_seconds())
        if going_on:
            self._pass_until(moment)
        return going_on

    def pass_until(self, moment: datetime) -> None:
        """Let time pass in a step: at once where the scenario is to stop."""
        self.goes_on((moment - self.wall.utc()).total_seconds())
        self._pass_until(moment)

    def put_away(self) -> None:
        """Switch the machine off in the middle of its scenario.

        What was to befall its memories in the steps to come does not.
        """
        self.nvram.restore_power()
        self.flash.restore_power()
        if self.machine.is_on:
            self.machine.switch_off()

    def _pass_until(self, moment: datetime) -> None:
        """Move the time on; a moment that is past changes nothing."""
        lapse = (moment - self.wall.utc()).total_seconds()
        if lapse > 0:
            self.reactor.advance(lapse)
        self.machine.look()

    def close(self) -> None:
        """Close the books."""
        self.server.close()

    # The machine.

    def power_on(self) -> None:
        """Switch the machine on.

        Raises:
            PowerCutError: The power failed again.
        """
        self.nvram.restore_power()
        self.flash.restore_power()
        start = self.machine.switch_on()
        failed = {test.part for test in start.tests if test.verdict is Verdict.FAILED}
        if self.machine.is_on:
            # A firmware image that fails is started again before this one ends.
            failed |= {
                list(Part)[event.detail[0]]
                for event in self.machine.log.entries()
                if event.code == EventCode.SELF_TEST_FAILED
            }
        self.failed_parts |= failed

    def power_lost(self) -> None:
        """Take what a power cut leaves: a machine that is off."""
        self.nvram.restore_power()
        self.flash.restore_power()
        self.printer.cut = False
        self.machine = self._new_machine(self.machine.sensors)

    def put_images(self, nvram: bytes, flash: bytes) -> None:
        """Put other memories in; the machine is off then."""
        self.nvram.put_image(nvram)
        self.flash.put_image(flash)
        self.restored = True

    def renew_flash(self) -> LabMemory:
        """Take a flash that was never written; the old one is gone."""
        self.flash = LabMemory(FLASH_OCTETS)
        return self.flash

    def apply_preset(self, name: str) -> None:
        """Bring the PSD into a situation; the machine is off then.

        Raises:
            RmfsError: The machine cannot be brought there.
        """
        apply_preset(self.nvram.chip, read_library(name), self.battery.now())
        self.preset = True

    def stored_record(self) -> PsdRecord | None:
        """Give what the PSD remembers, on or off; None when its memory is lost."""
        if self.machine.is_on:
            return self.machine.record
        try:
            return Psd(self.nvram.chip, self.battery).record
        except StoreError:
            return None

    def install(self, pin_code: int) -> None:
        """Install the machine and enrol it at the server."""
        self.machine.psd.install(pin_code)
        self.enrol()

    def enrol(self) -> None:
        """Enrol the machine's present life."""
        self.server.enrol(self.machine.psd.provisioning(self.wall.now()))

    def _new_machine(self, sensors: Sensors) -> Machine:
        parts = Parts(
            self.nvram,
            self.flash,
            self.battery,
            self.scale,
            self.printer,
            self.line.machine_channel,
        )
        return Machine(parts, sensors)

    def _manufacture(self) -> None:
        start = self.scenario.start
        contents: tuple[ContentHeld, ...] = ()
        if start.with_tariff:
            flash = self.flash
            contents = (put_factory_tariff(flash, self.server.maker, self.wall.now()),)
        manufacture(
            self.nvram,
            psd_serial=SERIAL,
            licence=LICENCE,
            realm=Realm.TEST,
            servers=[self.server.provisioning(1)],
            maker=self.server.maker.public,
            entropy=self.entropy("machine"),
            clock=self.battery if start.with_clock else None,
            contents=contents,
        )
        if start.registers is not None:
            self._put_registers(start.registers)

    def _put_registers(self, wanted: StartRegisters) -> None:
        vault = Vault(self.nvram, STATE)
        record = decode_record(vault.content)
        total = Paise(wanted.ascending_paise + wanted.descending_paise)
        number = RechargeNumber(wanted.recharge_number)
        life = replace(
            record.life,
            ascending_paise=wanted.ascending_paise,
            control_total_paise=total,
            recharge_number=number,
        )
        registers = Registers(
            wanted.ascending_paise,
            wanted.descending_paise,
            total,
            wanted.items,
            wanted.imprints,
        )
        after = replace(
            record,
            registers=registers,
            lives=(life,),
            recharge_number=number,
            closed_number=number,
        )
        vault.commit(encode_record(after))

    def _begin(self) -> None:
        start, settings = self.scenario.start, self.scenario.machine
        self.power_on()
        self.base = self.machine.record.registers
        if start.state is not StartState.NEW:
            self.install(SAMPLE_PIN_CODE)
            in_service = start.state is StartState.IN_SERVICE
            funds = start.funds_paise if in_service else Paise(0)
            if start.deposited_paise + funds:
                paid = Paise(start.deposited_paise + funds)
                self.server.deposit(self.licence, paid)
            if in_service:
                request = Request(RequestKind.RECHARGE, funds) if funds else INSPECTION
                report = self.line.dial(self.machine.psd, request)
                self.machine.calls.done(report)
        self.machine.set(
            departments=tuple(sorted(settings.departments, key=lambda one: one.number)),
            **settings.changes,
        )
        roles = {role.name.lower(): role for role in Role}
        for name, pin in settings.pins.items():
            self.machine.psd.set_pin(roles[name], pin)
        self.machine.switch_off()
        if start.preset:
            self.apply_preset(start.preset)
        self.power_on()
        self.pass_until(start.at)

    def power_cycle(self) -> None:
        """Switch off and on."""
        self.machine.switch_off()
        self.power_on()

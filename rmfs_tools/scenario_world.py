"""The world of a scenario: one machine, one server with its books, a line, one time.

Everything is the product's own but what the scenario has in its hand: the time is
virtual, and passes at once or at somebody's pace; the memories can lose their power or
fail, the printer can be cut off, and the line can be lost in the middle of a chosen
message. The channel is the deterministic double, so that a seed repeats every octet,
unless the scenario asks for the real one, whose keys no seed chooses.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from twisted.internet.task import Clock

from fm_device.dial_in import DialInReport, LinkIsUp, Progress
from fm_device.firmware.boot import Part, Verdict
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.machine import Machine, Parts
from fm_device.flash.events import EventCode
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import SAMPLE_PIN_CODE, put_factory_tariff
from fm_device.presets.applying import apply_preset
from fm_device.presets.library import read_library
from fm_device.program import dial_repeatedly
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS, STATE
from fm_device.psd.pins import Role
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.records import ContentHeld, PsdRecord
from fm_device.psd.vault import Vault
from fm_device.scenarios.scenario import Scenario, StartRegisters, StartState
from hw.clock import DriftingWallClock
from hw.database import Store, open_store
from hw.entropy import SeededEntropy
from hw.lines.exchange import VirtualExchange
from hw.lines.virtual import VirtualLineParameters
from hw.scales.simulated import SimulatedScale
from protocol.channel import (
    MachineChannelPort,
    ServerChannelPort,
)
from protocol.contents import Body, make_content, write_content
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import InvariantError, RmfsError, StoreError
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import (
    CreditKey,
    MachineIdentity,
    MakerKey,
    Realm,
    ServerCredential,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.messages import MessageType
from protocol.parameters import business_date
from protocol.registers import Registers, RequestKind
from protocol.values import (
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
    show_rupees,
)
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.contents import read_ordered
from rmfs_server.enrolling import NewLicence
from rmfs_server.funds import import_fund_file
from rmfs_server.limits import Limits
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_server.writer import ImmediateWriter
from rmfs_tools.scenario_lab import (
    LabMemory,
    LabPrinter,
    VirtualTime,
    machine_channel,
    server_channel,
)
from rmfs_tools.scenario_pace import Pace

LICENCE: Final = LicenceIdentifier("N123456")
NUMBER: Final = LicenceNumber("KN0600065")
LICENSEE: Final = "Bharat Stationers, Bengaluru"
EXPIRES_ON: Final = date(2050, 12, 31)
SERIAL: Final = "PSD00001"
_BEFORE: Final = timedelta(minutes=30)
"""What is before the first step happens in this time."""
_CUT_AFTER_OCTETS: Final = 24
"""Every message with its frame is longer, and this is inside its first block."""
_STEPS_MAX: Final = 2_000_000

WhenUp = Callable[[], None]


class DepositError(RmfsError):
    """A deposit of a scenario did not reach the funds."""


class World:
    """Machine, server, books and line of one scenario.

    Attributes:
        machine: The machine; a new object whenever the power was cut.
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
        self.dial_ins = 0
        self._seed = seed
        self._deposits = 0
        self._channels = 0
        self.reactor = Clock()
        self.wall = VirtualTime(self.reactor, scenario.start.at - _BEFORE)
        self.battery = DriftingWallClock(
            self.wall, scenario.machine.drift_ppm, self.wall.utc()
        )
        self.maker = MakerKey.generate("maker", Realm.TEST, self.entropy("maker"))
        self.server = ServerIdentity.generate(
            "TEST-OEM", Realm.TEST, 1, self.entropy("server")
        )
        self.credit_keys: dict[int, CreditKey] = {}
        self.store = self._open_books(folder)
        self.administration = Administration(
            self.store, self.credit_key(1), self.credit_keys.get
        )
        self.nvram = LabMemory(NVRAM_OCTETS)
        self.flash = LabMemory(FLASH_OCTETS)
        self.scale = SimulatedScale()
        self.printer = LabPrinter(pictures)
        self._lose: tuple[MessageType, int] | None = None
        self._cut_at: tuple[str, int] | None = None
        self._pace: Pace | None = None
        self._paced_from_s = 0.0
        self._line = VirtualExchange(self.reactor, self._plan)
        self._line.listen(self._exchange().answer)
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

    def by(self) -> By:
        """Sign for what people do at the server."""
        return By("scenario", self.scenario.name, self.wall.now())

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
        self.store.close()

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
        new = NewLicence(NUMBER, LICENSEE, EXPIRES_ON)
        provisioning = self.machine.psd.provisioning(self.wall.now())
        self.administration.enrol(provisioning, new, self.by())

    def _new_machine(self, sensors: Sensors) -> Machine:
        parts = Parts(
            self.nvram,
            self.flash,
            self.battery,
            self.scale,
            self.printer,
            self._machine_channel,
        )
        return Machine(parts, sensors)

    def _manufacture(self) -> None:
        start = self.scenario.start
        contents: tuple[ContentHeld, ...] = ()
        if start.with_tariff:
            flash = self.flash
            contents = (put_factory_tariff(flash, self.maker, self.wall.now()),)
        manufacture(
            self.nvram,
            psd_serial=SERIAL,
            licence=LICENCE,
            realm=Realm.TEST,
            servers=[self.provisioning(1)],
            maker=self.maker.public,
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
                self.deposit(Paise(start.deposited_paise + funds))
            if in_service:
                request = Request(RequestKind.RECHARGE, funds) if funds else INSPECTION
                self.machine.calls.done(self.dial(request))
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

    # The line.

    def lose_carrier(self, during: MessageType, number: int) -> None:
        """Lose the carrier of the next dial-in in the n-th message of a kind."""
        self._lose = (during, number)

    def dial(
        self, request: Request, attempts: int = 1, when_up: WhenUp | None = None
    ) -> DialInReport:
        """Dial in; virtual time runs until the line has ended, at its pace.

        Args:
            request: What is asked for.
            attempts: How often, when the line fails.
            when_up: What the operator does while the line is up.

        Raises:
            PowerCutError: The power failed in it.
            RmfsError: What stopped the machine itself.
        """
        ended: list[DialInReport] = []
        failed: list[BaseException] = []
        waiting = [when_up] if when_up is not None else []

        def progress(event: Progress) -> None:
            if isinstance(event, LinkIsUp) and waiting:
                self.reactor.callLater(0, waiting.pop())

        self.dial_ins += 1
        dialling = dial_repeatedly(
            self.machine.psd,
            request,
            self._line,
            self.reactor,
            attempts=attempts,
            on_progress=progress,
        )
        dialling.addCallbacks(ended.append, lambda why: failed.append(why.value))
        self._run(lambda: bool(ended or failed))
        self._lose = self._cut_at = None
        for error in failed:
            raise error
        return ended[0]

    def _run(self, until: Callable[[], bool]) -> None:
        for _ in range(_STEPS_MAX):
            if until():
                return
            calls = self.reactor.getDelayedCalls()
            if not calls:
                break
            due = min(call.getTime() for call in calls)
            lapse = max(0.0, due - self.reactor.seconds())
            self.goes_on(lapse)
            self.reactor.advance(lapse)
            self._cut_if_due()
        raise InvariantError("a dial-in that never ends")

    def _plan(self, _call: int) -> VirtualLineParameters:
        line = self.scenario.line
        return VirtualLineParameters(
            bit_s=line.bit_s,
            delay_s=line.delay_s,
            bit_error_rate=line.bit_error_rate,
            seed=self._seed,
        )

    def _machine_channel(
        self, identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        seed = None if self.scenario.line.real_channel else self._channel_seed()
        channel = machine_channel(identity, server, seed)
        channel.told = lambda kind: self._sealed("up", kind)
        return channel

    def _server_channel(self) -> ServerChannelPort:
        seed = None if self.scenario.line.real_channel else self._channel_seed()
        channel = server_channel(self.server, seed)
        channel.told = lambda kind: self._sealed("down", kind)
        return channel

    def _channel_seed(self) -> bytes:
        """Give a seed that no channel had before."""
        self._channels += 1
        return b"%d of %d" % (self._channels, self._seed)

    def _sealed(self, way: str, kind: int) -> None:
        line = self._line.latest
        if self._lose is None or line is None or kind != self._lose[0]:
            return
        during, number = self._lose
        self._lose = (during, number - 1)
        if number == 1:
            sent = line.up.octets_sent if way == "up" else line.down.octets_sent
            self._cut_at = (way, sent + _CUT_AFTER_OCTETS)
            self._lose = None

    def _cut_if_due(self) -> None:
        line = self._line.latest
        if self._cut_at is None or line is None:
            return
        way, octets = self._cut_at
        counters = line.up if way == "up" else line.down
        if counters.octets_arrived >= octets:
            self._cut_at = None
            line.cut()

    # The server.

    def credit_key(self, number: int) -> CreditKey:
        """Give a credit key of the server; it is made when it is first asked for."""
        if number not in self.credit_keys:
            entropy = self.entropy(f"credit key {number}")
            self.credit_keys[number] = CreditKey.generate(number, Realm.TEST, entropy)
        return self.credit_keys[number]

    def provisioning(self, number: int) -> ServerProvisioning:
        """Give what a PSD has to know of the server and one of its credit keys."""
        public = self.credit_key(number).signing.public
        credential = self.server.credential.with_credit_key(number, public)
        return ServerProvisioning(credential, self.wall.now())

    def order_content(self, body: Body) -> None:
        """Have the maker sign a content, and order it.

        Raises:
            MoveRefusedError: The server does not order it.
        """
        content = make_content(body, Realm.TEST, self.wall.now())
        octets = write_content(content, self.maker)
        makers = [self.maker.public]
        ordered = read_ordered(octets, makers, self.server.credential)
        self.administration.order_content(self.licence, ordered, self.by())

    def deposit(self, amount_paise: Paise) -> None:
        """Take a fund file with one deposit, available today.

        Raises:
            DepositError: It waits in suspense.
        """
        self._deposits += 1
        today = business_date(self.wall.now())
        line = DetailLine(
            line_id="1",
            licence=self.licence,
            licence_number=NUMBER,
            licensee=LICENSEE,
            amount_paise=amount_paise,
            mode=PaymentMode.NETBANKING,
            value_date=today,
            available_from=today,
        )
        name = f"FND-{self.licence[0]}-{self._deposits:04d}"
        file = FundFile.by_hand(name, self.licence[0], today, (line,))
        octets = encode_fund_file(file)
        report = import_fund_file(self.store, octets, self.wall.now())
        for judged in report.suspended:
            raise DepositError(
                f"a deposit of {show_rupees(amount_paise)} waits in suspense: "
                f"{judged.suspended_because}; a first one is at least Rs 2,000"
            )

    def _open_books(self, folder: Path) -> Store:
        store = open_store(f"sqlite:///{folder / 'books.sqlite'}")
        migrate(store)
        return store

    def _exchange(self) -> Exchange:
        return Exchange(
            reactor=self.reactor,
            books=Books(
                self.store,
                self.credit_key(1),
                self.entropy("marks"),
                self.credit_keys.get,
            ),
            writer=ImmediateWriter(),
            make_channel=self._server_channel,
            wall_clock=self.wall,
            limits=Limits(),
        )

"""Playing a scenario, step by step, until one is not as expected.

A step that the machine refuses, that fails, or in which the power is cut is in order
only where its `expect` says so. After the last step the money oracles run; what fails
comes with the command that plays it again.

Time is virtual, and passes at once or at the pace of a real clock. A scenario that is
stopped ends between two steps: the machine is switched off, and the oracles run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import singledispatchmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from fm_device.classes import parse_class
from fm_device.firmware.dates import NextWorkingDay
from fm_device.firmware.desk import Service
from fm_device.firmware.dialling import DialPlan
from fm_device.firmware.franking import Printed
from fm_device.firmware.new_flash import put_new_flash
from fm_device.firmware.reporting import report
from fm_device.flash.layout import PART_HEAD_OCTETS, SETTINGS, SLOTS, UPDATE
from fm_device.postage.factory import factory_tariff
from fm_device.psd.franking import Frank, FrankOrder
from fm_device.psd.memory import KEYS, STATE
from fm_device.psd.pins import Role
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.records import NO_TIME
from fm_device.psd.vault import Region, Vault
from fm_device.scenarios.expectations import is_met
from fm_device.scenarios.scenario import Scenario
from fm_device.scenarios.steps import (
    TURN,
    ApplyPreset,
    AskPsd,
    Change,
    ChangeLicence,
    Choose,
    CopyImage,
    CutPower,
    Damage,
    Day,
    Deposit,
    DialIn,
    DropDepartment,
    EnterPin,
    FailMemory,
    FailPrint,
    FrankItems,
    GiveOrder,
    Install,
    Leave,
    LoseCarrier,
    LoseClock,
    NewFlash,
    Power,
    PrintReport,
    PutDepartment,
    Reinitialise,
    Repeat,
    RestoreImage,
    Sense,
    Serve,
    SetPin,
    Step,
    Tamper,
    TryOut,
    UseScale,
)
from fm_device.scenarios.vocabulary import reached_name, spelled
from hw.clock import utc_instant
from hw.nvram import PowerCutError
from hw.scales.port import ScaleFault
from protocol.coded import Coded
from protocol.contents import (
    Body,
    ContentKind,
    CreditKeyUpdate,
    FirmwareImage,
    ProductClass,
    Slogan,
    Tariff,
)
from protocol.contents import Step as TariffStep
from protocol.dialogue.machine import INSPECTION
from protocol.errors import LocalProtocolError, RmfsError
from protocol.messages import LicenceState, MessageType, OrderKind
from protocol.parameters import INDIA, business_date
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier, Paise
from rmfs_tools.maker import fill_payload
from rmfs_tools.scenario_findings import (
    Finder,
    StepResult,
    money_findings,
)
from rmfs_tools.scenario_pace import Pace
from rmfs_tools.scenario_world import World

Say = Callable[[str], None]


class ScenarioPlayError(LocalProtocolError):
    """A step asks for what cannot be done at this point of the scenario."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """One thing that was not as expected.

    Attributes:
        step: Where, like ``steps[3]``; ``money`` for an oracle.
        key: What.
        expected: As the file has it; empty for an oracle.
        found: What was found instead.
    """

    step: str
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        """Say it in one line."""
        if not self.expected:
            return f"{self.step}: {self.found}"
        return f"{self.step}: {self.key} expected {self.expected}, found {self.found}"


@dataclass
class Played:
    """How a scenario went.

    Attributes:
        steps: Steps taken, those of repetitions each time.
        franks: Imprints that came out of the printer.
        dial_ins: Dial-ins begun.
        virtual_s: Time that passed in it.
        unmet: What was not as expected; empty when all was.
        reached: Codes that people were told, with their kind.
        replay: The command that plays it again.
        stopped: Somebody has stopped it before its end.
    """

    name: str
    seed: int
    replay: str
    steps: int = 0
    franks: int = 0
    dial_ins: int = 0
    virtual_s: float = 0.0
    unmet: list[Unmet] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    stopped: bool = False

    @property
    def met(self) -> bool:
        """Whether everything was as expected, to its end."""
        return not self.unmet and not self.stopped


def play(
    scenario: Scenario,
    *,
    seed: int | None = None,
    pictures: Path | None = None,
    say: Say = lambda _line: None,
    called: str = "",
    begin_pace: Callable[[], Pace] | None = None,
) -> Played:
    """Play a scenario from its start to its end, or to the first step that is not met.

    Args:
        scenario: Which.
        seed: In place of the scenario's own.
        pictures: Where pictures of franks go, or None.
        say: Told of every step, for people.
        called: What to play it again by: a file or a name; its name if left out.
        begin_pace: Begins a pace when the first step does; None: time passes at once.

    Returns:
        How it went, with every oracle's finding.
    """
    chosen = scenario.seed if seed is None else seed
    replay = f"rmfs scenario run {called or scenario.name} --seed {chosen}"
    played = Played(scenario.name, chosen, replay)
    with TemporaryDirectory(prefix="rmfs-scenario-") as folder:
        world = World(scenario, Path(folder), chosen, pictures)
        try:
            if begin_pace is not None:
                world.keep_pace(begin_pace())
            _Player(world, played, say).play()
        finally:
            world.close()
    return played


class _Player:
    """Takes the steps of one scenario in its world."""

    def __init__(self, world: World, played: Played, say: Say) -> None:
        self._world = world
        self._played = played
        self._say = say
        self._result = StepResult()
        self._turn = 1
        self._images: dict[str, tuple[bytes, bytes]] = {}

    def play(self) -> None:
        """Take every step, then run the oracles on what the memories hold."""
        world, played = self._world, self._played
        began = world.wall.utc()
        self._note_reached()
        self._take_all(world.scenario.steps)
        if played.stopped:
            world.put_away()
        played.unmet += [Unmet("money", "", "", one) for one in money_findings(world)]
        played.franks = world.printer.printed
        played.dial_ins = world.dial_ins
        played.virtual_s = (world.wall.utc() - began).total_seconds()

    def _take_all(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if self._has_ended or not self._comes(step):
                return
            self._take(step)

    @property
    def _has_ended(self) -> bool:
        return bool(self._played.unmet) or self._played.stopped

    def _comes(self, step: Step) -> bool:
        """Wait for a step; whether it comes."""
        if step.at is not None:
            return self._wait_until(step.at.after(self._world.wall.utc()), step.place)
        self._played.stopped = not self._world.goes_on()
        return not self._played.stopped

    def _wait_until(self, moment: datetime, place: str) -> bool:
        world = self._world
        lapse = moment - world.wall.utc()
        if world.is_paced and lapse > timedelta(0):
            shown = timedelta(seconds=round(lapse.total_seconds()))
            at = moment.astimezone(INDIA)
            self._say(f"    {place} comes at {at:%Y-%m-%d %H:%M:%S}, in {shown}")
        self._played.stopped = not world.wait_until(moment)
        return not self._played.stopped

    def _take(self, step: Step) -> None:
        world = self._world
        self._played.steps += 1
        if not isinstance(step.action, Repeat):
            self._tell(step)
        self._result = StepResult()
        try:
            if step.action is not None:
                self._do(step.action)
        except PowerCutError:
            self._result.cut = True
            world.power_lost()
        except RmfsError as error:
            self._result.error = str(error)
        self._note_reached()
        if self._has_ended:
            return
        self._tell_result()
        unmet = list(self._unmet(step))
        self._played.unmet += unmet
        for one in unmet:
            self._say(f"    NOT MET {one}")
        if world.is_paced and not unmet and not isinstance(step.action, Repeat):
            self._say("    as expected")

    def _unmet(self, step: Step) -> Iterator[Unmet]:
        finder = Finder(self._world, self._result)
        for key, expected in step.expect.items():
            try:
                found = finder.find(key)
            except RmfsError as error:
                yield Unmet(step.place, key, _shown(expected), str(error))
                continue
            if not is_met(key, expected, found):
                yield Unmet(step.place, key, _shown(expected), _shown(found))
        result = self._result
        if result.refusal is not None and "refused" not in step.expect:
            found = f"{result.refusal.code} {result.refusal.words}"
            yield Unmet(step.place, "refused", "nothing", found)
        if result.error is not None and "fails" not in step.expect:
            yield Unmet(step.place, "fails", "nothing", result.error)
        if result.cut and step.expect.get("power") != "off":
            yield Unmet(step.place, "power", "on", "a power cut")

    def _tell(self, step: Step) -> None:
        moment = self._world.wall.utc().astimezone(INDIA)
        said = f": {step.say}" if step.say else ""
        verb = step.verb or "expect"
        self._say(f"{moment:%Y-%m-%d %H:%M:%S}  {step.place} {verb}{said}")

    def _tell_result(self) -> None:
        result = self._result
        if result.done > 1:
            self._say(f"    {result.done} done")
        if result.report is not None:
            self._say(f"    {result.report.outcome.value}")
        if result.pin is not None:
            self._say(f"    {result.pin.verdict.words}")
        if result.refusal is not None:
            self._say(f"    {result.refusal.code} {result.refusal.words}")
        if result.error is not None:
            self._say(f"    {result.error}")
        if result.cut:
            self._say("    the power fails")

    def _note_reached(self) -> None:
        result, machine = self._result, self._world.machine
        told: list[Any] = [result.refusal, result.meanwhile]
        told += [*machine.faults, *self._world.failed_parts]
        if result.pin is not None:
            told.append(result.pin.verdict)
        self._played.reached |= {
            reached_name(one) for one in told if isinstance(one, Coded)
        }

    def _answer(self, refusal: Any) -> bool:
        """Take what the machine answered; whether it refused."""
        if refusal is not None:
            self._result.refusal = refusal
        return refusal is not None

    # What each verb does.

    @singledispatchmethod
    def _do(self, action: Any) -> None:
        raise LocalProtocolError(f"nobody plays {type(action).__name__}")

    @_do.register
    def _(self, action: Repeat) -> None:
        outer = self._turn
        began = self._world.wall.utc()
        for turn in range(1, action.times + 1):
            if action.every is not None:
                moment = began + action.every * (turn - 1)
                if not self._wait_until(moment, f"turn {turn}"):
                    return
            self._turn = turn
            self._take_all(action.steps)
            if self._has_ended:
                return
        self._turn = outer
        self._result = StepResult()

    # Franking.

    @_do.register
    def _(self, action: FrankItems) -> None:
        world = self._world
        franking = world.machine.franking
        for department in action.departments or (None,):
            if department is not None and self._answer(
                franking.choose_department(department)
            ):
                return
            for letters in action.classes or (None,):
                if self._answer(self._chosen(letters, action.zone, action.day)):
                    return
                if action.weight_g is not None:
                    world.scale.put(action.weight_g)
                self._frank(action)
                if action.weight_g is not None:
                    world.scale.remove()
                if self._result.refusal is not None:
                    return

    def _frank(self, action: FrankItems) -> None:
        franking = self._world.machine.franking
        for _ in range(action.count):
            done = franking.frank(confirmed=action.confirm)
            if not isinstance(done, Printed):
                self._result.refusal = done
                return
            self._result.done += 1
        if action.until_refused:
            message = f"{action.count} items were franked, and none was refused"
            raise ScenarioPlayError(message)

    def _chosen(self, letters: str | None, zone: str, wanted: Day | None) -> Any:
        franking = self._world.machine.franking
        refusal: Any = None
        if letters is not None:
            number = parse_class(letters, self._world.machine.tariff)
            refusal = franking.choose_class(number)
        if refusal is None and zone:
            refusal = franking.choose_zone(zone)
        if refusal is None and wanted is not None:
            refusal = franking.choose_day(wanted)
        return refusal

    @_do.register
    def _(self, action: TryOut) -> None:
        for _ in range(action.count):
            done = self._world.machine.franking.try_out()
            if not isinstance(done, Printed):
                self._result.refusal = done
                return
            if action.zero and done.frank is None:
                mark = done.face.mark.value
                raise ScenarioPlayError(f"a {mark} imprint came out, no zero imprint")
            self._result.done += 1

    @_do.register
    def _(self, action: Choose) -> None:
        franking = self._world.machine.franking
        if action.department is not None and self._answer(
            franking.choose_department(action.department)
        ):
            return
        if self._answer(self._chosen(action.product_class, "", action.day)):
            return
        if action.zone is not None and self._answer(franking.choose_zone(action.zone)):
            return
        if action.slogan is not None:
            self._answer(franking.choose_slogan(action.slogan))

    @_do.register
    def _(self, action: AskPsd) -> None:
        psd = self._world.machine.psd
        today = business_date(self._world.wall.now())
        order = FrankOrder(
            action.value_paise, action.product_class, today + timedelta(action.day)
        )
        done = psd.debit(order)
        if not isinstance(done, Frank):
            self._result.refusal = done
            return
        message = f"the PSD has debited {done.value_paise} paise for nothing"
        raise ScenarioPlayError(message)

    @_do.register
    def _(self, action: PrintReport) -> None:
        done = report(
            self._world.machine,
            action.kind,
            again=action.again,
            by_total=action.by_total,
        )
        if isinstance(done, tuple):
            self._result.done = len(done)
        else:
            self._result.refusal = done

    # Dialling in.

    @_do.register
    def _(self, action: DialIn) -> None:
        machine = self._world.machine
        if action.if_due and not machine.calls.due:
            return
        kind = RequestKind[action.kind.upper()]
        plan = machine.calls.plan(kind, action.amount_paise)
        if not isinstance(plan, DialPlan):
            self._result.refusal = plan
            return
        when_up = self._meanwhile(action.meanwhile) if action.meanwhile else None
        self._result.report = self._world.dial(plan.request, action.attempts, when_up)
        machine.calls.done(self._result.report)
        self._result.done = 1

    def _meanwhile(self, what: str) -> Callable[[], None]:
        def do() -> None:
            machine = self._world.machine
            done: Any
            if what == "frank":
                self._world.scale.put(18)
                done = machine.franking.frank()
                self._world.scale.remove()
            else:
                done = machine.calls.plan(INSPECTION.kind)
            self._result.meanwhile = done if isinstance(done, Coded) else None

        return do

    @_do.register
    def _(self, action: LoseCarrier) -> None:
        during = MessageType[action.during.upper().replace("-", "_")]
        self._world.lose_carrier(during, action.number)

    # Operators, supervisor, service.

    @_do.register
    def _(self, action: EnterPin) -> None:
        machine = self._world.machine
        role = Role[action.role.upper()]
        for _ in range(action.times):
            answer = machine.desk.enter(role, action.pin)
            self._result.pin = answer
            self._note_reached()
            if action.patiently and answer.wait_until:
                # One second more: the machine's clock may lose a little.
                wait_s = max(0, answer.wait_until - self._clock()) + 1
                self._world.pass_until(
                    self._world.wall.utc() + timedelta(seconds=wait_s)
                )

    def _clock(self) -> int:
        return self._world.machine.psd.time or self._world.wall.now()

    @_do.register
    def _(self, action: SetPin) -> None:
        role = Role[action.role.upper()]
        self._answer(self._world.machine.desk.set_pin(role, action.pin))

    @_do.register
    def _(self, _action: Leave) -> None:
        self._world.machine.desk.leave()

    @_do.register
    def _(self, action: Change) -> None:
        self._answer(self._world.machine.desk.change(**action.changes))

    @_do.register
    def _(self, action: PutDepartment) -> None:
        self._answer(self._world.machine.desk.put_department(action.department))

    @_do.register
    def _(self, action: DropDepartment) -> None:
        self._answer(self._world.machine.desk.drop_department(action.number))

    @_do.register
    def _(self, action: Serve) -> None:
        service = Service[action.service.upper().replace("-", "_")]
        self._answer(self._world.machine.desk.serve(service))

    @_do.register
    def _(self, action: NewFlash) -> None:
        world = self._world
        self._answer(
            put_new_flash(world.machine, world.renew_flash, meant=action.meant)
        )

    # What happens around the machine.

    @_do.register
    def _(self, action: Sense) -> None:
        self._world.machine.sense(**action.changes)

    @_do.register
    def _(self, action: UseScale) -> None:
        scale = self._world.scale
        if action.mend:
            scale.mend()
        if action.fault:
            scale.fail(ScaleFault[action.fault.upper().replace("-", "_")])
        if action.put_g is not None:
            scale.put(action.put_g)
        if action.shake:
            scale.shake(action.shake)
        if action.weigh and self._world.machine.is_on:
            self._world.machine.franking.weigh()

    @_do.register
    def _(self, action: Power) -> None:
        if action.way == "on":
            self._world.power_on()
        elif action.way == "off":
            self._world.machine.switch_off()
        else:
            self._world.power_cycle()

    @_do.register
    def _(self, action: CutPower) -> None:
        write = self._turn if action.write == TURN else action.write
        if action.during == "print":
            self._world.printer.cut = True
            return
        memory = {"nvram": self._world.nvram, "flash": self._world.flash}
        memory[action.during].cut_at(write, action.torn_octets)

    @_do.register
    def _(self, _action: FailPrint) -> None:
        self._world.printer.failing = True

    @_do.register
    def _(self, _action: LoseClock) -> None:
        self._world.battery.set(utc_instant(NO_TIME))
        self._world.machine.look()

    @_do.register
    def _(self, _action: Tamper) -> None:
        self._world.machine.desk.tampered()

    @_do.register
    def _(self, action: CopyImage) -> None:
        self._images[action.name] = (
            self._world.nvram.chip.image(),
            self._world.flash.chip.image(),
        )

    @_do.register
    def _(self, action: RestoreImage) -> None:
        self._must_be_off()
        if action.name not in self._images:
            message = f"no image was copied as {action.name!r}: copy-image comes first"
            raise ScenarioPlayError(message)
        self._world.put_images(*self._images[action.name])

    @_do.register
    def _(self, action: ApplyPreset) -> None:
        self._must_be_off()
        self._world.apply_preset(action.name)

    @_do.register
    def _(self, action: FailMemory) -> None:
        self._world.flash.fail(action.how)

    @_do.register
    def _(self, action: Damage) -> None:
        self._must_be_off()
        if action.what == "registers":
            self._unbalance()
        elif action.what in _CONTENT_KINDS:
            for address in SLOTS[_CONTENT_KINDS[action.what]].addresses:
                self._world.flash.flip(address + PART_HEAD_OCTETS)
        else:
            self._damage_vault(action)

    def _damage_vault(self, action: Damage) -> None:
        region, name = _VAULTS[action.what]
        memory = self._world.nvram if name == "nvram" else self._world.flash
        for start in range(action.starts):
            if start:
                Vault(memory.chip, region)
            for address in region.addresses[: action.copies]:
                memory.flip(address + _INSIDE)

    def _unbalance(self) -> None:
        vault = Vault(self._world.nvram.chip, STATE)
        record = decode_record(vault.content)
        held = record.registers
        more = Paise(held.descending_paise + 100)
        wrong = replace(record, registers=replace(held, descending_paise=more))
        vault.commit(encode_record(wrong))

    def _must_be_off(self) -> None:
        if self._world.machine.is_on:
            raise ScenarioPlayError("the machine is on: switch it off before")

    # The server.

    @_do.register
    def _(self, action: GiveOrder) -> None:
        world = self._world
        if action.content is None:
            kind = OrderKind[action.kind.upper().replace("-", "_")]
            world.administration.order(
                world.licence, kind, action.value or 0, world.by()
            )
        else:
            world.order_content(self._body(action.kind, **action.content))

    def _body(self, kind: str, **given: Any) -> Body:
        if kind == "tariff":
            return _tariff(**given)
        if kind == "slogan":
            number, lines = given["number"], given["lines"]
            approval = f"scenario {self._world.scenario.name}"[:40]
            return Slogan(number, lines[0], lines, given["customer"], approval)
        if kind == "firmware":
            version = given["version"]
            payload = fill_payload(version, given["payload_octets"])
            return FirmwareImage(version, "a scenario's", given["boots"], payload)
        return CreditKeyUpdate(self._world.provisioning(given["number"]))

    @_do.register
    def _(self, action: ChangeLicence) -> None:
        state = action.state
        self._world.administration.set_licence(
            self._world.licence,
            self._world.by(),
            state=None if state is None else LicenceState[state.upper()],
            expires_on=action.expires_on,
            refund_allowed=action.refund_allowed,
        )

    @_do.register
    def _(self, action: Deposit) -> None:
        self._world.deposit(action.amount_paise)

    @_do.register
    def _(self, action: Install) -> None:
        self._world.install(action.pin_code)
        self._world.machine.look()

    @_do.register
    def _(self, action: Reinitialise) -> None:
        world = self._world
        licence = LicenceIdentifier(action.licence)
        world.machine.psd.reinitialise(licence, world.entropy(f"life {licence}"))
        world.machine.desk.begin_life()
        world.licence = licence
        world.enrol()


_INSIDE: Final = 20
"""An octet inside the content of a copy."""
_VAULTS: Final[dict[str, tuple[Region, str]]] = {
    "psd-record": (STATE, "nvram"),
    "psd-keys": (KEYS, "nvram"),
    "settings": (SETTINGS, "flash"),
    "update": (UPDATE, "flash"),
}
_CONTENT_KINDS: Final = {
    "tariff": ContentKind.TARIFF,
    "slogan": ContentKind.SLOGAN,
    "firmware": ContentKind.FIRMWARE,
}
_FIRST_MORE: Final = 100


def _tariff(
    number: int,
    valid_from: Any,
    dearer_paise: int,
    without: Sequence[str],
    more_classes: int,
) -> Tariff:
    """Make a tariff from the factory's."""
    factory = factory_tariff()
    classes = tuple(
        _dearer(one, dearer_paise)
        for one in factory.classes
        if one.letters not in without
    )
    more = tuple(
        ProductClass(
            _FIRST_MORE + one,
            f"X{one}",
            f"another class {one}",
            "own: for a scenario",
            (),
            (TariffStep(500, (100,)),),
            None,
            500,
        )
        for one in range(1, more_classes + 1)
    )
    return replace(
        factory,
        number=number,
        valid_from=valid_from,
        name=f"Postage of tariff {number}",
        source="own: made for a scenario from the factory's",
        classes=(*classes, *more),
    )


def _dearer(one: ProductClass, paise: int) -> ProductClass:
    steps = tuple(
        replace(step, paise=tuple(price + paise for price in step.paise))
        for step in one.steps
    )
    return replace(one, steps=steps)


def _shown(value: Any) -> str:
    """Show a value to people; refusals by name, so that they can be copied."""
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_shown(one) for one in value) + "]"
    if isinstance(value, Coded):
        return value.name
    if value is None:
        return "nothing"
    if isinstance(value, NextWorkingDay):
        return spelled(value)
    return str(value)

"""What of a machine a panel may show, at one moment: a snapshot of plain values.

`facts_of` is the only function of the panel that reads a machine without being wished
to. It weighs: a scale that is asked answers in its own time.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from fm_device.firmware.boot import BootState
from fm_device.firmware.consumables import Sensors
from fm_device.firmware.dates import offered_day
from fm_device.firmware.faults import FaultKind
from fm_device.firmware.machine import Machine
from fm_device.flash.settings import Medium
from fm_device.frank import FrankFace
from fm_device.postage.pricing import Postage
from fm_device.psd.pins import Role
from fm_device.psd.records import NOTHING
from fm_device.psd.states import Silence
from hw.scales.port import ScaleFault
from protocol.parameters import INDIA, business_date
from protocol.registers import MachineState, Registers
from protocol.values import EpochSeconds, Paise

_NO_REGISTERS: Final = Registers(NOTHING, NOTHING, NOTHING, 0, 0)
_DIAL_SOON: Final = "DIAL IN SOON: the machine blocks 31 days after its last dial-in"
_CALL_DUE: Final = "DIAL IN: a call is due"
_PENDING: Final = "PENDING: dial in to have it settled"


@dataclass(frozen=True, slots=True)
class FaultFact:
    """A fault that stands; `stops` when it forbids franking."""

    code: str
    words: str
    stops: bool


@dataclass(frozen=True, slots=True)
class ClassFact:
    """A product class of the tariff in force."""

    number: int
    letters: str
    name: str
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberFact:
    """Something with a number and a name: a department, a slogan."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class PriceFact:
    """What lies on the scale and what it costs, or why that is not known.

    Attributes:
        weight: In grams, or None without a weight.
        value_paise: The postage, or None.
        words: Why there is none, and what to do; else empty.
    """

    weight: int | None = None
    value_paise: Paise | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class SettingsFact:
    """The settings that the panel can change."""

    high_value_paise: Paise = NOTHING
    low_funds_paise: Paise = NOTHING
    pins_on: bool = False
    accounts_on: bool = False
    medium: Medium = Medium.PAPER


@dataclass(frozen=True, slots=True)
class Facts:
    """A machine at one moment; the defaults are those of a machine that is off.

    Attributes:
        on: It is switched on and has a memory to work with.
        boot: How its start went.
        licence: Its licence identifier.
        state: Its state.
        registers: AR, DR, CT and counters.
        server_funds_paise: Funds at the server, as of the last dial-in.
        now: Its clock, or None when that is not set.
        day: The day that the next frank bears.
        offered_day: A day that the machine offers in place of today, or None.
        days_ahead_max: How far a day may lie ahead.
        product_class: The class that is chosen.
        zone: Its zone, or empty.
        department: Who pays; number 0 for nobody in particular.
        slogan: What is printed beside the frank; number 0 for nothing.
        price: What lies on the scale.
        classes: What may be chosen.
        departments: What may be chosen.
        slogans: What may be chosen.
        faults: What stands, stops first.
        warning: What the operator should do soon, or empty.
        settings: What the supervisor has set.
        pins: The roles that have a PIN.
        opened: Those whose PIN was given.
        face: What the last frank shows, or None.
        dialling: A dial-in is under way.
        with_line: There is a line to dial.
        sensors: What is around the machine, which its panel does not show.
    """

    on: bool = False
    boot: BootState = BootState.OFF
    licence: str = ""
    state: MachineState = MachineState.UNINSTALLED
    registers: Registers = _NO_REGISTERS
    server_funds_paise: Paise = NOTHING
    now: EpochSeconds | None = None
    day: date | None = None
    offered_day: date | None = None
    days_ahead_max: int = 0
    product_class: ClassFact | None = None
    zone: str = ""
    department: NumberFact = NumberFact(0, "none")
    slogan: NumberFact = NumberFact(0, "none")
    price: PriceFact = field(default_factory=PriceFact)
    classes: tuple[ClassFact, ...] = ()
    departments: tuple[NumberFact, ...] = ()
    slogans: tuple[NumberFact, ...] = ()
    faults: tuple[FaultFact, ...] = ()
    warning: str = ""
    settings: SettingsFact = field(default_factory=SettingsFact)
    pins: frozenset[Role] = frozenset()
    opened: frozenset[Role] = frozenset()
    face: FrankFace | None = None
    dialling: bool = False
    with_line: bool = False
    sensors: Sensors = field(default_factory=Sensors)

    @property
    def stop(self) -> FaultFact | None:
        """The first fault that forbids franking, or None."""
        return next((fault for fault in self.faults if fault.stops), None)


def facts_of(machine: Machine, *, with_line: bool = False) -> Facts:
    """Look at a machine.

    Args:
        machine: On or off; nobody else uses it meanwhile.
        with_line: There is a line to dial.
    """
    if not machine.is_on:
        return Facts(boot=machine.boot, with_line=with_line, sensors=machine.sensors)
    price = _price(machine)
    psd, settings, selection = machine.psd, machine.settings, machine.franking.selection
    now = psd.time
    last = machine.franking.last
    classes = _classes(machine)
    departments = tuple(
        NumberFact(one.number, one.name) for one in settings.departments
    )
    slogans = tuple(
        NumberFact(one.number, one.name) for one in machine.contents.slogans
    )
    return Facts(
        on=True,
        boot=machine.boot,
        licence=machine.record.life.licence,
        state=psd.state,
        registers=machine.record.registers,
        server_funds_paise=machine.record.funds_paise,
        now=now,
        day=machine.franking.day,
        offered_day=_offered(machine),
        days_ahead_max=settings.date_advance_max_days,
        product_class=next(
            (one for one in classes if one.number == selection.product_class), None
        ),
        zone=selection.zone,
        department=_named(departments, selection.department),
        slogan=_named(slogans, settings.slogan),
        price=price,
        classes=classes,
        departments=departments,
        slogans=slogans,
        faults=tuple(
            FaultFact(fault.code, fault.words, fault.kind is FaultKind.STOP)
            for fault in machine.faults
        ),
        warning=_warning(machine),
        settings=SettingsFact(
            settings.high_value_paise,
            settings.low_funds_paise,
            settings.pins_on,
            settings.accounts_on,
            settings.medium,
        ),
        pins=frozenset(role for role in Role if psd.has_pin(role)),
        opened=frozenset(
            role for role in Role if psd.has_pin(role) and machine.desk.may(role)
        ),
        face=None if last is None else last.face,
        dialling=psd.dialling,
        with_line=with_line,
        sensors=machine.sensors,
    )


def _price(machine: Machine) -> PriceFact:
    reading = machine.franking.weigh()
    weight = None if isinstance(reading, ScaleFault) else reading.grams
    priced = machine.franking.price()
    if isinstance(priced, Postage):
        return PriceFact(weight, priced.value_paise)
    return PriceFact(weight, None, priced.words)


def _classes(machine: Machine) -> tuple[ClassFact, ...]:
    tariff = machine.tariff
    if tariff is None:
        return ()
    return tuple(
        ClassFact(one.number, one.letters, one.name, tuple(one.zones))
        for one in tariff.classes
    )


def _named(known: tuple[NumberFact, ...], number: int) -> NumberFact:
    if not number:
        return NumberFact(0, "none")
    return next((one for one in known if one.number == number), NumberFact(number, "?"))


def _offered(machine: Machine) -> date | None:
    """The next working day, from the supervisor's time on and until one is chosen."""
    now = machine.psd.time
    if now is None or machine.franking.selection.day is not None:
        return None
    moment = datetime.fromtimestamp(now, INDIA)
    minute = moment.hour * 60 + moment.minute
    return offered_day(business_date(now), minute, machine.settings.auto_advance_minute)


def _warning(machine: Machine) -> str:
    if machine.record.pending is not None:
        return _PENDING
    if machine.psd.silence is Silence.WARN:
        return _DIAL_SOON
    return _CALL_DUE if machine.psd.call_due else ""

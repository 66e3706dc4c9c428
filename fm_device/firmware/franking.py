"""From a letter on the scale to a frank on it: choose, weigh, price, debit, print.

Neither weight nor postage can be keyed in: the weight comes from the scale, the postage
from the tariff in force on the day that the frank bears. What was chosen is forgotten
when the machine is switched off.

The debit has three steps (`fm_device.psd.franking`): what the power cuts between the
first and the last is accounted as printed.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from fm_device.firmware.boot import BootState
from fm_device.firmware.consumables import ScaleCondition, after_frank
from fm_device.firmware.dates import (
    DateChoice,
    DateRefusal,
    NextWorkingDay,
    advance,
    largest_advance,
    printed_on,
)
from fm_device.firmware.faults import FaultKind, MachineFault
from fm_device.firmware.printing import MARK_OF, frank_face, trial_face
from fm_device.firmware.refusals import FirmwareRefusal, Refusal
from fm_device.frank import FrankFace
from fm_device.postage.factory import factory_tariff
from fm_device.postage.pricing import Postage, PostageRefusal, postage
from fm_device.psd.franking import Frank, FrankOrder, FrankRefusal
from fm_device.psd.pins import Role
from fm_device.psd.states import Silence
from hw.scales.port import Reading, ScaleFault, Weight
from protocol.contents import ProductClass, Slogan
from protocol.errors import LocalProtocolError
from protocol.parameters import business_date
from protocol.registers import MachineState
from protocol.values import Paise

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine

LETTER: Final = 3
"""The class of a machine that was just switched on: a letter, as most mail is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the operator has chosen for the next franks.

    Attributes:
        product_class: Number of the class.
        zone: How far the item goes, for classes that ask; else empty.
        department: 1 to 50, or 0 for none.
        day: The day that franks bear, or None for today.
    """

    product_class: int = LETTER
    zone: str = ""
    department: int = 0
    day: DateChoice | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """One frank that came out of the printer.

    Attributes:
        face: What it shows.
        frank: What was debited; None for a specimen or void imprint, which cost
            nothing.
        warnings: What the operator should know now.
    """

    face: FrankFace
    frank: Frank | None
    warnings: tuple[str, ...] = ()


_SCALE_FAULTS: Final = {
    ScaleFault.OVERLOAD: ScaleCondition.OVERLOAD,
    ScaleFault.NOT_ZERO: ScaleCondition.NOT_ZERO,
    ScaleFault.UNDERLOAD: ScaleCondition.NOT_ZERO,
    ScaleFault.UNSTABLE: ScaleCondition.UNSTABLE,
}
_SCALE_REFUSALS: Final = {
    ScaleCondition.OVERLOAD: MachineFault.SCALE_OVERLOAD,
    ScaleCondition.NOT_ZERO: MachineFault.SCALE_NOT_ZERO,
    ScaleCondition.UNSTABLE: MachineFault.SCALE_UNSTABLE,
    ScaleCondition.FAULT: MachineFault.SCALE_FAULT,
}
_ASKED_WHEN_NEEDED: Final = frozenset(_SCALE_REFUSALS.values())
_UNKNOWN_CLASS: Final = factory_tariff().classes[0]


def _condition_of(reading: Reading) -> ScaleCondition:
    if isinstance(reading, Weight):
        return ScaleCondition.AT_REST
    return _SCALE_FAULTS.get(reading, ScaleCondition.FAULT)


class Franking:
    """Everything about franks of one machine."""

    def __init__(self, machine: "Machine") -> None:
        """Belong to a machine; nothing is chosen yet."""
        self.selection = Selection()
        self.last: Printed | None = None
        self._machine = machine

    def forget(self) -> None:
        """Forget what was chosen, as at power-off."""
        self.selection = Selection()
        self.last = None

    # Choosing.

    def choose_class(self, product_class: int) -> Refusal | None:
        """Choose a class of the tariff in force; its zone is to be chosen anew."""
        tariff = self._machine.tariff
        if tariff is None:
            has_clock = self._machine.psd.time is not None
            return PostageRefusal.NO_TARIFF if has_clock else FrankRefusal.CLOCK_NOT_SET
        if tariff.find(product_class) is None:
            return PostageRefusal.CLASS_UNKNOWN
        self.selection = replace(self.selection, product_class=product_class, zone="")
        return None

    def choose_zone(self, zone: str) -> Refusal | None:
        """Choose how far the item goes."""
        found = self.product_class
        if found is None or zone not in found.zones:
            return PostageRefusal.ZONE_UNKNOWN
        self.selection = replace(self.selection, zone=zone)
        return None

    def choose_department(self, department: int) -> Refusal | None:
        """Choose who pays; 0 for nobody in particular. The date goes back to today."""
        known = self._machine.settings.department(department)
        if department and known is None:
            return FirmwareRefusal.DEPARTMENT_UNKNOWN
        if known is not None and known.pin_needed and not self._may_operate():
            return FirmwareRefusal.PIN_NEEDED
        if department != self.selection.department:
            self.selection = replace(self.selection, department=department, day=None)
            self._machine.look()
        return None

    def choose_day(self, wanted: int | date | NextWorkingDay) -> Refusal | None:
        """Choose the day that franks bear.

        Args:
            wanted: So many days ahead, a day, or the next working day.
        """
        now = self._machine.psd.time
        if now is None:
            return FrankRefusal.CLOCK_NOT_SET
        today = business_date(now)
        limit = self._machine.settings.date_advance_max_days
        day = advance(today, wanted, limit)
        if isinstance(day, DateRefusal):
            return day
        choice = DateChoice(day, today, self.selection.department)
        self.selection = replace(self.selection, day=choice if day > today else None)
        self._machine.look()
        return None

    def choose_slogan(self, number: int) -> Refusal | None:
        """Choose the slogan printed beside franks; 0 for none. It stays chosen."""
        found = self._slogan(number)
        if number and found is None:
            return FirmwareRefusal.NO_SLOGAN
        self._machine.set(slogan=number)
        self._machine.look()
        return None

    # What is chosen, and what it costs.

    @property
    def product_class(self) -> ProductClass | None:
        """The class that is chosen, as the tariff in force has it."""
        tariff = self._machine.tariff
        return None if tariff is None else tariff.find(self.selection.product_class)

    @property
    def slogan(self) -> Slogan | None:
        """The slogan that is chosen, if it is on hand."""
        return self._slogan(self._machine.settings.slogan)

    @property
    def day(self) -> date | None:
        """The day that the next frank bears, or None without a clock."""
        now = self._machine.psd.time
        if now is None:
            return None
        selection = self.selection
        return printed_on(selection.day, business_date(now), selection.department)

    @property
    def day_possible(self) -> bool:
        """Whether the day that was chosen is within the limit of now."""
        if self.selection.day is None:
            return True
        day, now = self.day, self._machine.psd.time
        if day is None or now is None:
            return True
        today = business_date(now)
        limit = self._machine.settings.date_advance_max_days
        return (day - today).days <= largest_advance(today, limit)

    def weigh(self) -> Reading:
        """Read the scale; a fault of the scale stands until it weighs again."""
        reading = self._machine.parts.scale.weigh_stable()
        condition = _condition_of(reading)
        if condition is not self._machine.sensors.scale:
            self._machine.sense(scale=condition)
        return reading

    def zero_scale(self) -> Refusal | None:
        """Take what lies on the scale for nothing, and weigh anew."""
        fault = self._machine.parts.scale.zero()
        self.weigh()
        return None if fault is None else _SCALE_REFUSALS[_condition_of(fault)]

    def price(self) -> Postage | Refusal:
        """Weigh what lies on the scale, and say what it costs on the frank's day."""
        found, day = self.product_class, self.day
        if day is None:
            return FrankRefusal.CLOCK_NOT_SET
        reading = self.weigh()
        if isinstance(reading, ScaleFault) and (found is None or not found.is_flat):
            return _SCALE_REFUSALS[self._machine.sensors.scale]
        grams = reading.grams if isinstance(reading, Weight) else 0
        return postage(
            self._machine.contents.tariffs,
            day,
            self.selection.product_class,
            grams,
            self.selection.zone,
        )

    # Franking.

    def frank(self, *, confirmed: bool = False) -> Printed | Refusal:
        """Frank what lies on the scale.

        Args:
            confirmed: The operator has confirmed a high value.

        Raises:
            StoreError: The debit may or may not be stored: nothing was printed.
            PowerCutError: The power failed; the frank may be accounted.
        """
        refusal = self._refused()
        if refusal is not None:
            return refusal
        priced = self.price()
        if not isinstance(priced, Postage):
            return priced
        high = self._machine.settings.high_value_paise
        if high and priced.value_paise > high and not confirmed:
            return FirmwareRefusal.CONFIRM_VALUE
        limited = self._limited(priced.value_paise)
        if limited is not None:
            return limited
        return self._print(
            priced.value_paise, priced.product_class, priced.weight_g, priced.day
        )

    def try_out(self) -> Printed | Refusal:
        """Print to try the machine: a zero imprint in service, else as in `MARK_OF`.

        Raises:
            StoreError: As `frank`.
            PowerCutError: As `frank`.
        """
        machine = self._machine
        stop = self._stopped()
        if stop is not None:
            return stop
        if machine.settings.pins_on and not self._may_operate():
            return FirmwareRefusal.PIN_NEEDED
        state = machine.psd.state
        found = self.product_class or _UNKNOWN_CLASS
        if state is MachineState.IN_SERVICE and machine.psd.time is not None:
            return self._print(Paise(0), found, 0, self.day)
        mark = MARK_OF[state]
        if mark is None or machine.psd.time is None:
            refused = machine.psd.debit(FrankOrder(Paise(0), found.number))
            if isinstance(refused, Frank):
                raise LocalProtocolError(f"a machine that is {state.name} franks")
            return refused
        today = business_date(machine.psd.time)
        face = trial_face(mark, machine.record, machine.settings, found, today)
        return self._out(Printed(face, None), with_slogan=False)

    def _print(
        self,
        value: Paise,
        product_class: ProductClass,
        weight_g: int,
        day: date | None,
    ) -> Printed | Refusal:
        """Debit and print; the PSD refuses a day that midnight has made a past one."""
        machine = self._machine
        slogan = self.slogan
        if slogan is not None and slogan.customer not in (0, self.selection.department):
            return FirmwareRefusal.SLOGAN_NOT_YOURS
        order = FrankOrder(
            value,
            product_class.number,
            day,
            self.selection.department,
            weight_g,
        )
        frank = machine.psd.debit(order)
        if isinstance(frank, FrankRefusal):
            return frank
        face = frank_face(
            frank, machine.record, machine.settings, product_class, slogan
        )
        printed = self._out(Printed(face, frank), with_slogan=slogan is not None)
        machine.psd.complete(frank.item)
        return replace(printed, warnings=self._warnings())

    def _out(self, printed: Printed, *, with_slogan: bool) -> Printed:
        machine = self._machine
        machine.parts.printer.put(printed.face)
        machine.use(
            after_frank(
                machine.sensors, machine.settings.medium, with_slogan=with_slogan
            )
        )
        self.last = printed
        return printed

    # What forbids it.

    def _refused(self) -> Refusal | None:
        machine = self._machine
        stop = self._stopped()
        if stop is not None:
            return stop
        settings = machine.settings
        if settings.pins_on and not self._may_operate():
            return FirmwareRefusal.PIN_NEEDED
        number = self.selection.department
        if not number:
            needed = settings.accounts_on
            return FirmwareRefusal.DEPARTMENT_NEEDED if needed else None
        # It was chosen, and may have been changed or taken away since.
        department = settings.department(number)
        if department is None:
            return FirmwareRefusal.DEPARTMENT_UNKNOWN
        if department.pin_needed and not self._may_operate():
            return FirmwareRefusal.PIN_NEEDED
        return None

    def _stopped(self) -> Refusal | None:
        """The first fault that stops a print; the scale is asked when it is needed."""
        if self._machine.boot is BootState.STOPPED:
            return FirmwareRefusal.STOPPED
        if self._machine.record.open_frank is not None:
            return FirmwareRefusal.PRINT_UNFINISHED
        self._machine.look()
        return next(
            (
                fault
                for fault in self._machine.faults
                if fault.kind is FaultKind.STOP and fault not in _ASKED_WHEN_NEEDED
            ),
            None,
        )

    def _limited(self, value: Paise) -> Refusal | None:
        department = self._machine.settings.department(self.selection.department)
        if department is None or not department.limit_paise:
            return None
        spent = self._machine.desk.spent_paise(department.number)
        over = spent + value > department.limit_paise
        return FirmwareRefusal.DEPARTMENT_LIMIT if over else None

    def _may_operate(self) -> bool:
        return self._machine.desk.may(Role.OPERATOR)

    def _slogan(self, number: int) -> Slogan | None:
        slogans = self._machine.contents.slogans
        return next((one for one in slogans if one.number == number), None)

    def _warnings(self) -> tuple[str, ...]:
        machine = self._machine
        said = [
            fault.words for fault in machine.faults if fault.kind is FaultKind.WARNING
        ]
        if machine.psd.silence is Silence.WARN:
            said.append("DIAL IN SOON: the machine blocks after 30 days without")
        return tuple(said)

"""A scale without hardware: for the simulator, for scenarios, for the lab.

What it does is told to it: something is put on the pan, it is shaken, its zero drifts,
it fails. It counts readings, not seconds, so that it needs no clock.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hw.scales.port import Reading, ScaleFault, reading_of
from protocol.errors import LocalProtocolError

CAPACITY_GRAMS: Final = 5_000
"""Ours: more than any letter weighs."""
CAPACITY_GRAMS_MAX: Final = 100_000
DIVISION_GRAMS: Final = Decimal("0.01")
"""Ours: the finest step that a simulated scale shows."""
ZEROING_PART: Final = Decimal("0.02")
"""How much of the capacity may be taken for zero: 2 %, as usual in shops."""

_WHEN_ZEROED: Final[dict[ScaleFault, ScaleFault | None]] = {
    ScaleFault.OVERLOAD: ScaleFault.NOT_ZERO,
    ScaleFault.UNDERLOAD: ScaleFault.NOT_ZERO,
    ScaleFault.WRONG_UNIT: None,
    ScaleFault.DEFECTIVE: ScaleFault.REFUSED,
}
"""What zeroing says under a fault, where it is not the fault itself."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a scale shows on its own display, before anything is rounded."""

    grams: Decimal
    stable: bool


class SimulatedScale:
    """A scale whose pan, rest and faults are at the caller's command."""

    def __init__(self, *, capacity_grams: int = CAPACITY_GRAMS) -> None:
        """Make a scale that is at rest, empty and zeroed.

        Raises:
            LocalProtocolError: There is no such scale.
        """
        if not 1 <= capacity_grams <= CAPACITY_GRAMS_MAX:
            message = f"a scale weighs up to 1 to {CAPACITY_GRAMS_MAX} g"
            raise LocalProtocolError(message)
        self._capacity = Decimal(capacity_grams)
        self._load = Decimal(0)
        self._zero = Decimal(0)
        self._drift = Decimal(0)
        self._drifted = Decimal(0)
        self._unstable_readings = 0
        self._fault: ScaleFault | None = None
        self._faulty_readings: int | None = None

    @property
    def fault(self) -> ScaleFault | None:
        """The fault that the next reading will have, if it was told to have one."""
        return None if self._faulty_readings == 0 else self._fault

    def put(self, grams: Decimal | int) -> None:
        """Put something on the pan, in place of what lay there.

        Raises:
            LocalProtocolError: Nothing weighs so much.
        """
        load = Decimal(grams)
        if not load.is_finite():
            message = f"nothing weighs {grams} g"
            raise LocalProtocolError(message)
        self._load = load

    def remove(self) -> None:
        """Take everything off the pan."""
        self._load = Decimal(0)

    def shake(self, readings: int) -> None:
        """Be unstable for so many readings."""
        self._unstable_readings = readings

    def drift(self, grams: Decimal) -> None:
        """Let the zero creep by so much with every reading from now on."""
        self._drift = grams

    def fail(self, fault: ScaleFault, readings: int | None = None) -> None:
        """Have a fault for so many readings, or until it is mended."""
        self._fault = fault
        self._faulty_readings = readings

    def mend(self) -> None:
        """Have no fault any more."""
        self._fault = None

    def measure(self) -> Measurement | ScaleFault:
        """Take one reading as the scale's own display would show it."""
        fault = self._fault_of_this_reading()
        if fault is not None:
            return fault
        self._drifted += self._drift
        stable = self._rests()
        if self._raw > self._capacity:
            return ScaleFault.OVERLOAD
        if self._raw < -self._zeroing_range:
            return ScaleFault.UNDERLOAD
        shown = (self._raw - self._zero).quantize(DIVISION_GRAMS)
        return Measurement(shown, stable)

    def weigh(self) -> Reading:
        """Read the weight as it is now."""
        measured = self.measure()
        if isinstance(measured, ScaleFault):
            return measured
        return reading_of(measured.grams, stable=measured.stable)

    def weigh_stable(self) -> Reading:
        """Read a stable weight; a reading that is shaken does not become one."""
        measured = self.measure()
        if isinstance(measured, ScaleFault):
            return measured
        if not measured.stable:
            return ScaleFault.UNSTABLE
        return reading_of(measured.grams, stable=True)

    def zero(self) -> ScaleFault | None:
        """Take what lies on the pan for nothing."""
        fault = self._fault_of_this_reading()
        if fault is not None:
            return _WHEN_ZEROED.get(fault, fault)
        if not self._rests():
            return ScaleFault.UNSTABLE
        if abs(self._raw) > self._zeroing_range:
            return ScaleFault.NOT_ZERO
        self._zero = self._raw
        return None

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    @property
    def _raw(self) -> Decimal:
        return self._load + self._drifted

    @property
    def _zeroing_range(self) -> Decimal:
        return self._capacity * ZEROING_PART

    def _rests(self) -> bool:
        if self._unstable_readings == 0:
            return True
        self._unstable_readings -= 1
        return False

    def _fault_of_this_reading(self) -> ScaleFault | None:
        if self._fault is None or self._faulty_readings is None:
            return self._fault
        if self._faulty_readings == 0:
            self.mend()
            return None
        self._faulty_readings -= 1
        return self._fault

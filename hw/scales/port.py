"""The port for scales: what the machine may ask of any scale, and what it is told.

Postage is computed from the weight that a scale gives, and nobody can key one in, so
whatever is wrong with a scale must be seen and said. Every scale keeps these rules:

1. A reading is a value: a `Weight`, or a `ScaleFault`. Nothing that a scale does or
   sends raises an error, and no call lasts longer than the scale's time-outs.
2. A weight is never one of an earlier reading.
3. Grams are whole and **rounded up**: tariffs go by "up to 20 g", and 20.01 g is more.
   The rule is ours; so is `GRAMS_MAX`.
4. A scale that was away and is back gives weights again, without being told.

A scale is asked by one caller at a time, who waits for its answer: a program with a
reactor asks in a thread.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import Enum
from typing import Final, Protocol

GRAMS_MAX: Final = 65_535
"""The heaviest weight that is told: what two octets of an indicium hold."""


class ScaleFault(Enum):
    """Why there is no weight: the name for programs, the words for people."""

    NO_ANSWER = "the scale does not answer: see that it is on and connected"
    GARBLED = "the scale cannot be understood: check its cable, speed and parity"
    OVERLOAD = "there is too much on the scale: take it off"
    UNDERLOAD = "the pan does not lie on the scale: put it in its place"
    NOT_ZERO = "the empty scale does not show zero: clear the pan and zero it"
    UNSTABLE = "the scale does not come to rest: touch nothing and weigh again"
    WRONG_UNIT = "the scale does not weigh in grams: change its unit to g"
    REFUSED = "the scale does not know the command: set it to MT-SICS"
    DEFECTIVE = "the scale reports a defect: have it serviced"


@dataclass(frozen=True, slots=True)
class Weight:
    """What lies on the scale.

    Attributes:
        grams: Whole grams, rounded up, 0 to `GRAMS_MAX`.
        stable: The scale had come to rest. Postage is computed from no other weight.
    """

    grams: int
    stable: bool


Reading = Weight | ScaleFault


class Scale(Protocol):
    """A scale, wherever it is."""

    def weigh(self) -> Reading:
        """Read the weight as it is now, at rest or not."""
        ...

    def weigh_stable(self) -> Reading:
        """Wait until the scale is at rest, and read a stable weight.

        Returns:
            It, or `UNSTABLE` when the scale does not come to rest in its time.
        """
        ...

    def zero(self) -> ScaleFault | None:
        """Take what lies on the scale for nothing; None when that is done.

        Returns:
            `NOT_ZERO` when there is too much on the scale for a zero.
        """
        ...

    def close(self) -> None:
        """Let go of the scale; a later reading takes hold of it again."""
        ...


def reading_of(grams: Decimal, *, stable: bool) -> Reading:
    """Turn what a scale measured into what the machine is told.

    Args:
        grams: Finite, negative below the scale's zero.
        stable: The scale was at rest.

    Returns:
        The weight. Below zero the zero is wrong, and every letter would be weighed too
        light: `NOT_ZERO`; or a hand just lifted something: `UNSTABLE`.
    """
    if grams < 0:
        return ScaleFault.NOT_ZERO if stable else ScaleFault.UNSTABLE
    if grams > GRAMS_MAX:
        return ScaleFault.OVERLOAD
    return Weight(int(grams.to_integral_value(ROUND_CEILING)), stable)

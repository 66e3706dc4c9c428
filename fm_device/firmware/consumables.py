"""What the machine's sensors tell, and what one print uses up.

The figures are ours: a cartridge of 40 ml gives some 3,300 franks, a roll of tape 300.
Whole numbers only: microlitres, millimetres, degrees.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from fm_device.flash.settings import Medium

INK_UL_FULL: Final = 40_000
INK_UL_FRANK: Final = 12
"""The die, the barcode, the line of the licence."""
INK_UL_SLOGAN: Final = 4
INK_UL_REPORT: Final = 30
INK_UL_LOW: Final = 2_000
"""About 150 franks are left."""
TAPE_MM_FULL: Final = 50_000
TAPE_MM_STRIP: Final = 165
TAPE_MM_LOW: Final = 2_000
"""Twelve strips are left."""
PRINTER_C_LEAST: Final = 5
PRINTER_C_MOST: Final = 50


class ScaleCondition(Enum):
    """How the scale was at its last reading."""

    AT_REST = "at rest"
    UNSTABLE = "unstable"
    OVERLOAD = "overload"
    NOT_ZERO = "not zero"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Sensors:
    """What the sensors tell at one moment; the values of a machine in good order.

    Attributes:
        ink_ul: Ink in the cartridge, in microlitres.
        tape_mm: Tape on the roll.
        cover_open: The cover over the print head is open.
        paper_jam: Something is stuck in the path.
        paper_present: A letter lies in the path, or comes when one is wanted.
        printer_c: Temperature of the print head, in degrees Celsius.
        printer_answers: The print head's electronics answer.
        battery_age_days: Age of the battery that keeps clock and memory.
        scale: How the scale was at its last reading.
    """

    ink_ul: int = INK_UL_FULL
    tape_mm: int = TAPE_MM_FULL
    cover_open: bool = False
    paper_jam: bool = False
    paper_present: bool = True
    printer_c: int = 25
    printer_answers: bool = True
    battery_age_days: int = 0
    scale: ScaleCondition = ScaleCondition.AT_REST


def ink_of_frank_ul(*, with_slogan: bool) -> int:
    """Say how much ink a frank takes."""
    return INK_UL_FRANK + (INK_UL_SLOGAN if with_slogan else 0)


def after_frank(sensors: Sensors, medium: Medium, *, with_slogan: bool) -> Sensors:
    """Use up what one frank takes; what is empty stays empty.

    A frank that was begun with too little ink is printed pale: that it was printed
    does not depend on how it looks.
    """
    used = ink_of_frank_ul(with_slogan=with_slogan)
    inked = replace(sensors, ink_ul=max(0, sensors.ink_ul - used))
    if medium is Medium.PAPER:
        return inked
    return replace(inked, tape_mm=max(0, sensors.tape_mm - TAPE_MM_STRIP))


def after_report(sensors: Sensors) -> Sensors:
    """Use up what one report takes; reports are printed on sheets, never on tape."""
    return replace(sensors, ink_ul=max(0, sensors.ink_ul - INK_UL_REPORT))


def refilled(sensors: Sensors) -> Sensors:
    """Put in a new cartridge and a new roll."""
    return replace(sensors, ink_ul=INK_UL_FULL, tape_mm=TAPE_MM_FULL)
